/*
 * held_twice - waits on a condition with a recursive lock that it holds twice; the wait lets go of it once.
 *
 * Breaks: the other thread can't get in to change what is waited for.
 * Mended: holds it once.
 */
#include <pthread.h>

static pthread_mutex_t lock;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int ready;

static void wait_ready(void)
{
#ifndef MENDED
	pthread_mutex_lock(&lock);
#endif
	while (!ready)
		pthread_cond_wait(&changed, &lock); /* here */
#ifndef MENDED
	pthread_mutex_unlock(&lock);
#endif
}

static void *get_ready(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	ready = 1;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t other;
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
	pthread_create(&other, NULL, get_ready, NULL);
	pthread_mutex_lock(&lock);
	wait_ready();
	pthread_mutex_unlock(&lock);
	pthread_join(other, NULL);
	pthread_mutex_destroy(&lock);
	return 0;
}
