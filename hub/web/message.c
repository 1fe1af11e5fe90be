/*
 * hub/web/message.c - see message.h. Bytes are put together one by one, so that it is the same on every machine.
 */
#include "message.h"

#include <errno.h>

#define MAGIC 0x31464c46u /* "FLF1" */

static void put(unsigned char *to, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		to[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *from, int bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < bytes; i++)
		value |= (uint64_t)from[i] << (8 * i);
	return value;
}

void message_write(const struct message *message, unsigned char *ret_header)
{
	put(ret_header, MAGIC, 4);
	put(ret_header + 4, MESSAGE_HEADER, 2);
	put(ret_header + 6, message->flags, 2);
	put(ret_header + 8, message->format, 4);
	put(ret_header + 12, message->width, 4);
	put(ret_header + 16, message->height, 4);
	put(ret_header + 20, message->missed, 4);
	put(ret_header + 24, message->sequence, 8);
	put(ret_header + 32, (uint64_t)message->captured, 8);
	put(ret_header + 40, (uint64_t)message->sent, 8);
}

int message_read(const unsigned char *header, struct message *ret_message)
{
	if (get(header, 4) != MAGIC || get(header + 4, 2) != MESSAGE_HEADER)
		return -EBADMSG;
	*ret_message = (struct message){
		.flags = (uint16_t)get(header + 6, 2),
		.format = (uint32_t)get(header + 8, 4),
		.width = (uint32_t)get(header + 12, 4),
		.height = (uint32_t)get(header + 16, 4),
		.missed = (uint32_t)get(header + 20, 4),
		.sequence = get(header + 24, 8),
		.captured = (int64_t)get(header + 32, 8),
		.sent = (int64_t)get(header + 40, 8),
	};
	return 0;
}
