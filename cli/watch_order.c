/*
 * cli/watch_order.c - the graph of lock orders, and its circles.
 *
 * Nodes are locks, each incarnation one; an edge from A to B says that somebody who held A waited for B, or would have
 * if it had not been free. It has *uses*: the ways along which that was done, with all that was held, in which segments
 * (watch_before.c). A circle of uses means that each could be under way in a thread of its own, and then all wait for
 * the next one, for ever. It is a finding if that can be:
 *
 *   [O1] The uses are by threads of their own: a circle that one thread makes alone waits for nobody.
 *   [O2] No two of them hold the same lock, which would keep them apart (a gate), unless both only read it.
 *   [O3] No use was over before another could begin, by what creating and joining threads says.
 *   [O4] At each lock, who waits and who holds exclude each other: two that read do not. (A lock that prefers writers
 *        makes new readers wait while a writer does; such circles are not looked for.)
 *   [O5] Who only tries, or waits until a deadline, does not wait for ever: there is no edge to what it acquired that
 *        way. Nor is there one to what the thread already held, or to a semaphore.
 *
 * When a way is new, or was gone along in a new segment, each of its edges is closed by a search backwards from the
 * lock held to the lock wanted; where that succeeds, circles through it are tried, the shortest first, up to
 * MOST_LOCKS locks and MOST_STEPS steps. Most ways hold one lock, and make no edge; most others lead nowhere.
 *
 * A circle is reported once for its locks and once for its places in the program: that a thousand accounts are locked
 * in both orders in two functions is one mistake.
 */
#define _GNU_SOURCE
#include "watch.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#define MOST_HELD 64u
#define MOST_LOCKS 8u
#define MOST_STEPS 20000u
#define MOST_SEGMENTS 16u

struct holding {
	const struct watch_lock *lock;
	const struct watch_chain *chain; /* where it was acquired */
	uint32_t incarnation;
	bool reads;
};

/* A way to a lock: what was held, and last what was wanted. */
struct way {
	uint64_t sum;
	uint32_t n, n_segments;
	uint32_t segments[MOST_SEGMENTS];
	struct holding holdings[]; /* n, the last one is wanted */
};

struct use {
	struct use *next;
	struct way *way;
	uint32_t held; /* which of the holdings the edge begins with */
};

struct edge {
	struct edge *next[2]; /* in the lists of its ends */
	struct node *ends[2];
	struct use *uses;
};

enum { FROM, TO };

struct node {
	const struct watch_lock *lock;
	uint32_t incarnation;
	uint64_t seen;
	uint32_t distance; /* to the lock that is held, of the search `seen` */
	struct node *queue;
	struct edge *edges[2]; /* those from here, those to here */
};

/* A circle, as far as it is chosen. */
struct choice {
	const struct use *use;
	uint32_t segment;
};

struct watch_orders {
	void *nodes, *ways, *reported; /* of tsearch */
	uint64_t n_searches;
	unsigned steps;
	uint32_t n;
	struct choice chosen[MOST_LOCKS];
};

/* Ways. */

static struct holding holding_of(const struct watch_process *process, const struct watch_chain *chain)
{
	return (struct holding){watch_lock_at(process, chain->lock), chain, fl_load_relaxed(&chain->incarnation),
				chain->mode & WATCH_READ};
}

/* Reads a chain into `ret`, the lock wanted first. Returns how many there are; 0: nothing is to be learned from it. */
static uint32_t read_chain(const struct watch_process *process, const struct watch_chain *chain, struct holding *ret)
{
	uint32_t n = 0;

	if (chain->mode & (WATCH_TRY | WATCH_PASSED | WATCH_MOVED))
		return 0; /* [O5] */
	for (; chain && n <= MOST_HELD; chain = watch_parent(process, chain), n++) {
		ret[n] = holding_of(process, chain);
		if (!ret[n].lock || (n > 0 && ret[n].lock == ret[0].lock))
			return 0;
	}
	return n;
}

