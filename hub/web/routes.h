/*
 * hub/web/routes.h - what the hub answers to which request.
 *
 *   GET  /, /page.css, /page.js, /icon.svg     the page
 *   GET  /mjpeg/NAME                           a stream, as multipart/x-mixed-replace
 *   GET  /jpeg/NAME                            its last frame
 *   WS   /out/NAME                             a stream, as frame messages (message.h)
 *   WS   /in/NAME                              frames from a client (ingest.h)
 *   GET  /status, /metrics                     how it is doing
 *   POST /processors/NAME/start, .../stop      lets a processor work, or rest
 *
 * There is no other: nothing that runs a command or changes how the hub was set up.
 */
#ifndef HUB_ROUTES_H
#define HUB_ROUTES_H

#include "web.h"

/* The handlers of the network, whose argument is the hub. */
extern const struct web_handlers routes;

#endif
