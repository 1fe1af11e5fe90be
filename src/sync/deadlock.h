/*
 * sync/deadlock.h - threads that wait for each other. What sync/check.h says of fl_check_wait_begin_ and its
 * companions.
 */
#ifndef FL_SYNC_DEADLOCK_H
#define FL_SYNC_DEADLOCK_H

#include "sync/held.h"

int fl_deadlock_begin_(struct fl_check_thread *me, uintptr_t key, const void *site);
void fl_deadlock_end_(struct fl_check_thread *me);
void fl_deadlock_moved_(uint32_t number, uintptr_t key);
void fl_deadlock_given_(uint32_t number);
void fl_deadlock_after_fork_(void);

#endif
