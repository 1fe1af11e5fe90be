/*
 * check/models/rwlock_kind.c - a lock that prefers writers: nobody begins to read while a writer waits; with the plain
 * kind a reader may come again whoever waits.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>

static pthread_rwlock_t plain = PTHREAD_RWLOCK_INITIALIZER;
static pthread_rwlock_t writers = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static int value, refused;

static void *write_both(void *arg)
{
	pthread_rwlock_wrlock(&plain);
	value++;
	pthread_rwlock_unlock(&plain);
	pthread_rwlock_wrlock(&writers);
	value++;
	pthread_rwlock_unlock(&writers);
	return arg;
}

int main(void)
{
	pthread_t thread;

	pthread_rwlock_rdlock(&plain);
	pthread_rwlock_rdlock(&writers);
	pthread_create(&thread, NULL, write_both, NULL);
	assert(pthread_rwlock_rdlock(&plain) == 0);
	assert(pthread_rwlock_unlock(&plain) == 0);
	assert(value == 0);
	assert(pthread_rwlock_unlock(&plain) == 0);
	sched_yield();
	refused = pthread_rwlock_tryrdlock(&writers);
	assert(refused == 0 || refused == EBUSY);
	if (refused == 0)
		pthread_rwlock_unlock(&writers);
	pthread_rwlock_unlock(&writers);
	pthread_join(thread, NULL);
	assert(value == 2);
	return 0;
}
