/*
 * hub/images/pixels.c - converts pixels, with libyuv's loops: a table of what leads from each format to each of three.
 *
 * libyuv names formats by the order of the bits in a little-endian word, that is, from the last byte to the first: what
 * it calls RGB24 is BGR24 here, its RAW is RGB24, its ARGB is BGRA32, its ABGR is RGBA32. Its J formats are those whose
 * Y, U and V take all of 0 to 255; packed YUV has no such variant, but separating its bytes is the same for both.
 *
 * A function of the table gets planes and strides, and knows that the sizes are right. What libyuv has in no one step
 * goes in two, a strip of a row at a time through memory on the stack, so that nothing is allocated and the strip stays
 * in the processor's nearest cache.
 */
#include "pixels.h"

#include <errno.h>
#include <libyuv.h>

#define STRIP 1024 /* pixels; even */

struct image {
	const uint8_t *plane[3];
	int stride[3];
};

struct target {
	uint8_t *plane[3];
	int stride[3];
	int width, height;
};

typedef void convert(const struct image *from, const struct target *to);

/* What all of them have in common: the first planes of both, and the size. */
#define FIRST from->plane[0], from->stride[0]
#define TO_FIRST to->plane[0], to->stride[0]
#define TO_ALL \
	to->plane[0], to->stride[0], to->plane[1], to->stride[1], to->plane[2], to->stride[2], to->width, to->height
#define TO_ONE to->plane[0], to->stride[0], to->width, to->height

/* To GRAY8. */

static void copy_y(const struct image *from, const struct target *to)
{
	CopyPlane(FIRST, TO_ONE);
}

static void rgb24_to_gray8(const struct image *from, const struct target *to)
{
	RAWToJ400(FIRST, TO_ONE);
}

static void bgr24_to_gray8(const struct image *from, const struct target *to)
{
	RGB24ToJ400(FIRST, TO_ONE);
}

static void rgba32_to_gray8(const struct image *from, const struct target *to)
{
	ABGRToJ400(FIRST, TO_ONE);
}

static void bgra32_to_gray8(const struct image *from, const struct target *to)
{
	ARGBToJ400(FIRST, TO_ONE);
}

static void yuyv_to_gray8(const struct image *from, const struct target *to)
{
	YUY2ToY(FIRST, TO_ONE);
}

static void uyvy_to_gray8(const struct image *from, const struct target *to)
{
	UYVYToY(FIRST, TO_ONE);
}

/* To I420. */

static void gray8_to_i420(const struct image *from, const struct target *to)
{
	int width = (to->width + 1) / 2, height = (to->height + 1) / 2;

	CopyPlane(FIRST, TO_ONE);
	SetPlane(to->plane[1], to->stride[1], width, height, 128);
	SetPlane(to->plane[2], to->stride[2], width, height, 128);
}

static void rgb24_to_i420(const struct image *from, const struct target *to)
{
	RAWToJ420(FIRST, TO_ALL);
}

static void bgr24_to_i420(const struct image *from, const struct target *to)
{
	RGB24ToJ420(FIRST, TO_ALL);
}

static void rgba32_to_i420(const struct image *from, const struct target *to)
{
	ABGRToJ420(FIRST, TO_ALL);
}

static void bgra32_to_i420(const struct image *from, const struct target *to)
{
	ARGBToJ420(FIRST, TO_ALL);
}

static void yuyv_to_i420(const struct image *from, const struct target *to)
{
	YUY2ToI420(FIRST, TO_ALL);
}

static void uyvy_to_i420(const struct image *from, const struct target *to)
{
	UYVYToI420(FIRST, TO_ALL);
}

static void nv12_to_i420(const struct image *from, const struct target *to)
{
	NV12ToI420(FIRST, from->plane[1], from->stride[1], TO_ALL);
}

static void copy_i420(const struct image *from, const struct target *to)
{
	int width = (to->width + 1) / 2, height = (to->height + 1) / 2;

	CopyPlane(FIRST, TO_ONE);
	CopyPlane(from->plane[1], from->stride[1], to->plane[1], to->stride[1], width, height);
	CopyPlane(from->plane[2], from->stride[2], to->plane[2], to->stride[2], width, height);
}

/* To RGB24. */

static void copy_rgb24(const struct image *from, const struct target *to)
{
	CopyPlane(FIRST, TO_FIRST, 3 * to->width, to->height);
}

static void bgr24_to_rgb24(const struct image *from, const struct target *to)
{
	RAWToRGB24(FIRST, TO_ONE);
}

/* It takes the first three bytes of four, whatever they are. */
static void rgba32_to_rgb24(const struct image *from, const struct target *to)
{
	ARGBToRGB24(FIRST, TO_ONE);
}

static void bgra32_to_rgb24(const struct image *from, const struct target *to)
{
	ARGBToRAW(FIRST, TO_ONE);
}

static void i420_to_rgb24(const struct image *from, const struct target *to)
{
	J420ToRAW(FIRST, from->plane[1], from->stride[1], from->plane[2], from->stride[2], TO_ONE);
}

