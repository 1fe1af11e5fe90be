/*
 * check/descriptor.c - pipes, eventfds, sockets: descriptors through which threads of the program talk to each other.
 *
 * The kernel does the work; what is modelled is waiting. An operation on a descriptor that blocks waits, as a step,
 * until poll() says that it can be done, and is made then. All of them are steps on one thing, for who could go on
 * after somebody's write is the kernel's to know: whenever something was done, everyone who waits is asked again.
 *
 * What is written in several pieces because there was no room for it, is a step for each. One that closes a descriptor
 * in which another one waits lets that one go on, and fail: as if it had come a little later.
 *
 * When nobody can go on, and somebody waits for a socket of a network, the world has half a second to answer.
 *
 * Files are not waited for, and standard input, output and error are passed on as they are. A descriptor that the
 * program makes is state of the kernel's: the process engine does these programs.
 *
 * What orders threads: who reads from a pipe, a pair of sockets or an eventfd knows all that was done before others
 * wrote there; all sockets and pipes that find each other by name share that, for who is connected to whom is not
 * known.
 */
#include "descriptor.h"

#include "entropy.h"
#include "interrupt.h"
#include "object.h"
#include "pool.h"
#include "shadow.h"
#include "signals.h"
#include "site.h"
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 1024u
#define FILE_LINE UINT32_MAX
#define RANDOM_LINE (UINT32_MAX - 1)
#define OUTSIDE_MS 500

struct descriptors {
	uint32_t lines; /* handed out */
	uint32_t line[FDS];
};

static char world;
static char lines[1 << 16]; /* never touched: their addresses are things that have clocks */

static struct descriptors *table(void)
{
	if (run->descriptors == NULL) {
		run->descriptors = pool_take(sizeof(*run->descriptors));
		run->descriptors->lines = NAMED;
	}
	return run->descriptors;
}

uint32_t descriptor_made(int fd, uint32_t line)
{
	if (line == 0)
		line = ++table()->lines;
	if (fd >= 0 && (unsigned)fd < FDS)
		table()->line[fd] = line;
	return line;
}

/* One that is not known may have been opened by name, or come from whoever started the program. */
static uint32_t look_at(int fd)
{
	struct stat what;

	if (WATCHED(SYS_fstat, fd, &what) != 0)
		return 0;
	if (S_ISFIFO(what.st_mode) || S_ISSOCK(what.st_mode))
		return descriptor_made(fd, NAMED);
	if (S_ISCHR(what.st_mode) && (what.st_rdev == makedev(1, 8) || what.st_rdev == makedev(1, 9)))
		return descriptor_made(fd, RANDOM_LINE);
	return descriptor_made(fd, FILE_LINE);
}

uint32_t descriptor_line(int fd)
{
	uint32_t line = fd >= 0 && (unsigned)fd < FDS ? table()->line[fd] : FILE_LINE;

	return line != 0 ? line : look_at(fd);
}

bool descriptor_is_random(int fd)
{
	return controlled() && fd > 2 && descriptor_line(fd) == RANDOM_LINE;
}

bool descriptor_passes(int fd)
{
	if (!controlled() || fd < 0 || ((unsigned)fd <= 2 && table()->line[fd] == 0))
		return true;
	return descriptor_line(fd) >= RANDOM_LINE;
}

static struct object *clock_of(int fd)
{
	return object_get((uintptr_t)&lines[descriptor_line(fd) % sizeof(lines)], OBJECT_OTHER);
}

void descriptor_release(int fd)
{
	clock_release(clock_of(fd));
}

void descriptor_acquire(int fd)
{
	clock_acquire(clock_of(fd));
}

void descriptor_changed(void)
{
	sched_progress();
	run_changed((uintptr_t)&world);
}

void descriptor_step(uintptr_t pc)
{
	cancel_point();
	sched_point(CHECK_DESCRIPTOR, (uintptr_t)&world, true, pc);
}

bool descriptor_blocks(int fd)
{
	return (WATCHED(SYS_fcntl, fd, F_GETFL) & O_NONBLOCK) == 0;
}

static bool is_ready(struct thread *thread)
{
	return WATCHED(SYS_poll, thread->wait_arg[0], thread->wait_arg[1], 0) > 0;
}

int descriptor_wait_for(bool (*ready)(struct thread *), void *arg, int64_t deadline, uint8_t how, uintptr_t pc)
{
	struct thread *thread = self();

	cancel_point();
	thread->wait_arg[0] = arg;
	switch (sched_wait_for(CHECK_DESCRIPTOR, (uintptr_t)&world, ready, deadline, how | WAIT_CANCEL, pc)) {
	case WAKE_CANCELLED:
		cancel_act();
	case WAKE_LATE:
		return ETIMEDOUT;
	case WAKE_SIGNAL:
		return EINTR;
	default:
		return 0;
	}
}

