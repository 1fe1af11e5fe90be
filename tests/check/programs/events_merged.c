/*
 * events_merged - takes one item for each time that it reads an eventfd, into which each item writes 1.
 *
 * Breaks: two writes come before the first read, which takes both; the second read waits for ever.
 * Mended: an eventfd that gives out one at a time.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#ifndef MENDED
#define FLAGS 0
#else
#define FLAGS EFD_SEMAPHORE
#endif

static int event;
static atomic_int items;

static void *put(void *unused)
{
	(void)unused;
	uint64_t one = 1;
	for (int i = 0; i < 2; i++) {
		atomic_fetch_add(&items, 1);
		ssize_t sent = write(event, &one, sizeof(one));
		assert(sent == sizeof(one));
	}
	return NULL;
}

int main(void)
{
	pthread_t putter;
	event = eventfd(0, FLAGS);
	if (event < 0)
		return 1;
	pthread_create(&putter, NULL, put, NULL);
	for (int i = 0; i < 2; i++) {
		uint64_t count;
		ssize_t got = read(event, &count, sizeof(count)); /* here */
		assert(got == sizeof(count));
		atomic_fetch_sub(&items, 1);
	}
	pthread_join(putter, NULL);
	return atomic_load(&items);
}
