/*
 * fairlead/pipe.h - Pipe: whole messages, both ways, between two processes or threads. Python's multiprocessing.Pipe.
 *
 *     fl_pipe *mine, *theirs;
 *
 *     fl_pipe_create(&mine, &theirs);
 *     if (fork() == 0) {
 *             fl_pipe_close(mine);                        // else this process would keep its own peer alive
 *             while (fl_pipe_recv(theirs, text, sizeof(text), &size) == 0)
 *                     fl_pipe_send(theirs, text, size);
 *             _exit(0);                                   // -EPIPE: the parent has closed its end, or is dead
 *     }
 *     fl_pipe_close(theirs);
 *     fl_pipe_send(mine, "hello", 5);
 *     fl_pipe_recv(mine, text, sizeof(text), &size);
 *
 * A message arrives whole, once, and in order, or not at all. It may have from 0 to FL_PIPE_MESSAGE bytes, and up to
 * FL_PIPE_FDS descriptors may go with it. What is sent waits in the kernel, some 200 KiB in each direction; when that
 * is full, fl_pipe_send waits for the receiver.
 *
 * Death. An end is closed when no process has its descriptor any more: by fl_pipe_close, by exec (it is close-on-exec),
 * or by the end of the process, however that came. The other end knows at once: sending returns -EPIPE, and so
 * does receiving, after all that was sent before has been received. Who is killed in the middle of fl_pipe_send leaves
 * a whole message or none. So close each end in every process that does not use it: a child that was forked, and goes
 * on, keeps all the ends alive that its parent had.
 *
 * Any number of threads may send and receive at once by one end; messages do not mix, and of several threads that
 * receive each gets some. An end may be used on by a forked child, or inherited through exec, or sent by another pipe,
 * and made an fl_pipe again by fl_pipe_adopt. Each end is for one process at a time: if several receive by the same
 * one, or send by it, messages of more than 64 KiB may get lost, and then the receiver is told (-EPROTO).
 *
 * Trust. Nothing that comes from the peer is believed: what is not a message is dropped and told, and so are
 * descriptors that should not be there. A peer can send as much as it likes; it is kept in the kernel, up to the limit
 * above, and in memory of the receiver's choice. (Descriptors that are not asked for are closed: a peer can send one
 * whose closing takes its time, such as a socket that lingers.)
 *
 * No call may come from a signal handler. No call fails or returns early because of a signal, nor raises SIGPIPE.
 *
 * When not to use it: between threads of one process an fl_queue is faster; for images there is fl_frames.
 */
#ifndef FAIRLEAD_PIPE_H
#define FAIRLEAD_PIPE_H

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stddef.h>

FL_BEGIN_DECLS

/* One end of a pipe. */
typedef struct fl_pipe fl_pipe;

#define FL_PIPE_MESSAGE 0x40000000u /* the most bytes that a message may have: 1 GiB, */
#define FL_PIPE_FDS 16u             /* and the most descriptors */

/* Makes a pipe and gives its two ends, which are alike. Returns 0;
 * -EMFILE, -ENFILE: no more descriptors;
 * -ENOMEM;
 * -ENOBUFS: the system lets a socket keep less than one packet (sysctl net.core.wmem_max).
 * Does not block.  Since 0.1. */
int fl_pipe_create(fl_pipe **ret_one, fl_pipe **ret_other) FL_ALL_NONNULL FL_MUST_CHECK;

/* Makes an fl_pipe of a descriptor that was inherited or received: one end of a pipe, or any connected UNIX socket of
 * sequenced packets at whose other end there is an fl_pipe. It takes the descriptor over and makes it close-on-exec.
 * Returns 0; and leaves the descriptor as it is if it returns
 * -EBADF: it is none;
 * -EINVAL: it is not what it must be;
 * -ENOMEM, -ENOBUFS: as fl_pipe_create.
 * Does not block.  Since 0.1. */
int fl_pipe_adopt(fl_pipe **ret_pipe, int fd) FL_NONNULL(1) FL_MUST_CHECK;

/* Closes this end, for this process; a message that was kept (see fl_pipe_recv) is lost. No call may be under
 * way: to close an end that a thread uses is reported as misuse, and then it stays. NULL is allowed. Returns NULL. Does
 * not block. */
fl_pipe *fl_pipe_close(fl_pipe *pipe);

/* Returns the end's descriptor. It stays the pipe's; it is readable when there is a message, or the end, and writable
 * when there is much room. (A message that fl_pipe_recv has kept does not make it readable.) A child has it, by the
 * same number, if its close-on-exec flag was taken away, or by posix_spawn_file_actions_adddup2. Never blocks. */
int fl_pipe_fd(const fl_pipe *pipe) FL_ALL_NONNULL;

/* Sends a message of `size` bytes; `data` may be NULL if there are none. Blocks until the kernel has all of it. What is
 * sent is received by whoever has the other end, also if the sender ends at once. Returns 0; otherwise nothing is
 * received of it:
 * -EPIPE: the other end is closed;
 * -EMSGSIZE: more than FL_PIPE_MESSAGE bytes;
 * -ENOMEM. */