int descriptor_wait(struct pollfd *fds, size_t n, int64_t deadline, uint8_t how, uintptr_t pc)
{
	self()->wait_arg[1] = (void *)n;
	return descriptor_wait_for(is_ready, fds, deadline, how, pc);
}

/* SO_RCVTIMEO and SO_SNDTIMEO: virtual time. */
static int64_t deadline_of(int fd, short events)
{
	struct timeval span = {0, 0};
	socklen_t size = sizeof(span);

	if (WATCHED(SYS_getsockopt, fd, SOL_SOCKET, events == POLLIN ? SO_RCVTIMEO : SO_SNDTIMEO, &span, &size) != 0 ||
	    (span.tv_sec == 0 && span.tv_usec == 0))
		return CHECK_FOREVER;
	return run->now + (int64_t)span.tv_sec * 1000000000 + (int64_t)span.tv_usec * 1000;
}

static long make(const long *call)
{
	return WATCHED(call[0], call[1], call[2], call[3], call[4], call[5], call[6]);
}

long descriptor_call(int fd, short events, bool waits, const long *call, uintptr_t pc)
{
	struct pollfd at = {.fd = fd, .events = events};
	long result;
	int error;

	if (!waits || !descriptor_blocks(fd)) {
		descriptor_step(pc);
		return make(call);
	}
	do {
		error = descriptor_wait(&at, 1, deadline_of(fd, events), WAIT_SIGNAL, pc);
		if (error != 0)
			return error == ETIMEDOUT ? -EAGAIN : -error;
		result = make(call);
	} while (result == -EAGAIN);
	return result;
}

long descriptor_done(int fd, long result, short events)
{
	if (result >= 0) {
		if (events == POLLIN)
			descriptor_acquire(fd);
		else
			descriptor_release(fd);
	}
	trace_value((uint64_t)fd, (uint64_t)result, CHECK_VALUE | CHECK_OLD);
	if (result == -EAGAIN)
		sched_fruitless();
	else
		descriptor_changed();
	if (result >= 0)
		return result;
	trace_result(-result);
	errno = (int)-result;
	return -1;
}

