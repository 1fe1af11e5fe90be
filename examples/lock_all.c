/*
 * lock_all.c - how does a thread take several locks at once, when nobody agreed on an order?
 *
 * By fl_lock_all: it takes all or none, in whatever order callers name them, and never waits for one while it holds
 * another, so it cannot deadlock. Three philosophers share three forks and each needs the two beside him; with a lock
 * at a time they starve once each has taken his left one. The checker is on, and finds nothing to report.
 *
 * Prints how often each has eaten, and how often each fork was used.
 */
#include <fairlead/check.h>
#include <fairlead/lock.h>
#include <fairlead/thread.h>
#include <stdio.h>

#define SEATS 3
#define MEALS 2000

static fl_lock forks[SEATS]; /* all zero: free */
static int used[SEATS], eaten[SEATS];

static void *philosopher(void *ret_eaten)
{
	int left = (int)((int *)ret_eaten - eaten), right = (left + 1) % SEATS;
	fl_lock *both[] = {&forks[left], &forks[right]};

	for (int i = 0; i < MEALS; i++) {
		if (fl_lock_all(2, both, FL_FOREVER) != 0)
			break;
		used[left]++;
		used[right]++;
		eaten[left]++;
		fl_lock_all_release(2, both);
	}
	return NULL;
}

int main(void)
{
	fl_thread *threads[SEATS];

	fl_check_enable(FL_CHECK_ORDER);
	for (int i = 0; i < SEATS; i++)
		if (fl_thread_start(&threads[i], NULL, philosopher, &eaten[i]) < 0)
			return 1;
	for (int i = 0; i < SEATS; i++)
		fl_thread_join(threads[i], NULL);
	for (int i = 0; i < SEATS; i++)
		printf("philosopher %d ate %d times, fork %d was used %d times\n", i, eaten[i], i, used[i]);
	return 0;
}
