/*
 * check/models/cancel_points.c - a thread is cancelled where it waits: in a join, for a semaphore, in a sleep, for a
 * condition, whose mutex it then holds while its handlers run.
 */
#include <assert.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static int cleaned;

static void unlock(void *arg)
{
	assert(pthread_mutex_unlock(arg) == 0);
	cleaned++;
}

static void *wait_for_condition(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(unlock, &mutex);
	for (;;)
		pthread_cond_wait(&condition, &mutex);
	pthread_cleanup_pop(1);
	return NULL;
}

static void *wait_for_semaphore(void *arg)
{
	(void)arg;
	sem_wait(&semaphore);
	assert(0);
	return NULL;
}

static void *sleep_long(void *arg)
{
	(void)arg;
	for (;;)
		sleep(1000);
	return NULL;
}

static void *join_other(void *arg)
{
	pthread_join(*(pthread_t *)arg, NULL);
	return NULL;
}

static void cancel(pthread_t thread)
{
	void *result;

	assert(pthread_cancel(thread) == 0);
	assert(pthread_join(thread, &result) == 0);
	assert(result == PTHREAD_CANCELED);
}

int main(void)
{
	pthread_t condition_waiter, semaphore_waiter, sleeper, joiner;

	sem_init(&semaphore, 0, 0);
	pthread_create(&condition_waiter, NULL, wait_for_condition, NULL);
	pthread_create(&semaphore_waiter, NULL, wait_for_semaphore, NULL);
	pthread_create(&sleeper, NULL, sleep_long, NULL);
	pthread_create(&joiner, NULL, join_other, &sleeper);
	cancel(joiner);
	cancel(semaphore_waiter);
	cancel(sleeper);
	cancel(condition_waiter);
	assert(cleaned <= 1);
	assert(pthread_mutex_trylock(&mutex) == 0);
	return 0;
}
