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
	bool replied;       /* in this request */
	bool final;         /* this request is the connection's last: it is not known where the next one begins */
	bool bare;          /* it asks for the head of a reply (HEAD) */
	bool upgrading;     /* libwebsockets itself ends the request */
};

#endif
