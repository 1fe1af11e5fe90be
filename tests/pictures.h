/*
 * pictures.h - what the tests of pixels are written with: one picture in every format, and what its pixels must be.
 *
 * The picture has one colour for each 2 x 2 pixels, so that formats with U and V for several pixels lose nothing but
 * what is rounded. The sums here are those of the standard (BT.601, 0 to 255), in floating point, and know nothing of
 * how they are done where they have to be fast.
 */
#ifndef FAIRLEAD_TESTS_PICTURES_H
#define FAIRLEAD_TESTS_PICTURES_H

#include <check.h>
#include <fairlead/frame.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Every format that has pixels. */
static const uint32_t picture_formats[] = {FL_PIXELS_GRAY8,  FL_PIXELS_RGB24,  FL_PIXELS_BGR24,
					   FL_PIXELS_RGBA32, FL_PIXELS_BGRA32, FL_PIXELS_YUYV,
					   FL_PIXELS_UYVY,   FL_PIXELS_NV12,   FL_PIXELS_I420};
#define PICTURE_FORMATS (int)(sizeof(picture_formats) / sizeof(picture_formats[0]))

struct colour {
	double r, g, b, y, u, v;
};

static inline struct colour colour_of(double r, double g, double b)
{
	double y = 0.299 * r + 0.587 * g + 0.114 * b;

	return (struct colour){r, g, b, y, 128 + (b - y) / 1.772, 128 + (r - y) / 1.402};
}

/* Goes up and down between 0 and 128. */
static inline double picture_wave(uint32_t x)
{
	uint32_t step = x / 2 % 128;

	return 2.0 * (step < 64 ? step : 128 - step);
}

/* The colour at x, y of a picture: it changes slowly, and is neither black nor white; a gray one has no colours. */
static inline struct colour picture_colour(uint32_t format, uint32_t x, uint32_t y)
{
	double a = picture_wave(x), b = picture_wave(y);

	if (format == FL_PIXELS_GRAY8)
		return colour_of(40 + a + b / 4, 40 + a + b / 4, 40 + a + b / 4);
	return colour_of(60 + a, 190 - a / 2 - b / 4, 70 + b);
}

static inline uint8_t picture_byte(double value)
{
	return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
}

/* The byte at column x of row y in plane p. */
static inline uint8_t picture_at(const fl_frame_info *info, uint32_t p, uint32_t x, uint32_t y)
{
	struct colour c;

	switch (info->format) {
	case FL_PIXELS_GRAY8:
		return picture_byte(picture_colour(info->format, x, y).y);
	case FL_PIXELS_RGB24:
		c = picture_colour(info->format, x / 3, y);
		return picture_byte((double[]){c.r, c.g, c.b}[x % 3]);
	case FL_PIXELS_BGR24:
		c = picture_colour(info->format, x / 3, y);
		return picture_byte((double[]){c.b, c.g, c.r}[x % 3]);
	case FL_PIXELS_RGBA32:
		c = picture_colour(info->format, x / 4, y);
		return picture_byte((double[]){c.r, c.g, c.b, 17}[x % 4]);
	case FL_PIXELS_BGRA32:
		c = picture_colour(info->format, x / 4, y);
		return picture_byte((double[]){c.b, c.g, c.r, 17}[x % 4]);
	case FL_PIXELS_YUYV:
		c = picture_colour(info->format, x / 2, y);
		return picture_byte((double[]){c.y, c.u, c.y, c.v}[x % 4]);
	case FL_PIXELS_UYVY:
		c = picture_colour(info->format, x / 2, y);
		return picture_byte((double[]){c.u, c.y, c.v, c.y}[x % 4]);
	case FL_PIXELS_NV12:
		c = picture_colour(info->format, p == 0 ? x : x / 2 * 2, p == 0 ? y : 2 * y);
		return picture_byte(p == 0 ? c.y : x % 2 == 0 ? c.u : c.v);
	default:
		c = picture_colour(info->format, p == 0 ? x : 2 * x, p == 0 ? y : 2 * y);
		return picture_byte((double[]){c.y, c.u, c.v}[p]);
	}
}

