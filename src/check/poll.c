/*
 * check/poll.c - waiting for several descriptors: poll, select, epoll; see descriptor.c. Timeouts are virtual time.
 *
 * A descriptor of epoll is asked by poll() whether it has something; that takes nothing from it, also where it tells of
 * changes only.
 */
#include "descriptor.h"
#include "object.h"
#include "signals.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

#define HOW (WAIT_SIGNAL | WAIT_ALWAYS)

static int fail_with(int error)
{
	errno = error;
	return -1;
}

static int64_t after_ms(int ms)
{
	return ms < 0 ? CHECK_FOREVER : run->now + (int64_t)ms * 1000000;
}

static int64_t after(const struct timespec *span)
{
	return span == NULL ? CHECK_FOREVER : run->now + (int64_t)span->tv_sec * 1000000000 + span->tv_nsec;
}

/* Blocks other signals than before, and puts them back: what pselect and its like are there for. */
static uint64_t block(const sigset_t *mask)
{
	uint64_t before = self()->blocked;

	if (mask != NULL)
		signal_set_mask(self(), signal_bits(mask));
	return before;
}

static int finish(long result)
{
	if (result == 0)
		sched_fruitless();
	return result < 0 ? fail_with((int)-result) : (int)result;
}

static int wait_all(struct pollfd *fds, nfds_t n, int64_t deadline, const sigset_t *mask, uintptr_t pc)
{
	uint64_t before = block(mask);
	int error = descriptor_wait(fds, n, deadline, HOW, pc);

	signal_set_mask(self(), before);
	if (error == EINTR)
		return fail_with(EINTR);
	return finish(WATCHED(SYS_poll, fds, n, 0));
}

EXPORT int poll(struct pollfd *fds, nfds_t n, int ms)
{
	if (!controlled())
		return finish(WATCHED(SYS_poll, fds, n, ms));
	return wait_all(fds, n, after_ms(ms), NULL, CALLER);
}

EXPORT int __poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t room);
int __poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t room)
{
	(void)room;
	return poll(fds, n, ms);
}

EXPORT int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *span, const sigset_t *mask)
{
	if (!controlled())
		return finish(WATCHED(SYS_ppoll, fds, n, span, mask, 8));
	return wait_all(fds, n, after(span), mask, CALLER);
}

struct sets {
	int n;
	fd_set *set[3], found[3];
};

static long ask(struct sets *sets)
{
	static const struct timespec none;
	fd_set *found[3] = {NULL, NULL, NULL};

	for (unsigned i = 0; i < 3; i++) {
		if (sets->set[i] == NULL)
			continue;
		sets->found[i] = *sets->set[i];
		found[i] = &sets->found[i];
	}
	struct timespec span = none;
	return WATCHED(SYS_pselect6, sets->n, found[0], found[1], found[2], &span, NULL);
}

static bool has_any(struct thread *thread)
{
	return ask(thread->wait_arg[0]) != 0;
}

static int select_until(struct sets *sets, int64_t deadline, const sigset_t *mask, uintptr_t pc)
{
	uint64_t before = block(mask);
	int error = descriptor_wait_for(has_any, sets, deadline, HOW, pc);
	long result;

	signal_set_mask(self(), before);
	if (error == EINTR)
		return fail_with(EINTR);
	result = ask(sets);
	for (unsigned i = 0; i < 3 && result >= 0; i++) {
		if (sets->set[i] != NULL)
			*sets->set[i] = sets->found[i];
	}
	return finish(result);
}

EXPORT int select(int n, fd_set *restrict reads, fd_set *restrict writes, fd_set *restrict others,
		  struct timeval *restrict span)
{
	struct sets sets = {.n = n, .set = {reads, writes, others}};

	if (!controlled())
		return finish(WATCHED(SYS_select, n, reads, writes, others, span));
	return select_until(&sets,
			    span == NULL
				    ? CHECK_FOREVER
				    : run->now + (int64_t)span->tv_sec * 1000000000 + (int64_t)span->tv_usec * 1000,
			    NULL, CALLER);
}

EXPORT int pselect(int n, fd_set *restrict reads, fd_set *restrict writes, fd_set *restrict others,
		   const struct timespec *restrict span, const sigset_t *restrict mask)
{
	struct sets sets = {.n = n, .set = {reads, writes, others}};

	if (!controlled())
		raw_die("pselect() before main() is not modelled");
	return select_until(&sets, after(span), mask, CALLER);
}

EXPORT int epoll_ctl(int fd, int operation, int other, struct epoll_event *event)
{
	if (!controlled())
		return finish(WATCHED(SYS_epoll_ctl, fd, operation, other, event));
	descriptor_step(CALLER);
	return (int)descriptor_done(fd, WATCHED(SYS_epoll_ctl, fd, operation, other, event), POLLOUT);
}

static int wait_events(int fd, struct epoll_event *ret_events, int n, int64_t deadline, const sigset_t *mask,
		       uintptr_t pc)
{
	struct pollfd at = {.fd = fd, .events = POLLIN};
	uint64_t before = block(mask);
	long result;
	int error;

	do {
		error = descriptor_wait(&at, 1, deadline, HOW, pc);
		result = error == 0 ? WATCHED(SYS_epoll_wait, fd, ret_events, n, 0) : -error;
	} while (result == 0);
	signal_set_mask(self(), before);
	if (result > 0)
		descriptor_acquire(fd);
	return finish(result == -ETIMEDOUT ? 0 : result);
}

EXPORT int epoll_wait(int fd, struct epoll_event *ret_events, int n, int ms)
{
	if (!controlled())
		return finish(WATCHED(SYS_epoll_wait, fd, ret_events, n, ms));
	return wait_events(fd, ret_events, n, after_ms(ms), NULL, CALLER);
}

EXPORT int epoll_pwait(int fd, struct epoll_event *ret_events, int n, int ms, const sigset_t *mask)
{
	if (!controlled())
		return finish(WATCHED(SYS_epoll_pwait, fd, ret_events, n, ms, mask, 8));
	return wait_events(fd, ret_events, n, after_ms(ms), mask, CALLER);
}
