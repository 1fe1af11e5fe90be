/*
 * shm/heap.c - memory within a segment, that survives who dies while taking or giving some.
 *
 * Blocks lie one behind the other; their sizes say where each begins. Free ones are in chains, by size. Chains speed
 * things up and are no truth: fl_heap_mend_ makes them anew from the blocks. It does so when somebody has died in the
 * middle (`changing` is set), and when much has been freed and there is nothing large enough: it joins free neighbours.
 *
 * Who asks for memory says which word is to lead to it, and that word decides. The block says TAKING and names the
 * word; then the word is set; then the block says USED. Whoever dies in between leaves TAKING: if the word leads to the
 * block it is used, otherwise it is free. Giving is the same the other way round. This is how persistent memory is
 * allocated (PMDK's POBJ_ALLOC), and for the same reason.
 *
 * Invariants, between any two stores:
 *   [H1] From HEAP_AT to head->size there are blocks without a gap: a size changes by one store, and what the smaller
 *        one leaves has its own head before; head->size grows when the new block is written.
 *   [H2] A block that is USED is led to by its word. A FREE one is led to by nothing but a chain.
 *   [H3] A chain of free blocks is whole while `changing` is 0.
 *
 * Rejected: a log of what is being done (a store more for each store); size classes of their own pages (a segment is
 * mostly a few objects, made once).
 */
#include "shm/segment.h"

#include <errno.h>
#include <string.h>

static int damaged(uint64_t at)
{
	return fl_segment_fail_(-EPROTO, "the segment is damaged: the block at %llu", (unsigned long long)at);
}

static struct fl_block *at(fl_segment *segment, uint64_t offset)
{
	return (struct fl_block *)((char *)segment->head + offset);
}

static uint64_t offset_of(const fl_segment *segment, const void *place)
{
	return (uint64_t)((const char *)place - (const char *)segment->head);
}

static uint64_t size_of(uint64_t size_state)
{
	return size_state & ~(uint64_t)(FL_GRAIN - 1);
}

/* The heap's end, as far as there is memory; 0 if the head lies. */
static uint64_t heap_end(fl_segment *segment)
{
	uint64_t size = fl_load_relaxed(&segment->head->size);

	return size >= FL_HEAP_AT + FL_GRAIN && size % FL_GRAIN == 0 && fl_segment_has_(segment, 0, size) ? size : 0;
}

/* Whether a block that says of itself to be so large can be at that offset. */
static bool fits(uint64_t offset, uint64_t size, uint64_t end)
{
	return offset >= FL_HEAP_AT && offset % FL_GRAIN == 0 && offset < end && size >= FL_GRAIN &&
	       size <= end - offset;
}

struct fl_block *fl_heap_block_(fl_segment *segment, uint64_t content, uint64_t *ret_size_state)
{
	uint64_t end = heap_end(segment), offset = content - sizeof(struct fl_block);

	if (content < FL_HEAP_AT + sizeof(struct fl_block) || content % FL_GRAIN != 0 || offset >= end)
		return NULL;
	*ret_size_state = fl_load_relaxed(&at(segment, offset)->size_state);
	return fits(offset, size_of(*ret_size_state), end) ? at(segment, offset) : NULL;
}

/* Chains of free blocks. */

/* Of any number: what a block says of its size may be another one by now. */
static unsigned class_of(uint64_t size)
{
	unsigned class = 63u - (unsigned)__builtin_clzll(size / FL_GRAIN | 1);

	return class < FL_CLASSES ? class : FL_CLASSES - 1;
}

static void push_free(fl_segment *segment, struct fl_block *block, uint64_t size)
{
	uint64_t *chain = &segment->head->free[class_of(size)];

	fl_store_relaxed(&block->next, fl_load_relaxed(chain));
	fl_store_relaxed(chain, offset_of(segment, block));
}

