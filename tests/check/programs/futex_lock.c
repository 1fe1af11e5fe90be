/*
 * futex_lock - a lock of one word, by the system call: 0 is free, 1 held, 2 held while others may sleep.
 *
 * Breaks: two threads sleep; one is woken and takes the lock as 1, so it wakes nobody when it lets go of it.
 * Mended: who has slept takes it as 2, as there may be others.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MENDED
#define TAKEN_AFTER_SLEEP 1
#else
#define TAKEN_AFTER_SLEEP 2
#endif

static atomic_int word;
static int total;

static void acquire(void)
{
	int seen = 0;
	if (atomic_compare_exchange_strong(&word, &seen, 1))
		return;
	do {
		if (seen == 2 || atomic_compare_exchange_strong(&word, &seen, 2))
			syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0); /* here */
		seen = 0;
	} while (!atomic_compare_exchange_strong(&word, &seen, TAKEN_AFTER_SLEEP));
}

static void release(void)
{
	if (atomic_exchange(&word, 0) == 2)
		syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *add(void *unused)
{
	(void)unused;
	acquire();
	total++;
	release();
	return NULL;
}

int main(void)
{
	pthread_t threads[3];
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, add, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return total == 3 ? 0 : 1;
}
