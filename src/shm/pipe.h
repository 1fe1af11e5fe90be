/*
 * shm/pipe.h - one end of a pipe, and the packets that go between two. What a pipe is, and why so, is in pipe.c.
 *
 * A message is one packet, or a row of them, each with a head and up to FL_PIPE_PIECE bytes. All but the last are full.
 * Descriptors go with the first. A packet is sent and received in one step, whole.
 *
 *   [P1] A packet at offset 0 begins a message, and says that the one before it, if that is not whole, never will be.
 *   [P2] The packets of a message follow each other: who sends has its turn until it is through, or gives up.
 *   [P3] Each message of a sender has another number. What is not the rest of the message that has begun belongs to
 *        another sender by the same end, or is mischief.
 */
#ifndef FL_SHM_PIPE_H
#define FL_SHM_PIPE_H

#include <fairlead/lock.h>
#include <fairlead/pipe.h>
#include <stdint.h>
#include <sys/uio.h>

#define FL_PIPE_PIECE 65536u
#define FL_PIPE_WORD UINT32_C(0x31504c46) /* "FLP1": the protocol and its version */

/* How many packets a call sends or receives before it looks at the clock although it need not wait. */
#define FL_PIPE_PATIENCE 64u

struct fl_pipe_head {
	uint32_t word;
	uint32_t n_fds;
	uint64_t size;    /* of the whole message */
	uint64_t offset;  /* where in it this piece is */
	uint64_t message; /* its number */
};

struct fl_pipe_packet {
	struct fl_pipe_head head;
	size_t length; /* of the piece */
	size_t n_fds;
	int fds[FL_PIPE_FDS];
};

/* A message of which something has been received. */
struct fl_pipe_part {
	bool begun;
	char *data; /* in the caller's buffer, while it receives; else in `scratch`, or in memory of its own */
	bool owned; /* the last of these */
	uint64_t size, have, message;
	size_t n_fds;
	int fds[FL_PIPE_FDS];
};

struct fl_pipe {
	int fd;

	_Alignas(64) fl_lock sending; /* a turn */
	uint8_t send_epoch;
	uint64_t message; /* the number of the last one */

	_Alignas(64) fl_lock receiving; /* a turn; all below is its holder's */
	uint8_t receive_epoch;
	uint64_t dropped; /* the number of a message whose rest may still come, and is to be passed over */
	struct fl_pipe_part part;
	char *scratch; /* FL_PIPE_PIECE bytes */
};

/* Sends a packet: its head, `data`, and head->n_fds descriptors. Never blocks. Returns 0, -EAGAIN, -EPIPE, -ENOMEM,
 * -EBADF, -ETOOMANYREFS, or what else the system said. */
int fl_pipe_packet_send_(int fd, const struct fl_pipe_head *head, const void *data, const int *fds);

/* Receives a packet, its piece into the two parts of memory, which have FL_PIPE_PIECE bytes together; its descriptors
 * are the caller's. Never blocks. Returns 0; and without any descriptor -EAGAIN, -ENOMEM: it stays where it is; -EPIPE:
 * the end; -EPROTO: it is no packet of a message; -EMFILE: it is, but its descriptors are lost. */
int fl_pipe_packet_receive_(int fd, struct fl_pipe_packet *packet, const struct iovec data[2]);

/* Whether the next packet begins a message, or there is none to come; it stays where it is. Never blocks. */
bool fl_pipe_packet_begins_(int fd);

void fl_pipe_close_fds_(size_t n_fds, const int *fds);

/* A number that no other sender begins with. */
uint64_t fl_pipe_first_message_(void);

/* Takes the turn of those who send, or receive, and puts its part of the pipe in order if this is a forked child.
 * Returns 0, -ETIMEDOUT, -ECANCELED. */
int fl_pipe_take_sending_(struct fl_pipe *pipe, fl_time deadline, fl_note *note);
int fl_pipe_take_receiving_(struct fl_pipe *pipe, fl_time deadline, fl_note *note);
void fl_pipe_leave_(fl_lock *turn);

/* Waits, with a turn, until the socket may be sent to, or received from (`events` of poll). As fl_wait_fds_, and with
 * a deadline that has passed it does not ask the system at all. */
int fl_pipe_wait_(const struct fl_pipe *pipe, short events, fl_time deadline, fl_note *note);

/* Gives up what has been received of a message. By the holder of the turn. */
void fl_pipe_drop_part_(struct fl_pipe *pipe);

#endif
