/*
 * opposite_order - two threads take two locks in opposite order.
 *
 * Breaks: each holds its first and waits for its second.
 * Mended: both take them in the same order.
 */
#include <pthread.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t b = PTHREAD_MUTEX_INITIALIZER;

static void *forth(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&a);
	pthread_mutex_lock(&b); /* here */
	pthread_mutex_unlock(&b);
	pthread_mutex_unlock(&a);
	return NULL;
}

static void *back(void *unused)
{
#ifndef MENDED
	pthread_mutex_lock(&b);
	pthread_mutex_lock(&a); /* here */
	pthread_mutex_unlock(&a);
	pthread_mutex_unlock(&b);
	return unused;
#else
	return forth(unused);
#endif
}

int main(void)
{
	pthread_t one, other;
	pthread_create(&one, NULL, forth, NULL);
	pthread_create(&other, NULL, back, NULL);
	pthread_join(one, NULL);
	pthread_join(other, NULL);
	return 0;
}
