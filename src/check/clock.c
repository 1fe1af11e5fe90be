/*
 * check/clock.c - see clock.h.
 *
 * All clocks show the same virtual time, each from its own beginning, as clocks do: the epoch, the start of a machine
 * that has run for some days, the start of the program. So a deadline of one clock that is taken for one of another is
 * as wrong here as elsewhere. Time moves when a deadline passes, when a thread sleeps, and by a microsecond with each
 * look at it, so that a loop which waits for time to pass ends. Where deadlines may pass at any time, it is now and
 * then as much as a thread takes that has to wait for its processor: a loop with a bound in time may end early. A
 * thread that sleeps goes on at any time, for a machine can be slow in everything else: what is only right because
 * somebody slept long enough is found.
 *
 * The processor's counter is one of them (ticks.c). The scheduler counts in the time of CLOCK_REALTIME.
 */
#include "clock.h"

#include "interrupt.h"

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define LOOK 1000
#define LONG_LOOK 200000
#define LEAP (37 * SECOND)                     /* CLOCK_TAI is ahead by so much */
#define STARTED (INT64_C(1699640000) * SECOND) /* the machine, some four days before the program */

static int64_t ns_of(const struct timespec *time)
{
	if (time->tv_sec > 9000000000)
		return CHECK_FOREVER - 1;
	return (int64_t)time->tv_sec * SECOND + time->tv_nsec;
}

bool clock_valid(const struct timespec *time)
{
	return time->tv_nsec >= 0 && time->tv_nsec < SECOND;
}

/* Returns what the scheduler's time is when the clock shows 0; -1: it is not a clock. */
static int64_t zero_of(clockid_t clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
		return 0;
	case CLOCK_TAI:
		return -LEAP;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		return STARTED;
	default:
		return RUN_BEGINS;
	}
}

int64_t clock_deadline(clockid_t clock, const struct timespec *until)
{
	int64_t ns = ns_of(until), zero = zero_of(clock);

	return ns >= CHECK_FOREVER - 1 - zero ? CHECK_FOREVER - 1 : ns + zero;
}

int64_t clock_after(const struct timespec *span)
{
	int64_t ns = ns_of(span);

	return ns > CHECK_FOREVER - 1 - run->now ? CHECK_FOREVER - 1 : run->now + ns;
}

int64_t clock_look(clockid_t clock)
{
	run->now += memory->asked.timeouts == CHECK_ANY && sched_rarely() ? LONG_LOOK : LOOK;
	if (run->n_live > 1)
		run_bound("clocks show what they show in one of the orders of independent steps");
	return run->now - zero_of(clock);
}

static bool at_any_time(struct thread *thread)
{
	(void)thread;
	return true;
}

/* Returns whether the time has come; otherwise a handler has run. */
static bool sleep_until(int64_t deadline, uintptr_t pc)
{
	uint8_t how = WAIT_CANCEL | WAIT_SIGNAL | WAIT_ALWAYS;

	cancel_point();
	switch (sched_wait_for(CHECK_SLEEP, 0, at_any_time, CHECK_FOREVER, how, pc)) {
	case WAKE_CANCELLED:
		cancel_act();
	case WAKE_SIGNAL:
		return false;
	default:
		break;
	}
	sched_fruitless();
	if (deadline > run->now)
		run->now = deadline;
	return true;
}

/* The same, as the system call has it. Returns an error number. */
static int sleep_for(int64_t deadline, struct timespec *ret_left, uintptr_t pc)
{
	int64_t left;

	if (sleep_until(deadline, pc))
		return 0;
	left = deadline > run->now ? deadline - run->now : 0;
	if (ret_left != NULL)
		*ret_left = (struct timespec){left / SECOND, left % SECOND};
	return EINTR;
}

static int fail_with(int error)
{
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

static void yield(uintptr_t pc)
{
	sched_point(CHECK_YIELD, 0, false, pc);
	sched_fruitless();
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	int64_t now;

	if (!controlled())
		return fail_with((int)-RAW(SYS_clock_gettime, clock, ret_now));
	now = clock_look(clock);
	ret_now->tv_sec = now / SECOND;
	ret_now->tv_nsec = now % SECOND;
	return 0;
}

EXPORT int gettimeofday(struct timeval *restrict ret_now, void *restrict zone)
{
	int64_t now;

	(void)zone;
	if (!controlled())
		return (int)RAW(SYS_gettimeofday, ret_now, zone);
	now = clock_look(CLOCK_REALTIME);
	ret_now->tv_sec = now / SECOND;
	ret_now->tv_usec = now % SECOND / 1000;
	return 0;
}

EXPORT time_t time(time_t *ret_now)
{
	time_t now = controlled() ? clock_look(CLOCK_REALTIME) / SECOND : (time_t)RAW(SYS_time, NULL);

	if (ret_now != NULL)
		*ret_now = now;
	return now;
}

EXPORT int timespec_get(struct timespec *ret_now, int base)
{
	return clock_gettime(CLOCK_REALTIME, ret_now) == 0 ? base : 0;
}

EXPORT clock_t clock(void)
{
	return controlled() ? clock_look(CLOCK_PROCESS_CPUTIME_ID) / 1000 : (clock_t)(raw_cpu() / 1000);
}

EXPORT int nanosleep(const struct timespec *span, struct timespec *ret_left)
{
	if (!controlled())
		return fail_with((int)-RAW(SYS_nanosleep, span, ret_left));
	if (!clock_valid(span) || span->tv_sec < 0)
		return fail_with(EINVAL);
	return fail_with(sleep_for(clock_after(span), ret_left, CALLER));
}

EXPORT int clock_nanosleep(clockid_t clock, int flags, const struct timespec *span, struct timespec *ret_left)
{
	bool absolute = (flags & TIMER_ABSTIME) != 0;

	if (!controlled())
		return (int)-RAW(SYS_clock_nanosleep, clock, flags, span, ret_left);
	if (!clock_valid(span) || span->tv_sec < 0)
		return EINVAL;
	if (absolute)
		return sleep_for(clock_deadline(clock, span), NULL, CALLER);
	return sleep_for(clock_after(span), ret_left, CALLER);
}

EXPORT int thrd_sleep(const struct timespec *span, struct timespec *ret_left)
{
	if (!controlled())
		return (int)RAW(SYS_nanosleep, span, ret_left);
	if (!clock_valid(span) || span->tv_sec < 0)
		return -2;
	return sleep_for(clock_after(span), ret_left, CALLER) == 0 ? 0 : -1;
}

EXPORT int usleep(useconds_t us)
{
	struct timespec span = {us / 1000000, us % 1000000 * 1000};

	if (!controlled())
		return fail_with((int)-RAW(SYS_nanosleep, &span, NULL));
	return fail_with(sleep_for(clock_after(&span), NULL, CALLER));
}

/* Returns the seconds that are left, rounded as the C library does. */
EXPORT unsigned sleep(unsigned seconds)
{
	struct timespec span = {seconds, 0};
	struct timespec left = {0, 0};

	if (!controlled())
		RAW(SYS_nanosleep, &span, &left);
	else
		sleep_for(clock_after(&span), &left, CALLER);
	return (unsigned)left.tv_sec;
}

EXPORT int sched_yield(void)
{
	if (controlled())
		yield(CALLER);
	return 0;
}

EXPORT int pthread_yield(void);
int pthread_yield(void)
{
	if (controlled())
		yield(CALLER);
	return 0;
}

EXPORT void thrd_yield(void)
{
	if (controlled())
		yield(CALLER);
}
