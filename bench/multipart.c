/*
 * bench/multipart.c - what a server of MJPEG sends, read part by part; see multipart.h.
 *
 * The time of capture is taken from the image itself, if it comes from one of the cameras here (jpegs.h); otherwise
 * from the first of `clocks` that its part has. ustreamer tells the time of capture, on a clock of its own, when it is
 * asked for extra headers; its X-Timestamp is the time at which it sends, which is no use for latencies.
 *
 * A boundary is looked for with one counter: its only carriage return is at its beginning, so what does not go on as
 * it should can begin anew at the present byte and nowhere before.
 */
#define _GNU_SOURCE
#include "multipart.h"

#include "jpegs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *header; /* with seconds */
	clockid_t clock;
} clocks[] = {
	{"X-Captured", CLOCK_REALTIME},
	{"X-UStreamer-Grab-Time", CLOCK_MONOTONIC_RAW},
	{"X-Timestamp", CLOCK_REALTIME},
};

enum { N_CLOCKS = sizeof clocks / sizeof clocks[0] };

void multipart_init(struct multipart *ret_multipart, void (*done)(void *arg, const struct multipart_image *image),
		    void *arg)
{
	memset(ret_multipart, 0, sizeof *ret_multipart);
	ret_multipart->done = done;
	ret_multipart->arg = arg;
}

/* ---- lines ---- */

/* Returns a header's value if the line is of that header, otherwise NULL. */
static const char *value_of(const char *line, const char *name)
{
	size_t size = strlen(name);

	if (strncasecmp(line, name, size) != 0 || line[size] != ':')
		return NULL;
	return line + size + 1 + strspn(line + size + 1, " \t");
}

_Static_assert((int)JPEGS_HEAD <= (int)MULTIPART_BEGIN, "the comment is in what is kept of an image");

static void read_status(struct multipart *multipart)
{
	bool good = strncmp(multipart->line, "HTTP/1.", 7) == 0 && strncmp(multipart->line + 8, " 200", 4) == 0;

	multipart->state = good ? MULTIPART_HEAD : MULTIPART_BROKEN;
}

/* Some servers write the two dashes before each boundary into its name as well, and some put it in quotes. */
static void read_boundary(struct multipart *multipart, const char *type)
{
	const char *name = strcasestr(type, "boundary=");
	int size;

	if (name == NULL)
		return;
	name += strlen("boundary=");
	name += strspn(name, "\"-");
	size = snprintf(multipart->end, sizeof multipart->end, "\r\n--%.*s", (int)strcspn(name, "\"; "), name);
	multipart->end_size = (size_t)size < sizeof multipart->end ? (size_t)size : 0;
}

static void read_head(struct multipart *multipart)
{
	const char *type = value_of(multipart->line, "Content-Type");
	const char *coding = value_of(multipart->line, "Transfer-Encoding");

	if (type != NULL)
		read_boundary(multipart, type);
	if (coding != NULL)
		multipart->state = MULTIPART_BROKEN; /* who asks with HTTP/1.0 must not be answered so */
	else if (multipart->line[0] == '\0')
		multipart->state = multipart->end_size > 0 ? MULTIPART_BOUNDARY : MULTIPART_BROKEN;
}

static void begin_part(struct multipart *multipart)
{
	multipart->state = MULTIPART_HEADERS;
	multipart->length = 0;
	multipart->rank = N_CLOCKS;
	multipart->end_matched = 0;
	memset(&multipart->image, 0, sizeof multipart->image);
}

static void read_part_header(struct multipart *multipart)
{
	const char *length = value_of(multipart->line, "Content-Length");

	if (length != NULL)
		multipart->length = strtoull(length, NULL, 10);
	for (int rank = 0; rank < multipart->rank; rank++) {
		const char *time = value_of(multipart->line, clocks[rank].header);

		if (time == NULL)
			continue;
		multipart->image.captured = (int64_t)(strtold(time, NULL) * 1e6L + 0.5L) * 1000;
		multipart->image.clock = clocks[rank].clock;
		multipart->rank = rank;
	}
	if (multipart->line[0] == '\0')
		multipart->state = multipart->length > 0 ? MULTIPART_SIZED : MULTIPART_UNSIZED;
}

static void read_line(struct multipart *multipart)
{
	if (multipart->state == MULTIPART_STATUS)
		read_status(multipart);
	else if (multipart->state == MULTIPART_HEAD)
		read_head(multipart);
	else if (multipart->state == MULTIPART_HEADERS)
		read_part_header(multipart);
	else if (strncmp(multipart->line, "--", 2) == 0)
		begin_part(multipart);
}

