/*
 * hub/processors/edges.c - shows edges: where brightness changes, by Sobel's two filters.
 *
 * A pixel of the picture is |gx| + |gy|, at most 255; those at the border, which lack neighbours, are 0. The row's loop
 * has no branches and works on 16-bit numbers (a sum is at most 2040), so that the compiler makes vector instructions
 * of it. The result `edges` is the share of pixels that are 64 or more, in percent.
 */
#include "processors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STRONG 64

/* What three rows, of which `at` is the middle one, say of the pixels 1 to n - 2. */
static void sobel(uint8_t *restrict to, const uint8_t *restrict above, const uint8_t *restrict at,
		  const uint8_t *restrict below, uint32_t n)
{
	for (size_t x = 1; x + 1 < n; x++) {
		int16_t left = (int16_t)(above[x - 1] + 2 * at[x - 1] + below[x - 1]);
		int16_t right = (int16_t)(above[x + 1] + 2 * at[x + 1] + below[x + 1]);
		int16_t up = (int16_t)(above[x - 1] + 2 * above[x] + above[x + 1]);
		int16_t down = (int16_t)(below[x - 1] + 2 * below[x] + below[x + 1]);
		int16_t across = (int16_t)(right - left), along = (int16_t)(down - up);
		int16_t sum = (int16_t)((across < 0 ? -across : across) + (along < 0 ? -along : along));

		to[x] = (uint8_t)(sum > 255 ? 255 : sum);
	}
}

static uint32_t strong_of(const uint8_t *row, uint32_t n)
{
	uint32_t strong = 0;

	for (uint32_t x = 0; x < n; x++)
		strong += row[x] >= STRONG;
	return strong;
}

/* Writes the picture, rows without gaps. Returns how many pixels are strong. */
static uint64_t draw_edges(const fl_frame *frame, uint8_t *to)
{
	const fl_frame_info *info = &frame->info;
	const uint8_t *from = (const uint8_t *)frame->data + info->offset[0];
	uint32_t width = info->width, height = info->height;
	size_t stride = info->stride[0];
	uint64_t strong = 0;

	memset(to, 0, width);
	memset(to + (size_t)width * (height - 1), 0, width);
	for (uint32_t y = 1; y + 1 < height; y++) {
		uint8_t *row = to + (size_t)width * y;

		row[0] = row[width - 1] = 0;
		sobel(row, from + stride * (y - 1), from + stride * y, from + stride * (y + 1), width);
		strong += strong_of(row, width);
	}
	return strong;
}

static int edges_process(void *state, const fl_frame *frame, const fl_processor_host *host)
{
	fl_frame_info info;
	uint64_t strong;
	void *to = NULL;
	int error;

	(void)state;
	if (frame->info.format != FL_PIXELS_GRAY8)
		return -EINVAL;
	error = fl_frame_info_init(&info, FL_PIXELS_GRAY8, frame->info.width, frame->info.height);
	if (error == 0)
		error = host->loan(host, info.size, &to);
	if (error < 0 || !to)
		return error;
	info.flags = frame->info.flags;
	strong = draw_edges(frame, to);
	error = host->publish(host, &info);
	if (error < 0)
		return error;
	return host->result(host, "edges", "%.1f", (double)strong * 100 / (double)info.size);
}

const fl_processor processors_edges = {
	.version = FL_PROCESSOR_VERSION,
	.format = FL_PIXELS_GRAY8,
	.name = "edges",
	.summary = "shows where brightness changes",
	.process = edges_process,
};
