/*
 * state.c - the state of an execution as one run of bytes: saved, put back, compared by its hash.
 *
 *   [model_now] [what happened to each piece] [what each thread and release knows of it] [cells] [stacks, from low up]
 *
 * Two executions that come to the same state go on alike, so the second one need not. That compares what is
 * there, not how it came about; what a thread has forgotten makes no difference. States are told apart by 64
 * bits of hash: with a million of them, the chance that any two differ and have the same is below 1 in 10^7.
 */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model_execution model_now;

struct head {
	uint32_t n_pieces, n_releases, n_cells, unused;
};

static void put(struct model_bytes *state, const void *bytes, size_t size)
{
	memcpy(state->bytes + state->size, bytes, size);
	memset(state->bytes + state->size + size, 0, (8 - size % 8) % 8);
	state->size += (size + 7) / 8 * 8;
}

static void get(const struct model_bytes *state, size_t *at, void *ret_bytes, size_t size)
{
	memcpy(ret_bytes, state->bytes + *at, size);
	*at += (size + 7) / 8 * 8;
}

static size_t stack_size(unsigned thread)
{
	const char *end = model_stack_of(thread) + MODEL_STACK;

	/* Of one that has returned nothing matters any more. */
	return model_now.threads[thread].status == MODEL_RETURNED ? 0
								  : (size_t)(end - model_now.threads[thread].fiber.low);
}

static void make_room(struct model_bytes *state)
{
	size_t size = sizeof(struct head) + sizeof(model_now) + 8 * (size_t)model_n_cells;
	unsigned i;

	size += 2 * (size_t)(model_knowledge.n_pieces + 8) * (1 + MODEL_THREADS + model_knowledge.n_releases);
	for (i = 0; i < model_n_threads; i++)
		size += stack_size(i) + 8;
	if (size <= state->room)
		return;
	free(state->bytes);
	state->room = size + 4096;
	state->bytes = malloc(state->room);
	if (!state->bytes) {
		printf("Bail out! no memory\n");
		exit(1);
	}
}

void model_state_save(struct model_bytes *ret_state)
{
	struct head head = {model_knowledge.n_pieces, model_knowledge.n_releases, model_n_cells, 0};
	size_t row = head.n_pieces * sizeof(uint16_t);
	unsigned i;

	make_room(ret_state);
	ret_state->size = 0;
	put(ret_state, &head, sizeof(head));
	put(ret_state, &model_now, sizeof(model_now));
	put(ret_state, model_knowledge.happened, row);
	for (i = 0; i < MODEL_THREADS + head.n_releases; i++)
		put(ret_state, model_knowledge.known[i], row);
	for (i = 0; i < head.n_cells; i++)
		put(ret_state, model_cells[i].where, 8);
	for (i = 0; i < model_n_threads; i++)
		put(ret_state, model_now.threads[i].fiber.low, stack_size(i));
}

/* So that below the lower end of what is put back all is zero, as it was. */
static void clear_stacks(void)
{
	unsigned i;

	for (i = 0; i < model_n_threads; i++)
		memset(model_now.threads[i].fiber.low, 0,
		       (size_t)(model_stack_end(i) - model_now.threads[i].fiber.low));
}

/* What has been learned since the state was saved had not happened yet. */
void model_state_restore(const struct model_bytes *state)
{
	struct head head;
	size_t at = 0, row;
	unsigned i;

	get(state, &at, &head, sizeof(head));
	row = head.n_pieces * sizeof(uint16_t);
	clear_stacks();
	get(state, &at, &model_now, sizeof(model_now));
	memset(model_knowledge.happened, 0, sizeof(model_knowledge.happened));
	get(state, &at, model_knowledge.happened, row);
	for (i = 0; i < MODEL_THREADS + model_knowledge.n_releases; i++)
		if (i < MODEL_THREADS + head.n_releases)
			get(state, &at, model_knowledge.known[i], row);
		else
			memset(model_knowledge.known[i], 0, sizeof(model_knowledge.known[i]));
	for (i = 0; i < model_n_cells; i++)
		if (i < head.n_cells)
			get(state, &at, model_cells[i].where, 8);
		else
			*model_cells[i].where = model_cells[i].first;
	for (i = 0; i < model_n_threads; i++)
		get(state, &at, model_now.threads[i].fiber.low, stack_size(i));
}

/* Multiplication to 128 bits, folded: as wyhash and its relatives do. */
__extension__ typedef unsigned __int128 wide;

static uint64_t mix(uint64_t a, uint64_t b)
{
	wide product = (wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t model_state_hash(const struct model_bytes *state)
{
	uint64_t hash = UINT64_C(0x9e3779b97f4a7c15), pair[2];
	size_t at;

	for (at = 0; at + 16 <= state->size; at += 16) {
		memcpy(pair, state->bytes + at, 16);
		hash = mix(pair[0] ^ hash, pair[1] ^ UINT64_C(0xd1b54a32d192ed03)) + hash;
	}
	if (at < state->size) {
		memcpy(pair, state->bytes + at, 8);
		hash = mix(pair[0] ^ hash, UINT64_C(0x8cb92ba72f3d8dd7)) + hash;
	}
	return hash;
}

uint64_t model_objects_hash(void)
{
	struct model_bytes objects = {model_arena, (size_t)(model_now.heap - model_arena), 0};

	return model_state_hash(&objects);
}
