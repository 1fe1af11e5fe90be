/*
 * sync/arena.c - memory for the checks: powers of two, cut from chunks of pages, each size with a list of what was
 * given back.
 *
 * Pages are never returned to the kernel. That wastes what a program had at its worst moment, and in exchange memory
 * that another thread may still look at (a thread's stack of held locks, the times of a lock) is always there to be
 * looked at.
 */
#define _GNU_SOURCE
#include "sync/arena.h"

#include "base/inner.h"
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define SMALLEST 5u /* 32 bytes */
#define LARGEST 30u /* a gigabyte */
#define CHUNK_SIZE ((size_t)256 * 1024)

struct block {
	struct block *next;
};

static struct fl_inner lock;
static struct block *given_back[LARGEST + 1];
static char *chunk;
static size_t left;

static unsigned class_of(size_t size)
{
	unsigned class = SMALLEST;

	while (class < LARGEST && ((size_t)1 << class) < size)
		class ++;
	return class;
}

static void *map(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

/* What a new chunk leaves unused of the old one is less than the block that did not fit. */
static void *cut(size_t size)
{
	size_t pad = -(uintptr_t)chunk & ((size < 64 ? size : 64) - 1);

	if (size >= CHUNK_SIZE)
		return map(size);
	if (!chunk || left < pad + size) {
		chunk = map(CHUNK_SIZE);
		left = chunk ? CHUNK_SIZE : 0;
		pad = 0;
	}
	if (!chunk)
		return NULL;
	chunk += pad + size;
	left -= pad + size;
	return chunk - size;
}

void *fl_arena_take_(size_t size)
{
	unsigned class = class_of(size);
	struct block *block;

	if (size > (size_t)1 << LARGEST)
		return NULL;
	fl_inner_acquire(&lock);
	block = given_back[class];
	if (block)
		given_back[class] = block->next;
	else
		block = cut((size_t)1 << class);
	fl_inner_release(&lock);
	return block ? memset(block, 0, size) : NULL;
}

void fl_arena_give_(void *memory, size_t size)
{
	struct block *block = memory;
	unsigned class = class_of(size);

	if (!block)
		return;
	fl_inner_acquire(&lock);
	block->next = given_back[class];
	given_back[class] = block;
	fl_inner_release(&lock);
}

/* If a thread that stayed behind was at work here, the lists may be half changed: the child begins with new ones. */
void fl_arena_after_fork_(void)
{
	if (lock.state != 0) {
		memset(given_back, 0, sizeof(given_back));
		chunk = NULL;
	}
	lock.state = 0;
}