static uint64_t sum_of(const struct holding *holdings, uint32_t n)
{
	uint64_t sum = n;

	for (uint32_t i = 0; i < n; i++) {
		sum = watch_mixed(sum, (uintptr_t)holdings[i].lock + ((uint64_t)holdings[i].incarnation << 40));
		sum = watch_mixed(sum, watch_place(holdings[i].chain) + holdings[i].reads);
	}
	return sum;
}

/* Finds the way, made if it is new; NULL: there is no memory. */
static struct way *way_of(struct watch_orders *orders, const struct holding *reversed, uint32_t n)
{
	uint64_t sum = sum_of(reversed, n);
	void *found = tfind(&sum, &orders->ways, watch_compare_sums);
	struct way *way;

	if (found)
		return *(struct way **)found;
	way = calloc(1, sizeof(*way) + n * sizeof(way->holdings[0]));
	if (!way || !tsearch(way, &orders->ways, watch_compare_sums)) {
		free(way);
		return NULL;
	}
	way->sum = sum;
	for (way->n = 0; way->n < n; way->n++)
		way->holdings[way->n] = reversed[n - 1 - way->n];
	return way;
}

/* The graph. */

static int compare_nodes(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	if (x->lock != y->lock)
		return x->lock > y->lock ? 1 : -1;
	return (x->incarnation > y->incarnation) - (x->incarnation < y->incarnation);
}

static struct node *node_of(struct watch_orders *orders, const struct holding *holding)
{
	struct node key = {.lock = holding->lock, .incarnation = holding->incarnation}, *node;
	void *found = tfind(&key, &orders->nodes, compare_nodes);

	if (found)
		return *(struct node **)found;
	node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	node->lock = key.lock;
	node->incarnation = key.incarnation;
	if (tsearch(node, &orders->nodes, compare_nodes))
		return node;
	free(node);
	return NULL;
}

static struct edge *edge_of(struct node *from, struct node *to)
{
	struct edge *edge = from->edges[FROM];

	while (edge && edge->ends[TO] != to)
		edge = edge->next[FROM];
	if (edge)
		return edge;
	edge = calloc(1, sizeof(*edge));
	if (!edge)
		return NULL;
	edge->ends[FROM] = from;
	edge->ends[TO] = to;
	for (int end = FROM; end <= TO; end++) {
		edge->next[end] = edge->ends[end]->edges[end];
		edge->ends[end]->edges[end] = edge;
	}
	return edge;
}

/* Makes the edge from one of the locks held to the one wanted. */
static struct use *add_use(struct watch_orders *orders, struct way *way, uint32_t held)
{
	struct node *from = node_of(orders, &way->holdings[held]);
	struct node *to = node_of(orders, &way->holdings[way->n - 1]);
	struct edge *edge = from && to && from != to ? edge_of(from, to) : NULL;
	struct use *use = edge ? calloc(1, sizeof(*use)) : NULL;

	if (!use)
		return NULL;
	use->way = way;
	use->held = held;
	use->next = edge->uses;
	edge->uses = use;
	return use;
}

/* Choosing. */

static bool reads_what_is_wanted(const struct use *waits, const struct use *holds)
{
	return waits->way->holdings[waits->way->n - 1].reads && holds->way->holdings[holds->held].reads;
}

/* [O2] */
static bool have_gate(const struct way *a, const struct way *b)
{
	for (uint32_t i = 0; i + 1 < a->n; i++)
		for (uint32_t j = 0; j + 1 < b->n; j++)
			if (a->holdings[i].lock == b->holdings[j].lock &&
			    a->holdings[i].incarnation == b->holdings[j].incarnation &&
			    !(a->holdings[i].reads && b->holdings[j].reads))
				return true;
	return false;
}

