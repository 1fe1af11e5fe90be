/*
 * futex_flag - sleeps by the system call while a word has the value that it loads for the call.
 *
 * Breaks: the flag is raised between the look and that load; it sleeps until a raised flag changes.
 * Mended: sleeps while the word has the value that was looked at.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int flag;

static void *raise_it(void *unused)
{
	(void)unused;
	atomic_store(&flag, 1);
	syscall(SYS_futex, &flag, FUTEX_WAKE, 1, NULL, NULL, 0);
	return NULL;
}

int main(void)
{
	pthread_t other;
	pthread_create(&other, NULL, raise_it, NULL);
	while (atomic_load(&flag) == 0) {
#ifndef MENDED
		int value = atomic_load(&flag);
#else
		int value = 0;
#endif
		syscall(SYS_futex, &flag, FUTEX_WAIT, value, NULL, NULL, 0); /* here */
	}
	pthread_join(other, NULL);
	return 0;
}
