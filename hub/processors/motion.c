/*
 * hub/processors/motion.c - draws boxes around what moves.
 *
 * The picture is made small, at most 160 cells in each direction, and its brightness is compared with two backgrounds.
 * The slow one is what the picture looks like when nothing moves: a cell that differs from it by more than the
 * threshold is *other*. The fast one follows the picture within a few frames: a cell that differs from it has *changed*
 * just now. A region of other cells is boxed if some of its cells have changed, and if there is a block of 3 x 3 other
 * cells in it, so that noise and burnt-in figures are not.
 *
 * 1. The slow background takes on the picture only where it is not other, so that what moves slowly does not vanish.
 * 2. What is other and does not move becomes background: it was put there, or what was there from the beginning has
 *    gone. A region that none of its cells has changed in does so after QUIET frames; a cell of one that moves only
 *    after STILL frames, since it may be the plain middle of something large.
 * 3. The threshold rises with the noise, which is the median of the differences: in most cells nothing moves.
 * 4. The strip of a time code (draw.h) is left out, once one has been read in a picture of that size: it changes with
 *    every frame.
 *
 * A box is finer than a cell: how much a cell at the edge differs, compared with its neighbour inside, tells how far
 * the thing reaches into it.
 *
 * The results: boxes, how many; box0, box1, ...: x,y,w,h in pixels, the largest first; share, how much of the picture
 * is within the regions, in percent. When the size or format changes, everything begins anew: the first frame is
 * background.
 *
 * Rejected: differences of successive frames alone, which show the edges of a thing and not the thing; several models
 * for each cell, which this does not need and which cost more than the rest of the hub.
 */
#include "images/draw.h"
#include "picture.h"
#include "processors.h"
#include "regions.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOXES 16u /* that are drawn and said */
#define LEAST 10u /* the threshold without noise; */
#define MOST 60u  /* with any */
#define QUIET 8u  /* frames */
#define STILL 90u
#define GAP 2u /* cells between regions that are one */
#define SLOW 4 /* how many bits less than all of a difference the backgrounds take on with each frame */
#define FAST 2

/* Memory for a picture of any size; the columns alone depend on it. */
struct motion {
	uint32_t format, width, height, step; /* of the frame */
	uint32_t across, down;                /* cells */
	bool has_time_code;
	uint16_t *columns;
	uint8_t now[REGIONS_CELLS], still[REGIONS_CELLS], cells[REGIONS_CELLS];
	uint16_t slow[REGIONS_CELLS], fast[REGIONS_CELLS]; /* in 256ths */
	struct regions regions;
};

static int motion_start(void **ret_state)
{
	*ret_state = calloc(1, sizeof(struct motion));
	return *ret_state ? 0 : -ENOMEM;
}

static void motion_stop(void *state)
{
	struct motion *motion = state;

	free(motion->columns);
	free(motion);
}

static bool is_same(const struct motion *motion, const fl_frame_info *info)
{
	return motion->columns && motion->format == info->format && motion->width == info->width &&
	       motion->height == info->height;
}

/* Begins with a frame of another size. */
static int begin(struct motion *motion, const fl_frame *frame)
{
	const fl_frame_info *info = &frame->info;
	uint32_t longer = info->width > info->height ? info->width : info->height;

	free(motion->columns);
	motion->columns = calloc(3 * (size_t)info->width, sizeof(*motion->columns));
	if (!motion->columns)
		return -ENOMEM;
	motion->format = info->format;
	motion->width = info->width;
	motion->height = info->height;
	motion->step = PICTURE_SMALL(longer, REGIONS_SIDE);
	motion->across = PICTURE_SMALL(info->width, motion->step);
	motion->down = PICTURE_SMALL(info->height, motion->step);
	motion->has_time_code = false;
	picture_small(frame, motion->step, motion->columns, motion->now);
	for (uint32_t i = 0; i < motion->across * motion->down; i++) {
		motion->slow[i] = motion->fast[i] = (uint16_t)(motion->now[i] << 8);
		motion->still[i] = STILL;
	}
	return 0;
}

