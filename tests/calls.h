/*
 * calls.h - calls made on threads of their own, so that a test can watch one block and ask what it returned.
 *
 *     struct call call;
 *     call_start(&call, wait_for_event, &event);
 *     waiting_await(&event, 1);
 *     fl_event_set(&event);
 *     ck_assert_int_eq(call_end(&call), 0);
 */
#ifndef FAIRLEAD_TESTS_CALLS_H
#define FAIRLEAD_TESTS_CALLS_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

/* Defined where a process that has threads must not start any in a child: ThreadSanitizer does not survive that. */
#if defined(__SANITIZE_THREAD__)
#define CALLS_NOT_IN_CHILD
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CALLS_NOT_IN_CHILD
#endif
#endif

struct call {
	int (*body)(void *arg);
	void *arg;
	int result;
	bool returned;
	bool frozen, thawed;
	unsigned signals;
	pid_t id;
	pthread_t thread;
};

/* Calls body(arg) on a new thread. When this returns, `id` is that thread's kernel id. */
void call_start(struct call *call, int (*body)(void *arg), void *arg);

/* Returns whether body has returned by now. */
bool call_returned(const struct call *call);

/* Stops the thread, in a handler of SIGUSR2, until call_thaw: what happens to it meanwhile it finds out
 * afterwards, in one go. It is stopped wherever it is, but not inside a bucket's lock, where others would have to
 * wait for it. Returns when it has stopped, or when body has returned. */
void call_freeze(struct call *call);
void call_thaw(struct call *call);

/* Interrupts the thread at least n times by SIGUSR1, whose handler does nothing and has these sa_flags; each time
 * it has been handled before the next, unless body has returned. */
void call_interrupt(struct call *call, int n, int flags);

/* Waits until body has returned and its thread has ended; returns what body returned. */
int call_end(struct call *call);

/* Calls body(arg) on a new thread and returns what it returned. */
int call_elsewhere(int (*body)(void *arg), void *arg);

#endif
