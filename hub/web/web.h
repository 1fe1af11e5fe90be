/*
 * hub/web/web.h - the network: HTTP and WebSocket by libwebsockets.
 *
 * One thread, the one that calls web_serve, does it all: every handler is called by it, and every function here is to
 * be called by it, but web_wake and web_stop, which any thread and any signal handler may call.
 *
 * A client is one connection. What becomes of a request is said in a handler: a reply (web_reply), a reply without an
 * end (web_begin, and then web_send when `writable` is called), or nothing yet (web_reply later, from another handler).
 */
#ifndef HUB_WEB_H
#define HUB_WEB_H

#include <fairlead/attributes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct web;
struct web_client;

/* What is sent as a WebSocket message has this many bytes before it that may be written over. */
#define WEB_ROOM 16

enum web_method { WEB_GET, WEB_POST, WEB_OTHER };
enum web_header {
	WEB_HOST,
	WEB_ORIGIN,
	WEB_AUTHORIZATION,
	WEB_COOKIE,
	WEB_IF_NONE_MATCH,
	WEB_REFERER,
	WEB_SITE,
	WEB_MODE
};
enum web_kind { WEB_PLAIN, WEB_BINARY, WEB_TEXT }; /* bytes of an endless reply; WebSocket messages */

/* A part of a WebSocket message that has come. */
struct web_part {
	const void *data;
	size_t size;
	size_t rest;      /* how many bytes are to come of this message, as far as is known */
	bool first, last; /* of the message */
	bool binary;
};

/* What a client has become, once its request has been understood. */
struct web_role {
	/* A part of a message has come. false closes the connection; web_close_saying has said why. */
	bool (*message)(void *data, const struct web_part *part);
	/* All that was sent is with the system: there is room. Called once for each web_want. false: close. */
	bool (*writable)(void *data);
	/* The client is gone; its memory is freed after this. */
	void (*gone)(void *data);
	/* Names the place where the next bytes of the message belong, and how many; NULL: none in particular. What was
	 * read to there comes as a part whose data is there. NULL: parts come from anywhere. */
	void *(*place)(void *data, size_t *ret_room);
};

struct web_handlers {
	/* A client asks for a path, without its "?...". */
	void (*request)(void *arg, struct web_client *client, enum web_method method, const char *path);
	/* A client wants a WebSocket there: true lets it; false: the handler has replied. */
	bool (*upgrade)(void *arg, struct web_client *client, const char *path);
	/* It has one. */
	void (*opened)(void *arg, struct web_client *client);
	/* web_wake was called, once or more often. */
	void (*woken)(void *arg);
};

struct web_options {
	const char *address;           /* to listen at, or a name of one; */
	int port;                      /* 0: any that is free */
	int socket;                    /* a listening socket that was passed in, instead; -1: none */
	const char *certificate, *key; /* files: TLS; NULL: none */
	unsigned most;                 /* clients */
	unsigned patience;             /* seconds for a request's headers, and for a stalled reply */
};

/* Opens the port. Returns 0, -ENOMEM, -EINVAL: the certificate or the key; or as sockets_listen. */
int web_open(struct web **ret_web, const struct web_options *options, const struct web_handlers *handlers, void *arg)
	FL_NONNULL(1, 2, 3) FL_MUST_CHECK;
/* Closes all clients, `gone` is called for each. NULL is allowed. Returns NULL. */
struct web *web_close(struct web *web);

/* Serves until web_stop. */
void web_serve(struct web *web) FL_ALL_NONNULL;
void web_wake(struct web *web) FL_ALL_NONNULL;
void web_stop(struct web *web) FL_ALL_NONNULL;

/* The port that it listens at. */
int web_port(const struct web *web) FL_ALL_NONNULL;
/* Whether only this machine can reach that. */
bool web_is_local(const struct web *web) FL_ALL_NONNULL;
/* How many clients there are, and how many have been turned away for being too many. */
unsigned web_clients(const struct web *web) FL_ALL_NONNULL;
uint64_t web_refused(const struct web *web) FL_ALL_NONNULL;

/* Gives a client a role, with the data that its functions are called with; NULL takes it away. */
void web_set_role(struct web_client *client, const struct web_role *role, void *data) FL_NONNULL(1);

/* A header of the request, or an argument of its "?...". Returns false if it is not there, or too long; then the
 * buffer holds "". In `request` and `upgrade` only, as are the other looks at a request. */
bool web_header(struct web_client *client, enum web_header header, char *ret_value, size_t size) FL_ALL_NONNULL;
/* Whether it is there at all. */
bool web_has_header(struct web_client *client, enum web_header header) FL_ALL_NONNULL;
bool web_argument(struct web_client *client, const char *name, char *ret_value, size_t size) FL_ALL_NONNULL;
bool web_is_tls(const struct web_client *client) FL_ALL_NONNULL;
/* "address:port" of the client; at any time. */
void web_peer(struct web_client *client, char *ret_peer, size_t size) FL_ALL_NONNULL;

/* Lets a page of that origin, which has to outlive the client, use what this request gets. */
void web_allow_origin(struct web_client *client, const char *origin) FL_ALL_NONNULL;

/* A name and a value for a reply; NULL ends a list. */
struct web_field {
	const char *name, *value;
};

/* Replies. `fields` may be NULL. The bytes are copied as far as they are not sent at once. */
void web_reply(struct web_client *client, unsigned status, const char *type, const struct web_field *fields,
	       const void *body, size_t size) FL_NONNULL(1, 3);
/* Replies with a line of text, as printf. */
void web_say(struct web_client *client, unsigned status, const char *format, ...) FL_NONNULL(1, 3)
	__attribute__((format(printf, 3, 4)));
/* Begins a reply that has no end but the connection's. */
void web_begin(struct web_client *client, const char *type, const struct web_field *fields) FL_NONNULL(1, 2);

/* Asks for a call of `writable`. If there is no room for it within the patience the client is closed. */
void web_want(struct web_client *client) FL_ALL_NONNULL;
/* Sends, in `writable`: once for each call. What the system does not take at once is copied, and sent before `writable`
 * is called again; a client that has not taken it all within the patience is closed. Returns false: the connection is
 * broken, return false too. */
bool web_send(struct web_client *client, enum web_kind kind, void *data, size_t size) FL_ALL_NONNULL;
/* Closes a WebSocket in `message` or `writable`, of which the caller then returns false, with a status of RFC 6455 and
 * a reason of up to 120 bytes, as printf. */
void web_close_saying(struct web_client *client, unsigned status, const char *format, ...) FL_NONNULL(1, 3)
	__attribute__((format(printf, 3, 4)));
/* Closes a client soon, from any handler. */
void web_drop(struct web_client *client) FL_ALL_NONNULL;

#endif
