/*
 * base/fork.h - a forked child, and what must be done at the start of the library.
 */
#ifndef FL_BASE_FORK_H
#define FL_BASE_FORK_H

#include <stdint.h>

/* How often the process is a forked child: 0, 1, ... 63, 1, ... What an object says of threads that wait for it is
 * marked with it, so that a child knows what is said of threads that it does not have. */
extern uint8_t fl_fork_epoch_;

/* Has `handler` called in every forked child, after base has put itself in order. At most 16 of them; called from
 * constructors. */
void fl_fork_register_(void (*handler)(void));

#endif
