/*
 * printed_order - two threads print a line each; what comes first depends on the schedule.
 *
 * Breaks: the second thread prints first.
 * Mended: starts the second when it has joined the first.
 */
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *print(void *line)
{
	pthread_mutex_lock(&lock);
	puts(line);
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	char first[] = "first", second[] = "second";
	pthread_t one, other;
	pthread_create(&one, NULL, print, first);
#ifdef MENDED
	pthread_join(one, NULL);
#endif
	pthread_create(&other, NULL, print, second);
#ifndef MENDED
	pthread_join(one, NULL);
#endif
	pthread_join(other, NULL);
	return 0;
}