/* Whether a use in a segment can be under way together with all that is chosen. */
static bool fits(const struct watch_process *process, const struct watch_orders *orders, const struct use *use,
		 uint32_t segment)
{
	uint32_t life = watch_life_of(process, segment);

	for (uint32_t i = 0; i < orders->n; i++) {
		const struct choice *other = &orders->chosen[i];

		if (watch_life_of(process, other->segment) == life || have_gate(other->use->way, use->way) ||
		    watch_ordered(process, other->segment, segment))
			return false;
	}
	return true;
}

static bool choose(const struct watch_process *process, struct watch_orders *orders, struct node *node, uint32_t most);

/* Tries a use in all its segments, and all ways to go on from there. */
static bool choose_use(const struct watch_process *process, struct watch_orders *orders, const struct use *use,
		       struct node *to, uint32_t most)
{
	const struct use *before = orders->chosen[orders->n - 1].use;

	if (reads_what_is_wanted(before, use)) /* [O4] */
		return false;
	for (uint32_t i = 0; i < use->way->n_segments && i < MOST_SEGMENTS; i++) {
		if (orders->steps++ >= MOST_STEPS)
			return false;
		if (!fits(process, orders, use, use->way->segments[i]))
			continue;
		orders->chosen[orders->n++] = (struct choice){use, use->way->segments[i]};
		if (choose(process, orders, to, most))
			return true;
		orders->n--;
	}
	return false;
}

/* Goes on from a lock until the circle is closed, with at most so many uses in all. */
static bool choose(const struct watch_process *process, struct watch_orders *orders, struct node *node, uint32_t most)
{
	const struct use *first = orders->chosen[0].use, *last = orders->chosen[orders->n - 1].use;

	if (node->distance == 0)
		return !reads_what_is_wanted(last, first);
	for (struct edge *edge = node->edges[FROM]; edge; edge = edge->next[FROM]) {
		struct node *to = edge->ends[TO];

		if (to->seen != orders->n_searches || orders->n + 1 + to->distance > most)
			continue;
		for (struct use *use = edge->uses; use; use = use->next)
			if (choose_use(process, orders, use, to, most))
				return true;
	}
	return false;
}

/* Notes how far all nodes are from `target` that lead there. Returns whether `start` does. */
static bool search_backwards(struct watch_orders *orders, struct node *target, const struct node *start)
{
	struct node *first = target, *last = target;

	target->seen = ++orders->n_searches;
	target->distance = 0;
	target->queue = NULL;
	for (; first; first = first->queue)
		for (struct edge *edge = first->edges[TO]; edge; edge = edge->next[TO]) {
			struct node *node = edge->ends[FROM];

			if (node->seen == orders->n_searches)
				continue;
			node->seen = orders->n_searches;
			node->distance = first->distance + 1;
			node->queue = NULL;
			last->queue = node;
			last = node;
		}
	return start->seen == orders->n_searches;
}

/* Finds the shortest circle through a use in a segment. */
static bool find_circle(const struct watch_process *process, struct watch_orders *orders, const struct use *use,
			uint32_t segment)
{
	struct node *from = node_of(orders, &use->way->holdings[use->held]);
	struct node *to = node_of(orders, &use->way->holdings[use->way->n - 1]);

	if (!from || !to || !to->edges[FROM] || !from->edges[TO] || !search_backwards(orders, from, to))
		return false;
	orders->steps = 0;
	for (uint32_t most = to->distance + 1; most <= MOST_LOCKS; most++) {
		orders->chosen[0] = (struct choice){use, segment};
		orders->n = 1;
		if (choose(process, orders, to, most))
			return true;
	}
	return false;
}

/* Saying. */

