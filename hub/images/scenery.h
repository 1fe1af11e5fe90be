/*
 * hub/images/scenery.h - what the synthetic camera's pictures are put together from: a still background, and a ball.
 *
 * Both are painted once, when the camera is opened, so that a frame costs little more than copying the background.
 */
#ifndef HUB_SCENERY_H
#define HUB_SCENERY_H

#include <fairlead/frame.h>
#include <stdint.h>

/* A square picture with soft edges. Of a byte of what is below, keep / 255 is kept, and `add` is added. */
struct scenery_ball {
	int32_t radius;
	uint8_t *keep, *add; /* 3 (2 radius + 1)^2 bytes each, in one allocation */
};

/* Paints the background of an RGB24 picture: dusk, a grid, a circle, colour bars and a gray scale. */
void scenery_paint(const fl_frame_info *info, void *data);

/* Dims an area of an RGB24 picture that lies within it, so that text can be read there. */
void scenery_dim(const fl_frame_info *info, void *data, uint32_t width, uint32_t height);

/* Makes a ball that is lit from the upper left. Returns 0 or -ENOMEM. */
int scenery_ball_make(struct scenery_ball *ret_ball, int32_t radius, uint32_t color);
void scenery_ball_free(struct scenery_ball *ball);

/* Draws it into an RGB24 picture, with its middle at (x, y). */
void scenery_ball_draw(const struct scenery_ball *ball, const fl_frame_info *info, void *data, int32_t x, int32_t y);

#endif
