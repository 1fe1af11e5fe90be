/*
 * check/signal_wait.c - waiting for signals, and having one sent when a time has come.
 *
 * Who waits takes a signal that it blocks out of the line, without its handler. sigsuspend and pause wait for a handler
 * to run.
 *
 * alarm() and setitimer() count in virtual time. One that would end the process, since nobody handles it, never
 * strikes: it guards against a program that hangs, which the checker finds by itself, and says more about. The timers
 * of CPU time are not modelled.
 */
#include "clock.h"
#include "interrupt.h"
#include "object.h"
#include "signals.h"
#include "trace.h"

#include <errno.h>
#include <sys/time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

static bool has_one(struct thread *thread)
{
	for (const struct sent *sent = thread->sent; sent != NULL; sent = sent->next) {
		if ((thread->awaited & signal_bit(sent->info.si_signo)) != 0)
			return true;
	}
	for (const struct sent *sent = run->sent; sent != NULL; sent = sent->next) {
		if ((thread->awaited & signal_bit(sent->info.si_signo)) != 0)
			return true;
	}
	return false;
}

/* While a thread waits, its signals are blocked for handlers, even if it has not blocked them. Returns an error
 * number. */
static int wait_for(const sigset_t *set, siginfo_t *ret_info, int64_t deadline, uint8_t how, uintptr_t pc)
{
	struct thread *thread = self();
	uint64_t before = thread->blocked;
	struct sent *sent;
	enum wake why;

	cancel_point();
	sched_point(CHECK_SIGMASK, (uintptr_t)&run->sent, true, pc);
	thread->awaited = signal_bits(set);
	signal_set_mask(thread, before | thread->awaited);
	why = sched_wait_for(CHECK_SIGMASK, (uintptr_t)&run->sent, has_one, deadline, how, pc);
	sent = why == WAKE_READY ? signal_take(thread, thread->awaited) : NULL;
	thread->awaited = 0;
	signal_set_mask(thread, before);
	if (why == WAKE_CANCELLED)
		cancel_act();
	if (sent == NULL)
		return why == WAKE_LATE ? EAGAIN : EINTR;
	*ret_info = sent->info;
	trace_value((uint64_t)sent->info.si_signo, 0, CHECK_VALUE);
	sched_progress();
	return 0;
}

EXPORT int sigwait(const sigset_t *restrict set, int *restrict ret_signal)
{
	siginfo_t info = {0};

	if (!controlled())
		return EINVAL;
	wait_for(set, &info, CHECK_FOREVER, WAIT_CANCEL, CALLER);
	*ret_signal = info.si_signo;
	return 0;
}

static int wait_until(const sigset_t *set, siginfo_t *ret_info, int64_t deadline, uintptr_t pc)
{
	siginfo_t info;
	int error = wait_for(set, &info, deadline, WAIT_CANCEL | WAIT_SIGNAL | WAIT_ALWAYS, pc);

	if (error != 0) {
		errno = error;
		return -1;
	}
	if (ret_info != NULL)
		*ret_info = info;
	return info.si_signo;
}

EXPORT int sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict ret_info)
{
	return controlled() ? wait_until(set, ret_info, CHECK_FOREVER, CALLER) : -1;
}

EXPORT int sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict ret_info,
			const struct timespec *restrict span)
{
	if (!controlled())
		return -1;
	return wait_until(set, ret_info, span != NULL ? clock_after(span) : CHECK_FOREVER, CALLER);
}

static bool never(struct thread *thread)
{
	(void)thread;
	return false;
}

/* Waits for a handler to run with these blocked. */
static int suspend(uint64_t blocked, uintptr_t pc)
{
	struct thread *thread = self();
	uint64_t before = thread->blocked;
	enum wake why;

	cancel_point();
	sched_point(CHECK_SIGMASK, (uintptr_t)&run->sent, true, pc);
	signal_set_mask(thread, blocked);
	why = sched_wait_for(CHECK_SIGMASK, (uintptr_t)&run->sent, never, CHECK_FOREVER,
			     WAIT_CANCEL | WAIT_SIGNAL | WAIT_ALWAYS, pc);
	signal_set_mask(thread, before);
	if (why == WAKE_CANCELLED)
		cancel_act();
	errno = EINTR;
	return -1;
}

EXPORT int sigsuspend(const sigset_t *set)
{
	return controlled() ? suspend(signal_bits(set), CALLER) : -1;
}

EXPORT int pause(void)
{
	return controlled() ? suspend(self()->blocked, CALLER) : -1;
}

int64_t signal_alarm_time(void)
{
	return run->alarm != 0 && signal_has_handler(SIGALRM) ? run->alarm : CHECK_FOREVER;
}

void signal_alarm(void)
{
	siginfo_t info = {.si_signo = SIGALRM, .si_code = SI_KERNEL};

	run->alarm = run->alarm_every != 0 ? run->now + run->alarm_every : 0;
	signal_send_process(&info);
}

static int64_t ns_of(const struct timeval *time)
{
	return (int64_t)time->tv_sec * SECOND + (int64_t)time->tv_usec * 1000;
}

static struct timeval time_of(int64_t ns)
{
	return (struct timeval){ns / SECOND, ns % SECOND / 1000};
}

static int64_t left(void)
{
	if (run->alarm == 0)
		return 0;
	return run->alarm > run->now ? run->alarm - run->now : 1000;
}

static int64_t set_alarm(int64_t after, int64_t every, uintptr_t pc)
{
	int64_t before;

	sched_point(CHECK_SIGMASK, (uintptr_t)&run->alarm, true, pc);
	before = left();
	run->alarm = after != 0 ? run->now + after : 0;
	run->alarm_every = every;
	return before;
}

EXPORT unsigned alarm(unsigned seconds)
{
	int64_t before;

	if (!controlled())
		return 0;
	before = set_alarm((int64_t)seconds * SECOND, 0, CALLER);
	return (unsigned)((before + SECOND - 1) / SECOND);
}

EXPORT useconds_t ualarm(useconds_t us, useconds_t every)
{
	return controlled() ? (useconds_t)(set_alarm((int64_t)us * 1000, (int64_t)every * 1000, CALLER) / 1000) : 0;
}

EXPORT int setitimer(__itimer_which_t which, const struct itimerval *restrict timer, struct itimerval *restrict ret_old)
{
	struct itimerval old;

	if (!controlled())
		return 0;
	if (which != ITIMER_REAL)
		not_modelled("setitimer() by CPU time");
	old.it_interval = time_of(run->alarm_every);
	old.it_value = time_of(set_alarm(ns_of(&timer->it_value), ns_of(&timer->it_interval), CALLER));
	if (ret_old != NULL)
		*ret_old = old;
	return 0;
}

EXPORT int getitimer(__itimer_which_t which, struct itimerval *ret_timer)
{
	if (!controlled() || which != ITIMER_REAL) {
		raw_fill(ret_timer, 0, sizeof(*ret_timer));
		return 0;
	}
	ret_timer->it_interval = time_of(run->alarm_every);
	ret_timer->it_value = time_of(left());
	return 0;
}
