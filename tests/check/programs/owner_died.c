/*
 * owner_died - a robust lock of a process-shared kind, whose holder ends without unlocking it.
 *
 * Breaks: the next one unlocks it without having said that what it guards is right again; nobody can lock it any more.
 * Mended: says so.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

static pthread_mutex_t lock;
static atomic_int stop;

static void *work(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	if (atomic_load(&stop))
		pthread_exit(NULL);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static int acquire(void)
{
	int error = pthread_mutex_lock(&lock);
#ifdef MENDED
	if (error == EOWNERDEAD)
		pthread_mutex_consistent(&lock);
#endif
	return error == EOWNERDEAD ? 0 : error;
}

int main(void)
{
	pthread_t worker;
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
	pthread_create(&worker, NULL, work, NULL);
	atomic_store(&stop, 1);
	pthread_join(worker, NULL);
	for (int i = 0; i < 2; i++) {
		int error = acquire();
		assert(error == 0); /* here */
		pthread_mutex_unlock(&lock);
	}
	pthread_mutex_destroy(&lock);
	return 0;
}
