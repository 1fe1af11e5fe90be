/*
 * poll.c - a thread looks again and again whether another one is done: under a lock, so that each look writes.
 */
#include <pthread.h>
#include <sched.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int done;

static void *work(void *arg)
{
	pthread_mutex_lock(&lock);
	done = 1;
	pthread_mutex_unlock(&lock);
	return arg;
}

static int is_done(void)
{
	int now;

	pthread_mutex_lock(&lock);
	now = done;
	pthread_mutex_unlock(&lock);
	return now;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, work, NULL);
	while (!is_done())
		sched_yield();
	return pthread_join(thread, NULL);
}
