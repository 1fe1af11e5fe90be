/*
 * check/exception.h - exceptions of C++, as other models need them.
 */
#ifndef FAIRLEAD_CHECK_EXCEPTION_H
#define FAIRLEAD_CHECK_EXCEPTION_H

#include "run.h"

/* Writes what the exception is that ends the program. Returns whether there is one. */
HIDDEN bool exception_describe(char *text, size_t size);

#endif