int fl_pipe_send(fl_pipe *pipe, const void *data, size_t size) FL_NONNULL(1) FL_MUST_CHECK;
/* Also -ETIMEDOUT and -ECANCELED, and with a note -EMFILE: what it waits with is a descriptor. If there is room it
 * sends, whatever the deadline and the note say; but after 4 MiB it looks at them. */
int fl_pipe_send_until(fl_pipe *pipe, const void *data, size_t size, fl_time deadline, fl_note *note) FL_NONNULL(1)
	FL_MUST_CHECK;
/* Never blocks: also -EAGAIN, there is no room, or another thread sends. What is larger than the room in the kernel is
 * never sent by it. */
int fl_pipe_send_try(fl_pipe *pipe, const void *data, size_t size) FL_NONNULL(1) FL_MUST_CHECK;

/* Sends a message and n_fds descriptors with it. The receiver gets copies, and the caller's stay as they are: they
 * may be closed at once. Returns as fl_pipe_send; also
 * -EINVAL: more than FL_PIPE_FDS of them;
 * -EBADF: one of them is none;
 * -ETOOMANYREFS: this user has too many descriptors on their way. */
int fl_pipe_send_fds(fl_pipe *pipe, const void *data, size_t size, const int *fds, size_t n_fds) FL_NONNULL(1)
	FL_MUST_CHECK;
/* Also -ETIMEDOUT, -ECANCELED and -EMFILE, as fl_pipe_send_until. */
int fl_pipe_send_fds_until(fl_pipe *pipe, const void *data, size_t size, const int *fds, size_t n_fds, fl_time deadline,
			   fl_note *note) FL_NONNULL(1) FL_MUST_CHECK;

/* Receives the next message into `data`, which has room for `size` bytes (none: it may be NULL), and says in *ret_size
 * how many there are. Blocks while there is no message. Descriptors that came with it are closed. Returns 0;
 * -EPIPE: the other end is closed, and all that it has sent was received;
 * -EMSGSIZE: the message is larger than `size`, and *ret_size says how large. It is kept, and is what the next call
 *            gets, of whatever thread, if it is not skipped;
 * -EPROTO: what came is not a message, or not all of one; it is dropped. The peer is not one to go on with;
 * -EMFILE: this process has no room for descriptors that came with the message. The kernel has closed them, and the
 *          message is lost;
 * -ENOMEM: a message of which a part was there when the deadline passed could not be kept, and is lost.
 * After an error the bytes of `data` are not defined. */
int fl_pipe_recv(fl_pipe *pipe, void *data, size_t size, size_t *ret_size) FL_NONNULL(1, 4) FL_MUST_CHECK;
/* Also -ETIMEDOUT and -ECANCELED: nothing was received, and nothing is lost. If there is a message it is received,
 * whatever the deadline and the note say; but after 4 MiB it looks at them. */
int fl_pipe_recv_until(fl_pipe *pipe, void *data, size_t size, size_t *ret_size, fl_time deadline, fl_note *note)
	FL_NONNULL(1, 4) FL_MUST_CHECK;
/* Never blocks: also -EAGAIN, there is none, or not all of one yet, or another thread receives or waits for it. */
int fl_pipe_recv_try(fl_pipe *pipe, void *data, size_t size, size_t *ret_size) FL_NONNULL(1, 4) FL_MUST_CHECK;

/* As fl_pipe_recv, and gives the descriptors that came with the message: *ret_n_fds of them in ret_fds, which has room
 * for FL_PIPE_FDS. They are the caller's, and close-on-exec. */
int fl_pipe_recv_fds(fl_pipe *pipe, void *data, size_t size, size_t *ret_size, int *ret_fds, size_t *ret_n_fds)
	FL_NONNULL(1, 4, 5, 6) FL_MUST_CHECK;
/* Also -ETIMEDOUT and -ECANCELED, as fl_pipe_recv_until. */
int fl_pipe_recv_fds_until(fl_pipe *pipe, void *data, size_t size, size_t *ret_size, int *ret_fds, size_t *ret_n_fds,
			   fl_time deadline, fl_note *note) FL_NONNULL(1, 4, 5, 6) FL_MUST_CHECK;

/* Drops the message that was too large, with its descriptors; what has not been received of it yet will be passed over.
 * Returns 0; -EAGAIN: none is kept, or another thread receives. Never blocks. */
int fl_pipe_skip(fl_pipe *pipe) FL_ALL_NONNULL;

/* Returns whether there is something to receive: a message, at least its beginning, or the end. False also while
 * another thread receives. Never blocks. */
bool fl_pipe_poll(fl_pipe *pipe) FL_ALL_NONNULL;
/* Blocks until there is. Returns 0, -ETIMEDOUT, -ECANCELED, and with a note -EMFILE and -ENOMEM. */
int fl_pipe_poll_until(fl_pipe *pipe, fl_time deadline, fl_note *note) FL_NONNULL(1) FL_MUST_CHECK;

FL_END_DECLS

#endif
