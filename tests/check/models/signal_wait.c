/*
 * check/models/signal_wait.c - threads that wait for signals: sigwait, sigtimedwait, sigsuspend, pause; to the process
 * a signal goes once, to one of those who do not block it; real-time signals keep their order and values.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

static sem_t ready;
static int count, alarms;

static void on_usr1(int signal)
{
	(void)signal;
	__atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
}

static void on_alarm(int signal)
{
	(void)signal;
	alarms++;
}

static void *wait_for_usr2(void *arg)
{
	sigset_t set;
	int signal;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	assert(sigwait(&set, &signal) == 0 && signal == SIGUSR2);
	return arg;
}

static void *suspend(void *arg)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	sem_post(&ready);
	while (__atomic_load_n(&count, __ATOMIC_RELAXED) == 0)
		assert(sigsuspend(&old) == -1 && errno == EINTR);
	return arg;
}

static void queue_some(void)
{
	struct timespec none = {0, 0};
	union sigval value;
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (int i = 1; i <= 3; i++) {
		value.sival_int = i;
		assert(sigqueue(getpid(), SIGRTMIN, value) == 0);
	}
	for (int i = 1; i <= 3; i++) {
		assert(sigwaitinfo(&set, &info) == SIGRTMIN);
		assert(info.si_value.sival_int == i && info.si_code == SI_QUEUE);
	}
	assert(sigtimedwait(&set, &info, &none) == -1 && errno == EAGAIN);
}

int main(void)
{
	pthread_t waiter, suspended;
	sigset_t set;

	sem_init(&ready, 0, 0);
	signal(SIGUSR1, on_usr1);
	signal(SIGALRM, on_alarm);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_create(&waiter, NULL, wait_for_usr2, NULL);
	pthread_create(&suspended, NULL, suspend, NULL);
	sem_wait(&ready);
	assert(kill(getpid(), SIGUSR2) == 0);
	pthread_kill(suspended, SIGUSR1);
	pthread_join(waiter, NULL);
	pthread_join(suspended, NULL);
	assert(count == 1);
	queue_some();
	alarm(5);
	assert(pause() == -1 && errno == EINTR && alarms == 1);
	assert(alarm(7) == 0 && alarm(0) >= 7 - 1);
	return 0;
}
