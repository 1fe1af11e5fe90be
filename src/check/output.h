/*
 * check/output.h - what the program reads and writes by its first descriptors, which all executions share.
 */
#ifndef FAIRLEAD_CHECK_OUTPUT_H
#define FAIRLEAD_CHECK_OUTPUT_H

#include "run.h"

/* Before an execution: standard input begins anew, and standard output, if it is compared, is empty. */
HIDDEN void output_renew(void);
/* After one that has come to its end: returns whether it has not written what it should. */
HIDDEN bool output_differs(void);

#endif