/* A free block that has left its chain; `block` is NULL if there was none. */
struct piece {
	struct fl_block *block;
	uint64_t size;
};

/* Takes the first block of a chain that has `size`. Returns 0, -EPROTO. */
static int pop_free(fl_segment *segment, uint64_t *chain, uint64_t size, uint64_t end, struct piece *ret_piece)
{
	uint64_t *link = chain;

	for (uint64_t steps = end / FL_GRAIN; steps > 0; steps--) {
		uint64_t offset = fl_load_relaxed(link), size_state;
		struct fl_block *block;

		if (offset == 0)
			return 0;
		if (!fits(offset, FL_GRAIN, end))
			break;
		block = at(segment, offset);
		size_state = fl_load_relaxed(&block->size_state);
		if (size_state % FL_GRAIN != FL_BLOCK_FREE || !fits(offset, size_state, end))
			break;
		if (size_state >= size) {
			fl_store_relaxed(link, fl_load_relaxed(&block->next));
			*ret_piece = (struct piece){block, size_state};
			return 0;
		}
		link = &block->next;
	}
	return damaged(fl_load_relaxed(link));
}

static int find_free(fl_segment *segment, uint64_t size, uint64_t end, struct piece *ret_piece)
{
	int error = 0;

	*ret_piece = (struct piece){0};
	for (unsigned i = class_of(size); i < FL_CLASSES && !ret_piece->block && error == 0; i++)
		error = pop_free(segment, &segment->head->free[i], size, end, ret_piece);
	return error;
}

/* Mending. */

/* The word that the block names, if it leads to the block; else NULL. */
static uint64_t *leading_word(fl_segment *segment, const struct fl_block *block)
{
	uint64_t where = fl_load_relaxed(&block->where), *word;

	if (where % 8 != 0 || !fl_segment_has_(segment, where, 8))
		return NULL;
	word = (uint64_t *)at(segment, where);
	return fl_load_relaxed(word) == fl_heap_content(segment, block) ? word : NULL;
}

/* Ends what was begun with a block, and returns what it is now. */
static uint64_t settle(fl_segment *segment, struct fl_block *block, uint64_t size_state)
{
	uint64_t state = size_state & FL_BLOCK_STATE, kept = size_state & ~(uint64_t)FL_BLOCK_STATE, *word;

	if (state == FL_BLOCK_FREE || state == FL_BLOCK_USED)
		return size_state;
	word = leading_word(segment, block);
	if (state == FL_BLOCK_GIVING && word)
		fl_store_relaxed(word, fl_load_relaxed(&block->next));
	fl_then();
	kept = state == FL_BLOCK_TAKING && word ? kept | FL_BLOCK_USED : size_of(kept);
	fl_store_relaxed(&block->size_state, kept);
	return kept;
}

/* Makes a free block as large as it and the free ones behind it. */
static uint64_t join(fl_segment *segment, uint64_t offset, uint64_t size, uint64_t end)
{
	uint64_t joined = size;

	while (offset + joined < end) {
		struct fl_block *next = at(segment, offset + joined);
		uint64_t size_state = settle(segment, next, fl_load_relaxed(&next->size_state));

		if (size_state % FL_GRAIN != FL_BLOCK_FREE || !fits(offset + joined, size_state, end))
			break;
		joined += size_state;
	}
	if (joined != size)
		fl_store_relaxed(&at(segment, offset)->size_state, joined);
	return joined;
}

/* A hostile process can have a block say TAKING whose word is anywhere in the segment. That harms what is in the
 * segment, which it could write to itself, and nothing else. */
