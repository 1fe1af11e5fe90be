/*
 * check/touch.h - accesses to memory by functions of the C library.
 */
#ifndef FAIRLEAD_CHECK_TOUCH_H
#define FAIRLEAD_CHECK_TOUCH_H

#include "shadow.h"

/* If under control: a call's range is one access, and a step of its own if its place was learned. */
HIDDEN void touch(const void *at, size_t size, bool write, uintptr_t pc);
/* A call that was compiled with the size of what it writes to ends the program if that is too small. */
HIDDEN void touch_room(size_t size, size_t room, uintptr_t pc);

#endif
