/*
 * silent_end - a worker that says when it is done, except when it has been told to stop.
 *
 * Breaks: it sees the request to stop and goes without a word; main waits for ever.
 * Mended: it says so on every way out.
 */
#include <pthread.h>
#include <stdatomic.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int done;
static atomic_int stop;

static void *work(void *unused)
{
	(void)unused;
#ifndef MENDED
	if (atomic_load(&stop))
		return NULL;
#endif
	pthread_mutex_lock(&lock);
	done = 1;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t worker;
	pthread_create(&worker, NULL, work, NULL);
	atomic_store(&stop, 1);
	pthread_mutex_lock(&lock);
	while (!done)
		pthread_cond_wait(&changed, &lock); /* here */
	pthread_mutex_unlock(&lock);
	pthread_join(worker, NULL);
	return 0;
}
