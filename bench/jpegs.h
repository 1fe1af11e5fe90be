/*
 * bench/jpegs.h - a folder of JPEG files as a camera's images, and the moments at which it takes them.
 *
 * Two cameras of the benchmark of MJPEG servers are made of it: fake-v4l2.c for programs that read a V4L2 device, and
 * jpeg-camera.c for those that read a frame channel. Both show the same images at the same pace. Each image carries
 * the moment at which it was due, in a comment of its own at its beginning, a JPEG segment that viewers ignore; so a
 * client can tell how old it is whatever the server between them says, and on whatever clock.
 */
#ifndef FAIRLEAD_BENCH_JPEGS_H
#define FAIRLEAD_BENCH_JPEGS_H

#include <stddef.h>
#include <stdint.h>

/* The comment: its marker and its length, this text, and JPEGS_DIGITS digits of nanoseconds on CLOCK_MONOTONIC. */
#define JPEGS_COMMENT "fairlead-bench captured "
enum { JPEGS_DIGITS = 19, JPEGS_HEAD = 2 + 4 + sizeof JPEGS_COMMENT - 1 + JPEGS_DIGITS };

struct jpeg {
	unsigned char *data;
	size_t size;
};

struct jpegs {
	struct jpeg *of;
	size_t count;
	size_t largest; /* in bytes */
	unsigned width, height;
};

/* Reads all files FOLDER/NAME.jpg, sorted by name. Returns 0; -ENOENT: there are none; -EINVAL: one is no JPEG; or what
 * the system said. */
int jpegs_load(struct jpegs *ret_jpegs, const char *folder);
void jpegs_free(struct jpegs *jpegs);

/* Copies an image and writes into the copy when it was due. */
void jpegs_take(void *ret_data, const struct jpeg *jpeg, int64_t captured);

/* A clock that ticks `fps` times a second from `start`, all in nanoseconds on CLOCK_MONOTONIC. */
struct jpegs_clock {
	int64_t start;
	unsigned fps;
};

/* Returns a clock that starts now. */
struct jpegs_clock jpegs_clock_start(unsigned fps);
int64_t jpegs_clock_tick(const struct jpegs_clock *clock, uint64_t number);
/* Returns the number of the first tick after `now`. */
uint64_t jpegs_clock_next(const struct jpegs_clock *clock, int64_t now);

int64_t jpegs_now(void);

#endif
