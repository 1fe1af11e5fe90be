/*
 * seqlock_order - a seqlock whose data is read and written relaxed. Under --weak only.
 *
 * Breaks: the reader's second look at the count may see it as it was before data that it has already read.
 * Mended: data is stored with release and loaded with acquire, so that who reads a new value also sees the odd count.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#ifndef MENDED
#define STORE memory_order_relaxed
#define LOAD memory_order_relaxed
#else
#define STORE memory_order_release
#define LOAD memory_order_acquire
#endif

static atomic_uint count;
static atomic_int first, second;

static void *write_both(void *unused)
{
	(void)unused;
	atomic_store_explicit(&count, 1, memory_order_relaxed);
	atomic_store_explicit(&first, 1, STORE);
	atomic_store_explicit(&second, 1, STORE);
	atomic_store_explicit(&count, 2, memory_order_release);
	return NULL;
}

static void *read_both(void *unused)
{
	(void)unused;
	unsigned before = atomic_load_explicit(&count, memory_order_acquire);
	int a = atomic_load_explicit(&first, LOAD);
	int b = atomic_load_explicit(&second, LOAD);
	unsigned after = atomic_load_explicit(&count, memory_order_relaxed);
	if (before == after && before % 2 == 0)
		assert(a == b); /* here */
	return NULL;
}

int main(void)
{
	pthread_t writer, reader;
	pthread_create(&writer, NULL, write_both, NULL);
	pthread_create(&reader, NULL, read_both, NULL);
	pthread_join(writer, NULL);
	pthread_join(reader, NULL);
	return 0;
}
