/*
 * A signal that comes before anybody waits: it is lost.
 */
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;

static void *wait_for_it(void *arg)
{
	pthread_mutex_lock(&lock);
	/* without a look at whether it is ready already */
	pthread_cond_wait(&ready, &lock);
	pthread_mutex_unlock(&lock);
	return arg;
}

int main(void)
{
	pthread_t waiter;

	pthread_create(&waiter, NULL, wait_for_it, NULL);
	pthread_mutex_lock(&lock);
	pthread_cond_signal(&ready);
	pthread_mutex_unlock(&lock);
	pthread_join(waiter, NULL);
	return 0;
}
