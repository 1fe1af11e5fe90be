/*
 * check/models/cancel_cleanup.c - cleanup handlers of C run newest first, in nested frames, on cancellation and on
 * pthread_exit; those that were popped do not run; keys' destructors run after them; nothing is cancelled twice.
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static _Thread_local int order[8];
static _Thread_local int n;
static int finished;
static pthread_key_t key;

static void note(void *arg)
{
	order[n++] = (int)(long)arg;
	pthread_testcancel();
	usleep(1);
}

static void at_end(void *value)
{
	(void)value;
	assert(n == 4 && order[0] == 4 && order[1] == 3 && order[2] == 2 && order[3] == 1);
	__atomic_add_fetch(&finished, 1, __ATOMIC_SEQ_CST);
}

static __attribute__((noinline)) void inner(int how)
{
	pthread_cleanup_push(note, (void *)3);
	pthread_cleanup_push(note, (void *)4);
	pthread_cleanup_push(note, (void *)9);
	pthread_cleanup_pop(0);
	if (how == 1)
		pthread_exit((void *)1);
	for (;;)
		pthread_testcancel();
	pthread_cleanup_pop(1);
	pthread_cleanup_pop(1);
}

static void *work(void *arg)
{
	char *memory = malloc(10);

	pthread_setspecific(key, &key);
	pthread_cleanup_push(free, memory);
	pthread_cleanup_push(note, (void *)1);
	pthread_cleanup_push(note, (void *)2);
	inner((int)(long)arg);
	pthread_cleanup_pop(1);
	pthread_cleanup_pop(1);
	pthread_cleanup_pop(1);
	return NULL;
}

int main(void)
{
	pthread_t exits, cancelled;
	void *result;

	pthread_key_create(&key, at_end);
	pthread_create(&exits, NULL, work, (void *)1);
	pthread_create(&cancelled, NULL, work, (void *)2);
	pthread_cancel(cancelled);
	pthread_join(exits, &result);
	assert(result == (void *)1);
	pthread_join(cancelled, &result);
	assert(result == PTHREAD_CANCELED);
	/* One that was cancelled before it pushed anything has nothing to clean. */
	assert(finished == 2);
	return 0;
}
