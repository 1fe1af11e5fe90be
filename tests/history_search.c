/*
 * history_search.c - whether a small history is legal, by a search through all orders of its calls.
 *
 * Wing and Gong ("Testing and Verifying Concurrent Objects", 1993): of the calls that are left, any may come next that
 * was called before all others returned, if a queue in this state would answer it so; then the same with the rest. As
 * Lowe has it ("Testing for Linearizability", 2017) a pair of what is left and what is in the queue is looked at once.
 * It is exact for all that a queue does, bounds and shutdowns included; it is here to check the other checks, and
 * queues with a bound.
 */
#include "history.h"

#include <stdlib.h>
#include <string.h>

enum call_kind { PUT, GET, FULL, EMPTY, PUT_SHUT, GET_SHUT, SHUTDOWN };

struct call {
	struct history_span span;
	enum call_kind kind;
	uint32_t item;
	uint64_t after; /* a bit for each one that comes before it in the same call */
};

struct state {
	uint64_t left; /* a bit for each call */
	unsigned size;
	bool shut;
	uint64_t dropped;
	uint32_t in[HISTORY_SEARCHED]; /* the next one to be got is the last */
};

struct search {
	const struct history *history;
	unsigned n;
	struct call calls[HISTORY_SEARCHED];
	uint64_t *seen; /* hashes; 0: none */
	size_t n_seen, room;
};

/* ---- the queue ---- */

/* Where it goes: so many are got after it. */
static unsigned place_for(const struct search *search, const struct state *state, uint32_t item)
{
	const struct history_item *items = search->history->items;
	unsigned place;

	switch (search->history->kind) {
	case HISTORY_LIFO:
		return state->size;
	case HISTORY_FIFO:
		return 0;
	default:
		for (place = 0; place < state->size; place++)
			if (items[state->in[place]].priority <= items[item].priority)
				break;
		return place;
	}
}

static bool put(const struct search *search, struct state *state, uint32_t item)
{
	unsigned place = place_for(search, state, item);
	uint64_t limit = search->history->limit;

	if (state->shut || (limit > 0 && state->size >= limit))
		return false;
	memmove(&state->in[place + 1], &state->in[place], (state->size - place) * sizeof(state->in[0]));
	state->in[place] = item;
	state->size++;
	return true;
}

static bool shut(const struct search *search, struct state *state)
{
	state->shut = true;
	if (search->history->drops) {
		state->dropped = state->size;
		state->size = 0;
	}
	return true;
}

/* Returns whether the queue would answer so; then it has done it. */
static bool apply(const struct search *search, struct state *state, const struct call *call)
{
	uint64_t limit = search->history->limit;

	switch (call->kind) {
	case PUT:
		return put(search, state, call->item);
	case GET:
		return state->size > 0 && state->in[--state->size] == call->item;
	case FULL:
		return !state->shut && limit > 0 && state->size >= limit;
	case EMPTY:
		return !state->shut && state->size == 0;
	case PUT_SHUT:
		return state->shut;
	case GET_SHUT:
		return state->shut && state->size == 0;
	default:
		return shut(search, state);
	}
}

/* ---- states that were seen ---- */

static uint64_t hash(const struct state *state)
{
	uint64_t h = state->left * 0x9e3779b97f4a7c15u + state->dropped;

	for (unsigned i = 0; i < state->size; i++) {
		h ^= state->in[i] + 1;
		h *= 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	return h | 1;
}

static void insert(uint64_t *seen, size_t room, uint64_t h)
{
	size_t at = (size_t)(h >> 1) % room;

	while (seen[at] != 0)
		at = (at + 1) % room;
	seen[at] = h;
}

static void grow(struct search *search)
{
	size_t room = search->room > 0 ? 2 * search->room : 256;
	uint64_t *seen = history_memory(room, sizeof(*seen));

	for (size_t i = 0; i < search->room; i++)
		if (search->seen[i] != 0)
			insert(seen, room, search->seen[i]);
	free(search->seen);
	search->seen = seen;
	search->room = room;
}

/* Returns whether the state is new; it no longer is then. */
static bool is_new(struct search *search, const struct state *state)
{
	uint64_t h = hash(state);
	size_t at;

	if (2 * (search->n_seen + 1) > search->room)
		grow(search);
	for (at = (size_t)(h >> 1) % search->room; search->seen[at] != 0; at = (at + 1) % search->room)
		if (search->seen[at] == h)
			return false;
	search->seen[at] = h;
	search->n_seen++;
	return true;
}

/* ---- the search ---- */

static bool is_left(const struct state *state, unsigned i)
{
	return state->left >> i & 1;
}

static int64_t first_return(const struct search *search, const struct state *state)
{
	int64_t first = INT64_MAX;

	for (unsigned i = 0; i < search->n; i++)
		if (is_left(state, i) && search->calls[i].span.ret < first)
			first = search->calls[i].span.ret;
	return first;
}

static bool finds(struct search *search, const struct state *state)
{
	int64_t first = first_return(search, state);

	if (state->left == 0)
		return state->size + state->dropped == search->history->unclaimed;
	for (unsigned i = 0; i < search->n; i++) {
		struct state next = *state;

		if (!is_left(state, i) || search->calls[i].span.call > first || (search->calls[i].after & state->left))
			continue;
		next.left &= ~(UINT64_C(1) << i);
		if (apply(search, &next, &search->calls[i]) && is_new(search, &next) && finds(search, &next))
			return true;
	}
	return false;
}

static void add(struct search *search, struct history_span span, enum call_kind kind, uint32_t item)
{
	if (span.call == HISTORY_NEVER)
		return;
	if (search->n == HISTORY_SEARCHED)
		abort();
	search->calls[search->n++] = (struct call){span, kind, item, 0};
}

static void find_order(struct search *search)
{
	for (unsigned i = 0; i < search->n; i++) {
		struct call *call = &search->calls[i];
		const struct history_item *item = &search->history->items[call->item];
		uint32_t after = call->kind == PUT ? item->put_after : call->kind == GET ? item->got_after : 0;

		for (unsigned j = 0; after > 0 && j < search->n; j++)
			if (search->calls[j].kind == call->kind && search->calls[j].item == after - 1)
				call->after |= UINT64_C(1) << j;
	}
}

static enum call_kind kind_of(enum history_answer_kind kind)
{
	switch (kind) {
	case HISTORY_EMPTY:
		return EMPTY;
	case HISTORY_FULL:
		return FULL;
	case HISTORY_GET_SHUT:
		return GET_SHUT;
	default:
		return PUT_SHUT;
	}
}

bool history_search(const struct history *history)
{
	struct search search = {.history = history};
	struct state state = {0};
	bool found;

	if (history->fault[0])
		return false;
	for (uint32_t i = 0; i < history->n_items; i++) {
		add(&search, history->items[i].put, PUT, i);
		add(&search, history->items[i].got, GET, i);
	}
	for (size_t i = 0; i < history->n_answers; i++)
		add(&search, history->answers[i].span, kind_of(history->answers[i].kind), 0);
	add(&search, history->shutdown, SHUTDOWN, 0);
	find_order(&search);
	state.left = search.n == 64 ? UINT64_MAX : (UINT64_C(1) << search.n) - 1;
	found = finds(&search, &state);
	free(search.seen);
	return found;
}
