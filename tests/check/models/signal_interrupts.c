/*
 * check/models/signal_interrupts.c - a handler ends a sleep, and a wait for a semaphore unless it was installed with
 * SA_RESTART; it does not end the wait for a mutex, a condition or a thread.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t semaphore, other;
static int handled, flag;

static void on_signal(int signal)
{
	(void)signal;
	__atomic_store_n(&handled, 1, __ATOMIC_RELAXED);
}

static void *work(void *arg)
{
	struct timespec span = {5, 0}, left = {0, 0};
	int result;

	result = nanosleep(&span, &left);
	assert(result == 0 || (errno == EINTR && handled && left.tv_sec <= 5));
	result = sem_wait(&semaphore);
	assert(result == 0 || (errno == EINTR && handled));
	if (result != 0)
		assert(sem_wait(&semaphore) == 0);
	pthread_mutex_lock(&mutex);
	while (!flag)
		assert(pthread_cond_wait(&condition, &mutex) == 0);
	pthread_mutex_unlock(&mutex);
	assert(sem_wait(&other) == 0);
	return arg;
}

int main(void)
{
	struct sigaction interrupts = {.sa_handler = on_signal},
			 restarts = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	pthread_t thread;

	sem_init(&semaphore, 0, 0);
	sem_init(&other, 0, 0);
	sigaction(SIGUSR1, &interrupts, NULL);
	sigaction(SIGUSR2, &restarts, NULL);
	pthread_create(&thread, NULL, work, NULL);
	pthread_kill(thread, SIGUSR1);
	sem_post(&semaphore);
	pthread_mutex_lock(&mutex);
	flag = 1;
	pthread_cond_signal(&condition);
	pthread_mutex_unlock(&mutex);
	pthread_kill(thread, SIGUSR2);
	sem_post(&other);
	pthread_join(thread, NULL);
	assert(handled);
	return 0;
}
