/*
 * frame/frame.c - what is known of pixel formats: how many planes, how long a row, how many rows.
 *
 * A format is a row of a table; everything else is computed from it. A plane's rows are counted in samples: a sample
 * stands for `across` x `down` pixels and takes `bytes`.
 *
 * Descriptions come from other processes, too, so all arithmetic is in 64 bits on 32-bit figures and cannot overflow.
 */
#include <fairlead/frame.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct plane {
	uint8_t across, down, bytes;
};

struct format {
	uint32_t code;
	uint32_t n_planes;
	struct plane planes[3];
};

static const struct format formats[] = {
	{FL_PIXELS_GRAY8, 1, {{1, 1, 1}}},
	{FL_PIXELS_RGB24, 1, {{1, 1, 3}}},
	{FL_PIXELS_BGR24, 1, {{1, 1, 3}}},
	{FL_PIXELS_RGBA32, 1, {{1, 1, 4}}},
	{FL_PIXELS_BGRA32, 1, {{1, 1, 4}}},
	{FL_PIXELS_YUYV, 1, {{2, 1, 4}}},
	{FL_PIXELS_UYVY, 1, {{2, 1, 4}}},
	{FL_PIXELS_NV12, 2, {{1, 1, 1}, {2, 2, 2}}},
	{FL_PIXELS_I420, 3, {{1, 1, 1}, {2, 2, 1}, {2, 2, 1}}},
	{FL_PIXELS_JPEG, 0, {{0}}},
	{FL_PIXELS_NONE, 0, {{0}}},
};

static const struct format *find(uint32_t code)
{
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (formats[i].code == code)
			return &formats[i];
	return NULL;
}

static uint64_t row_bytes(const struct plane *plane, uint32_t width)
{
	return (uint64_t)width / plane->across * plane->bytes;
}

static uint64_t n_rows(const struct plane *plane, uint32_t height)
{
	return height / plane->down;
}

/* Whether the planes of an image of that size have no half samples. */
static bool divides(const struct format *format, uint32_t width, uint32_t height)
{
	uint32_t i;

	for (i = 0; i < format->n_planes; i++)
		if (width % format->planes[i].across != 0 || height % format->planes[i].down != 0)
			return false;
	return width > 0 && height > 0;
}

int fl_frame_info_init(fl_frame_info *ret_info, uint32_t code, uint32_t width, uint32_t height)
{
	const struct format *format = find(code);
	fl_frame_info info = {.format = code, .width = width, .height = height};
	uint32_t i;

	if (!format || format->n_planes == 0 || !divides(format, width, height))
		return -EINVAL;
	info.n_planes = format->n_planes;
	for (i = 0; i < format->n_planes; i++) {
		uint64_t row = row_bytes(&format->planes[i], width);
		uint64_t rows = n_rows(&format->planes[i], height);

		if (row > UINT32_MAX || rows > (UINT32_MAX - info.size) / row)
			return -EMSGSIZE;
		info.offset[i] = (uint32_t)info.size;
		info.stride[i] = (uint32_t)row;
		info.size += row * rows;
	}
	*ret_info = info;
	return 0;
}

static int check_plane(const fl_frame_info *info, const struct plane *plane, uint32_t i)
{
	uint64_t row = row_bytes(plane, info->width), rows = n_rows(plane, info->height);

	if (info->stride[i] < row)
		return -EINVAL;
	return info->offset[i] + (uint64_t)info->stride[i] * (rows - 1) + row > info->size ? -EMSGSIZE : 0;
}

int fl_frame_info_check(const fl_frame_info *info, size_t capacity)
{
	const struct format *format = find(info->format);
	uint32_t i;
	int error;

	if (info->n_planes > FL_FRAME_PLANES)
		return -EINVAL;
	if (info->size > capacity)
		return -EMSGSIZE;
	for (i = 0; i < info->n_planes; i++)
		if (info->offset[i] > info->size)
			return -EMSGSIZE;
	if (!format)
		return 0;
	if (info->n_planes != format->n_planes)
		return -EINVAL;
	if (format->n_planes > 0 && !divides(format, info->width, info->height))
		return -EINVAL;
	for (i = 0; i < format->n_planes; i++) {
		error = check_plane(info, &format->planes[i], i);
		if (error != 0)
			return error;
	}
	return 0;
}