static uint32_t difference(uint8_t now, uint16_t background)
{
	return (uint32_t)abs(now - (background + 128) / 256);
}

/* By how much a cell must differ to be other. */
static uint32_t threshold_of(const struct motion *motion)
{
	uint32_t counts[256] = {0}, n = motion->across * motion->down, sum = 0, median = 0, threshold;

	for (uint32_t i = 0; i < n; i++)
		counts[difference(motion->now[i], motion->slow[i]) & 255]++;
	while ((sum += counts[median]) * 2 < n)
		median++;
	threshold = LEAST + 4 * median;
	return threshold < MOST ? threshold : MOST;
}

static void follow(uint16_t *background, uint8_t now, int bits)
{
	*background = (uint16_t)(*background + ((now << 8) - *background) / (1 << bits));
}

/* Compares the cells with the backgrounds, which then take them on. */
static void look(struct motion *motion)
{
	uint32_t threshold = threshold_of(motion);

	for (uint32_t i = 0; i < motion->across * motion->down; i++) {
		uint8_t now = motion->now[i];
		bool other = difference(now, motion->slow[i]) > threshold;
		bool changed = difference(now, motion->fast[i]) > threshold / 2;

		motion->still[i] = (uint8_t)(changed ? 0 : motion->still[i] + (motion->still[i] < STILL));
		motion->cells[i] = (uint8_t)((other ? REGIONS_SET : 0) | (changed ? REGIONS_MARKED : 0));
		follow(&motion->fast[i], now, FAST);
		if (!other)
			follow(&motion->slow[i], now, SLOW);
		else if (motion->still[i] == STILL)
			motion->slow[i] = (uint16_t)(now << 8);
	}
}

/* Leaves the strip of the time code out, if there is one. */
static void forget_time_code(struct motion *motion, const fl_frame *frame)
{
	struct draw_area area = draw_time_code_area(&frame->info);
	int64_t unix_ms;

	if (!motion->has_time_code)
		motion->has_time_code = draw_read_time_code(&frame->info, frame->data, &unix_ms) == 0;
	if (!motion->has_time_code || area.width == 0)
		return;
	for (uint32_t y = (uint32_t)area.y / motion->step; y < motion->down; y++)
		memset(motion->cells + (size_t)y * motion->across, 0,
		       PICTURE_SMALL((uint32_t)area.width, motion->step));
}

static bool is_moving(const struct region *region)
{
	return region->marked >= 2 && region->marked >= region->cells / 64;
}

/* Makes regions background that nothing moves in. */
static void settle(struct motion *motion)
{
	for (uint32_t i = 0; i < motion->across * motion->down; i++)
		if (motion->cells[i] & REGIONS_SET && motion->still[i] >= QUIET &&
		    !is_moving(&motion->regions.found[regions_of(&motion->regions, i)]))
			motion->slow[i] = (uint16_t)(motion->now[i] << 8);
}

/* Keeps those regions that something moves in. Returns how many they are. */
static uint32_t keep_moving(struct region *found, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++)
		if (found[i].solid > 0 && is_moving(&found[i]))
			found[kept++] = found[i];
	return kept;
}

/* How much a column or row of a region differs from the background, all its cells together. */
static uint32_t line_difference(const struct motion *motion, const struct region *region, bool is_row, uint32_t line)
{
	uint32_t from = is_row ? region->left : region->top, to = is_row ? region->right : region->bottom, sum = 0;

	for (uint32_t i = from; i < to; i++) {
		uint32_t at = is_row ? line * motion->across + i : i * motion->across + line;

		sum += difference(motion->now[at], motion->slow[at]);
	}
	return sum;
}

/* How many pixels of the outer line of cells, beside the inner one, do not belong to the thing. */
static uint32_t beyond(const struct motion *motion, const struct region *region, bool is_row, uint32_t outer,
		       uint32_t inner)
{
	uint32_t part = line_difference(motion, region, is_row, outer);
	uint32_t whole = line_difference(motion, region, is_row, inner);

	return part >= whole ? 0 : motion->step - (motion->step * part + whole / 2) / whole;
}

