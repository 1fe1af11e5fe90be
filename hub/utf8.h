/*
 * hub/utf8.h - texts that came from outside, made such that they can stand in JSON and in Prometheus' format: both are
 * UTF-8, and whoever reads them throws all of it away for one wrong byte.
 */
#ifndef HUB_UTF8_H
#define HUB_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* How many bytes the character has that begins here; 0: it is none (RFC 3629: no surrogates, nothing longer than
 * needed). */
static inline size_t utf8_length(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;
	size_t length = byte[0] < 0x80 ? 1 : byte[0] < 0xc2 ? 0 : byte[0] < 0xe0 ? 2 : byte[0] < 0xf0 ? 3 : 4;

	if (byte[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
	if ((byte[0] == 0xe0 && byte[1] < 0xa0) || (byte[0] == 0xed && byte[1] > 0x9f) ||
	    (byte[0] == 0xf0 && byte[1] < 0x90) || (byte[0] == 0xf4 && byte[1] > 0x8f))
		return 0;
	return length;
}

/* Puts a question mark for every byte that belongs to no character, and for control characters. */
static inline void utf8_clean(char *text)
{
	while (*text) {
		size_t length = (unsigned char)*text < ' ' || *text == 0x7f ? 0 : utf8_length(text);

		if (length == 0)
			*text = '?';
		text += length > 0 ? length : 1;
	}
}

#endif
