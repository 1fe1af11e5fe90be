/*
 * hub/web/client.h - what the files that know libwebsockets know of a client; nobody else does.
 */
#ifndef HUB_CLIENT_H
#define HUB_CLIENT_H

#include "receive.h"
#include "web.h"
#include <libwebsockets.h>

struct web_client {
	struct web *web;
	struct lws *wsi;
	const struct web_role *role; /* NULL: none */
	void *data;
	struct lws *direct; /* the same socket again, if its messages are read by receive.c; NULL */
	struct receive receive;
	const char *origin; /* of a page from elsewhere that may use the reply; NULL */
	bool counted;       /* among the clients */
	bool over;          /* it is to be closed */
	bool closing;       /* libwebsockets was told to close it, and may wait for the client's answer */
	bool wanting;       /* `writable` is to be called */
	bool begun;         /* a reply without an end */
	bool checked;       /* and that nothing came in one piece with its request */
	bool replied;       /* in this request */
	bool final;         /* this request is the connection's last: it is not known where the next one begins */
	bool bare;          /* it asks for the head of a reply (HEAD) */
	bool upgrading;     /* libwebsockets itself ends the request */
};

/* Looks at the socket a second time, to read from it. Returns false: it can't be done. (direct.c) */
bool client_look_directly(struct web_client *client);
/* There is something to be read there. Returns 0, -1: look no more. (direct.c) */
int client_read(struct web_client *client);
/* A client that has not taken what it was sent within the patience is closed. (web.c) */
void client_await_taking(struct web_client *client);

/* What is wrong with the first line of a request, or with the length of its body; NULL: nothing. libwebsockets takes
 * any. (request.c) */
const char *client_request_wrong(struct web_client *client);
/* The same of a WebSocket's handshake. */
const char *client_handshake_wrong(struct web_client *client);
/* Of a request that says how long its body is: whether there is none. */
bool client_body_is_empty(struct web_client *client);
/* Whether it is for the version of the protocol that there is. */
bool client_has_version(struct web_client *client);

#endif
