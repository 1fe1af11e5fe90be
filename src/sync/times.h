/*
 * sync/times.h - per lock: how often it was acquired, how long that took, how long it was held.
 */
#ifndef FL_SYNC_TIMES_H
#define FL_SYNC_TIMES_H

#include "sync/held.h"

/* The lock was acquired. `held` is its place on the stack, `me` the thread; either is NULL if there was no memory. */
void fl_times_acquired_(struct fl_check_thread *me, struct fl_held *held, uintptr_t key, const void *site,
			fl_time waited_since);

/* The lock is about to be released; `since` is what fl_held_remove_ returned. */
void fl_times_released_(struct fl_check_thread *me, uintptr_t key, fl_time since);

/* The lock is no more: what was counted is kept with that of others of its name. */
void fl_times_forget_(const void *lock);

/* Writes the table; at exit not if there is nothing in it. Returns 0 or what write(2) said. */
int fl_times_print_(int fd, bool at_exit);

void fl_times_after_fork_(void);

#endif
