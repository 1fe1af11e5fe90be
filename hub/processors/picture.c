/*
 * hub/processors/picture.c - copies pictures, and makes them small.
 *
 * Rows are added up first, byte by byte into 16 bits, which the compiler does with vector instructions; only then the
 * columns, of which there are fewer. A sum of 16 bits has room for 257 rows: of more, the first ones stand for all.
 */
#include "picture.h"

#include <string.h>

#define ROWS 256u

int picture_copy(const fl_frame *frame, const fl_processor_host *host, void **ret_data)
{
	void *data;
	int error = host->loan(host, frame->info.size, &data);

	if (error < 0)
		return error;
	memcpy(data, frame->data, frame->info.size);
	*ret_data = data;
	return 0;
}

static void add(uint16_t *restrict sums, const uint8_t *restrict row, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sums[i] = (uint16_t)(sums[i] + row[i]);
}

/* The mean of n columns of `rows` rows each. */
static uint8_t mean(const uint16_t *columns, uint32_t n, uint32_t rows, int is_rgb)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += is_rgb ? (77u * columns[3 * i] + 150u * columns[3 * i + 1] + 29u * columns[3 * i + 2]) >> 8
			      : columns[i];
	return (uint8_t)(n > 0 && rows > 0 ? sum / ((uint64_t)n * rows) : 0);
}

void picture_small(const fl_frame *frame, uint32_t step, uint16_t *columns, uint8_t *to)
{
	const fl_frame_info *info = &frame->info;
	const uint8_t *data = (const uint8_t *)frame->data + info->offset[0];
	int is_rgb = info->format == FL_PIXELS_RGB24;
	size_t bytes = (size_t)info->width * (is_rgb ? 3 : 1);

	for (uint32_t y = 0; y < info->height; y += step) {
		uint32_t rows = info->height - y < step ? info->height - y : step;

		rows = rows < ROWS ? rows : ROWS;
		memset(columns, 0, bytes * sizeof(*columns));
		for (uint32_t i = 0; i < rows; i++)
			add(columns, data + (size_t)info->stride[0] * (y + i), bytes);
		for (uint32_t x = 0; x < info->width; x += step) {
			uint32_t n = info->width - x < step ? info->width - x : step;

			*to++ = mean(columns + (size_t)x * (is_rgb ? 3 : 1), n, rows, is_rgb);
		}
	}
}