static long plainly(const long *call)
{
	long result = make(call);

	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

static void note_read(const void *to, long n, uintptr_t pc)
{
	if (controlled() && n > 0)
		shadow_access((uintptr_t)to, (size_t)n, true, false, pc);
}

static void note_write(const void *from, size_t n, uintptr_t pc)
{
	if (controlled() && n > 0)
		shadow_access((uintptr_t)from, n, false, false, pc);
}

static ssize_t read_from(int fd, void *to, size_t n, uintptr_t pc)
{
	const long call[7] = {SYS_read, fd, (long)to, (long)n};
	long result;

	if (!descriptor_passes(fd)) {
		result = descriptor_done(fd, descriptor_call(fd, POLLIN, true, call, pc), POLLIN);
	} else if (descriptor_is_random(fd)) {
		entropy_fill(to, n);
		result = (long)n;
	} else {
		result = plainly(call);
	}
	note_read(to, result, pc);
	return result;
}

/* For the time of one call the descriptor does not block: there may be room for a part only. */
static long write_some(int fd, const char *from, size_t n, uintptr_t pc)
{
	const long call[7] = {SYS_write, fd, (long)from, (long)n};
	struct pollfd at = {.fd = fd, .events = POLLOUT};
	long flags = WATCHED(SYS_fcntl, fd, F_GETFL), result;
	int error;

	if (flags < 0 || (flags & O_NONBLOCK) != 0) {
		descriptor_step(pc);
		return make(call);
	}
	do {
		error = descriptor_wait(&at, 1, deadline_of(fd, POLLOUT), WAIT_SIGNAL, pc);
		if (error != 0)
			return error == ETIMEDOUT ? -EAGAIN : -error;
		WATCHED(SYS_fcntl, fd, F_SETFL, flags | O_NONBLOCK);
		result = make(call);
		WATCHED(SYS_fcntl, fd, F_SETFL, flags);
	} while (result == -EAGAIN);
	return result;
}

/* All of it, in as many pieces as there is room for. */
static ssize_t write_all(int fd, const char *from, size_t n, uintptr_t pc)
{
	size_t done = 0;
	long result;

	do {
		result = descriptor_done(fd, write_some(fd, from + done, n - done, pc), POLLOUT);
		if (result < 0 && errno == EPIPE)
			signal_raise(SIGPIPE, pc);
		if (result < 0)
			return done > 0 ? (ssize_t)done : -1;
		done += (size_t)result;
	} while (done < n && descriptor_blocks(fd));
	return (ssize_t)done;
}

static ssize_t write_to(int fd, const char *from, size_t n, uintptr_t pc)
{
	const long call[7] = {SYS_write, fd, (long)from, (long)n};

	note_write(from, n, pc);
	return descriptor_passes(fd) ? plainly(call) : write_all(fd, from, n, pc);
}

EXPORT ssize_t read(int fd, void *to, size_t n)
{
	return read_from(fd, to, n, CALLER);
}

EXPORT ssize_t write(int fd, const void *from, size_t n)
{
	return write_to(fd, from, n, CALLER);
}

EXPORT ssize_t __read_chk(int fd, void *to, size_t n, size_t room);
ssize_t __read_chk(int fd, void *to, size_t n, size_t room)
{
	if (n > room)
		fail(CHECK_MISUSE, CALLER, "read of %lu bytes into %lu", n, room);
	return read_from(fd, to, n, CALLER);
}

EXPORT ssize_t readv(int fd, const struct iovec *to, int n)
{
	const long call[7] = {SYS_readv, fd, (long)to, n};

	if (descriptor_passes(fd))
		return plainly(call);
	return descriptor_done(fd, descriptor_call(fd, POLLIN, true, call, CALLER), POLLIN);
}

/* A call for all: what fits is written as one. */
static ssize_t write_parts(const long *call, uintptr_t pc)
{
	int fd = (int)call[1];
	long result = descriptor_done(fd, descriptor_call(fd, POLLOUT, true, call, pc), POLLOUT);

	if (result < 0 && errno == EPIPE)
		signal_raise(SIGPIPE, pc);
	return result;
}

EXPORT ssize_t writev(int fd, const struct iovec *from, int n)
{
	const long call[7] = {SYS_writev, fd, (long)from, n};

	for (int i = 0; i < n; i++)
		note_write(from[i].iov_base, from[i].iov_len, CALLER);
	return descriptor_passes(fd) ? plainly(call) : write_parts(call, CALLER);
}

void descriptor_forget(int fd)
{
	if (controlled() && fd >= 0 && (unsigned)fd < FDS)
		table()->line[fd] = 0;
}

static int close_step(int fd, uintptr_t pc)
{
	const long call[7] = {SYS_close, fd};
	long result;

	sched_point(CHECK_DESCRIPTOR, (uintptr_t)&world, true, pc);
	if (descriptor_line(fd) != 0 && descriptor_line(fd) < RANDOM_LINE)
		descriptor_release(fd);
	result = plainly(call);
	descriptor_forget(fd);
	trace_value((uint64_t)fd, (uint64_t)result, CHECK_VALUE | CHECK_OLD);
	descriptor_changed();
	return (int)result;
}

long descriptor_inside(const long *call, uintptr_t pc)
{
	int fd = (int)call[1];
	long result;

	if (call[0] == SYS_write)
		result = write_all(fd, (const char *)call[2], (size_t)call[3], pc);
	else if (call[0] == SYS_writev)
		result = write_parts(call, pc);
	else if (call[0] == SYS_close)
		result = close_step(fd, pc); /* of a stream: no cancellation point */
	else
		result = descriptor_done(fd, descriptor_call(fd, POLLIN, true, call, pc), POLLIN);
	return result < 0 ? -errno : result;
}

EXPORT int eventfd_read(int fd, eventfd_t *ret_value)
{
	return read_from(fd, ret_value, sizeof(*ret_value), CALLER) == (ssize_t)sizeof(*ret_value) ? 0 : -1;
}

EXPORT int eventfd_write(int fd, eventfd_t value)
{
	if (controlled() && site_loses(true, CALLER))
		return 0;
	return write_to(fd, (const char *)&value, sizeof(value), CALLER) == (ssize_t)sizeof(value) ? 0 : -1;
}

EXPORT int close(int fd)
{
	const long call[7] = {SYS_close, fd};

	if (!controlled())
		return (int)plainly(call);
	cancel_point();
	return close_step(fd, CALLER);
}

/* Makes one descriptor, of a line; 0: a new one. */
static int make_one(const long *call, uint32_t line, uintptr_t pc)
{
	int fd;

	if (!controlled())
		return (int)plainly(call);
	sched_point(CHECK_DESCRIPTOR, (uintptr_t)&world, true, pc);
	fd = (int)plainly(call);
	if (fd >= 0)
		descriptor_made(fd, line);
	descriptor_changed();
	return fd;
}

static int make_two(const long *call, const int *fds, uintptr_t pc)
{
	uint32_t line;

	if (!controlled())
		return (int)plainly(call);
	sched_point(CHECK_DESCRIPTOR, (uintptr_t)&world, true, pc);
	if (plainly(call) != 0)
		return -1;
	line = descriptor_made(fds[0], 0);
	descriptor_made(fds[1], line);
	return 0;
}

EXPORT int pipe(int fds[2])
{
	const long call[7] = {SYS_pipe2, (long)fds, 0};

	return make_two(call, fds, CALLER);
}

EXPORT int pipe2(int fds[2], int flags)
{
	const long call[7] = {SYS_pipe2, (long)fds, flags};

	return make_two(call, fds, CALLER);
}

EXPORT int socketpair(int domain, int type, int protocol, int fds[2])
{
	const long call[7] = {SYS_socketpair, domain, type, protocol, (long)fds};

	return make_two(call, fds, CALLER);
}

EXPORT int eventfd(unsigned value, int flags)
{
	const long call[7] = {SYS_eventfd2, (long)value, flags};

	return make_one(call, 0, CALLER);
}

EXPORT int socket(int domain, int type, int protocol)
{
	const long call[7] = {SYS_socket, domain, type, protocol};

	return make_one(call, NAMED, CALLER);
}

EXPORT int epoll_create(int size)
{
	const long call[7] = {SYS_epoll_create, size};

	return make_one(call, 0, CALLER);
}

EXPORT int epoll_create1(int flags)
{
	const long call[7] = {SYS_epoll_create1, flags};

	return make_one(call, 0, CALLER);
}

static uint32_t line_for_copy(int fd)
{
	return controlled() ? descriptor_line(fd) : 0;
}

EXPORT int dup(int fd)
{
	const long call[7] = {SYS_dup, fd};

	return make_one(call, line_for_copy(fd), CALLER);
}

EXPORT int dup2(int fd, int to)
{
	const long call[7] = {SYS_dup2, fd, to};

	return make_one(call, line_for_copy(fd), CALLER);
}

EXPORT int dup3(int fd, int to, int flags)
{
	const long call[7] = {SYS_dup3, fd, to, flags};

	return make_one(call, line_for_copy(fd), CALLER);
}

static int control(int fd, int command, long arg, uintptr_t pc)
{
	const long call[7] = {SYS_fcntl, fd, command, arg};

	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
		return make_one(call, line_for_copy(fd), pc);
	return (int)plainly(call);
}

/* <fcntl.h> declares fcntl under the second name, where offsets have 64 bits anyway. */
EXPORT int descriptor_fcntl(int fd, int command, ...) __asm__("fcntl");
int descriptor_fcntl(int fd, int command, ...)
{
	va_list list;
	long arg;

	va_start(list, command);
	arg = va_arg(list, long);
	va_end(list);
	return control(fd, command, arg, CALLER);
}

EXPORT int descriptor_fcntl64(int fd, int command, ...) __asm__("fcntl64");
int descriptor_fcntl64(int fd, int command, ...)
{
	va_list list;
	long arg;

	va_start(list, command);
	arg = va_arg(list, long);
	va_end(list);
	return control(fd, command, arg, CALLER);
}

/* Whether something other than this program can write there. */
static bool is_outside(int fd)
{
	int domain = 0;
	socklen_t size = sizeof(domain);

	return WATCHED(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
	       (domain == AF_INET || domain == AF_INET6);
}

/* The signal by which we look for hangs interrupts it. */
static bool has_come(struct pollfd *fds, nfds_t n)
{
	int64_t until = raw_now() + OUTSIDE_MS * INT64_C(1000000), left;
	long found = -EINTR;

	while (found == -EINTR && (left = until - raw_now()) > 0)
		found = WATCHED(SYS_poll, fds, n, (left + 999999) / 1000000);
	return found > 0;
}

bool descriptor_outside(void)
{
	struct pollfd fds[FDS];
	nfds_t n = 0;

	for_mask (i, &run->guarded) {
		struct thread *thread = &run->thread[i];
		const struct pollfd *at = thread->wait_arg[0];

		if (thread->op.kind != CHECK_DESCRIPTOR || thread->op.ready != is_ready)
			continue;
		for (size_t j = 0; j < (size_t)thread->wait_arg[1] && n < FDS; j++) {
			if (is_outside(at[j].fd))
				fds[n++] = at[j];
		}
	}
	if (n == 0 || !has_come(fds, n))
		return false;
	run_changed((uintptr_t)&world);
	return !mask_empty(&run->enabled);
}
