/*
 * stop_flag - asks a thread to stop by a volatile flag.
 *
 * Breaks: volatile orders nothing between threads; the thread reads what main writes at the same time.
 * Mended: the flag is atomic.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#ifndef MENDED
static volatile int stop;
#else
static atomic_int stop;
#endif

static void *work(void *ret_rounds)
{
	while (!stop) { /* here */
		++*(int *)ret_rounds;
		sched_yield();
	}
	return NULL;
}

int main(void)
{
	pthread_t worker;
	int rounds = 0;
	pthread_create(&worker, NULL, work, &rounds);
	stop = 1;
	pthread_join(worker, NULL);
	return 0;
}
