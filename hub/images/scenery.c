/*
 * hub/images/scenery.c - the background and the ball of scenery.h.
 *
 * The ball is stored so that blending is one multiplication and one addition for each byte, of bytes that lie in a row:
 * the compiler makes vector instructions of that loop. Its colours are multiplied by their opacity beforehand.
 */
#include "scenery.h"

#include "draw.h"
#include <errno.h>
#include <stdlib.h>

#define SUB 16 /* distances are in 16ths of a pixel */

static uint8_t *row_of(const fl_frame_info *info, void *data, uint32_t y)
{
	return (uint8_t *)data + info->offset[0] + (size_t)info->stride[0] * y;
}

/* What is `at` of `of` of the way from one color to the other. */
static uint32_t between(uint32_t from, uint32_t to, uint32_t at, uint32_t of)
{
	uint32_t color = 0;

	for (uint32_t shift = 0; shift < 24; shift += 8) {
		int64_t a = from >> shift & 255, b = to >> shift & 255;

		color |= (uint32_t)(a + (b - a) * at / (of > 0 ? of : 1)) << shift;
	}
	return color;
}

static void paint_dusk(const fl_frame_info *info, void *data)
{
	uint32_t half = info->height / 2 + 1;
	struct draw_area row = {.width = (int32_t)info->width, .height = 1};

	for (uint32_t y = 0; y < info->height; y++) {
		uint32_t color =
			y < half ? between(0x16233f, 0x38567c, y, half) : between(0x38567c, 0x5f5b72, y - half, half);

		row.y = (int32_t)y;
		draw_rectangle(info, data, row, color);
	}
}

static void lighten(uint8_t *pixel, uint32_t by)
{
	for (uint32_t i = 0; i < 3; i++)
		pixel[i] = (uint8_t)(pixel[i] + (255 - pixel[i]) * by / 255);
}

/* A grid of squares, and a circle around the middle. */
static void paint_lines(const fl_frame_info *info, void *data)
{
	uint32_t pitch = info->width / 20 > 8 ? info->width / 20 : 8, line = info->width / 960 + 1;
	int64_t radius = (int64_t)info->height * 9 / 25, inner = radius - line - 1;

	for (uint32_t y = 0; y < info->height; y++) {
		uint8_t *row = row_of(info, data, y);
		int64_t dy = (int64_t)y - info->height * 41 / 100;

		for (uint32_t x = 0; x < info->width; x++) {
			int64_t dx = (int64_t)x - info->width / 2, square = dx * dx + dy * dy;

			if (x % pitch < line || y % pitch < line)
				lighten(row + 3 * (size_t)x, 24);
			if (inner > 0 && square <= radius * radius && square >= inner * inner)
				lighten(row + 3 * (size_t)x, 70);
		}
	}
}

/* Eight bars, and below them steps from black to white; the lowest rows are left for the time code. */
static void paint_bars(const fl_frame_info *info, void *data)
{
	static const uint32_t colors[] = {0xc8c8c8, 0xc4bd1e, 0x1fb9bd, 0x22b52c,
					  0xb727b4, 0xb92822, 0x2330b8, 0x101014};
	int64_t top = (int64_t)info->height * 82 / 100, middle = (int64_t)info->height * 91 / 100;
	int64_t bottom = (int64_t)info->height * 95 / 100, width = info->width;
	struct draw_area area = {0};

	for (int64_t i = 0; i < 8; i++) {
		area = (struct draw_area){(int32_t)(width * i / 8), (int32_t)top, 0, (int32_t)(middle - top)};
		area.width = (int32_t)(width * (i + 1) / 8) - area.x;
		draw_rectangle(info, data, area, colors[i]);
	}
	for (int64_t i = 0; i < 32; i++) {
		area = (struct draw_area){(int32_t)(width * i / 32), (int32_t)middle, 0, (int32_t)(bottom - middle)};
		area.width = (int32_t)(width * (i + 1) / 32) - area.x;
		draw_rectangle(info, data, area, (uint32_t)(i * 255 / 31) * 0x010101u);
	}
	area = (struct draw_area){0, (int32_t)bottom, (int32_t)width, (int32_t)(info->height - bottom)};
	draw_rectangle(info, data, area, 0x14171c);
}

