/*
 * hub/processors/regions.h - finds connected regions in a small picture of set and unset cells.
 *
 * Cells that touch each other, with a side or a corner, are one region.
 */
#ifndef HUB_PROCESSORS_REGIONS_H
#define HUB_PROCESSORS_REGIONS_H

#include <stdint.h>

#define REGIONS_SIDE 160u /* cells of a picture, at most, in each direction */
#define REGIONS_CELLS (REGIONS_SIDE * REGIONS_SIDE)
#define REGIONS_MAX (REGIONS_CELLS / 4) /* so many can there be that do not touch */

#define REGIONS_SET 1u    /* what a cell may have: it belongs to a region, */
#define REGIONS_MARKED 2u /* and it is counted as `marked` */

struct region {
	uint32_t left, top, right, bottom; /* in cells; right and bottom are the first ones outside */
	uint32_t cells;                    /* how many it has, */
	uint32_t solid;                    /* how many of these have all eight neighbours */
	uint32_t marked;                   /* and how many have the mark */
};

/* Memory to find them with. */
struct regions {
	uint16_t parent[REGIONS_CELLS];
	uint16_t number[REGIONS_CELLS];
	struct region found[REGIONS_MAX];
};

/* Writes them into `found`, in no order. Returns how many there are. */
uint32_t regions_find(struct regions *regions, const uint8_t *cells, uint32_t width, uint32_t height);

/* Which one, of those that were found, a cell that is set belongs to. */
uint32_t regions_of(struct regions *regions, uint32_t cell);

/* Joins regions that are at most `gap` cells from each other, n at first. Returns how many are left. */
uint32_t regions_merge(struct region *found, uint32_t n, uint32_t gap);

#endif