int fl_heap_mend_(fl_segment *segment)
{
	uint64_t end = heap_end(segment), offset = FL_HEAP_AT;

	if (end == 0)
		return damaged(0);
	fl_store_relaxed(&segment->head->changing, 1);
	fl_then();
	for (unsigned i = 0; i < FL_CLASSES; i++)
		fl_store_relaxed(&segment->head->free[i], 0);
	while (offset < end) {
		struct fl_block *block = at(segment, offset);
		uint64_t size_state = fl_load_relaxed(&block->size_state), size;

		if (!fits(offset, size_of(size_state), end))
			return damaged(offset);
		size_state = settle(segment, block, size_state);
		size = size_of(size_state);
		if ((size_state & FL_BLOCK_STATE) == FL_BLOCK_FREE) {
			size = join(segment, offset, size, end);
			push_free(segment, block, size);
		}
		offset += size;
	}
	fl_store_relaxed(&segment->head->freed, 0);
	fl_then();
	fl_store_relaxed(&segment->head->changing, 0);
	return 0;
}

/* Taking and giving. */

static void begin(fl_segment *segment)
{
	fl_store_relaxed(&segment->head->changing, 1);
	fl_then();
}

static void end_of(fl_segment *segment)
{
	fl_then();
	fl_store_relaxed(&segment->head->changing, 0);
}

/* Lays out what the segment has grown by as a free block. [H1] */
static int add_memory(fl_segment *segment, uint64_t size, uint64_t *end)
{
	struct fl_block *block = at(segment, *end);
	uint64_t to = 0, grown;
	int error = fl_segment_grow_(segment, *end, size, &to);

	if (error != 0)
		return error;
	grown = to - *end;
	memset(block, 0, sizeof(*block));
	block->size_state = grown | FL_BLOCK_FREE;
	fl_then();
	*end = to;
	fl_store_relaxed(&segment->head->size, to);
	push_free(segment, block, grown);
	return 0;
}

/* A free block of that size, out of its chain: there, joined of several, or new. */
static int obtain(fl_segment *segment, uint64_t size, uint64_t *end, struct piece *ret_piece)
{
	int error = find_free(segment, size, *end, ret_piece);

	if (error == 0 && !ret_piece->block && fl_load_relaxed(&segment->head->freed) > (*end - FL_HEAP_AT) / 4) {
		error = fl_heap_mend_(segment);
		begin(segment);
		if (error == 0)
			error = find_free(segment, size, *end, ret_piece);
	}
	if (error == 0 && !ret_piece->block) {
		error = add_memory(segment, size, end);
		if (error == 0)
			error = find_free(segment, size, *end, ret_piece);
	}
	return error == 0 && !ret_piece->block ? damaged(0) : error;
}

/* Cuts off what is more than `size`, and has the block say TAKING. [H1] */
static void cut(fl_segment *segment, const struct piece *piece, uint64_t size, uint64_t named)
{
	struct fl_block *block = piece->block, *rest = (struct fl_block *)((char *)block + size);

	if (piece->size > size) {
		memset(rest, 0, sizeof(*rest));
		rest->size_state = (piece->size - size) | FL_BLOCK_FREE;
		fl_then();
	}
	fl_store_relaxed(&block->where, 0);
	fl_then();
	fl_store_relaxed(&block->size_state, size | named | FL_BLOCK_TAKING);
	if (piece->size > size)
		push_free(segment, rest, piece->size - size);
}

int fl_heap_take_(fl_segment *segment, uint64_t size, uint64_t named, struct fl_block **ret_block)
{
	uint64_t whole = sizeof(struct fl_block) + (size + FL_GRAIN - 1) / FL_GRAIN * FL_GRAIN, end = heap_end(segment);
	struct piece piece;
	int error;

	if (end == 0)
		return damaged(0);
	if (size > segment->max_size)
		return fl_segment_fail_(-ENOSPC, "the segment may not grow beyond %llu bytes",
					(unsigned long long)segment->max_size);
	begin(segment);
	error = obtain(segment, whole, &end, &piece);
	if (error == 0) {
		cut(segment, &piece, whole, named);
		memset(piece.block + 1, 0, whole - sizeof(*piece.block));
		*ret_block = piece.block;
	} else if (error != -EPROTO) {
		end_of(segment);
	}
	return error;
}

