/*
 * check/pool.c - see pool.h. Shared between the processes of a check, so that what a run has left can be read.
 */
#include "pool.h"

#define SIZE (UINT64_C(1) << 30)

static struct pool {
	size_t used;
	_Alignas(64) char memory[];
} * pool;

void pool_begin(void)
{
	pool = raw_map(NULL, SIZE, true);
}

void pool_renew(void)
{
	pool->used = 0;
}

void *pool_take(size_t size)
{
	size_t at = pool->used;

	pool->used = (at + size + 15) & ~(size_t)15;
	if (pool->used > SIZE - 4096)
		raw_die("an execution needs more than %lu bytes for its locks and clocks", (unsigned long)SIZE);
	raw_fill(pool->memory + at, 0, pool->used - at);
	return pool->memory + at;
}
