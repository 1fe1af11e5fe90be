/*
 * rendezvous.c - four threads work in steps: how does none begin the next step before all have done the last?
 *
 * They meet at a barrier after each step. The last to come runs the barrier's action while the others still wait, a
 * good place for what is done once a step. Then all go on, and the barrier is ready for the next round.
 *
 * In each step a thread writes its own part and, after the meeting, reads everybody's: no lock is needed, since
 * no part is written and read in the same step. Prints each meeting, and what the threads saw.
 */
#include <fairlead/barrier.h>
#include <fairlead/thread.h>
#include <stdio.h>

#define THREADS 4

static int part[2][THREADS], sum[THREADS];

static int announce(void *steps)
{
	printf("step %d: all have come\n", ++*(int *)steps);
	return 0;
}

static int steps;
static fl_barrier meeting = FL_BARRIER_INIT(THREADS, announce, &steps);

static void *work(void *ret_sum)
{
	int self = (int)((int *)ret_sum - sum), seen = 0;

	part[0][self] = self + 1;
	fl_barrier_wait(&meeting);
	for (int i = 0; i < THREADS; i++)
		seen += part[0][i];
	part[1][self] = 10 * seen;
	fl_barrier_wait(&meeting);
	for (int i = 0; i < THREADS; i++)
		sum[self] += part[1][i];
	return NULL;
}

int main(void)
{
	fl_thread *threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (fl_thread_start(&threads[i], NULL, work, &sum[i]) < 0)
			return 1;
	for (int i = 0; i < THREADS; i++)
		fl_thread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		printf("thread %d saw %d\n", i + 1, sum[i]);
	return 0;
}
