/*
 * check/models/barrier_reuse.c - more threads than parties go through in rounds; whoever is the last of a round may
 * destroy the barrier at once and use its memory anew; one that is made before main is known.
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

static pthread_barrier_t *once, early;
static int serial, before;

__attribute__((constructor)) static void before_main(void)
{
	pthread_barrier_init(&early, NULL, 2);
}

static void *meet(void *arg)
{
	int result;

	__atomic_add_fetch(&before, 1, __ATOMIC_RELAXED);
	result = pthread_barrier_wait(once);
	assert(before == 2);
	assert(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
	if (result == PTHREAD_BARRIER_SERIAL_THREAD) {
		assert(pthread_barrier_destroy(once) == 0);
		assert(pthread_barrier_init(once, NULL, 1) == 0);
		assert(pthread_barrier_wait(once) == PTHREAD_BARRIER_SERIAL_THREAD);
		assert(pthread_barrier_destroy(once) == 0);
		free(once);
	}
	return arg;
}

static void *pass(void *arg)
{
	if (pthread_barrier_wait(&early) == PTHREAD_BARRIER_SERIAL_THREAD)
		__atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED);
	return arg;
}

int main(void)
{
	pthread_t threads[4];

	once = malloc(sizeof(*once));
	pthread_barrier_init(once, NULL, 2);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, meet, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, pass, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert(serial == 2);
	assert(pthread_barrier_init(&early, NULL, 0) != 0);
	return 0;
}
