/*
 * sync/order.h - the order in which locks are taken.
 */
#ifndef FL_SYNC_ORDER_H
#define FL_SYNC_ORDER_H

#include "sync/held.h"

/* The thread is about to wait for, or take, the lock, while it holds what is on its stack: looks at each of these
 * orders and reports those that can deadlock. The lock itself is left out if it is on the stack. `context` is what to
 * remember once that is done. */
void fl_order_examine_(struct fl_check_thread *me, const void *lock, enum fl_lock_kind kind, const void *site,
		       uint64_t context);

/* Forgets a lock. */
void fl_order_forget_(const void *lock);

void fl_order_after_fork_(void);

#endif
