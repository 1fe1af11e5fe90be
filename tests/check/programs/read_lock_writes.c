/*
 * read_lock_writes - counts the look-ups of a table in a plain variable while it holds the lock for reading.
 *
 * Breaks: both threads hold it for reading, and both write.
 * Mended: the count is atomic.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static int table[4] = {3, 1, 4, 1};
#ifndef MENDED
static int lookups;
#else
static atomic_int lookups;
#endif

static void *look_up(void *ret_value)
{
	pthread_rwlock_rdlock(&lock);
	*(int *)ret_value = table[2];
	lookups++; /* here */
	pthread_rwlock_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	int values[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, look_up, &values[i]);
	pthread_rwlock_wrlock(&lock);
	table[2]++;
	pthread_rwlock_unlock(&lock);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert(lookups == 2); /* here */
	return 0;
}