/* With U and V exchanged in the sums, red and blue are exchanged in the result. */
static void nv12_to_rgb24(const struct image *from, const struct target *to)
{
	NV21ToRGB24Matrix(FIRST, from->plane[1], from->stride[1], TO_FIRST, &kYvuJPEGConstants, to->width, to->height);
}

/* Calls strip(from, to, n) for strips of n pixels in a row, one after the other. A pixel takes so many bytes. */
static void in_strips(const struct image *from, int bytes, const struct target *to,
		      void (*strip)(const uint8_t *from, uint8_t *to, int n))
{
	for (int y = 0; y < to->height; y++) {
		const uint8_t *row = from->plane[0] + (ptrdiff_t)y * from->stride[0];
		uint8_t *to_row = to->plane[0] + (ptrdiff_t)y * to->stride[0];

		for (int x = 0; x < to->width; x += STRIP)
			strip(row + (ptrdiff_t)x * bytes, to_row + (ptrdiff_t)x * 3,
			      to->width - x < STRIP ? to->width - x : STRIP);
	}
}

static void gray8_strip(const uint8_t *from, uint8_t *to, int n)
{
	uint8_t pixels[4 * STRIP];

	J400ToARGB(from, 0, pixels, 0, n, 1);
	ARGBToRGB24(pixels, 0, to, 0, n, 1);
}

static void yuyv_strip(const uint8_t *from, uint8_t *to, int n)
{
	uint8_t y[STRIP], u[STRIP / 2], v[STRIP / 2];

	YUY2ToI422(from, 0, y, 0, u, 0, v, 0, n, 1);
	J420ToRAW(y, 0, u, 0, v, 0, to, 0, n, 1);
}

static void uyvy_strip(const uint8_t *from, uint8_t *to, int n)
{
	uint8_t y[STRIP], u[STRIP / 2], v[STRIP / 2];

	UYVYToI422(from, 0, y, 0, u, 0, v, 0, n, 1);
	J420ToRAW(y, 0, u, 0, v, 0, to, 0, n, 1);
}

static void gray8_to_rgb24(const struct image *from, const struct target *to)
{
	in_strips(from, 1, to, gray8_strip);
}

static void yuyv_to_rgb24(const struct image *from, const struct target *to)
{
	in_strips(from, 2, to, yuyv_strip);
}

static void uyvy_to_rgb24(const struct image *from, const struct target *to)
{
	in_strips(from, 2, to, uyvy_strip);
}

static const struct {
	uint32_t format;
	convert *to_rgb24, *to_gray8, *to_i420;
} table[] = {
	{FL_PIXELS_GRAY8, gray8_to_rgb24, copy_y, gray8_to_i420},
	{FL_PIXELS_RGB24, copy_rgb24, rgb24_to_gray8, rgb24_to_i420},
	{FL_PIXELS_BGR24, bgr24_to_rgb24, bgr24_to_gray8, bgr24_to_i420},
	{FL_PIXELS_RGBA32, rgba32_to_rgb24, rgba32_to_gray8, rgba32_to_i420},
	{FL_PIXELS_BGRA32, bgra32_to_rgb24, bgra32_to_gray8, bgra32_to_i420},
	{FL_PIXELS_YUYV, yuyv_to_rgb24, yuyv_to_gray8, yuyv_to_i420},
	{FL_PIXELS_UYVY, uyvy_to_rgb24, uyvy_to_gray8, uyvy_to_i420},
	{FL_PIXELS_NV12, nv12_to_rgb24, copy_y, nv12_to_i420},
	{FL_PIXELS_I420, i420_to_rgb24, copy_y, copy_i420},
};

static convert *find(uint32_t from, uint32_t to)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].format != from)
			continue;
		switch (to) {
		case FL_PIXELS_RGB24:
			return table[i].to_rgb24;
		case FL_PIXELS_GRAY8:
			return table[i].to_gray8;
		case FL_PIXELS_I420:
			return table[i].to_i420;
		default:
			return NULL;
		}
	}
	return NULL;
}

/* libyuv counts in int, and takes negative sizes for pictures that stand on their heads. */
static int fits(const fl_frame_info *info)
{
	for (uint32_t i = 0; i < info->n_planes; i++)
		if (info->stride[i] > INT32_MAX)
			return 0;
	return info->width <= INT32_MAX / 4 && info->height <= INT32_MAX / 4 && info->n_planes <= 3;
}

int pixels_convert(const fl_frame_info *from, const void *data, const fl_frame_info *to, void *ret_data)
{
	convert *function = find(from->format, to->format);
	struct image image = {{NULL}, {0}};
	struct target target = {{NULL}, {0}, (int)to->width, (int)to->height};

	if (!function || from->width != to->width || from->height != to->height || !fits(from) || !fits(to))
		return -EINVAL;
	for (uint32_t i = 0; i < from->n_planes; i++) {
		image.plane[i] = (const uint8_t *)data + from->offset[i];
		image.stride[i] = (int)from->stride[i];
	}
	for (uint32_t i = 0; i < to->n_planes; i++) {
		target.plane[i] = (uint8_t *)ret_data + to->offset[i];
		target.stride[i] = (int)to->stride[i];
	}
	function(&image, &target);
	return 0;
}
