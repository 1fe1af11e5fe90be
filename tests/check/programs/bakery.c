/*
 * bakery - Lamport's bakery lock, without the flags that say that somebody is choosing a number.
 *
 * Breaks: the first thread reads the second's number as 0 and is about to take number 1; the second takes 1, too, sees
 * that the first has none, and enters; the first writes its 1 and goes before the second, as its index is lower.
 * Mended: waits while another is choosing.
 */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

static atomic_int choosing[2], numbers[2];
static int inside;

static void acquire(int me)
{
	int other = 1 - me;
#ifdef MENDED
	atomic_store(&choosing[me], 1);
#endif
	int mine = atomic_load(&numbers[other]) + 1;
	atomic_store(&numbers[me], mine);
#ifdef MENDED
	atomic_store(&choosing[me], 0);
#endif
	while (atomic_load(&choosing[other]))
		sched_yield();
	for (;;) {
		int theirs = atomic_load(&numbers[other]);
		if (theirs == 0 || theirs > mine || (theirs == mine && other > me))
			return;
		sched_yield();
	}
}

static void *visit(void *number)
{
	int me = (int)(intptr_t)number;
	acquire(me);
	inside++;            /* here */
	assert(inside == 1); /* here */
	inside--;
	atomic_store(&numbers[me], 0);
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	for (intptr_t i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, visit, (void *)i);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
