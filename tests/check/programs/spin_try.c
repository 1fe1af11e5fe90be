/*
 * spin_try - two threads hold one lock each and try the other's until they get it, so that nobody "waits".
 *
 * Breaks: each holds its own; no try ever succeeds.
 * Mended: lets go of its own after a try that failed.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>

static pthread_mutex_t locks[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static int moved;

static void *move(void *number)
{
	intptr_t own = (intptr_t)number;
	pthread_mutex_lock(&locks[own]);
	while (pthread_mutex_trylock(&locks[1 - own])) { /* here */
#ifdef MENDED
		pthread_mutex_unlock(&locks[own]);
#endif
		sched_yield();
#ifdef MENDED
		pthread_mutex_lock(&locks[own]);
#endif
	}
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
