/*
 * key_shared - puts a buffer under a key whose destructor frees it when the thread ends, and the same into a cache.
 *
 * Breaks: the second thread takes the buffer out of the cache and puts it under its own key while the first still has
 * it under its own; both free it.
 * Mended: the buffer goes back into the cache when its thread has ended with it, and nowhere else.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static pthread_key_t key;
static void *_Atomic cache;

static void release(void *buffer)
{
#ifndef MENDED
	void *cached = buffer;
	atomic_compare_exchange_strong(&cache, &cached, NULL);
	free(buffer); /* here */
#else
	free(atomic_exchange(&cache, buffer));
#endif
}

static void *work(void *unused)
{
	(void)unused;
	void *buffer = atomic_exchange(&cache, NULL);
	if (!buffer) {
		buffer = malloc(16);
		assert(buffer);
	}
	pthread_setspecific(key, buffer);
#ifndef MENDED
	atomic_store(&cache, buffer);
#endif
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	pthread_key_create(&key, release);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, work, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	pthread_key_delete(key);
#ifdef MENDED
	free(atomic_load(&cache));
#endif
	return 0;
}
