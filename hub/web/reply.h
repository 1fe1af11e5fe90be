/*
 * hub/web/reply.h - what is in replies, as far as it needs no libwebsockets; web_say (web.h) is here, too.
 */
#ifndef HUB_REPLY_H
#define HUB_REPLY_H

#include "web.h"

/* What every reply says: nobody is to guess at its type, or to show it in a frame of theirs. And who may use it: the
 * hub's own page, or also one of that origin. */
extern const struct web_field reply_always[], reply_own[];
void reply_foreign(const char *origin, struct web_field ret_fields[4]);

#endif
