/*
 * hub/web/reply.h - what is in replies, as far as it needs no libwebsockets; web_say (web.h) is here, too.
 */
#ifndef HUB_REPLY_H
#define HUB_REPLY_H

#include "web.h"

/* What every reply says: nobody is to guess at its type, to show it in a frame of theirs or to keep it. */
extern const struct web_field reply_always[];

#endif
