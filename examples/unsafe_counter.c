/*
 * unsafe_counter.c - is it safe for two threads to count in one variable?
 *
 * No. To count is to load, to add one and to store. Who stores an old value plus one wipes out what the other counted
 * in the meantime. On most days few updates are lost, which is why tests miss it. To show it every day, the threads
 * here give way between load and store, and in their first round each waits until both have loaded: one update is
 * lost for certain. A plain `counter++` loses them just as well, but is undefined on top; this program's steps are
 * atomic one by one, and that is not enough.
 *
 * Prints how far they counted, and how many updates were lost. safe_counter.c and atomic_counter.c mend it.
 */
#include <fairlead/barrier.h>
#include <fairlead/thread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#define ROUNDS 100000

static atomic_long counter;
static fl_barrier both_have_loaded = FL_BARRIER_INIT(2, NULL, NULL);

static void *count(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		long old = atomic_load(&counter);

		if (i == 0)
			fl_barrier_wait(&both_have_loaded);
		else
			sched_yield();
		atomic_store(&counter, old + 1);
	}
	return NULL;
}

int main(void)
{
	fl_thread *one, *other;
	long reached;

	if (fl_thread_start(&one, NULL, count, NULL) < 0 || fl_thread_start(&other, NULL, count, NULL) < 0)
		return 1;
	fl_thread_join(one, NULL);
	fl_thread_join(other, NULL);
	reached = atomic_load(&counter);
	printf("counted to %ld instead of %d: %ld updates lost\n", reached, 2 * ROUNDS, 2 * ROUNDS - reached);
	return 0;
}
