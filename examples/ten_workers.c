/*
 * ten_workers.c - ten threads want something of which there are three: how do they share it?
 *
 * By a semaphore that begins with three permits. The fourth to come waits until one of the three gives its permit
 * back; they are served in the order in which they came. Bounded means that a permit too many given back is an error
 * and not a fourth worker.
 *
 * The first three wait for each other at their work, so that it is certain that three were there at once. Prints how
 * many were served, and the most that were at work at a time.
 */
#include <fairlead/barrier.h>
#include <fairlead/guard.h>
#include <fairlead/thread.h>
#include <stdio.h>

static fl_semaphore seats = FL_BOUNDED_SEMAPHORE_INIT(3);
static fl_barrier all_taken = FL_BARRIER_INIT(3, NULL, NULL);

static fl_lock lock = FL_LOCK_INIT;
static int served FL_GUARDED_BY(&lock);
static int at_work FL_GUARDED_BY(&lock);
static int most_at_work FL_GUARDED_BY(&lock);

static void *work(void *arg)
{
	int number = 0;

	fl_with (&seats) {
		fl_with (&lock) {
			number = ++served;
			if (++at_work > most_at_work)
				most_at_work = at_work;
		}
		if (number <= 3)
			fl_barrier_wait(&all_taken);
		fl_with (&lock)
			at_work--;
	}
	return arg;
}

int main(void)
{
	fl_thread *workers[10];

	for (int i = 0; i < 10; i++)
		if (fl_thread_start(&workers[i], NULL, work, NULL) < 0)
			return 1;
	for (int i = 0; i < 10; i++)
		fl_thread_join(workers[i], NULL);
	fl_with (&lock)
		printf("served: %d, most at a time: %d\n", served, most_at_work);
	printf("seats free: %u\n", (unsigned)fl_semaphore_value(&seats));
	return 0;
}
