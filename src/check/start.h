/*
 * check/start.h - how the checker got into the program.
 */
#ifndef FAIRLEAD_CHECK_START_H
#define FAIRLEAD_CHECK_START_H

#include "raw.h"

/* Before main: whether the program is to be checked as a whole, and not functions of it. */
HIDDEN bool start_is_program(void);

#endif
