/*
 * upgrade - holds a lock for reading, misses something, and takes the same lock for writing to put it in.
 *
 * Breaks: if the filler has not been there before, the reader waits for itself to stop reading.
 * Mended: lets go, takes it for writing, and looks again.
 */
#include <assert.h>
#include <pthread.h>

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static int filled, value;

static void fill(void)
{
	pthread_rwlock_wrlock(&lock); /* here */
	if (!filled)
		value = 7;
	filled = 1;
	pthread_rwlock_unlock(&lock);
}

static void *fill_first(void *unused)
{
	(void)unused;
	fill();
	return NULL;
}

static void *look(void *unused)
{
	(void)unused;
	pthread_rwlock_rdlock(&lock);
	if (!filled) {
#ifdef MENDED
		pthread_rwlock_unlock(&lock);
#endif
		fill();
#ifdef MENDED
		pthread_rwlock_rdlock(&lock);
#endif
	}
	assert(value == 7);
	pthread_rwlock_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t filler, reader;
	pthread_create(&filler, NULL, fill_first, NULL);
	pthread_create(&reader, NULL, look, NULL);
	pthread_join(filler, NULL);
	pthread_join(reader, NULL);
	return 0;
}
