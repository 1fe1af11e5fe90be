/*
 * cache_miss - looks up under the lock for reading, misses, and inserts under the lock for writing.
 *
 * Breaks: both threads miss, and both insert.
 * Mended: looks again before it inserts.
 */
#include <assert.h>
#include <pthread.h>

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static int entries[2], count;

static int has(int value)
{
	for (int i = 0; i < count; i++)
		if (entries[i] == value)
			return 1;
	return 0;
}

static void *insert(void *value)
{
	pthread_rwlock_rdlock(&lock);
	int found = has(*(int *)value);
	pthread_rwlock_unlock(&lock);
	if (found)
		return NULL;
	pthread_rwlock_wrlock(&lock);
#ifdef MENDED
	if (!has(*(int *)value))
#endif
		entries[count++] = *(int *)value;
	assert(count == 1); /* here */
	pthread_rwlock_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	int value = 7;
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, insert, &value);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
