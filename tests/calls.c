/*
 * calls.c - calls made on threads of their own.
 *
 * They rest on pthreads: what is tested does not help to test itself. A signal is sent until it has been handled:
 * ThreadSanitizer keeps one back that arrives just before a system call that it does not know to block.
 */
#define _GNU_SOURCE
#include "calls.h"

#include "base/park.h"
#include <check.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

static __thread struct call *mine;

static void *run(void *arg)
{
	struct call *call = arg;

	mine = call;
	__atomic_store_n(&call->id, gettid(), __ATOMIC_RELEASE);
	call->result = call->body(call->arg);
	__atomic_store_n(&call->returned, true, __ATOMIC_RELEASE);
	return NULL;
}

void call_start(struct call *call, int (*body)(void *arg), void *arg)
{
	*call = (struct call){.body = body, .arg = arg};
	ck_assert_int_eq(pthread_create(&call->thread, NULL, run, call), 0);
	while (__atomic_load_n(&call->id, __ATOMIC_ACQUIRE) == 0)
		sched_yield();
}

bool call_returned(const struct call *call)
{
	return __atomic_load_n(&call->returned, __ATOMIC_ACQUIRE);
}

static void stand_still(int number)
{
	int saved = errno;

	(void)number;
	if (!fl_park_interrupted_()) {
		__atomic_store_n(&mine->frozen, true, __ATOMIC_RELEASE);
		while (!__atomic_load_n(&mine->thawed, __ATOMIC_ACQUIRE))
			sched_yield();
	}
	__atomic_add_fetch(&mine->signals, 1, __ATOMIC_RELEASE);
	errno = saved;
}

/* Sends the signal and returns when the thread stands still, has handled it otherwise, or is past caring. */
static bool try_to_freeze(struct call *call)
{
	unsigned before = __atomic_load_n(&call->signals, __ATOMIC_ACQUIRE);

	while (__atomic_load_n(&call->signals, __ATOMIC_ACQUIRE) == before) {
		if (__atomic_load_n(&call->frozen, __ATOMIC_ACQUIRE) || call_returned(call))
			return true;
		ck_assert_int_eq(pthread_kill(call->thread, SIGUSR2), 0);
		sched_yield();
	}
	return false;
}

void call_freeze(struct call *call)
{
	struct sigaction action = {.sa_handler = stand_still};

	call->frozen = false;
	__atomic_store_n(&call->thawed, false, __ATOMIC_RELEASE);
	ck_assert_int_eq(sigaction(SIGUSR2, &action, NULL), 0);
	while (!try_to_freeze(call))
		;
}

void call_thaw(struct call *call)
{
	__atomic_store_n(&call->thawed, true, __ATOMIC_RELEASE);
}

static void count_signal(int number)
{
	(void)number;
	__atomic_add_fetch(&mine->signals, 1, __ATOMIC_RELEASE);
}

void call_interrupt(struct call *call, int n, int flags)
{
	struct sigaction action = {.sa_handler = count_signal, .sa_flags = flags};
	unsigned before;

	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	for (; n > 0; n--) {
		before = __atomic_load_n(&call->signals, __ATOMIC_ACQUIRE);
		do {
			ck_assert_int_eq(pthread_kill(call->thread, SIGUSR1), 0);
			sched_yield();
		} while (__atomic_load_n(&call->signals, __ATOMIC_ACQUIRE) == before && !call_returned(call));
	}
}

int call_end(struct call *call)
{
	ck_assert_int_eq(pthread_join(call->thread, NULL), 0);
	return call->result;
}

int call_elsewhere(int (*body)(void *arg), void *arg)
{
	struct call call;

	call_start(&call, body, arg);
	return call_end(&call);
}
