/*
 * hub/web/package.h - a frame as it is sent: a JPEG, with all around it that it needs, made once for all who get it.
 *
 * It lies in a frame of a view's own channel, in this order, so that each way of sending is one piece of memory:
 *
 *   struct package
 *   WEB_ROOM bytes, the header of a frame message, the JPEG          for WebSockets
 *   "--frame\r\n" | a part's header, the JPEG, "\r\n--frame\r\n"     for multipart replies
 *
 * What comes before the bar is sent once to each client, at the beginning: a part ends with the line that opens the
 * next one, since browsers show an image when they see that.
 *
 * The view makes it; the network thread alone reads it, and writes what differs from client to client (the frame
 * message's `missed` and `sent`, and the room before it) right before sending: the system has copied it when the call
 * returns.
 */
#ifndef HUB_PACKAGE_H
#define HUB_PACKAGE_H

#include <fairlead/frame.h>

#define PACKAGE_BOUNDARY "--frame\r\n"
#define PACKAGE_BOUNDARY_SIZE 9u

/* Without an end, since others follow it. */
static inline void package_put_boundary(char *to)
{
	for (unsigned i = 0; i < PACKAGE_BOUNDARY_SIZE; i++)
		to[i] = PACKAGE_BOUNDARY[i];
}

struct package {
	uint64_t sequence; /* of the stream's frame */
	fl_time captured;
	uint32_t width, height;
	uint32_t flags;
	uint32_t message, message_size; /* where it begins, and how long it is */
	uint32_t part, part_size;
	uint32_t jpeg_size; /* 0: there is no frame yet, and nothing else in here */
};

#endif
