/*
 * hub/web/receive.h - what a client sends by WebSocket (RFC 6455), read from its socket straight to where it belongs.
 *
 * libwebsockets reads into a buffer of its own, takes the mask off there byte by byte, and hands that out: at 6 MB a
 * frame this is most of what it costs to receive one. Here the system writes the bytes of a message to the place that
 * its receiver names, and the mask is taken off there, 32 bytes at a time.
 *
 * It knows no more of the protocol than what comes in after the handshake; web.c does the rest. By the network thread.
 */
#ifndef HUB_RECEIVE_H
#define HUB_RECEIVE_H

#include <fairlead/attributes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECEIVE_CONTROL 125u   /* bytes of a ping, at most */
#define RECEIVE_ASIDE 4096u    /* bytes that are read at a time when no place is named */
#define RECEIVE_TURN (1 << 20) /* bytes that are read before others have their turn */

struct web_part;

struct receive_events {
	/* Names the place of the next bytes of the message, and how many fit there; NULL: none in particular. */
	void *(*place)(void *arg, size_t *ret_room);
	/* Bytes of a message have come, to that place or another. false: this was the last that is wanted. */
	bool (*part)(void *arg, const struct web_part *part);
	/* A ping, which is to be answered. */
	void (*ping)(void *arg, const void *data, size_t size);
};

/* All zero is ready for the first frame. */
struct receive {
	unsigned char head[14];
	size_t headed;
	unsigned opcode;
	bool last, control; /* of the frame: it ends a message; it is a ping, a pong or a close */
	uint64_t rest;      /* bytes of the frame that are still to come */
	unsigned char mask[4];
	size_t phase;      /* which byte of the mask is next */
	bool open, binary; /* of the message: it has begun; it is not text */
	bool first;        /* no byte of it has come */
	bool unwanted;     /* what comes is thrown away */
	unsigned char small[RECEIVE_CONTROL];
	size_t n_small;
	const char *wrong; /* what the client has done */
};

/* Reads what there is, for a turn. Returns 0; -ESHUTDOWN: the client closes, `small` is what it says, which is to be
 * answered; -ECONNRESET: it is gone; -EPROTO: it does not keep
 * to the protocol, `wrong` says how; -ECANCELED: `part` has returned false. After the last one it may be called on: all
 * is thrown away until the client closes. */
int receive_turn(struct receive *receive, int socket, const struct receive_events *events, void *arg)
	FL_ALL_NONNULL FL_MUST_CHECK;

/* Takes the mask off, beginning with this byte of it. */
void receive_unmask(unsigned char *data, size_t size, const unsigned char mask[4], size_t phase) FL_ALL_NONNULL;

/* What is wrong with what a client says when it closes; NULL: nothing. */
const char *receive_close_wrong(const unsigned char *data, size_t size) FL_NONNULL(1);

#endif
