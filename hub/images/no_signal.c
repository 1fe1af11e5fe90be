/*
 * hub/images/no_signal.c - what is to be seen of a source that gives no pictures (synthetic.h).
 *
 * It is dark, so that nobody takes it for a picture, and says what is wrong, since a black picture would say nothing.
 * The reason is broken into lines between words, and cut off where there is no room for more.
 */
#include "synthetic.h"

#include <stdio.h>
#include <string.h>

#define LINE 128

/* Draws the text in the middle of the row; cuts off what is too wide. */
static void draw_centred(const fl_frame_info *info, void *data, int32_t y, uint32_t scale, uint32_t color,
			 const char *text, size_t n)
{
	size_t room = info->width / (6 * (size_t)scale);
	char line[LINE];

	n = n > room ? room : n;
	snprintf(line, sizeof(line), "%.*s", (int)n, text);
	draw_text(info, data, ((int32_t)info->width - DRAW_TEXT_WIDTH(strlen(line), scale) + (int32_t)scale) / 2, y,
		  scale, color, line);
}

/* How many characters of the text make a line of up to `room`. */
static size_t line_length(const char *text, size_t room)
{
	size_t n = strlen(text), cut;

	if (n <= room)
		return n;
	for (cut = room; cut > 0 && text[cut] != ' '; cut--)
		;
	return cut > 0 ? cut : room;
}

static void draw_lines(const fl_frame_info *info, void *data, int32_t y, uint32_t scale, const char *text)
{
	size_t room = info->width * (size_t)9 / 10 / (6 * (size_t)scale);

	room = room > LINE - 1 ? LINE - 1 : room;
	while (room > 0 && *text && y < (int64_t)info->height) {
		size_t n = line_length(text, room);

		draw_centred(info, data, y, scale, 0x98a2ad, text, n);
		text += n;
		text += strspn(text, " ");
		y += DRAW_TEXT_HEIGHT(scale) + (int32_t)scale * 2;
	}
}

static uint32_t at_least_one(uint32_t n)
{
	return n > 0 ? n : 1;
}

void synthetic_no_signal(const fl_frame_info *info, void *data, const char *name, const char *why)
{
	int32_t width = (int32_t)info->width, height = (int32_t)info->height, line = height / 240 + 1;
	uint32_t large = at_least_one(info->width / 120), middle = at_least_one(large * 2 / 5);
	uint32_t small = at_least_one(large / 4);
	int32_t top = height / 2 - DRAW_TEXT_HEIGHT(large), bottom = height / 2 + DRAW_TEXT_HEIGHT(large) / 2;

	draw_rectangle(info, data, (struct draw_area){0, 0, width, height}, 0x12161b);
	draw_rectangle(info, data, (struct draw_area){0, top, width, bottom - top}, 0x1d242c);
	draw_rectangle(info, data, (struct draw_area){0, top, width, line}, 0xd9484a);
	draw_rectangle(info, data, (struct draw_area){0, bottom - line, width, line}, 0xd9484a);
	draw_centred(info, data, height / 2 - 6 * (int32_t)large, large, 0xe9edf1, "NO SIGNAL", 9);
	draw_centred(info, data, top - DRAW_TEXT_HEIGHT(middle) - 2 * (int32_t)middle, middle, 0xffffff, name,
		     strlen(name));
	draw_lines(info, data, bottom + 12 * (int32_t)small, small, why);
}
