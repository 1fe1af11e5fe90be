/*
 * history_priority.c - whether items could have come out by priority, those of one priority first in, first out.
 *
 * The items are gone through from the best priority to the worst. An item can only be got in a gap of the better ones;
 * and if there is one within its get, it can be got there, whatever legal order the better ones have: there is one in
 * which none of them is in at that moment (history.h), and a worse item stands in the way of none. So each get is cut
 * down to the time from the first gap within it (and after its put was called) to the last; those of one priority must
 * then be FIFO, as they would be without any others: what is cut off is only where they cannot be got, and the
 * moments that an order by first possibilities gives them lie at such beginnings, in gaps. Then the items of this
 * priority are added to those that are better than the next.
 *
 * Time is cut into pieces by the moments from and until which items are surely in; a cover counts how many are in each
 * piece. Of a moment from which and one until which, at the same time, the latter comes first: between them is a gap.
 */
#include "history.h"
#include "history_trees.h"

#include <stdlib.h>

enum { UNTIL, FROM }; /* in this order */

/* A moment from or until which the item is surely in: item is 2 * number + FROM or UNTIL. */
struct edge {
	int64_t time;
	uint32_t item;
	uint32_t what;
};

struct priority {
	struct history *history;
	size_t n_edges;
	struct edge *edges; /* sorted; piece i of time is before edge i, the last one is after all */
	uint32_t *from;     /* of an item: the number of that edge, */
	uint32_t *until;    /* both 0 if it is never surely in */
	struct cover cover; /* of the pieces */
	size_t n;
	struct history_key *items; /* those of one priority: by the call of their put */
	struct history_key *rets;  /* and by its return */
	struct history_span *gets; /* by number: cut down */
};

static int compare_edges(const void *a, const void *b)
{
	const struct edge *left = a, *right = b;

	if (left->time != right->time)
		return left->time < right->time ? -1 : 1;
	return (left->what > right->what) - (left->what < right->what);
}

static void find_edges(struct priority *all)
{
	const struct history *history = all->history;

	all->edges = history_memory(2 * (size_t)history->n_items, sizeof(*all->edges));
	all->from = history_memory(history->n_items, sizeof(*all->from));
	all->until = history_memory(history->n_items, sizeof(*all->until));
	for (uint32_t i = 0; i < history->n_items; i++) {
		const struct history_item *item = &history->items[i];

		if (item->put.call == HISTORY_NEVER || item->put.ret >= item->got.call)
			continue;
		all->edges[all->n_edges++] = (struct edge){item->put.ret, i, FROM};
		all->edges[all->n_edges++] = (struct edge){item->got.call, i, UNTIL};
	}
	qsort(all->edges, all->n_edges, sizeof(*all->edges), compare_edges);
	for (uint32_t e = 0; e < all->n_edges; e++)
		(all->edges[e].what == FROM ? all->from : all->until)[all->edges[e].item] = e;
}

static int64_t priority_of(const struct priority *all, uint32_t item)
{
	return all->history->items[item].priority;
}

/* How many edges are before the time; of those at the time only the UNTILs, if they are to be counted. */
static size_t edges_before(const struct priority *all, int64_t time, bool untils_too)
{
	size_t low = 0, high = all->n_edges;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct edge *edge = &all->edges[middle];

		if (edge->time < time || (edge->time == time && untils_too && edge->what == UNTIL))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Cuts the get of an item down to what is between two gaps of the better ones. */
static bool cut_down(struct priority *all, uint32_t number)
{
	const struct history_item *item = &all->history->items[number];
	int64_t call = item->got.call > item->put.call ? item->got.call : item->put.call;
	size_t first = edges_before(all, call, false), last = edges_before(all, item->got.ret, true);
	size_t first_gap = cover_first_gap(&all->cover, first, last + 1);
	size_t last_gap = cover_last_gap(&all->cover, first, last + 1);
	struct history_span *get = &all->gets[number];

	*get = (struct history_span){call, item->got.ret};
	if (item->got.ret == HISTORY_NEVER)
		return true;
	if (first_gap == COVER_NONE)
		return history_wrong(all->history, "priority: item %u, of %lld, is got while there is a better one",
				     number, (long long)item->priority);
	if (first_gap > first)
		get->call = all->edges[first_gap - 1].time;
	if (last_gap < last)
		get->ret = all->edges[last_gap].time;
	return true;
}

/* As in history.c, of the items from `begin` to `end` - 1 of those that are sorted by priority. */
static bool check_order(struct priority *all, size_t begin, size_t end)
{
	int64_t latest = INT64_MIN;
	size_t returned = begin;
	uint32_t who = 0;

	for (size_t i = begin; i < end; i++) {
		for (; returned < end && all->rets[returned].time < all->items[i].time; returned++)
			if (all->gets[all->rets[returned].item].call > latest) {
				who = all->rets[returned].item;
				latest = all->gets[who].call;
			}
		if (latest > all->gets[all->items[i].item].ret)
			return history_wrong(all->history, "priority: item %u overtook item %u, both of %lld",
					     all->items[i].item, who, (long long)priority_of(all, who));
	}
	return true;
}

static bool check_one(struct priority *all, size_t begin, size_t end)
{
	for (size_t i = begin; i < end; i++)
		if (!cut_down(all, all->items[i].item))
			return false;
	if (!check_order(all, begin, end))
		return false;
	for (size_t i = begin; i < end; i++) {
		uint32_t item = all->items[i].item;

		if (all->until[item] > all->from[item])
			cover_add(&all->cover, all->from[item] + 1, (size_t)all->until[item] + 1, 1);
	}
	return true;
}

/* Sorts by priority what is sorted by time. Of one thread at a time: qsort passes nothing on. */
static const struct history *sorted;

static int compare_priorities(const void *a, const void *b)
{
	const struct history_key *left = a, *right = b;
	int64_t one = sorted->items[left->item].priority, other = sorted->items[right->item].priority;

	if (one != other)
		return one < other ? -1 : 1;
	return history_compare(a, b);
}

static struct history_key *sort(struct priority *all, int64_t (*time)(const struct history_item *))
{
	struct history_key *keys = history_sort(all->history, time, &all->n);

	sorted = all->history;
	qsort(keys, all->n, sizeof(*keys), compare_priorities);
	return keys;
}

static bool check_all(struct priority *all)
{
	size_t begin, end;

	for (begin = 0; begin < all->n; begin = end) {
		int64_t priority = priority_of(all, all->items[begin].item);

		end = begin + 1;
		while (end < all->n && priority_of(all, all->items[end].item) == priority)
			end++;
		if (!check_one(all, begin, end))
			return false;
	}
	return true;
}

bool history_check_priority(struct history *history)
{
	struct priority all = {.history = history};
	bool fine;

	find_edges(&all);
	cover_init(&all.cover, all.n_edges + 1);
	all.items = sort(&all, history_put_call);
	all.rets = sort(&all, history_put_ret);
	all.gets = history_memory(history->n_items, sizeof(*all.gets));
	fine = check_all(&all);
	free(all.edges);
	free(all.from);
	free(all.until);
	free(all.items);
	free(all.rets);
	free(all.gets);
	cover_free(&all.cover);
	return fine;
}
