/*
 * check/socket.c - sockets: connecting, accepting, sending, receiving; see descriptor.c.
 *
 * The kernel never blocks in one of these calls, for it is made when poll() says that it can go on, and with
 * MSG_DONTWAIT. A connect that blocks is made as one that does not, and waited for; where it fails for want of room in
 * the other one's line, it is made again when something has been done.
 */
#include "descriptor.h"
#include "shadow.h"
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static long plainly(long result)
{
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

static void touch(const void *at, long n, bool write, uintptr_t pc)
{
	if (controlled() && n > 0 && at != NULL)
		shadow_access((uintptr_t)at, (size_t)n, write, false, pc);
}

static ssize_t receive_once(const long *call, int fd, int flags, uintptr_t pc)
{
	return descriptor_done(fd, descriptor_call(fd, POLLIN, (flags & MSG_DONTWAIT) == 0, call, pc), POLLIN);
}

static ssize_t receive(int fd, char *to, size_t n, int flags, struct sockaddr *ret_from, socklen_t *ret_size,
		       uintptr_t pc)
{
	size_t done = 0;
	ssize_t result;

	if (descriptor_passes(fd))
		return plainly(WATCHED(SYS_recvfrom, fd, to, n, flags, ret_from, ret_size));
	do {
		const long call[7] = {SYS_recvfrom,
				      fd,
				      (long)(to + done),
				      (long)(n - done),
				      (flags & ~MSG_WAITALL) | MSG_DONTWAIT,
				      (long)ret_from,
				      (long)ret_size};

		result = receive_once(call, fd, flags, pc);
		touch(to + done, result, true, pc);
		done += result > 0 ? (size_t)result : 0;
	} while (result > 0 && done < n && (flags & MSG_WAITALL) != 0);
	return result < 0 && done == 0 ? -1 : (ssize_t)done;
}

EXPORT ssize_t recv(int fd, void *to, size_t n, int flags)
{
	return receive(fd, to, n, flags, NULL, NULL, CALLER);
}

EXPORT ssize_t recvfrom(int fd, void *restrict to, size_t n, int flags, struct sockaddr *restrict ret_from,
			socklen_t *restrict ret_size)
{
	return receive(fd, to, n, flags, ret_from, ret_size, CALLER);
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	const long call[7] = {SYS_recvmsg, fd, (long)message, (flags & ~MSG_WAITALL) | MSG_DONTWAIT};

	if (descriptor_passes(fd))
		return plainly(WATCHED(SYS_recvmsg, fd, message, flags));
	return receive_once(call, fd, flags, CALLER);
}

static ssize_t send_once(const long *call, int fd, int flags, uintptr_t pc)
{
	ssize_t result =
		descriptor_done(fd, descriptor_call(fd, POLLOUT, (flags & MSG_DONTWAIT) == 0, call, pc), POLLOUT);

	if (result < 0 && errno == EPIPE && (flags & MSG_NOSIGNAL) == 0)
		signal_raise(SIGPIPE, pc);
	return result;
}

static ssize_t send_all(int fd, const char *from, size_t n, int flags, const struct sockaddr *to, socklen_t size,
			uintptr_t pc)
{
	size_t done = 0;
	ssize_t result;

	touch(from, (long)n, false, pc);
	if (descriptor_passes(fd))
		return plainly(WATCHED(SYS_sendto, fd, from, n, flags, to, size));
	do {
		const long call[7] = {SYS_sendto,
				      fd,
				      (long)(from + done),
				      (long)(n - done),
				      flags | MSG_DONTWAIT | MSG_NOSIGNAL,
				      (long)to,
				      (long)size};

		result = send_once(call, fd, flags, pc);
		done += result > 0 ? (size_t)result : 0;
	} while (result > 0 && done < n && (flags & MSG_DONTWAIT) == 0 && descriptor_blocks(fd));
	return result < 0 && done == 0 ? -1 : (ssize_t)done;
}

EXPORT ssize_t send(int fd, const void *from, size_t n, int flags)
{
	return send_all(fd, from, n, flags, NULL, 0, CALLER);
}

EXPORT ssize_t sendto(int fd, const void *from, size_t n, int flags, const struct sockaddr *to, socklen_t size)
{
	return send_all(fd, from, n, flags, to, size, CALLER);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	const long call[7] = {SYS_sendmsg, fd, (long)message, flags | MSG_DONTWAIT | MSG_NOSIGNAL};

	if (descriptor_passes(fd))
		return plainly(WATCHED(SYS_sendmsg, fd, message, flags));
	return send_once(call, fd, flags, CALLER);
}

static int take_connection(int fd, struct sockaddr *ret_from, socklen_t *ret_size, int flags, uintptr_t pc)
{
	const long call[7] = {SYS_accept4, fd, (long)ret_from, (long)ret_size, flags};
	int made;

	if (descriptor_passes(fd))
		return (int)plainly(WATCHED(SYS_accept4, fd, ret_from, ret_size, flags));
	made = (int)descriptor_done(fd, descriptor_call(fd, POLLIN, true, call, pc), POLLIN);
	if (made >= 0)
		descriptor_made(made, NAMED);
	return made;
}

EXPORT int accept(int fd, struct sockaddr *restrict ret_from, socklen_t *restrict ret_size)
{
	return take_connection(fd, ret_from, ret_size, 0, CALLER);
}

EXPORT int accept4(int fd, struct sockaddr *restrict ret_from, socklen_t *restrict ret_size, int flags)
{
	return take_connection(fd, ret_from, ret_size, flags, CALLER);
}

/* Returns how a connection that was begun has gone. */
static long wait_connected(int fd, uintptr_t pc)
{
	struct pollfd at = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t size = sizeof(error);

	if (descriptor_wait(&at, 1, CHECK_FOREVER, 0, pc) != 0)
		return -EINTR;
	WATCHED(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return -error;
}

static bool has_room(struct thread *thread)
{
	return *(const uint64_t *)thread->wait_arg[0] != run->writes;
}

static long try_connect(int fd, const struct sockaddr *to, socklen_t size)
{
	long flags = WATCHED(SYS_fcntl, fd, F_GETFL), result;

	WATCHED(SYS_fcntl, fd, F_SETFL, flags | O_NONBLOCK);
	result = WATCHED(SYS_connect, fd, to, size);
	WATCHED(SYS_fcntl, fd, F_SETFL, flags);
	return result;
}

static long connect_blocking(int fd, const struct sockaddr *to, socklen_t size, uintptr_t pc)
{
	uint64_t seen;
	long result;

	for (;;) {
		result = try_connect(fd, to, size);
		if (result == -EINPROGRESS)
			return wait_connected(fd, pc);
		if (result != -EAGAIN)
			return result;
		seen = run->writes;
		descriptor_wait_for(has_room, &seen, CHECK_FOREVER, 0, pc);
	}
}

EXPORT int connect(int fd, const struct sockaddr *to, socklen_t size)
{
	long result;

	if (descriptor_passes(fd))
		return (int)plainly(WATCHED(SYS_connect, fd, to, size));
	descriptor_step(CALLER);
	if (descriptor_blocks(fd))
		result = connect_blocking(fd, to, size, CALLER);
	else
		result = WATCHED(SYS_connect, fd, to, size);
	return (int)descriptor_done(fd, result, POLLOUT);
}

/* Calls that do not wait, but let others go on. */
static int simply(int fd, long number, long a, long b, uintptr_t pc)
{
	if (descriptor_passes(fd))
		return (int)plainly(WATCHED(number, fd, a, b));
	descriptor_step(pc);
	return (int)descriptor_done(fd, WATCHED(number, fd, a, b), POLLOUT);
}

EXPORT int bind(int fd, const struct sockaddr *to, socklen_t size)
{
	return simply(fd, SYS_bind, (long)to, (long)size, CALLER);
}

EXPORT int listen(int fd, int room)
{
	return simply(fd, SYS_listen, room, 0, CALLER);
}

EXPORT int shutdown(int fd, int how)
{
	return simply(fd, SYS_shutdown, how, 0, CALLER);
}
