/*
 * event_count - sleeps until the count of events changes, if there is nothing to do.
 *
 * Breaks: looks for an item, and reads the count afterwards; the item and its event come in between.
 * Mended: reads the count, then looks for an item, then sleeps.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int events, items;

static void *put(void *unused)
{
	(void)unused;
	atomic_fetch_add(&items, 1);
	atomic_fetch_add(&events, 1);
	syscall(SYS_futex, &events, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	return NULL;
}

int main(void)
{
	pthread_t putter;
	int seen;
	pthread_create(&putter, NULL, put, NULL);
	for (;;) {
#ifdef MENDED
		seen = atomic_load(&events);
#endif
		if (atomic_load(&items) > 0)
			break;
#ifndef MENDED
		seen = atomic_load(&events);
#endif
		syscall(SYS_futex, &events, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0); /* here */
	}
	pthread_join(putter, NULL);
	return 0;
}
