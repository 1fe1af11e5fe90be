/*
 * hub/processors/regions.c - connected regions by union-find.
 *
 * Each cell has a parent; the one that is its own parent, the root, stands for the region, and is the region's first
 * cell: parents only ever point backwards. A cell is joined with the four neighbours that come before it. A path is
 * halved each time it is walked, so walks are short. Then one pass gives roots a number and adds each cell to its
 * region.
 */
#include "regions.h"

#include <stdbool.h>

static uint16_t root_of(uint16_t *parent, uint16_t cell)
{
	while (parent[cell] != cell) {
		parent[cell] = parent[parent[cell]];
		cell = parent[cell];
	}
	return cell;
}

static void join(uint16_t *parent, uint32_t one, uint32_t other)
{
	uint16_t a = root_of(parent, (uint16_t)one), b = root_of(parent, (uint16_t)other);

	if (a < b)
		parent[b] = a;
	else
		parent[a] = b;
}

static void join_all(uint16_t *parent, const uint8_t *cells, uint32_t width, uint32_t height)
{
	for (uint32_t y = 0; y < height; y++) {
		for (uint32_t x = 0; x < width; x++) {
			uint32_t at = y * width + x;

			if (!(cells[at] & REGIONS_SET))
				continue;
			parent[at] = (uint16_t)at;
			if (x > 0 && cells[at - 1] & REGIONS_SET)
				join(parent, at, at - 1);
			for (uint32_t i = x > 0 ? x - 1 : 0; y > 0 && i <= x + 1 && i < width; i++)
				if (cells[at - width + i - x] & REGIONS_SET)
					join(parent, at, at - width + i - x);
		}
	}
}

static bool is_solid(const uint8_t *cells, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	const uint8_t *at = cells + (uint64_t)y * width + x;

	if (x == 0 || y == 0 || x + 1 >= width || y + 1 >= height)
		return false;
	for (const uint8_t *row = at - width; row <= at + width; row += width)
		if (!(row[-1] & row[0] & row[1] & REGIONS_SET))
			return false;
	return true;
}

static void add_cell(struct region *region, uint32_t x, uint32_t y)
{
	region->left = x < region->left ? x : region->left;
	region->right = x + 1 > region->right ? x + 1 : region->right;
	region->bottom = y + 1;
	region->cells++;
}

uint32_t regions_find(struct regions *regions, const uint8_t *cells, uint32_t width, uint32_t height)
{
	uint32_t n = 0;

	join_all(regions->parent, cells, width, height);
	for (uint32_t at = 0; at < width * height; at++) {
		uint32_t x = at % width, y = at / width;
		uint16_t root;
		struct region *region;

		if (!(cells[at] & REGIONS_SET))
			continue;
		root = root_of(regions->parent, (uint16_t)at);
		if (root == at) {
			regions->number[at] = (uint16_t)n;
			regions->found[n++] = (struct region){.left = x, .top = y};
		}
		region = &regions->found[regions->number[root]];
		add_cell(region, x, y);
		region->solid += is_solid(cells, x, y, width, height);
		region->marked += (cells[at] & REGIONS_MARKED) != 0;
	}
	return n;
}

uint32_t regions_of(struct regions *regions, uint32_t cell)
{
	return regions->number[root_of(regions->parent, (uint16_t)cell)];
}

static bool are_near(const struct region *a, const struct region *b, uint32_t gap)
{
	return a->left <= b->right + gap && b->left <= a->right + gap && a->top <= b->bottom + gap &&
	       b->top <= a->bottom + gap;
}

static void take_in(struct region *to, const struct region *other)
{
	to->left = other->left < to->left ? other->left : to->left;
	to->top = other->top < to->top ? other->top : to->top;
	to->right = other->right > to->right ? other->right : to->right;
	to->bottom = other->bottom > to->bottom ? other->bottom : to->bottom;
	to->cells += other->cells;
	to->solid += other->solid;
	to->marked += other->marked;
}

/* One that has grown may be near to those that it was compared with before: so it begins again with the first. */
uint32_t regions_merge(struct region *found, uint32_t n, uint32_t gap)
{
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t j = 0; j < n; j++) {
			if (i == j || !are_near(&found[i], &found[j], gap))
				continue;
			take_in(&found[i], &found[j]);
			found[j] = found[--n];
			/* If the last one was region i itself, it is now at j. */
			i = i == n ? j : i;
			j = UINT32_MAX;
		}
	}
	return n;
}
