/*
 * check/models/mutex_types.c - what each type of mutex returns to whom; protocols and ceilings are kept and do nothing.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <time.h>

static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t checked = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_mutex_t normal = PTHREAD_MUTEX_INITIALIZER;

static void *other(void *arg)
{
	assert(pthread_mutex_unlock(&recursive) == EPERM);
	assert(pthread_mutex_unlock(&checked) == EPERM);
	assert(pthread_mutex_trylock(&recursive) == EBUSY);
	return arg;
}

static void use_protocol(void)
{
	pthread_mutexattr_t attributes;
	pthread_mutex_t mutex;
	int ceiling;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_PROTECT);
	pthread_mutexattr_setprioceiling(&attributes, 5);
	assert(pthread_mutex_init(&mutex, &attributes) == 0);
	assert(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
	assert(pthread_mutex_setprioceiling(&mutex, 7, &ceiling) == 0 && ceiling == 5);
	assert(pthread_mutex_getprioceiling(&mutex, &ceiling) == 0 && ceiling == 7);
	assert(pthread_mutex_getprioceiling(&normal, &ceiling) == EINVAL);
	assert(pthread_mutex_destroy(&mutex) == 0);
}

int main(void)
{
	struct timespec past = {1, 0}, broken = {1, -1};
	pthread_t thread;

	assert(pthread_mutex_lock(&recursive) == 0 && pthread_mutex_lock(&recursive) == 0);
	assert(pthread_mutex_trylock(&recursive) == 0);
	assert(pthread_mutex_lock(&checked) == 0 && pthread_mutex_lock(&checked) == EDEADLK);
	assert(pthread_mutex_trylock(&checked) == EBUSY);
	assert(pthread_mutex_lock(&normal) == 0 && pthread_mutex_timedlock(&normal, &past) == ETIMEDOUT);
	assert(pthread_mutex_timedlock(&normal, &broken) == EINVAL);
	assert(pthread_mutex_clocklock(&recursive, CLOCK_MONOTONIC, &past) == 0);
	pthread_create(&thread, NULL, other, NULL);
	pthread_join(thread, NULL);
	for (int i = 0; i < 4; i++)
		assert(pthread_mutex_unlock(&recursive) == 0);
	assert(pthread_mutex_unlock(&recursive) == EPERM);
	use_protocol();
	return 0;
}
