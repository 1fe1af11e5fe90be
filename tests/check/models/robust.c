/*
 * check/models/robust.c - robust mutexes: the one after a holder that ended gets EOWNERDEAD and what the holder had
 * written; after pthread_mutex_consistent all is as before, and without it the mutex is of no use.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>

static pthread_mutex_t mutex;
static int written, dead;

static void make(void)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&mutex, &attributes);
}

static void *dies(void *arg)
{
	assert(pthread_mutex_lock(&mutex) == 0);
	written = 1;
	return arg;
}

static void *lives(void *arg)
{
	int error = pthread_mutex_lock(&mutex);

	if (error == EOWNERDEAD) {
		assert(written == 1);
		written = 2;
		dead++;
		assert(pthread_mutex_trylock(&mutex) == EBUSY);
		assert(pthread_mutex_consistent(&mutex) == 0);
		assert(pthread_mutex_consistent(&mutex) == EINVAL);
	} else {
		assert(error == 0 && (written == 0 || written == 2));
	}
	assert(pthread_mutex_unlock(&mutex) == 0);
	return arg;
}

static void *gives_up(void *arg)
{
	assert(pthread_mutex_lock(&mutex) == EOWNERDEAD);
	assert(pthread_mutex_unlock(&mutex) == 0);
	return arg;
}

static void run(void *(*one)(void *), void *(*other)(void *))
{
	pthread_t threads[2];

	pthread_create(&threads[0], NULL, one, NULL);
	pthread_create(&threads[1], NULL, other, NULL);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
}

int main(void)
{
	pthread_t thread;

	make();
	run(dies, lives);
	assert(pthread_mutex_unlock(&mutex) == EPERM);
	if (dead == 0) {
		assert(pthread_mutex_trylock(&mutex) == EOWNERDEAD);
		assert(pthread_mutex_consistent(&mutex) == 0);
		assert(pthread_mutex_unlock(&mutex) == 0);
	}
	pthread_create(&thread, NULL, dies, NULL);
	pthread_join(thread, NULL);
	pthread_create(&thread, NULL, gives_up, NULL);
	pthread_join(thread, NULL);
	assert(pthread_mutex_lock(&mutex) == ENOTRECOVERABLE);
	assert(pthread_mutex_trylock(&mutex) == ENOTRECOVERABLE);
	assert(pthread_mutex_destroy(&mutex) == 0);
	return 0;
}
