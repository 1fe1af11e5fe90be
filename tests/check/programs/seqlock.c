/*
 * seqlock - a reader that compares the counts before and after, but takes an odd one, too.
 *
 * Breaks: the reader begins and ends while the writer is between its two stores; the count is 1 both times.
 * Mended: an odd count means that a write is under way, and is read again.
 */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static atomic_uint count;
static atomic_int first, second;

static void *write_both(void *unused)
{
	(void)unused;
	for (int i = 1; i < 3; i++) {
		atomic_fetch_add(&count, 1);
		atomic_store(&first, i);
		atomic_store(&second, i);
		atomic_fetch_add(&count, 1);
	}
	return NULL;
}

static int is_writing(unsigned seen)
{
#ifndef MENDED
	(void)seen;
	return 0;
#else
	return seen & 1;
#endif
}

static void *read_both(void *unused)
{
	(void)unused;
	for (;;) {
		unsigned before = atomic_load(&count);
		int a = atomic_load(&first);
		int b = atomic_load(&second);
		if (!is_writing(before) && atomic_load(&count) == before) {
			assert(a == b); /* here */
			return NULL;
		}
		sched_yield();
	}
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
