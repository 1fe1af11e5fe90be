/*
 * check/models/text_race.c - what the C library's functions read and write races like any other access.
 * check: options -fno-builtin
 * check: fails verdict 7
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static char text[32] = "one";

static void *work(void *arg)
{
	strcat(text, " two");
	return arg;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, work, NULL);
	if (strstr(text, "three") != NULL)
		return 1;
	pthread_join(thread, NULL);
	return 0;
}
