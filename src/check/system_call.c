/*
 * check/system_call.c - syscall(): system calls by their numbers.
 *
 * What has a model elsewhere goes there; what cannot be done under control is said; all else goes to the kernel, past
 * the snapshot engine's filter.
 */
#include "clock.h"
#include "futex.h"
#include "identity.h"
#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long with_errno(long result)
{
	return result < 0 ? -errno : result;
}

static long kill_thread(long number)
{
	int index = (int)number - identity_process();

	return index >= 0 && (unsigned)index < run->n_threads ? (long)run->thread[index].fiber.fs : 0;
}

static long send(long id, long signal)
{
	return id == 0 ? -ESRCH : -(long)pthread_kill((pthread_t)id, (int)signal);
}

/* Returns whether the call has a model. */
static bool modelled(long number, const long *a, long *ret_result, uintptr_t pc)
{
	switch (number) {
	case SYS_futex:
		*ret_result = futex_call(a, pc);
		return true;
	case SYS_sched_yield:
		*ret_result = sched_yield();
		return true;
	case SYS_getrandom:
		*ret_result = getrandom((void *)a[0], (size_t)a[1], (unsigned)a[2]);
		return true;
	case SYS_clock_gettime:
		*ret_result = with_errno(clock_gettime((clockid_t)a[0], (struct timespec *)a[1]));
		return true;
	case SYS_nanosleep:
		*ret_result = with_errno(nanosleep((const struct timespec *)a[0], (struct timespec *)a[1]));
		return true;
	case SYS_read:
		*ret_result = with_errno(read((int)a[0], (void *)a[1], (size_t)a[2]));
		return true;
	case SYS_write:
		*ret_result = with_errno(write((int)a[0], (const void *)a[1], (size_t)a[2]));
		return true;
	case SYS_close:
		*ret_result = with_errno(close((int)a[0]));
		return true;
	case SYS_tgkill:
		*ret_result = send(kill_thread(a[1]), a[2]);
		return true;
	case SYS_tkill:
		*ret_result = send(kill_thread(a[0]), a[1]);
		return true;
	case SYS_kill:
		*ret_result = with_errno(kill((pid_t)a[0], (int)a[1]));
		return true;
	case SYS_exit:
		thread_exit(NULL);
	default:
		return identity_call(number, ret_result);
	}
}

static void refuse(long number)
{
	switch (number) {
	case SYS_clone:
	case SYS_clone3:
	case SYS_fork:
	case SYS_vfork:
	case SYS_execve:
	case SYS_execveat:
		not_modelled("syscall() that makes a process");
	case SYS_timer_create:
	case SYS_timerfd_create:
	case SYS_signalfd4:
	case SYS_rt_sigaction:
	case SYS_rt_sigprocmask:
	case SYS_rt_sigtimedwait:
		not_modelled("syscall() for timers or signals");
	case SYS_io_uring_setup:
	case SYS_io_setup:
		not_modelled("syscall() for asynchronous input and output");
	case SYS_futex_waitv:
		not_modelled("syscall(SYS_futex_waitv)");
	default:
		break;
	}
}

static long call(long number, const long *a, uintptr_t pc)
{
	long result;

	if (!controlled() && identity_applies() && identity_call(number, &result))
		return result;
	if (!controlled())
		return raw_watched(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (modelled(number, a, &result, pc))
		return result;
	refuse(number);
	return raw_watched(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

EXPORT long syscall(long number, ...)
{
	long a[6];
	long result;
	va_list list;

	va_start(list, number);
	for (unsigned i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	result = call(number, a, CALLER);
	if (result < 0 && result > -4096) {
		errno = (int)-result;
		return -1;
	}
	return result;
}
