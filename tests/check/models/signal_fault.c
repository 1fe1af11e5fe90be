/*
 * check/models/signal_fault.c - a program's own handler of SIGSEGV: one that mends what was wrong and returns, one that
 * jumps out and has the mask put back, in several threads, with steps in the handler.
 */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

static _Thread_local sigjmp_buf way_out;
static _Thread_local int mend;
static int good = 41, faults;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	ucontext_t *at = context;

	assert(signal == SIGSEGV && info->si_addr == (void *)8);
	__atomic_add_fetch(&faults, 1, __ATOMIC_SEQ_CST);
	sched_yield();
	if (!mend)
		siglongjmp(way_out, 1);
	at->uc_mcontext.gregs[REG_RBX] = (greg_t)&good;
}

/* Reads through rbx. */
static __attribute__((noinline)) int read_through(const int *at)
{
	int value;

	__asm__ volatile("mov %1, %%rbx\n\tmovl (%%rbx), %0" : "=r"(value) : "r"(at) : "rbx", "memory");
	return value;
}

static void *work(void *arg)
{
	double half = 0.5;
	sigset_t set;

	mend = 1;
	assert(read_through((int *)8) == 41 && half == 0.5);
	mend = 0;
	for (volatile int i = 0; i < 2; i++) {
		if (sigsetjmp(way_out, 1) == 0) {
			read_through((int *)8);
			abort();
		}
		pthread_sigmask(SIG_BLOCK, NULL, &set);
		assert(!sigismember(&set, SIGSEGV));
	}
	return arg;
}

int main(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	pthread_t threads[2];

	sigaction(SIGSEGV, &action, NULL);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, work, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert(faults == 6);
	return 0;
}
