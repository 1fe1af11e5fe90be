/*
 * hub/images/time_code.c - the time code of draw.h: written as rectangles, read back from the middle of each cell.
 *
 * Only the inner half of a cell's width and height is looked at, since JPEG and scaling smear the borders. A cell that
 * is neither clearly dark nor clearly bright means that this is no time code: so a picture that has none is hardly ever
 * taken for one that has, though the sum alone would let one in 256 pass.
 *
 * A reader does not know whether the picture was enlarged. It tries the factors that screens have; the four sync cells
 * and the sum tell which one is right.
 */
#include "draw.h"

#include <errno.h>
#include <stddef.h>

#define BITS 48u
#define DARK 96u
#define BRIGHT 160u

static const struct factor {
	uint32_t by, of;
} factors[] = {{1, 1}, {2, 1}, {3, 2}, {3, 1}, {4, 1}};

struct draw_area draw_time_code_area(const fl_frame_info *info)
{
	uint32_t cell = DRAW_CELL(info->width);
	struct draw_area area = {0};

	if (info->width / DRAW_CELLS < cell || info->height < cell)
		return area;
	area.y = (int32_t)(info->height - cell);
	area.width = (int32_t)(cell * DRAW_CELLS);
	area.height = (int32_t)cell;
	return area;
}

static uint8_t sum_of(uint64_t bits)
{
	uint8_t sum = 0;

	for (uint32_t i = 0; i < BITS; i += 8)
		sum = (uint8_t)(sum + (bits >> i & 255));
	return sum;
}

void draw_time_code(const fl_frame_info *info, void *data, int64_t unix_us)
{
	struct draw_area area = draw_time_code_area(info);
	uint64_t ms = (uint64_t)(unix_us / 1000) & (((uint64_t)1 << BITS) - 1);
	uint64_t cells = (uint64_t)10 << (BITS + 8) | ms << 8 | sum_of(ms);

	area.width = area.height;
	for (uint32_t i = 0; i < DRAW_CELLS; i++) {
		draw_rectangle(info, data, area, cells >> (DRAW_CELLS - 1 - i) & 1 ? 0xffffff : 0);
		area.x += area.width;
	}
}

static uint32_t luma_at(const fl_frame_info *info, const uint8_t *row, uint32_t x)
{
	if (info->format == FL_PIXELS_RGB24)
		return (77u * row[3 * (size_t)x] + 150u * row[3 * (size_t)x + 1] + 29u * row[3 * (size_t)x + 2]) >> 8;
	return row[x];
}

/* How bright the middle of a square of that size is, whose left top corner is there. */
static uint32_t brightness(const fl_frame_info *info, const void *data, uint32_t x, uint32_t y, uint32_t size)
{
	uint32_t edge = size / 4, inner = size - 2 * edge, sum = 0;

	for (uint32_t i = 0; i < inner; i++) {
		const uint8_t *row = (const uint8_t *)data + info->offset[0] + (size_t)info->stride[0] * (y + edge + i);

		for (uint32_t j = 0; j < inner; j++)
			sum += luma_at(info, row, x + edge + j);
	}
	return inner > 0 ? sum / (inner * inner) : 0;
}

/* Reads the cells of a picture that was enlarged by that factor. */
static bool read_cells(const fl_frame_info *info, const void *data, const struct factor *factor, uint64_t *ret_cells)
{
	uint32_t before = (uint32_t)((uint64_t)info->width * factor->of / factor->by);
	uint32_t cell = DRAW_CELL(before), size = cell * factor->by / factor->of;
	uint64_t cells = 0;

	if (before / DRAW_CELLS < cell || info->height < size)
		return false;
	for (uint32_t i = 0; i < DRAW_CELLS; i++) {
		uint32_t x = i * cell * factor->by / factor->of;
		uint32_t bright = brightness(info, data, x, info->height - size, size);

		if (bright > DARK && bright < BRIGHT)
			return false;
		cells = cells << 1 | (bright >= BRIGHT);
	}
	*ret_cells = cells;
	return true;
}

int draw_read_time_code(const fl_frame_info *info, const void *data, int64_t *ret_unix_ms)
{
	uint64_t cells, ms;

	for (size_t i = 0; draw_can(info) && i < sizeof(factors) / sizeof(factors[0]); i++) {
		if (!read_cells(info, data, &factors[i], &cells))
			continue;
		ms = cells >> 8 & (((uint64_t)1 << BITS) - 1);
		if (cells >> (BITS + 8) == 10 && (cells & 255) == sum_of(ms)) {
			*ret_unix_ms = (int64_t)ms;
			return 0;
		}
	}
	return -EBADMSG;
}
