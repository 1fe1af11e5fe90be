/*
 * bench/multipart.h - what a server of MJPEG sends, read part by part: HTTP headers, then images between boundaries.
 *
 * The reader is fed with bytes as they come and says when an image is complete. An image whose part has a
 * Content-Length need not be read but for its beginning, which may say when it was captured, and its last two bytes:
 * multipart_skippable tells how many of the bytes to come are of no interest. An image without a length ends where the
 * next boundary begins, and is complete when that has come.
 */
#ifndef FAIRLEAD_BENCH_MULTIPART_H
#define FAIRLEAD_BENCH_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { MULTIPART_LINE = 2048, MULTIPART_BEGIN = 64 };

struct multipart_image {
	uint64_t size;
	int64_t captured; /* nanoseconds on `clock`; 0: not known */
	clockid_t clock;
	bool whole; /* it begins and ends as a JPEG does */
};

enum multipart_state {
	MULTIPART_STATUS,   /* the line HTTP/1.x 200 */
	MULTIPART_HEAD,     /* the response's headers */
	MULTIPART_BOUNDARY, /* between parts */
	MULTIPART_HEADERS,  /* a part's headers */
	MULTIPART_SIZED,    /* an image whose length is known, */
	MULTIPART_UNSIZED,  /* or is not */
	MULTIPART_BROKEN,   /* what came was none of this */
};

struct multipart {
	enum multipart_state state;
	char line[MULTIPART_LINE];
	size_t line_size;
	char end[256]; /* what ends an image: a line's end and the boundary */
	size_t end_size, end_matched;
	uint64_t length; /* as its header says */
	int rank;        /* of the header that told the time */
	char begin[MULTIPART_BEGIN + 1];
	unsigned char last[2];
	struct multipart_image image;
	void (*done)(void *arg, const struct multipart_image *image);
	void *arg;
};

void multipart_init(struct multipart *ret_multipart, void (*done)(void *arg, const struct multipart_image *image),
		    void *arg);
void multipart_feed(struct multipart *multipart, const unsigned char *data, size_t size);
uint64_t multipart_skippable(const struct multipart *multipart);
/* Counts bytes as fed, no more than are skippable. */
void multipart_skip(struct multipart *multipart, uint64_t size);

#endif
