/*
 * cli/watch_sums.c - numbers that stand for what is known already: ways, circles, deadlocks.
 *
 * Two that differ have the same number with a probability of 2^-64. They are kept in a tree of the C library's tsearch,
 * whose entries begin with the number.
 */
#define _GNU_SOURCE
#include "watch.h"

#include <search.h>
#include <stdlib.h>

uint64_t watch_mixed(uint64_t sum, uint64_t with)
{
	sum = (sum ^ with) * UINT64_C(0xff51afd7ed558ccd);
	return sum ^ sum >> 32;
}

int watch_compare_sums(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

bool watch_first_time(void **tree, uint64_t sum)
{
	uint64_t *entry;

	if (tfind(&sum, tree, watch_compare_sums))
		return false;
	entry = malloc(sizeof(*entry));
	if (!entry)
		return true;
	*entry = sum;
	if (!tsearch(entry, tree, watch_compare_sums))
		free(entry);
	return true;
}
