/*
 * check/models/signal_threads.c - a signal to a thread runs its handler there, at any of its steps; what is blocked
 * waits until it is not; the same signal twice is one; 0 asks only whether the thread is there.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

static pthread_t worker;
static volatile sig_atomic_t handled, blocked_handled, in_step; /* what a call declared as a leaf may still change */
static _Thread_local int depth;

static void on_usr1(int signal)
{
	assert(signal == SIGUSR1 && pthread_equal(pthread_self(), worker));
	assert(depth == 0);
	depth++;
	sched_yield();
	handled++;
	depth--;
}

static void on_usr2(int signal, siginfo_t *info, void *context)
{
	assert(signal == SIGUSR2 && info->si_signo == SIGUSR2 && info->si_pid == getpid() && context != NULL);
	assert(!in_step);
	blocked_handled++;
}

static void *work(void *arg)
{
	sigset_t set, old, pending;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	assert(pthread_sigmask(SIG_BLOCK, &set, &old) == 0 && !sigismember(&old, SIGUSR2));
	in_step = 1;
	pthread_kill(pthread_self(), SIGUSR2);
	raise(SIGUSR2);
	sched_yield();
	assert(blocked_handled == 0);
	sigpending(&pending);
	assert(sigismember(&pending, SIGUSR2));
	in_step = 0;
	assert(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
	assert(blocked_handled == 1);
	return arg;
}

int main(void)
{
	struct sigaction action = {.sa_sigaction = on_usr2, .sa_flags = SA_SIGINFO};

	assert(signal(SIGUSR1, on_usr1) == SIG_DFL);
	assert(signal(SIGUSR1, on_usr1) == on_usr1);
	assert(sigaction(SIGUSR2, &action, NULL) == 0);
	assert(sigaction(SIGKILL, &action, NULL) == -1 && errno == EINVAL);
	signal(SIGPIPE, SIG_IGN);
	assert(raise(SIGPIPE) == 0);
	pthread_create(&worker, NULL, work, NULL);
	assert(pthread_kill(worker, 0) == 0);
	assert(pthread_kill(worker, 99) == EINVAL);
	assert(pthread_kill(worker, SIGUSR1) == 0);
	pthread_join(worker, NULL);
	assert(handled <= 1);
	return 0;
}
