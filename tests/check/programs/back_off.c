/*
 * back_off - two threads that let go of their own lock when the other's is taken, and try again, at most three times.
 *
 * Breaks: they do so in step, three times, and one gives up though nobody ever had both.
 * Mended: takes the locks in one order, and there is nothing to back off from.
 */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>

static pthread_mutex_t locks[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static int moved;

#ifndef MENDED
static int try_both(int first)
{
	pthread_mutex_lock(&locks[first]);
	if (pthread_mutex_trylock(&locks[1 - first]) == 0)
		return 1;
	pthread_mutex_unlock(&locks[first]);
	sched_yield();
	return 0;
}
#endif

static void *move(void *number)
{
	int own = (int)(intptr_t)number;
#ifndef MENDED
	int tries = 0;
	while (!try_both(own))
		assert(++tries < 3); /* here */
#else
	own = 0;
	pthread_mutex_lock(&locks[0]);
	pthread_mutex_lock(&locks[1]);
#endif
	moved++;
	pthread_mutex_unlock(&locks[1 - own]);
	pthread_mutex_unlock(&locks[own]);
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	for (intptr_t i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, move, (void *)i);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return moved == 2 ? 0 : 1;
}
