/*
 * frame/message.h - what a producer and a reader in another process say to each other, over a socket.
 *
 * A UNIX socket of sequenced packets, one for each reader. Each message is one packet; packets that are not as below
 * end the connection.
 *
 *   reader                                       producer
 *   HELLO    who I am, what I want          -->
 *                                           <--  WELCOME  with two descriptors: the frames' memory, my page of pins
 *                                           <--  REFUSED  with why, a negative errno; then the end
 *                                           <--  MOVED    with a descriptor: the next generation of memory
 *                                           <--  BELL     there is something new; only if I was armed
 *   ROOM     there is room in my queue      -->           only if that was asked for
 *   LEAVING  I want no more, but hold some  -->
 *
 * Each side ends the connection in its own direction: a producer that disconnects a reader shuts down what it sends,
 * and goes on looking at the reader's page until the reader, who may hold frames, has closed its end.
 *
 * The socket is also the sign of life: when a process ends, however it ends, the kernel closes it and the other side
 * is woken. A forked child that still has it would keep it open; so both sides also watch a pidfd of the process that
 * they talk to, where there is one to be had (not across PID namespaces).
 *
 * Bells are packets and not an eventfd that both sides have, since to write to an eventfd blocks when the other side
 * has filled it and made it blocking; a packet is sent with MSG_DONTWAIT, which nobody can take away.
 */
#ifndef FL_FRAME_MESSAGE_H
#define FL_FRAME_MESSAGE_H

#include <fairlead/frames.h>
#include <stdbool.h>
#include <sys/types.h>

enum fl_frames_word {
	FL_FRAMES_HELLO = 0x46524c31, /* with the protocol's version in it */
	FL_FRAMES_WELCOME = 1,
	FL_FRAMES_REFUSED,
	FL_FRAMES_MEMORY,
	FL_FRAMES_BELL,
	FL_FRAMES_ROOM,
	FL_FRAMES_LEAVING,
};

struct fl_frames_message {
	uint32_t word;
	int32_t error;        /* of REFUSED */
	uint32_t every, held; /* of HELLO */
	char name[FL_FRAMES_NAME];
};

#define FL_FRAMES_MAX_FDS 2u

/* Sends a message with n_fds descriptors. Never blocks. Returns 0, or why it could not be sent. */
int fl_frames_send_(int socket, const struct fl_frames_message *message, const int *fds, unsigned n_fds);
/* The same for a word alone. */
int fl_frames_say_(int socket, enum fl_frames_word word);

/* Receives a message, and up to FL_FRAMES_MAX_FDS descriptors, which then are the caller's; those that it did not get
 * are -1 in fds. Never blocks. Returns 0;
 * -EAGAIN: there is none; -EPIPE: the other side has ended, and all that it said before was received; -EMFILE: no room
 * for its descriptors; -EPROTO: it is not a message. */
int fl_frames_receive_(int socket, struct fl_frames_message *ret_message, int fds[FL_FRAMES_MAX_FDS]);
void fl_frames_close_fds_(int fds[FL_FRAMES_MAX_FDS]);

/* Returns who is at the other end of the socket: a pidfd, or -1 if there is none to be had; in *ret_process and
 * *ret_user its ids. Returns -ESRCH if that process is no more; -EMFILE, -ENFILE, -ENOMEM. */
int fl_frames_peer_(int socket, pid_t *ret_process, uid_t *ret_user);

/* Whether the process of a pidfd has ended; false for -1. */
bool fl_frames_ended_(int pidfd);

#endif