static struct draw_area box_of(const struct motion *motion, const struct region *region)
{
	uint32_t step = motion->step, left = region->left * step, top = region->top * step;
	uint32_t right = region->right * step, bottom = region->bottom * step;

	right = right < motion->width ? right : motion->width;
	bottom = bottom < motion->height ? bottom : motion->height;
	if (region->right - region->left > 2) {
		left += beyond(motion, region, false, region->left, region->left + 1);
		right -= region->right * step > motion->width
				 ? 0
				 : beyond(motion, region, false, region->right - 1, region->right - 2);
	}
	if (region->bottom - region->top > 2) {
		top += beyond(motion, region, true, region->top, region->top + 1);
		bottom -= region->bottom * step > motion->height
				  ? 0
				  : beyond(motion, region, true, region->bottom - 1, region->bottom - 2);
	}
	return (struct draw_area){(int32_t)left, (int32_t)top, (int32_t)(right - left), (int32_t)(bottom - top)};
}

static int larger_first(const void *a, const void *b)
{
	const struct region *one = a, *other = b;
	uint32_t first = (one->right - one->left) * (one->bottom - one->top);
	uint32_t second = (other->right - other->left) * (other->bottom - other->top);

	return (first < second) - (first > second);
}

static int say(const struct motion *motion, const fl_processor_host *host, const struct draw_area *boxes, uint32_t n,
	       uint32_t moved)
{
	char key[FL_PROCESSOR_KEY];
	int error = host->result(host, "boxes", "%u", n);

	for (uint32_t i = 0; error == 0 && i < n; i++) {
		snprintf(key, sizeof(key), "box%u", i);
		error = host->result(host, key, "%d,%d,%d,%d", boxes[i].x, boxes[i].y, boxes[i].width, boxes[i].height);
	}
	if (error < 0)
		return error;
	return host->result(host, "share", "%.1f", moved * 100.0 / (motion->across * motion->down));
}

static int show(const fl_frame *frame, const fl_processor_host *host, const struct draw_area *boxes, uint32_t n)
{
	int32_t line = frame->info.width >= 800 ? (int32_t)(frame->info.width / 400) : 2;
	void *data;
	int error = picture_copy(frame, host, &data);

	if (error < 0)
		return error;
	for (uint32_t i = 0; i < n; i++)
		draw_outline(&frame->info, data, boxes[i], line, 0x3dff6e);
	return host->publish(host, &frame->info);
}

/* Finds the regions that are to be boxed, the largest first. Returns how many there are, and how many cells they
 * have. */
static uint32_t find(struct motion *motion, const fl_frame *frame, uint32_t *ret_moved)
{
	struct region *found = motion->regions.found;
	uint32_t n, moved = 0;

	picture_small(frame, motion->step, motion->columns, motion->now);
	look(motion);
	forget_time_code(motion, frame);
	n = regions_find(&motion->regions, motion->cells, motion->across, motion->down);
	settle(motion);
	n = keep_moving(found, n);
	for (uint32_t i = 0; i < n; i++)
		moved += found[i].cells;
	n = regions_merge(found, n, GAP);
	qsort(found, n, sizeof(*found), larger_first);
	*ret_moved = moved;
	return n < BOXES ? n : BOXES;
}

static int motion_process(void *state, const fl_frame *frame, const fl_processor_host *host)
{
	struct motion *motion = state;
	struct draw_area boxes[BOXES];
	uint32_t n = 0, moved = 0;
	int error = 0;

	if (!draw_can(&frame->info))
		return -EINVAL;
	if (is_same(motion, &frame->info))
		n = find(motion, frame, &moved);
	else
		error = begin(motion, frame);
	for (uint32_t i = 0; i < n; i++)
		boxes[i] = box_of(motion, &motion->regions.found[i]);
	error = error < 0 ? error : say(motion, host, boxes, n, moved);
	return error < 0 ? error : show(frame, host, boxes, n);
}

const fl_processor processors_motion = {
	.version = FL_PROCESSOR_VERSION,
	.format = FL_PIXELS_I420,
	.name = "motion",
	.summary = "draws boxes around what moves",
	.start = motion_start,
	.process = motion_process,
	.stop = motion_stop,
};
