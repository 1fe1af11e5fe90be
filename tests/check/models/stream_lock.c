/*
 * check/models/stream_lock.c - a stream's own lock: who has it keeps others out of the stream, and lets them in; what
 * it guards is no race.
 */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

static _Atomic int inside, entered;
static int guarded;

static void *write_words(void *arg)
{
	flockfile(stdout);
	assert(inside++ == 0);
	guarded++;
	sched_yield();
	fputs("one ", stdout);
	sched_yield();
	fputs("two\n", stdout);
	assert(inside-- == 1);
	funlockfile(stdout);
	if (ftrylockfile(stdout) == 0) {
		entered++;
		guarded++;
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
	return entered == 0 || guarded != 2 + entered; /* the last one at least finds nobody there */
}
