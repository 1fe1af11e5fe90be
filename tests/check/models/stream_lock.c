/*
 * check/models/stream_lock.c - a stream's own lock: who has it keeps others out of the stream, and lets them in.
 */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

static _Atomic int inside, entered;

static void *write_words(void *arg)
{
	flockfile(stdout);
	assert(inside++ == 0);
	sched_yield();
	fputs("one ", stdout);
	sched_yield();
	fputs("two\n", stdout);
	assert(inside-- == 1);
	funlockfile(stdout);
	if (ftrylockfile(stdout) == 0) {
		entered++;
		funlockfile(stdout);
	}
	puts("three");
	return arg;
}

int main(void)
{
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, write_words, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return entered == 0; /* the last one at least finds nobody there */
}