static void set_free(fl_segment *segment, struct fl_block *block)
{
	uint64_t size = size_of(fl_load_relaxed(&block->size_state));

	fl_store_relaxed(&block->size_state, size | FL_BLOCK_FREE);
	fl_store_relaxed(&segment->head->freed, fl_load_relaxed(&segment->head->freed) + size);
	push_free(segment, block, size);
}

void fl_heap_untake_(fl_segment *segment, struct fl_block *block)
{
	set_free(segment, block);
	end_of(segment);
}

static void set_state(struct fl_block *block, enum fl_block_state state)
{
	fl_store_relaxed(&block->size_state,
			 (fl_load_relaxed(&block->size_state) & ~(uint64_t)FL_BLOCK_STATE) | (uint64_t)state);
}

void fl_heap_publish_(fl_segment *segment, struct fl_block *block, uint64_t *where)
{
	fl_store_relaxed(&block->next, fl_load_relaxed(where));
	fl_store_relaxed(&block->where, offset_of(segment, where));
	fl_then();
	fl_store_relaxed(where, fl_heap_content(segment, block));
	fl_then();
	set_state(block, FL_BLOCK_USED);
	end_of(segment);
}

void fl_heap_retire_(fl_segment *segment, struct fl_block *block, uint64_t *where)
{
	begin(segment);
	fl_store_relaxed(&block->where, offset_of(segment, where));
	fl_then();
	set_state(block, FL_BLOCK_GIVING);
	fl_then();
	fl_store_relaxed(where, fl_load_relaxed(&block->next));
	fl_then();
	set_free(segment, block);
	end_of(segment);
}

/* Memory without a name. */

/* Whether `where` is a word of something that somebody may use: behind the head, in memory. */
static bool is_word(fl_segment *segment, const uint64_t *where)
{
	uint64_t offset = fl_segment_offset(segment, where);

	return offset != 0 && offset % 8 == 0 && fl_segment_has_(segment, offset, 8);
}

int fl_segment_alloc(fl_segment *segment, size_t size, uint64_t *where)
{
	struct fl_block *block;
	uint64_t before;
	int error;

	if (size == 0)
		return fl_segment_fail_(-EINVAL, "a size of 0");
	if (!is_word(segment, where))
		return fl_segment_fail_(-EINVAL, "the word that is to lead to the memory is not within the segment");
	error = fl_segment_enter_(segment);
	if (error != 0)
		return error;
	before = fl_load_relaxed(where);
	if (before != 0)
		error = fl_segment_fail_(-EINVAL, "the word leads to something already, at %llu",
					 (unsigned long long)before);
	if (error == 0)
		error = fl_heap_take_(segment, size, 0, &block);
	if (error == 0)
		fl_heap_publish_(segment, block, where);
	fl_segment_leave_(segment);
	return error;
}

static int free_at(fl_segment *segment, uint64_t *where)
{
	uint64_t content = fl_load_relaxed(where), size_state = 0;
	struct fl_block *block = content == 0 ? NULL : fl_heap_block_(segment, content, &size_state);

	if (content == 0)
		return 0;
	if (!block || size_state % FL_GRAIN != FL_BLOCK_USED ||
	    fl_load_relaxed(&block->where) != offset_of(segment, where))
		return fl_segment_fail_(-EINVAL,
					"the word does not lead to memory that was allocated through it, but to %llu",
					(unsigned long long)content);
	fl_heap_retire_(segment, block, where);
	return 0;
}

int fl_segment_free(fl_segment *segment, uint64_t *where)
{
	int error;

	if (!is_word(segment, where))
		return fl_segment_fail_(-EINVAL, "the word is not within the segment");
	error = fl_segment_enter_(segment);
	if (error != 0)
		return error;
	error = free_at(segment, where);
	fl_segment_leave_(segment);
	return error;
}
