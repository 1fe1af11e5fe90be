/*
 * check/entropy.h - random numbers of the program, as other models need them.
 */
#ifndef FAIRLEAD_CHECK_ENTROPY_H
#define FAIRLEAD_CHECK_ENTROPY_H

#include "raw.h"

HIDDEN void entropy_fill(void *to, size_t n);

#endif
