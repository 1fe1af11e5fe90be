/*
 * shm/pipe.c - making and closing the ends of a pipe, taking turns, and looking whether there is something.
 *
 * A pipe is a pair of UNIX sockets of sequenced packets, and nothing beside: so whatever becomes of a process, its end
 * is closed by the kernel and the other side is woken; an end can be inherited and sent as any descriptor can;
 * there is nothing in memory that a death could leave half done.
 *
 *     fl_pipe_send --> packets of up to 64 KiB (pipe_packet.c) --> socket --> the caller's buffer, by fl_pipe_recv
 *
 * A packet goes into the socket whole or not at all. A message of up to 64 KiB is one; a larger one is a row of them,
 * which the receiver puts together where the caller wants it (pipe_recv.c). A row that breaks off, since its sender was
 * killed or its deadline passed, is noticed by what comes next: another beginning, or the end.
 *
 * Turns. Who sends has the turn `sending` for the whole of a message, who receives the turn `receiving` until it has
 * one or gives up; waits included. So pieces do not mix, one thread at a time is woken for what comes, and a message
 * that was kept is seen by whoever is next. A turn is an fl_lock: it is waited for with the caller's own deadline and
 * note, it is handed on nearly in order, and if a fork left its holder behind the child gets it all the same, and knows
 * (-EOWNERDEAD). Nothing is waited for under a turn but the socket, with the deadline of who holds it. The checks see
 * turns as locks of the user's, with names, since who waits for one waits for another thread of the program.
 *
 * Forked children. A child has the socket, so it can go on with the end; the parent goes on with what it had received
 * of a message. So each turn's part of the pipe belongs to one process, and a child that takes the turn for the first
 * time (`..._epoch`) forgets it. What a thread that only the parent has was about to change it does not even look at.
 *
 * What it is made of was chosen by measurement. `make bench ARGS=pipe` compares it with what else it could be; once it
 * printed these medians, in microseconds a message between two processes, on two processors that others used as well:
 *
 *                                        64 KiB             1 MiB
 *                                   one way  and back   one way  and back
 *     fl_pipe                          19       35        307      939
 *     packets of 32 KiB                23       41        357     1292
 *     packets of 64 KiB                18       34        277      638
 *     packets of 128 KiB                                  237      705
 *     a sealed memfd, write, pread     71      121        851     2466
 *     a sealed memfd, mapped          133      273       1483     5818
 *     64 KiB in a packet, then memfd                      775     2563
 *
 * Rejected: a memfd for what is larger than a packet: about three times as slow, since the kernel makes, clears and
 * frees each page of it; and the memory that waits in a pipe would have no bound but the number of descriptors. It
 * would have had one advantage, that several processes could send large messages by one end. Packets of more than 64
 * KiB, which the kernel wants in one piece of memory, and may have none. Stream sockets: who is killed leaves half a
 * message that looks like the beginning of the next one. Rings in shared memory: that is what a queue is for, and a
 * pipe's ends go to processes that may trust each other less. process_vm_readv: it asks for the right to trace the
 * peer. To look at a packet before it is received, to know its size: a system call more for each message.
 */
#define _GNU_SOURCE
#include "shm/pipe.h"

#include "base/fork.h"
#include "base/keep_errno.h"
#include "base/report.h"
#include "sync/wait.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76 /* Linux 6.5 */
#endif

#define ROOM 106496             /* what a socket may keep; the kernel takes twice that, to count its own with it */
#define LEAST 2 * FL_PIPE_PIECE /* and what it must, so that a packet fits */

/* Making. */

uint64_t fl_pipe_first_message_(void)
{
	uint64_t number = 0;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = (uint64_t)fl_now() << 20 ^ (uint64_t)getpid();
	return number;
}

/* Nobody is to be asked for more than messages, whoever has had this socket before. */
static int set_up(int fd)
{
	static const int unwanted[] = {SO_PASSCRED, SO_PASSSEC, SO_PASSPIDFD};
	int room = ROOM, off = 0;
	socklen_t size = sizeof(room);
	size_t i;

	for (i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
		setsockopt(fd, SOL_SOCKET, unwanted[i], &off, sizeof(off)); /* an older kernel does not know them all */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &size) != 0)
		return -errno;
	return room < (int)(LEAST) ? -ENOBUFS : 0;
}

static struct fl_pipe *make(int fd)
{
	struct fl_pipe *pipe = aligned_alloc(_Alignof(struct fl_pipe), sizeof(*pipe));

	if (!pipe)
		return NULL;
	memset(pipe, 0, sizeof(*pipe));
	pipe->fd = fd;
	pipe->send_epoch = pipe->receive_epoch = fl_fork_epoch_;
	pipe->message = fl_pipe_first_message_();
	pipe->scratch = malloc(FL_PIPE_PIECE);
	if (!pipe->scratch) {
		free(pipe);
		return NULL;
	}
	fl_lock_init(&pipe->sending, "pipe, sending");
	fl_lock_init(&pipe->receiving, "pipe, receiving");
	return pipe;
}

static void unmake(struct fl_pipe *pipe)
{
	if (!pipe)
		return;
	fl_lock_destroy(&pipe->sending);
	fl_lock_destroy(&pipe->receiving);
	free(pipe->scratch);
	free(pipe);
}

