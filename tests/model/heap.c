/*
 * heap.c - malloc and free: blocks from the scenario's objects, so that they are put back when the search goes back.
 *
 * A block is never used again. To free it counts as writing all of it, so whoever may still use it races with that; and
 * who touches it afterwards, or frees it again, is found out by what was freed.
 *
 * In front of a block stand its size and a mark. What has no mark was placed among the objects by a scenario, which
 * gives it to the sources to free: it stays.
 */
#include "engine.h"

#include <string.h>

#define LINE 64u
#define MARK 0xb10c0001u
#define MARK_FREED 0xb10c0002u

struct front {
	uint32_t size, mark;
};

static struct front *front_of(void *block)
{
	return (struct front *)block - 1;
}

static void set_front(struct front *front, uint32_t size, uint32_t mark)
{
	model_keep(front);
	*front = (struct front){size, mark};
}

static void *make(size_t size, const void *pc)
{
	char *block = (char *)model_allocate(LINE + size) + LINE;

	set_front(front_of(block), (uint32_t)size, MARK);
	model_now.n_blocks++;
	model_plain(block, size, MODEL_WRITES, pc);
	return block;
}

static void discard(void *block, const void *pc)
{
	struct front *front = block ? front_of(block) : NULL;

	if (front && front->mark == MARK_FREED)
		model_fail("freed again: %s", model_describe(block));
	if (!front || front->mark != MARK)
		return;
	model_plain(block, front->size, MODEL_WRITES, pc);
	model_free(block, front->size);
	set_front(front, front->size, MARK_FREED);
	model_now.n_blocks--;
}

unsigned model_blocks(void)
{
	return model_now.n_blocks;
}

/* What the sources call. */

#define PC __builtin_return_address(0)

void *model_malloc(size_t size);
void *model_malloc(size_t size)
{
	return make(size, PC);
}

void *model_aligned_alloc(size_t alignment, size_t size);
void *model_aligned_alloc(size_t alignment, size_t size)
{
	(void)alignment; /* of a cache line, as all of it */
	return make(size, PC);
}

/* For what lives as long as the program, threads' records. */
static void *make_for_ever(size_t size)
{
	static _Alignas(64) char pool[65536];
	static size_t used;
	void *memory = pool + used;

	used += (size + LINE - 1) / LINE * LINE;
	return used <= sizeof(pool) ? memory : NULL;
}

void *model_calloc(size_t n, size_t size);
void *model_calloc(size_t n, size_t size)
{
	return model_now.heap ? make(n * size, PC) : make_for_ever(n * size); /* NULL: no execution has begun */
}

static void *resize(void *block, size_t size, const void *pc)
{
	void *memory = make(size, pc);
	size_t had = block ? front_of(block)->size : 0;

	if (had > 0)
		memcpy(memory, block, had < size ? had : size);
	discard(block, pc);
	return memory;
}

void *model_realloc(void *block, size_t size);
void *model_realloc(void *block, size_t size)
{
	return resize(block, size, PC);
}

void *model_reallocarray(void *block, size_t n, size_t size);
void *model_reallocarray(void *block, size_t n, size_t size)
{
	return resize(block, n * size, PC);
}

void model_discard(void *block);
void model_discard(void *block)
{
	discard(block, PC);
}
