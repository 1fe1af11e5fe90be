/*
 * hub/web/connect.h - the other end of web.h: a WebSocket to a hub, over which frames are sent.
 *
 *     error = connect_open(&connect, &options, &handlers, arg);
 *     if (error == 0)
 *             error = connect_serve(connect, why, sizeof(why));     // until the connection has ended
 *     connect = connect_close(connect);
 *
 * One thread, the one that calls connect_serve: it calls every handler, and every function here is to be called by it,
 * but connect_wake, which any thread may call between connect_open and connect_close.
 */
#ifndef HUB_CONNECT_H
#define HUB_CONNECT_H

#include <fairlead/attributes.h>
#include <stdbool.h>
#include <stddef.h>

struct connect;

/* What is sent has this many bytes before it that may be written over. */
#define CONNECT_ROOM 16

#define CONNECT_WHY 256u

struct connect_options {
	const char *host; /* a name or an address; an IPv6 address without brackets */
	int port;
	bool tls;
	const char *path;
	const char *token; /* NULL: none */
	const char *trust; /* a file with certificates that are trusted besides the system's; NULL */
};

struct connect_handlers {
	/* All that was sent is with the system: there is room. Called when the connection has been opened, after each
	 * connect_send, and after connect_want. */
	void (*writable)(void *arg);
	/* connect_wake was called, once or more often. */
	void (*woken)(void *arg);
};

/* Begins to connect. The texts of the options must live until connect_close. Returns 0, -ENOMEM, -EINVAL: the file with
 * certificates. */
int connect_open(struct connect **ret_connect, const struct connect_options *options,
		 const struct connect_handlers *handlers, void *arg) FL_NONNULL(1, 2, 3) FL_MUST_CHECK;
/* NULL is allowed. Returns NULL. */
struct connect *connect_close(struct connect *connect);

/* Serves until the connection has ended. Returns 0: as connect_finish or connect_drop has asked for, and `why` is "";
 * or, with what the other end has said, or what went wrong, in `why` (a sentence without a full stop): -ECONNREFUSED:
 * there is no connection, or no WebSocket, there; -ECONNRESET: it was closed, or is gone. */
int connect_serve(struct connect *connect, char *why, size_t size) FL_ALL_NONNULL FL_MUST_CHECK;
void connect_wake(struct connect *connect) FL_ALL_NONNULL;

/* Whether the WebSocket is there. */
bool connect_is_open(const struct connect *connect) FL_ALL_NONNULL;
/* Asks for a call of `writable`; it does nothing before the connection is open. */
void connect_want(struct connect *connect) FL_ALL_NONNULL;
/* Sends a binary message, in `writable`: once for each call. The bytes are changed. What the system does not take at
 * once is copied, and sent before `writable` is called again. */
void connect_send(struct connect *connect, void *data, size_t size) FL_ALL_NONNULL;
/* Closes, once the other end has read all that was sent, so that what it says of that is heard. In `writable`. */
void connect_finish(struct connect *connect) FL_ALL_NONNULL;
/* Closes soon, whether all was sent or not. */
void connect_drop(struct connect *connect) FL_ALL_NONNULL;

#endif