static int make_both(fl_pipe **ret_one, fl_pipe **ret_other, const int fds[2])
{
	struct fl_pipe *one, *other;
	int error = set_up(fds[0]);

	if (error == 0)
		error = set_up(fds[1]);
	if (error != 0)
		return error;
	one = make(fds[0]);
	other = make(fds[1]);
	if (!one || !other) {
		unmake(one);
		unmake(other);
		return -ENOMEM;
	}
	*ret_one = one;
	*ret_other = other;
	return 0;
}

int fl_pipe_create(fl_pipe **ret_one, fl_pipe **ret_other)
{
	fl_keep_errno();
	int fds[2], error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return errno == ENOBUFS ? -ENOMEM : -errno;
	error = make_both(ret_one, ret_other, fds);
	if (error != 0)
		fl_pipe_close_fds_(2, fds);
	return error;
}

/* Adopting. */

static bool option_is(int fd, int option, int value)
{
	int is = -1;
	socklen_t size = sizeof(is);

	return getsockopt(fd, SOL_SOCKET, option, &is, &size) == 0 && is == value;
}

static int check(int fd)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);

	if (fcntl(fd, F_GETFD) < 0)
		return -EBADF;
	if (!option_is(fd, SO_DOMAIN, AF_UNIX) || !option_is(fd, SO_TYPE, SOCK_SEQPACKET))
		return -EINVAL;
	return getpeername(fd, (struct sockaddr *)&peer, &size) == 0 ? 0 : -EINVAL; /* it listens, or nobody is there */
}

int fl_pipe_adopt(fl_pipe **ret_pipe, int fd)
{
	fl_keep_errno();
	struct fl_pipe *pipe;
	int error = check(fd);

	if (error == 0)
		error = set_up(fd);
	if (error != 0)
		return error;
	pipe = make(fd);
	if (!pipe)
		return -ENOMEM;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	*ret_pipe = pipe;
	return 0;
}

/* Turns. */

static int take(fl_lock *turn, fl_time deadline, fl_note *note) FL_NO_THREAD_SAFETY_ANALYSIS
{
	return fl_lock_acquire_until(turn, deadline, note);
}

void fl_pipe_leave_(fl_lock *turn) FL_NO_THREAD_SAFETY_ANALYSIS
{
	fl_lock_release(turn);
}

int fl_pipe_take_sending_(struct fl_pipe *pipe, fl_time deadline, fl_note *note)
{
	int error = take(&pipe->sending, deadline, note);

	if (error != 0 && error != -EOWNERDEAD)
		return error;
	if (pipe->send_epoch != fl_fork_epoch_) {
		pipe->send_epoch = fl_fork_epoch_;
		pipe->message = fl_pipe_first_message_();
	}
	return 0;
}

int fl_pipe_take_receiving_(struct fl_pipe *pipe, fl_time deadline, fl_note *note)
{
	int error = take(&pipe->receiving, deadline, note);

	if (error != 0 && error != -EOWNERDEAD)
		return error;
	if (error == -EOWNERDEAD)
		memset(&pipe->part, 0, sizeof(pipe->part));
	if (pipe->receive_epoch != fl_fork_epoch_) {
		pipe->receive_epoch = fl_fork_epoch_;
		fl_pipe_drop_part_(pipe);
	}
	return 0;
}

int fl_pipe_wait_(const struct fl_pipe *pipe, short events, fl_time deadline, fl_note *note)
{
	struct pollfd fds[2] = {{.fd = pipe->fd, .events = events}};
	int error = fl_wait_refused_(deadline, note);

	return error != 0 ? error : fl_wait_fds_(fds, 1, deadline, note);
}

/* Ending, and looking. */

fl_pipe *fl_pipe_close(fl_pipe *pipe)
{
	fl_keep_errno();

	if (!pipe)
		return NULL;
	if (fl_pipe_take_sending_(pipe, 0, NULL) != 0) {
		fl_misuse_("pipe", pipe, "closed while a thread sends");
		return NULL;
	}
	if (fl_pipe_take_receiving_(pipe, 0, NULL) != 0) {
		fl_pipe_leave_(&pipe->sending);
		fl_misuse_("pipe", pipe, "closed while a thread receives");
		return NULL;
	}
	fl_pipe_drop_part_(pipe);
	fl_pipe_leave_(&pipe->receiving);
	fl_pipe_leave_(&pipe->sending);
	close(pipe->fd);
	unmake(pipe);
	return NULL;
}

int fl_pipe_fd(const fl_pipe *pipe)
{
	return pipe->fd;
}

/* With the turn. */
static int look(const struct fl_pipe *pipe, fl_time deadline, fl_note *note)
{
	struct pollfd fds[2] = {{.fd = pipe->fd, .events = POLLIN}};

	return pipe->part.begun ? 0 : fl_wait_fds_(fds, 1, deadline, note);
}

int fl_pipe_poll_until(fl_pipe *pipe, fl_time deadline, fl_note *note)
{
	fl_keep_errno();
	int error = fl_pipe_take_receiving_(pipe, deadline, note);

	if (error != 0)
		return error;
	error = look(pipe, deadline, note);
	fl_pipe_leave_(&pipe->receiving);
	return error;
}

bool fl_pipe_poll(fl_pipe *pipe)
{
	return fl_pipe_poll_until(pipe, 0, NULL) == 0;
}