/* Bytes in a row, and rows, of a plane. */
static inline uint32_t picture_row(const fl_frame_info *info, uint32_t p)
{
	switch (info->format) {
	case FL_PIXELS_RGB24:
	case FL_PIXELS_BGR24:
		return 3 * info->width;
	case FL_PIXELS_RGBA32:
	case FL_PIXELS_BGRA32:
		return 4 * info->width;
	case FL_PIXELS_YUYV:
	case FL_PIXELS_UYVY:
		return 2 * info->width;
	case FL_PIXELS_I420:
		return p == 0 ? info->width : info->width / 2;
	default:
		return info->width;
	}
}

static inline uint32_t picture_rows(const fl_frame_info *info, uint32_t p)
{
	return p == 0 ? info->height : info->height / 2;
}

/* Describes a picture whose rows have gaps of so many bytes between them, and its planes twice as much. */
static inline void picture_describe(fl_frame_info *info, uint32_t format, uint32_t width, uint32_t height, uint32_t gap)
{
	uint64_t at = 0;

	ck_assert_int_eq(fl_frame_info_init(info, format, width, height), 0);
	for (uint32_t p = 0; p < info->n_planes; p++) {
		info->stride[p] = picture_row(info, p) + gap;
		info->offset[p] = (uint32_t)at;
		at += (uint64_t)info->stride[p] * picture_rows(info, p) + 2 * gap;
	}
	info->size = at;
	ck_assert_int_eq(fl_frame_info_check(info, info->size), 0);
}

/* Whether a picture of that format can be so large. */
static inline int picture_can_be(uint32_t format, uint32_t width, uint32_t height)
{
	fl_frame_info info;

	return fl_frame_info_init(&info, format, width, height) == 0;
}

/* Returns the picture, in memory of its own that has no byte more. What is between the rows is 0xa5. */
static inline uint8_t *picture_make(const fl_frame_info *info)
{
	uint8_t *data = malloc(info->size > 0 ? info->size : 1);

	ck_assert_ptr_nonnull(data);
	memset(data, 0xa5, info->size);
	for (uint32_t p = 0; p < info->n_planes; p++)
		for (uint32_t y = 0; y < picture_rows(info, p); y++)
			for (uint32_t x = 0; x < picture_row(info, p); x++)
				data[info->offset[p] + (size_t)y * info->stride[p] + x] = picture_at(info, p, x, y);
	return data;
}

/* The same, of the gray picture in a format that has colours, RGB24 or I420. */
static inline uint8_t picture_gray(const fl_frame_info *info, uint32_t p, uint32_t x, uint32_t y)
{
	if (p > 0)
		return 128;
	return picture_byte(picture_colour(FL_PIXELS_GRAY8, info->format == FL_PIXELS_RGB24 ? x / 3 : x, y).y);
}

/* Fails unless the bytes are those of the picture, but for so much, and what is between the rows is as it was.
 * `colours` are those of which format: a gray picture stays gray. */
static inline void picture_expect(const fl_frame_info *info, uint32_t colours, const uint8_t *data, int tolerance)
{
	for (uint32_t p = 0; p < info->n_planes; p++) {
		for (uint32_t y = 0; y < picture_rows(info, p); y++) {
			const uint8_t *row = data + info->offset[p] + (size_t)y * info->stride[p];

			for (uint32_t x = 0; x < picture_row(info, p); x++) {
				int wanted = picture_at(info, p, x, y);

				if (info->format == FL_PIXELS_GRAY8)
					wanted = picture_byte(picture_colour(colours, x, y).y);
				else if (colours == FL_PIXELS_GRAY8)
					wanted = picture_gray(info, p, x, y);
				if (abs(row[x] - wanted) > tolerance)
					ck_abort_msg("plane %u, row %u, byte %u is %d and should be %d", p, y, x,
						     row[x], wanted);
			}
			for (uint32_t x = picture_row(info, p); x < info->stride[p]; x++)
				ck_assert_uint_eq(row[x], 0xa5);
		}
	}
}

#endif
