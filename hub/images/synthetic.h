/*
 * hub/images/synthetic.h - the synthetic camera's pictures: to show what the hub does where no camera is, and to test
 * it.
 *
 * Each is a whole RGB24 picture without gaps: a still background, a ball, a box and a disc that move, the camera's
 * name, the frame's number, the local date and time, and the time code of draw.h. Where things are depends on the
 * number alone (at 30 frames a second they move as things do), so that the same number and time give the same picture.
 *
 * A camera is used by one thread at a time. Opening it paints the background; filling a picture allocates nothing.
 */
#ifndef HUB_SYNTHETIC_H
#define HUB_SYNTHETIC_H

#include "draw.h"
#include <fairlead/frame.h>
#include <stdint.h>

struct synthetic;

/* The things that move. */
#define SYNTHETIC_THINGS 3u

/* Returns NULL if there is no memory, or can be no picture of that size. */
struct synthetic *synthetic_open(uint32_t width, uint32_t height, const char *name);

/* NULL is allowed. Returns NULL. */
struct synthetic *synthetic_close(struct synthetic *synthetic);

/* What its pictures are. */
const fl_frame_info *synthetic_info(const struct synthetic *synthetic);

/* Writes picture number n, of that time, not before 1970. */
void synthetic_fill(struct synthetic *synthetic, void *data, uint64_t n, int64_t unix_us);

/* Tells where the things are in picture number n. */
void synthetic_where(const struct synthetic *synthetic, uint64_t n, struct draw_area ret_areas[SYNTHETIC_THINGS]);

/* Writes what is to be seen of a source that gives no pictures: that there is no signal, its name, and why. RGB24,
 * GRAY8 or I420. */
void synthetic_no_signal(const fl_frame_info *info, void *data, const char *name, const char *why);

#endif