/* Takes bytes up to the end of the line. Returns how many. */
static size_t feed_line(struct multipart *multipart, const unsigned char *data, size_t size)
{
	const unsigned char *end = memchr(data, '\n', size);
	size_t taken = end != NULL ? (size_t)(end - data) + 1 : size;

	if (multipart->line_size + taken >= MULTIPART_LINE) {
		multipart->state = MULTIPART_BROKEN;
		return size;
	}
	memcpy(multipart->line + multipart->line_size, data, taken);
	multipart->line_size += taken;
	if (end == NULL)
		return taken;
	multipart->line[multipart->line_size - 1] = '\0';
	if (multipart->line_size > 1 && multipart->line[multipart->line_size - 2] == '\r')
		multipart->line[multipart->line_size - 2] = '\0';
	multipart->line_size = 0;
	read_line(multipart);
	return taken;
}

/* ---- images ---- */

static void read_comment(struct multipart *multipart)
{
	const char *text = multipart->begin + JPEGS_HEAD - JPEGS_DIGITS - strlen(JPEGS_COMMENT);

	if (multipart->image.size < MULTIPART_BEGIN || strncmp(text, JPEGS_COMMENT, strlen(JPEGS_COMMENT)) != 0)
		return;
	multipart->begin[JPEGS_HEAD] = '\0';
	multipart->image.captured = strtoll(text + strlen(JPEGS_COMMENT), NULL, 10);
	multipart->image.clock = CLOCK_MONOTONIC;
}

static void finish_image(struct multipart *multipart)
{
	multipart->image.whole =
		memcmp(multipart->begin, "\xff\xd8", 2) == 0 && memcmp(multipart->last, "\xff\xd9", 2) == 0;
	multipart->state = MULTIPART_BOUNDARY;
	read_comment(multipart);
	multipart->done(multipart->arg, &multipart->image);
}

static void add_byte(struct multipart *multipart, unsigned char byte)
{
	if (multipart->image.size < MULTIPART_BEGIN)
		multipart->begin[multipart->image.size] = (char)byte;
	multipart->last[0] = multipart->last[1];
	multipart->last[1] = byte;
	multipart->image.size++;
}

static size_t feed_sized(struct multipart *multipart, const unsigned char *data, size_t size)
{
	uint64_t left = multipart->length - multipart->image.size;
	size_t taken = left < size ? (size_t)left : size;

	for (size_t i = 0; i < taken; i++)
		add_byte(multipart, data[i]);
	if (multipart->image.size == multipart->length)
		finish_image(multipart);
	return taken;
}

/* What looked like the beginning of a boundary and was none belongs to the image. */
static void add_matched(struct multipart *multipart)
{
	for (size_t i = 0; i < multipart->end_matched; i++)
		add_byte(multipart, (unsigned char)multipart->end[i]);
	multipart->end_matched = 0;
}

/* The dashes of the boundary are gone when it is found: the line's rest is put behind them again. */
static void finish_unsized(struct multipart *multipart)
{
	finish_image(multipart);
	memcpy(multipart->line, "--", 2);
	multipart->line_size = 2;
}

static size_t feed_unsized(struct multipart *multipart, const unsigned char *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] != (unsigned char)multipart->end[multipart->end_matched])
			add_matched(multipart);
		if (data[i] == (unsigned char)multipart->end[multipart->end_matched])
			multipart->end_matched++;
		else
			add_byte(multipart, data[i]);
		if (multipart->end_matched == multipart->end_size) {
			finish_unsized(multipart);
			return i + 1;
		}
	}
	return size;
}

/* ---- bytes ---- */

void multipart_feed(struct multipart *multipart, const unsigned char *data, size_t size)
{
	for (size_t taken; size > 0 && multipart->state != MULTIPART_BROKEN; data += taken, size -= taken)
		if (multipart->state == MULTIPART_SIZED)
			taken = feed_sized(multipart, data, size);
		else if (multipart->state == MULTIPART_UNSIZED)
			taken = feed_unsized(multipart, data, size);
		else
			taken = feed_line(multipart, data, size);
}

uint64_t multipart_skippable(const struct multipart *multipart)
{
	uint64_t at = multipart->image.size;

	if (multipart->state != MULTIPART_SIZED || at < MULTIPART_BEGIN || at + 2 >= multipart->length)
		return 0;
	return multipart->length - 2 - at;
}

void multipart_skip(struct multipart *multipart, uint64_t size)
{
	multipart->image.size += size;
}
