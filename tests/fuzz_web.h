/*
 * fuzz_web.h - plays the network (hub/web/web.h) to the hub's own sources: a client is what a test says, and what it
 * is told is kept.
 */
#ifndef FAIRLEAD_FUZZ_WEB_H
#define FAIRLEAD_FUZZ_WEB_H

#include "hub/web/web.h"

#define FUZZ_TEXT 1100u

/* A header, or an argument of the request. */
struct fuzz_field {
	bool there;
	char text[FUZZ_TEXT];
};

struct web_client {
	struct fuzz_field headers[WEB_MODE + 1];
	struct fuzz_field token, window, every;
	bool tls;
	/* What has become of it: */
	const struct web_role *role;
	void *data;
	unsigned status; /* of the reply; 0: none yet */
	unsigned closed; /* with this status of a WebSocket; 0: it is not */
	char reason[256];
};

/* For a hub to have one; nothing is in it. */
extern struct web fuzz_web;

#endif
