/*
 * first_reader - a lock for readers and a writer of a mutex that the first reader locks and the last one unlocks.
 *
 * Breaks: the first to come is not the last to go; a mutex is unlocked by a thread that does not hold it.
 * Mended: a semaphore, which belongs to nobody.
 */
#include <pthread.h>
#include <semaphore.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int readers, value;
#ifndef MENDED
static pthread_mutex_t resource = PTHREAD_MUTEX_INITIALIZER;

static void take_resource(void)
{
	pthread_mutex_lock(&resource);
}

static void leave_resource(void)
{
	pthread_mutex_unlock(&resource); /* here */
}
#else
static sem_t resource;

static void take_resource(void)
{
	sem_wait(&resource);
}

static void leave_resource(void)
{
	sem_post(&resource);
}
#endif

static void *look(void *ret_seen)
{
	pthread_mutex_lock(&lock);
	if (++readers == 1)
		take_resource();
	pthread_mutex_unlock(&lock);
	*(int *)ret_seen = value;
	pthread_mutex_lock(&lock);
	if (--readers == 0)
		leave_resource();
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	int seen[2];
#ifdef MENDED
	sem_init(&resource, 0, 1);
#endif
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, look, &seen[i]);
	take_resource();
	value++;
	leave_resource();
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
