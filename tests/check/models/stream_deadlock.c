/*
 * check/models/stream_deadlock.c - what was written has not left its stream, and both threads wait for it.
 * check: fails deadlock
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static FILE *question[2], *answer[2];

static void open_pipe(FILE *ret_ends[2])
{
	int ends[2];

	pipe(ends);
	ret_ends[0] = fdopen(ends[0], "r");
	ret_ends[1] = fdopen(ends[1], "w");
}

static void *reply(void *arg)
{
	char line[20];

	fgets(line, sizeof(line), question[0]);
	fputs(line, answer[1]);
	fflush(answer[1]);
	return arg;
}

int main(void)
{
	pthread_t thread;
	char line[20];

	open_pipe(question);
	open_pipe(answer);
	pthread_create(&thread, NULL, reply, NULL);
	fputs("why?\n", question[1]); /* fflush is missing */
	fgets(line, sizeof(line), answer[0]);
	pthread_join(thread, NULL);
	return 0;
}
