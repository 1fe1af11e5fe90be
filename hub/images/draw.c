/*
 * hub/images/draw.c - every shape is made of spans, pixels of one row; a span is clipped, and written as its format
 * wants.
 *
 * So there is one place that writes into the picture and one that knows the formats. Coordinates are computed in 64
 * bits, so that no shape overflows, however far outside it lies.
 */
#include "draw.h"

#include "font.h"
#include <string.h>

/* A colour as each format has it. */
struct ink {
	uint8_t rgb[3];
	uint8_t gray;
	uint8_t yuv[3];
};

static struct ink mix(uint32_t color)
{
	int32_t r = (int32_t)(color >> 16 & 255), g = (int32_t)(color >> 8 & 255), b = (int32_t)(color & 255);
	struct ink ink = {.rgb = {(uint8_t)r, (uint8_t)g, (uint8_t)b}};

	ink.gray = (uint8_t)((77 * r + 150 * g + 29 * b + 128) >> 8);
	ink.yuv[0] = ink.gray;
	ink.yuv[1] = (uint8_t)((-43 * r - 85 * g + 128 * b + 128 * 256) >> 8);
	ink.yuv[2] = (uint8_t)((128 * r - 107 * g - 21 * b + 128 * 256) >> 8);
	return ink;
}

bool draw_can(const fl_frame_info *info)
{
	return info->format == FL_PIXELS_RGB24 || info->format == FL_PIXELS_GRAY8 || info->format == FL_PIXELS_I420;
}

static uint8_t *row_of(const fl_frame_info *info, void *data, uint32_t plane, uint32_t y)
{
	return (uint8_t *)data + info->offset[plane] + (size_t)info->stride[plane] * y;
}

static void fill_rgb(uint8_t *to, size_t n, const uint8_t rgb[3])
{
	const uint8_t r = rgb[0], g = rgb[1], b = rgb[2];

	for (size_t i = 0; i < n; i++, to += 3) {
		to[0] = r;
		to[1] = g;
		to[2] = b;
	}
}

/* Writes the pixels from x0 up to but not including x1 of row y. */
static void span(const fl_frame_info *info, void *data, int64_t x0, int64_t x1, int64_t y, const struct ink *ink)
{
	x0 = x0 < 0 ? 0 : x0;
	x1 = x1 > info->width ? info->width : x1;
	if (x0 >= x1 || y < 0 || y >= info->height)
		return;
	if (info->format == FL_PIXELS_RGB24) {
		fill_rgb(row_of(info, data, 0, (uint32_t)y) + 3 * x0, (size_t)(x1 - x0), ink->rgb);
	} else if (info->format == FL_PIXELS_GRAY8) {
		memset(row_of(info, data, 0, (uint32_t)y) + x0, ink->gray, (size_t)(x1 - x0));
	} else if (info->format == FL_PIXELS_I420) {
		memset(row_of(info, data, 0, (uint32_t)y) + x0, ink->yuv[0], (size_t)(x1 - x0));
		for (uint32_t i = 1; i < 3; i++)
			memset(row_of(info, data, i, (uint32_t)y / 2) + x0 / 2, ink->yuv[i],
			       (size_t)((x1 - 1) / 2 - x0 / 2 + 1));
	}
}

/* The rows of the picture from y0 up to but not including y1. */
static void block(const fl_frame_info *info, void *data, int64_t x0, int64_t x1, int64_t y0, int64_t y1,
		  const struct ink *ink)
{
	y0 = y0 < 0 ? 0 : y0;
	y1 = y1 > info->height ? info->height : y1;
	for (int64_t y = y0; y < y1; y++)
		span(info, data, x0, x1, y, ink);
}

void draw_rectangle(const fl_frame_info *info, void *data, struct draw_area area, uint32_t color)
{
	const struct ink ink = mix(color);

	block(info, data, area.x, (int64_t)area.x + area.width, area.y, (int64_t)area.y + area.height, &ink);
}

void draw_outline(const fl_frame_info *info, void *data, struct draw_area area, int32_t n, uint32_t color)
{
	const struct ink ink = mix(color);
	int64_t right = (int64_t)area.x + area.width, bottom = (int64_t)area.y + area.height;
	int64_t last = bottom > info->height ? info->height : bottom;

	for (int64_t y = area.y < 0 ? 0 : area.y; n > 0 && y < last; y++) {
		if (y < (int64_t)area.y + n || y >= bottom - n || 2 * (int64_t)n >= area.width) {
			span(info, data, area.x, right, y, &ink);
		} else {
			span(info, data, area.x, (int64_t)area.x + n, y, &ink);
			span(info, data, right - n, right, y, &ink);
		}
	}
}

/* The largest number whose square is not larger; of less than 2^62. */
static int64_t root_of(int64_t square)
{
	int64_t root = 0;

	for (int64_t bit = (int64_t)1 << 30; bit > 0; bit >>= 1)
		if ((root + bit) * (root + bit) <= square)
			root += bit;
	return root;
}

void draw_disc(const fl_frame_info *info, void *data, int32_t x, int32_t y, int32_t radius, uint32_t color)
{
	const struct ink ink = mix(color);
	int64_t top = (int64_t)y - radius, bottom = (int64_t)y + radius + 1;

	bottom = bottom > info->height ? info->height : bottom;
	for (int64_t row = top < 0 ? 0 : top; row < bottom; row++) {
		int64_t half = root_of((int64_t)radius * radius - (row - y) * (row - y));

		span(info, data, x - half, x + half + 1, row, &ink);
	}
}

/* Draws a row of a glyph, neighbouring pixels together. */
static void glyph_row(const fl_frame_info *info, void *data, int64_t x, int64_t y, uint32_t scale, uint8_t bits,
		      const struct ink *ink)
{
	for (uint32_t from = 0; from < FONT_WIDTH; from++) {
		uint32_t to = from;

		while (to < FONT_WIDTH && (bits >> (FONT_WIDTH - 1 - to) & 1) != 0)
			to++;
		block(info, data, x + (int64_t)from * scale, x + (int64_t)to * scale, y, y + scale, ink);
		from = to;
	}
}

void draw_text(const fl_frame_info *info, void *data, int32_t x, int32_t y, uint32_t scale, uint32_t color,
	       const char *text)
{
	const struct ink ink = mix(color);
	int64_t left = x;

	for (; *text && left < info->width; text++, left += (FONT_WIDTH + 1) * (int64_t)scale) {
		const uint8_t *rows = font_glyphs['?' - FONT_FIRST];

		if (*text >= FONT_FIRST && *text <= FONT_LAST)
			rows = font_glyphs[*text - FONT_FIRST];
		for (uint32_t i = 0; i < FONT_HEIGHT; i++)
			glyph_row(info, data, left, y + (int64_t)i * scale, scale, rows[i], &ink);
	}
}
