/*
 * destroyed_held - destroys a lock when the work that it guards is done, though the worker may not be out of it.
 *
 * Breaks: main sees that it is done while the worker still holds the lock.
 * Mended: joins the worker first.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static pthread_mutex_t lock;
static atomic_int done;

static void *work(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	atomic_store(&done, 1);
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t worker;
	pthread_mutex_init(&lock, NULL);
	pthread_create(&worker, NULL, work, NULL);
	while (!atomic_load(&done))
		sched_yield();
#ifdef MENDED
	pthread_join(worker, NULL);
#endif
	pthread_mutex_destroy(&lock); /* here */
#ifndef MENDED
	pthread_join(worker, NULL);
#endif
	return 0;
}
