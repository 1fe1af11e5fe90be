/*
 * hub/web/message.h - the frame message: what a frame is called over a WebSocket, in both directions.
 *
 * 48 bytes, little endian, and then the frame's bytes: a JPEG, or pixels whose rows and planes follow each other
 * without gaps.
 *
 *   0 "FLF1"  4 u16 48, the size of all this  6 u16 flags (FL_FRAME_...)  8 u32 format (a FourCC)  12 u32 width
 *   16 u32 height  20 u32 frames that this viewer has missed before this one  24 u64 sequence
 *   32 i64 captured  40 i64 sent: microseconds since 1970, 0 for unknown
 */
#ifndef HUB_MESSAGE_H
#define HUB_MESSAGE_H

#include <fairlead/attributes.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_HEADER 48u

struct message {
	uint16_t flags;
	uint32_t format, width, height, missed;
	uint64_t sequence;
	int64_t captured, sent;
};

void message_write(const struct message *message, unsigned char *ret_header) FL_ALL_NONNULL;
/* Returns 0; -EBADMSG: these are not the first 48 bytes of a frame message. */
int message_read(const unsigned char *header, struct message *ret_message) FL_ALL_NONNULL FL_MUST_CHECK;

#endif