void scenery_paint(const fl_frame_info *info, void *data)
{
	paint_dusk(info, data);
	paint_lines(info, data);
	paint_bars(info, data);
}

void scenery_dim(const fl_frame_info *info, void *data, uint32_t width, uint32_t height)
{
	for (uint32_t y = 0; y < height && y < info->height; y++) {
		uint8_t *row = row_of(info, data, y);

		for (size_t i = 0; i < 3 * (size_t)(width < info->width ? width : info->width); i++)
			row[i] = (uint8_t)(row[i] / 3);
	}
}

static int32_t root_of(int64_t square)
{
	int64_t root = 0;

	for (int64_t bit = (int64_t)1 << 30; bit > 0; bit >>= 1)
		if ((root + bit) * (root + bit) <= square)
			root += bit;
	return (int32_t)root;
}

/* A pixel at (dx, dy) from the middle: opaque up to the radius, and within one pixel not at all any more; the brighter,
 * the nearer to the light. */
static void ball_pixel(const struct scenery_ball *ball, size_t at, int32_t dx, int32_t dy, uint32_t color)
{
	int32_t radius = ball->radius * SUB, x = dx * SUB, y = dy * SUB, lit_x = x + radius / 3, lit_y = y + radius / 3;
	int32_t inside = radius + SUB / 2 - root_of((int64_t)x * x + (int64_t)y * y);
	uint32_t opacity = inside <= 0 ? 0 : inside >= SUB ? 255 : (uint32_t)inside * 255 / SUB;
	uint32_t far = (uint32_t)root_of((int64_t)lit_x * lit_x + (int64_t)lit_y * lit_y) * 100 / (uint32_t)radius;
	uint32_t shaded = far < 35 ? between(0xffffff, color, far + 20, 55) : between(color, 0x2a0c08, far - 35, 330);

	for (size_t i = 0; i < 3; i++) {
		ball->keep[3 * at + i] = (uint8_t)(255 - opacity);
		ball->add[3 * at + i] = (uint8_t)((shaded >> (16 - 8 * i) & 255) * opacity / 255);
	}
}

int scenery_ball_make(struct scenery_ball *ret_ball, int32_t radius, uint32_t color)
{
	size_t side = 2 * (size_t)radius + 1, size = 3 * side * side, at = 0;
	struct scenery_ball ball = {.radius = radius, .keep = malloc(2 * size)};

	if (!ball.keep)
		return -ENOMEM;
	ball.add = ball.keep + size;
	for (int32_t y = -radius; y <= radius; y++)
		for (int32_t x = -radius; x <= radius; x++)
			ball_pixel(&ball, at++, x, y, color);
	*ret_ball = ball;
	return 0;
}

void scenery_ball_free(struct scenery_ball *ball)
{
	free(ball->keep);
	ball->keep = NULL;
}

static void blend(uint8_t *restrict to, const uint8_t *restrict keep, const uint8_t *restrict add, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)(((uint32_t)to[i] * keep[i] + 255) >> 8) + add[i];
}

void scenery_ball_draw(const struct scenery_ball *ball, const fl_frame_info *info, void *data, int32_t x, int32_t y)
{
	int64_t side = 2 * (int64_t)ball->radius + 1, left = (int64_t)x - ball->radius, top = (int64_t)y - ball->radius;
	int64_t from = left < 0 ? -left : 0, to = left + side > info->width ? info->width - left : side;

	for (int64_t i = top < 0 ? -top : 0; from < to && i < side && top + i < info->height; i++) {
		size_t at = 3 * (size_t)(i * side + from);

		blend(row_of(info, data, (uint32_t)(top + i)) + 3 * (left + from), ball->keep + at, ball->add + at,
		      3 * (size_t)(to - from));
	}
}
