/*
 * fairlead/check.h - checks that can be switched on: the order of locks, deadlocks, and where time goes.
 *
 * Without rebuilding anything: FAIRLEAD_CHECK=order,times ./program. Or by fl_check_enable at the start of main.
 *
 * order: the first time that two locks are ever taken in both orders (or any longer circle) is reported as
 *        FL_REPORT_ORDER, with both orders, the call sites and the names, before it ever deadlocks; two orders that
 *        are always taken under one and the same outer lock cannot deadlock and are not reported. Threads that do
 *        deadlock on locks are reported as FL_REPORT_DEADLOCK with the whole cycle, and the call that closed it
 *        returns -EDEADLK. A lock is expected to be released by the thread that holds it: one that waits for the
 *        fl_lock which it holds itself is reported, though another thread might still release it. What is released by
 *        others as a rule is a signal: fl_event or fl_semaphore.
 * times: per lock: acquisitions, how many had to wait, how long, how long it was held, from where; printed to standard
 *        error at exit, the most waited-for first.
 *
 * Off, they cost nothing that can be measured; on, see `make bench ARGS=check`.
 */
#ifndef FAIRLEAD_CHECK_H
#define FAIRLEAD_CHECK_H

#include <fairlead/attributes.h>

FL_BEGIN_DECLS

#define FL_CHECK_ORDER 1u
#define FL_CHECK_TIMES 2u

/* Switches checks on; they stay on. Locks that are held at that moment are seen from their next acquisition. Returns 0,
 * -EINVAL: an unknown bit. Any thread may call it; does not block.  Since 0.1. */
int fl_check_enable(unsigned checks);

/* Returns which checks are on. */
unsigned fl_check_enabled(void);

/* Writes the table of times so far to a file descriptor. Returns 0, -EINVAL: FL_CHECK_TIMES is not on, or what
 * write(2) said. */
int fl_check_print_times(int fd);

FL_END_DECLS

#endif