/* Whether neither these locks nor these places have been reported. */
static bool is_news(struct watch_orders *orders)
{
	uint64_t locks = 0, places = 0;
	bool new_locks, new_places;

	for (uint32_t i = 0; i < orders->n; i++) {
		const struct use *use = orders->chosen[i].use;
		const struct holding *held = &use->way->holdings[use->held],
				     *wants = &use->way->holdings[use->way->n - 1];

		locks += watch_mixed(1, (uintptr_t)held->lock + ((uint64_t)held->incarnation << 40));
		places += watch_mixed(watch_place(held->chain), watch_place(wants->chain));
	}
	new_locks = watch_first_time(&orders->reported, watch_mixed(3, locks));
	new_places = watch_first_time(&orders->reported, watch_mixed(4, places));
	return new_locks && new_places;
}

static json_t *describe(struct watch_process *process, const struct choice *choice)
{
	const struct way *way = choice->use->way;
	json_t *gates = json_array();

	for (uint32_t i = 0; i + 1 < way->n; i++)
		if (i != choice->use->held)
			json_array_append_new(gates, watch_describe_use(process, way->holdings[i].chain));
	return json_pack("{so so so so}", "thread",
			 watch_describe_thread(process, watch_life_of(process, choice->segment)), "holds",
			 watch_describe_use(process, way->holdings[choice->use->held].chain), "wants",
			 watch_describe_use(process, way->holdings[way->n - 1].chain), "holds_too", gates);
}

static void report(struct watch_process *process, struct watch_found *found)
{
	const struct watch_orders *orders = process->orders;
	json_t *threads = json_array();

	for (uint32_t i = 0; i < orders->n; i++)
		json_array_append_new(threads, describe(process, &orders->chosen[i]));
	found->take(found, json_pack("{ss so so}", "finding", "potential deadlock", "process",
				     watch_describe_process(process), "threads", threads));
}

/* Reading. */

static void look_at(struct watch_process *process, struct watch_found *found, const struct use *use, uint32_t segment)
{
	if (find_circle(process, process->orders, use, segment) && is_news(process->orders))
		report(process, found);
}

static bool add_segment(struct way *way, uint32_t segment)
{
	for (uint32_t i = 0; i < watch_least(way->n_segments, MOST_SEGMENTS); i++)
		if (way->segments[i] == segment)
			return false;
	way->segments[way->n_segments++ % MOST_SEGMENTS] = segment; /* the latest ones */
	return true;
}

/* Looks at all edges of a way that was gone along in a new segment. */
static void examine(struct watch_process *process, struct watch_found *found, struct way *way, uint32_t segment)
{
	bool known = way->n_segments > 0;

	if (!add_segment(way, segment))
		return;
	for (uint32_t i = 0; i + 1 < way->n; i++) {
		struct use whole = {.way = way, .held = i}, *use = known ? &whole : add_use(process->orders, way, i);

		if (use)
			look_at(process, found, use, segment);
	}
}

void watch_orders_read(struct watch_process *process, struct watch_found *found)
{
	struct holding holdings[MOST_HELD + 1];
	uint64_t said;

	if (!process->orders)
		process->orders = calloc(1, sizeof(*process->orders));
	while (process->orders && (said = watch_read_log(process->notes)) != 0) {
		uint32_t place = (uint32_t)(said >> 32) - 1, n;
		struct way *way;

		if (place >= WATCH_CHAINS)
			continue;
		n = read_chain(process, &process->notes->chains[place], holdings);
		way = n > 1 ? way_of(process->orders, holdings, n) : NULL;
		if (way)
			examine(process, found, way, (uint32_t)said);
	}
}

static void free_edges(void *pointer)
{
	struct node *node = pointer;
	struct edge *edge;
	struct use *use;

	while ((edge = node->edges[FROM])) {
		node->edges[FROM] = edge->next[FROM];
		while ((use = edge->uses)) {
			edge->uses = use->next;
			free(use);
		}
		free(edge);
	}
	free(node);
}

void watch_orders_close(struct watch_orders *orders)
{
	if (!orders)
		return;
	tdestroy(orders->nodes, free_edges);
	tdestroy(orders->ways, free);
	tdestroy(orders->reported, free);
	free(orders);
}
