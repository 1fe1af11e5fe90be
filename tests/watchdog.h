/*
 * watchdog.h - a crowd of threads that begin together, and that are given up when none of them gets any further: a lost
 * wake-up shows as that.
 *
 *     watchdog_expect(n);
 *     for (i = 0; i < n; i++)
 *             pthread_create(...);             // calls watchdog_begin() first and watchdog_end() last
 *     watchdog_watch(progress, give_up);
 *     for (i = 0; i < n; i++)
 *             pthread_join(...);
 *
 * There is one crowd at a time. All of it rests on pthreads, since Fairlead is what is doubted where this is used.
 */
#ifndef FAIRLEAD_TESTS_WATCHDOG_H
#define FAIRLEAD_TESTS_WATCHDOG_H

#include <stdint.h>

enum { WATCHDOG_PATIENCE = 30 }; /* seconds */

/* Before the threads are started: there will be so many. */
void watchdog_expect(unsigned threads);

/* Blocks until all of the crowd have called it. */
void watchdog_begin(void);

/* The calling thread has done its part. */
void watchdog_end(void);

/* Blocks until all have done theirs. progress() is asked every second, and give_up(), which ends the program, is called
 * when it has returned the same for WATCHDOG_PATIENCE. */
void watchdog_watch(uint64_t (*progress)(void), void (*give_up)(void));

#endif
