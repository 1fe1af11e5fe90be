/*
 * check/models/exit_main.c - the first thread calls pthread_exit; the process goes on until the last thread ends, and
 * ends with 0 after what atexit has registered.
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

static int count;

static void at_exit(void)
{
	assert(__atomic_load_n(&count, __ATOMIC_ACQUIRE) == 3);
}

static void cleaned(void *arg)
{
	(void)arg;
	__atomic_add_fetch(&count, 1, __ATOMIC_ACQ_REL);
}

static void *work(void *arg)
{
	__atomic_add_fetch(&count, 1, __ATOMIC_ACQ_REL);
	return arg;
}

int main(void)
{
	pthread_t thread;

	atexit(at_exit);
	for (int i = 0; i < 2; i++) {
		pthread_create(&thread, NULL, work, NULL);
		pthread_detach(thread);
	}
	pthread_cleanup_push(cleaned, NULL);
	pthread_exit((void *)7);
	pthread_cleanup_pop(0);
	return 1;
}
