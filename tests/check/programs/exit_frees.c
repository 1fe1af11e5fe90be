/*
 * exit_frees - frees its table when the process exits, while a thread that nobody joined still reads it.
 *
 * Breaks: main returns, the handler frees, and the thread reads before the process is gone.
 * Mended: joins the thread.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static int *table;
static atomic_int closed;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void close_all(void)
{
	free(table);
	pthread_mutex_lock(&log_lock);
	atomic_store(&closed, 1);
	pthread_mutex_unlock(&log_lock);
}

static void *read_table(void *unused)
{
	(void)unused;
	int sum = 0;
	for (int i = 0; i < 4; i++) {
		pthread_mutex_lock(&log_lock);
		sum += table[i]; /* here */
		pthread_mutex_unlock(&log_lock);
	}
	assert(sum == 0);
	return NULL;
}

int main(void)
{
	pthread_t reader;
	table = calloc(4, sizeof(*table));
	assert(table);
	atexit(close_all);
	pthread_create(&reader, NULL, read_table, NULL);
#ifndef MENDED
	pthread_detach(reader);
#else
	pthread_join(reader, NULL);
#endif
	return 0;
}
