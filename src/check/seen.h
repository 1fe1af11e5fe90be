/*
 * check/seen.h - which parts of the program say what they do with memory.
 */
#ifndef FAIRLEAD_CHECK_SEEN_H
#define FAIRLEAD_CHECK_SEEN_H

#include "raw.h"

#include <link.h>

/* Whether something in it was built with -fsanitize=thread. */
HIDDEN bool seen_module(const struct dl_phdr_info *info);
/* An execution begins: what bounds a search in which every schedule was seen. */
HIDDEN void seen_begin(void);
/* The running thread has made no step for so long, in CPU time, that it is unlikely to make one: if the program was not
 * built for being checked, ends the check and says so. */
HIDDEN void seen_hang(int64_t cpu);

#endif
