/*
 * hub/web/ingest.h - frames that a client sends over a WebSocket to /in/NAME.
 *
 * A message is a JPEG file, or a frame message (message.h) with pixels or a JPEG. It is received straight into the slot
 * of the frame channel in which it is then published: who reads it there reads what the network wrote. What is wrong
 * with a message is said in the reason of the closing of the connection, and in the status; no part of it is ever
 * published.
 *
 * All calls by the network thread.
 */
#ifndef HUB_INGEST_H
#define HUB_INGEST_H

#include "hub.h"
#include "web.h"

/* A client wants to send to a source: to one that is there for that, or a new one if the hub makes those. Returns
 * false: it has been told what is wrong. */
bool ingest_add(struct hub *hub, struct web_client *client, const char *name) FL_ALL_NONNULL;

#endif
