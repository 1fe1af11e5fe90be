/*
 * sync/order.c - the graph of lock orders, and its circles.
 *
 * Nodes are locks, by address; an edge from A to B says that a thread that held A acquired B. It keeps where that
 * was, by whom, and its gates: the locks that were held every time this was seen, A among them. Both sides of an
 * rwlock are one node: readers alone do not exclude each other, but a writer that waits makes new readers wait, so
 * two read sides in both orders and two writers do deadlock.
 *
 * A circle of edges means that each of them could be under way in a thread of its own, all waiting for the next. They
 * cannot all be under way at once if two of them have a gate in common: unless both hold that one as readers. Such
 * circles are not reported. When an edge is seen again with fewer gates, it is looked at again.
 *
 * What is examined: each edge that is new or has lost a gate, once, by a search backwards from the lock that is held
 * to the lock that is wanted. Locks are mostly taken in few levels, so few locks lead to the one that is held; and a
 * lock that nothing was ever acquired under ends the search before it begins. The shortest circle is reported, and no
 * circle twice. If its edges share a gate, the search goes on through all other ways, giving up after MOST_STEPS,
 * since there may be very many.
 *
 * All of it happens under one inner lock, except the report. A known order does not come here at all: see
 * sync/held.h.
 *
 * Rejected: an incremental topological order (Pearce and Kelly 2007; Abseil), which finds out faster that there is no
 * circle, but has no place for the circles that gates make harmless; classes of locks instead of addresses, by where
 * they are initialised (Linux's lockdep), which learns more from a short run, but static and all-zero locks are not
 * initialised anywhere, and orders within a class, parent and child, then need annotations.
 */
#define _GNU_SOURCE
#include "sync/order.h"

#include "base/inner.h"
#include "base/report.h"
#include "sync/arena.h"
#include "sync/describe.h"
#include "sync/table.h"
#include <string.h>
#include <sys/prctl.h>

#define MOST_STEPS 10000u
#define TEXT_SIZE 6144

enum { FROM, TO };

/* An order as it was seen, for the report: the lock that was held, the one that was acquired, and from where. */
struct sight {
	uintptr_t keys[2];
	const void *sites[2];
	pid_t tid;
	char name[16];
};

struct edge {
	struct fl_table_entry entry; /* by the addresses of both locks */
	struct node *ends[2];
	struct edge *next[2], **link[2]; /* in the lists of both ends */
	uint64_t serial;
	struct sight sight;
	uint32_t n_gates, max_gates;
	uintptr_t gates[]; /* keys */
};

struct node {
	struct fl_table_entry entry; /* by address */
	struct edge *edges[2];       /* those from here, those to here */
	/* Of the search whose number is `seen`: */
	uint64_t seen;
	struct edge *onward; /* the first edge of a shortest way to the target */
	struct node *queue;
	/* The way under trial: */
	uint64_t on_way; /* the number of the search */
	struct edge *came_by, *cursor;
};

struct circle {
	uint32_t n;
	struct sight sights[];
};

static struct fl_inner lock;
static struct fl_table nodes, edges;
static struct fl_table reported; /* circles, by a sum over their edges' serial numbers */
static uint64_t n_serials, n_searches;

/* The graph. */

static struct node *node_of(const void *address)
{
	return (struct node *)fl_table_find_(&nodes, (uintptr_t)address, 0);
}

static struct node *make_node(const void *address)
{
	struct node *node = node_of(address);

	if (node)
		return node;
	node = fl_arena_take_(sizeof(*node));
	if (!node)
		return NULL;
	node->entry.a = (uintptr_t)address;
	if (fl_table_add_(&nodes, &node->entry))
		return node;
	fl_arena_give_(node, sizeof(*node));
	return NULL;
}

static struct edge *edge_of(const void *from, const void *to)
{
	return (struct edge *)fl_table_find_(&edges, (uintptr_t)from, (uintptr_t)to);
}

static size_t size_of_edge(uint32_t max_gates)
{
	return sizeof(struct edge) + max_gates * sizeof(uintptr_t);
}

static void attach(struct edge *edge, int end, struct node *node)
{
	struct edge **first = &node->edges[end];

	edge->ends[end] = node;
	edge->next[end] = *first;
	edge->link[end] = first;
	if (*first)
		(*first)->link[end] = &edge->next[end];
	*first = edge;
}

static void detach(struct edge *edge, int end)
{
	*edge->link[end] = edge->next[end];
	if (edge->next[end])
		edge->next[end]->link[end] = edge->link[end];
}

static struct edge *make_edge(const void *from, const void *to, uint32_t max_gates)
{
	struct node *ends[2] = {make_node(from), make_node(to)};
	struct edge *edge;

	if (!ends[FROM] || !ends[TO])
		return NULL;
	edge = fl_arena_take_(size_of_edge(max_gates));
	if (!edge)
		return NULL;
	edge->entry.a = (uintptr_t)from;
	edge->entry.b = (uintptr_t)to;
	if (!fl_table_add_(&edges, &edge->entry)) {
		fl_arena_give_(edge, size_of_edge(max_gates));
		return NULL;
	}
	attach(edge, FROM, ends[FROM]);
	attach(edge, TO, ends[TO]);
	edge->serial = ++n_serials;
	edge->max_gates = max_gates;
	return edge;
}

static void free_edge(struct edge *edge)
{
	detach(edge, FROM);
	detach(edge, TO);
	fl_table_remove_(&edges, &edge->entry);
	fl_arena_give_(edge, size_of_edge(edge->max_gates));
}

void fl_order_forget_(const void *address)
{
	struct node *node;

	fl_inner_acquire(&lock);
	node = node_of(address);
	if (node) {
		while (node->edges[FROM])
			free_edge(node->edges[FROM]);
		while (node->edges[TO])
			free_edge(node->edges[TO]);
		fl_table_remove_(&nodes, &node->entry);
		fl_arena_give_(node, sizeof(*node));
		fl_held_forget_known_();
	}
	fl_inner_release(&lock);
}

/* Gates. */

/* How the gate is held now: as a key, 0: not at all. */
static uintptr_t gate_now(const struct fl_check_thread *me, const void *gate)
{
	uint32_t i;

	for (i = 1; i <= me->n; i++)
		if (fl_key_lock(me->held[i].key) == gate)
			return me->held[i].key;
	return 0;
}

static void first_gates(struct edge *edge, const struct fl_check_thread *me)
{
	const void *to = (const void *)edge->entry.b;
	uint32_t i;

	for (i = 1; i <= me->n; i++)
		if (fl_key_lock(me->held[i].key) != to)
			edge->gates[edge->n_gates++] = me->held[i].key;
}

/* Keeps the gates that are held now too, a read side if either was. Returns whether that made them fewer, or weaker. */
static bool fewer_gates(struct edge *edge, const struct fl_check_thread *me)
{
	uint32_t i, n = 0;
	bool fewer = false;

	for (i = 0; i < edge->n_gates; i++) {
		uintptr_t gate = edge->gates[i], now = gate_now(me, fl_key_lock(gate));

		if (now != gate && fl_key_kind(gate) != FL_KIND_READ)
			fewer = true;
		if (now == 0)
			fewer = true;
		else
			edge->gates[n++] = fl_key_kind(gate) == FL_KIND_READ ? gate : now;
	}
	edge->n_gates = n;
	return fewer;
}

static bool shut(uintptr_t gate, const struct edge *other)
{
	uint32_t i;

	for (i = 0; i < other->n_gates; i++)
		if (fl_key_lock(other->gates[i]) == fl_key_lock(gate))
			return fl_key_kind(gate) != FL_KIND_READ || fl_key_kind(other->gates[i]) != FL_KIND_READ;
	return false;
}

/* Whether two edges can be under way at the same time. */
static bool compatible(const struct edge *a, const struct edge *b)
{
	uint32_t i;

	for (i = 0; i < a->n_gates; i++)
		if (shut(a->gates[i], b))
			return false;
	return true;
}

/* Searching. A way is kept as `came_by` of its nodes, from its end back to its start. */

/* Whether `edge` can be under way together with the closing edge and all of the way from `start` to where it begins. */
static bool fits(const struct edge *edge, const struct edge *closing, const struct node *start)
{
	const struct node *node;

	if (!compatible(edge, closing))
		return false;
	for (node = edge->ends[FROM]; node != start; node = node->came_by->ends[FROM])
		if (!compatible(edge, node->came_by))
			return false;
	return true;
}

/* Notes for each node that leads to `target` how to go on; stops at `start` unless that is NULL. Returns whether it
 * came to `start`. */
static bool search_backwards(struct node *target, const struct node *start)
{
	struct node *first = target, *last = target;
	struct edge *edge;

	n_searches++;
	target->seen = n_searches;
	target->queue = NULL;
	for (; first; first = first->queue)
		for (edge = first->edges[TO]; edge; edge = edge->next[TO]) {
			struct node *node = edge->ends[FROM];

			if (node->seen == n_searches)
				continue;
			node->seen = n_searches;
			node->onward = edge;
			if (node == start)
				return true;
			node->queue = NULL;
			last->queue = node;
			last = node;
		}
	return false;
}

/* Takes the shortest way; returns whether its edges can be under way together. */
static bool shortest_way(struct node *start, const struct node *target, const struct edge *closing)
{
	struct node *node, *next;

	for (node = start; node != target; node = next) {
		if (!fits(node->onward, closing, start))
			return false;
		next = node->onward->ends[TO];
		next->came_by = node->onward;
	}
	return true;
}

/* Tries all ways, depth first, along nodes that lead to the target. */
static bool any_way(struct node *start, struct node *target, const struct edge *closing)
{
	struct node *node = start;
	unsigned steps;

	search_backwards(target, NULL);
	start->on_way = n_searches;
	start->cursor = start->edges[FROM];
	for (steps = 0; steps < MOST_STEPS; steps++) {
		struct edge *edge = node->cursor;
		struct node *to = edge ? edge->ends[TO] : NULL;

		if (!edge) {
			if (node == start)
				return false;
			node->on_way = 0;
			node = node->came_by->ends[FROM];
			continue;
		}
		node->cursor = edge->next[FROM];
		if (to->seen != n_searches || to->on_way == n_searches || !fits(edge, closing, start))
			continue;
		to->came_by = edge;
		if (to == target)
			return true;
		to->on_way = n_searches;
		to->cursor = to->edges[FROM];
		node = to;
	}
	return false;
}

/* Finds a way from the end of `edge` back to its beginning that can be under way together with it. */
static bool find_way_back(const struct edge *edge)
{
	struct node *start = edge->ends[TO], *target = edge->ends[FROM];

	if (!start->edges[FROM] || !target->edges[TO] || !search_backwards(target, start))
		return false;
	return shortest_way(start, target, edge) || any_way(start, target, edge);
}

/* Circles. */

static uint64_t mixed(uint64_t serial)
{
	serial = (serial ^ (serial >> 31)) * UINT64_C(0x9e3779b97f4a7c15);
	return serial ^ (serial >> 29);
}

/* Notes that the circle is reported; false if it was before. */
static bool first_time(uint64_t sum)
{
	struct fl_table_entry *entry;

	if (fl_table_find_(&reported, (uintptr_t)sum, (uintptr_t)(sum >> 32)))
		return false;
	entry = fl_arena_take_(sizeof(*entry));
	if (entry) {
		entry->a = (uintptr_t)sum;
		entry->b = (uintptr_t)(sum >> 32);
		fl_table_add_(&reported, entry);
	}
	return true;
}

static size_t size_of_circle(uint32_t n)
{
	return sizeof(struct circle) + n * sizeof(struct sight);
}

/* Copies the circle that `edge` closes: it first, then the way back. NULL if it was reported before, or there is no
 * memory. */
static struct circle *copy_circle(const struct edge *edge)
{
	const struct node *start = edge->ends[TO], *node;
	uint64_t sum = mixed(edge->serial);
	struct circle *circle;
	uint32_t n = 1;

	for (node = edge->ends[FROM]; node != start; node = node->came_by->ends[FROM], n++)
		sum += mixed(node->came_by->serial);
	if (!first_time(sum))
		return NULL;
	circle = fl_arena_take_(size_of_circle(n));
	if (!circle) {
		fl_held_missed_();
		return NULL;
	}
	circle->n = n;
	circle->sights[0] = edge->sight;
	for (node = edge->ends[FROM]; node != start; node = node->came_by->ends[FROM])
		circle->sights[--n] = node->came_by->sight;
	return circle;
}

static void describe_sight(struct fl_text *text, const struct sight *sight, bool now)
{
	static const char *const words[2][2] = {{"held", "acquired"}, {"holds", "acquires"}};
	int i;

	fl_text_add_(text, "  thread %d '%s'%s\n", (int)sight->tid, sight->name, now ? ", now:" : ", before:");
	for (i = FROM; i <= TO; i++) {
		fl_text_add_(text, "    %s ", words[now][i]);
		fl_text_lock_(text, fl_key_lock(sight->keys[i]), fl_key_kind(sight->keys[i]));
		fl_text_add_(text, i == FROM ? ", acquired at " : " at ");
		fl_text_site_(text, sight->sites[i]);
		fl_text_add_(text, "\n");
	}
}

/* Reports a circle, and gives its memory back first: the hook need not return. */
static void report(struct fl_check_thread *me, struct circle *circle)
{
	struct sight now = circle->sights[0];
	char more[TEXT_SIZE], held[128];
	struct fl_text text = {more, sizeof(more)}, first = {held, sizeof(held)};
	uint32_t i, n = circle->n;

	for (i = 0; i < n; i++)
		describe_sight(&text, &circle->sights[i], i == 0);
	fl_text_missed_(&text);
	fl_arena_give_(circle, size_of_circle(n));
	fl_text_lock_(&first, fl_key_lock(now.keys[FROM]), fl_key_kind(now.keys[FROM]));
	if (!fl_held_report_begin_(me))
		return;
	if (n == 2)
		fl_report_(FL_REPORT_ORDER, fl_kind_name_(fl_key_kind(now.keys[TO])), fl_key_lock(now.keys[TO]), more,
			   "acquired while holding %s, and they have been taken in the "
			   "opposite order: this can deadlock",
			   held);
	else
		fl_report_(FL_REPORT_ORDER, fl_kind_name_(fl_key_kind(now.keys[TO])), fl_key_lock(now.keys[TO]), more,
			   "acquired while holding %s, which closes a circle of %u locks: "
			   "this can deadlock",
			   held, n);
	fl_held_report_end_(me);
}

/* Examining. */

static void note_sight(struct sight *sight, const struct fl_held *held, uintptr_t key, const void *site)
{
	*sight = (struct sight){
		.keys = {held->key, key},
		.sites = {held->site, site},
		.tid = fl_tls_.record->tid,
	};
	prctl(PR_GET_NAME, sight->name);
}

/* The edge from held[i] to `key`, if it is new or has fewer gates than before. */
static struct edge *news(struct fl_check_thread *me, uint32_t i, uintptr_t key, const void *site)
{
	const struct fl_held *held = &me->held[i];
	struct edge *edge = edge_of(fl_key_lock(held->key), fl_key_lock(key));

	if (edge) {
		if (!fewer_gates(edge, me))
			return NULL;
	} else {
		edge = make_edge(fl_key_lock(held->key), fl_key_lock(key), me->n);
		if (!edge) {
			fl_held_missed_();
			return NULL;
		}
		first_gates(edge, me);
	}
	note_sight(&edge->sight, held, key, site);
	return edge;
}

static void examine_one(struct fl_check_thread *me, uint32_t i, uintptr_t key, const void *site)
{
	struct circle *circle = NULL;
	struct edge *edge;

	fl_inner_acquire(&lock);
	edge = news(me, i, key, site);
	if (edge && find_way_back(edge))
		circle = copy_circle(edge);
	fl_inner_release(&lock);
	if (circle)
		report(me, circle);
}

void fl_order_examine_(struct fl_check_thread *me, const void *address, enum fl_lock_kind kind, const void *site,
		       uint64_t context)
{
	uint64_t generation = fl_load_relaxed(&fl_held_generation_);
	uint32_t i;

	/* A report's hook may acquire and release: the stack is looked at anew each time. */
	for (i = me->n; i > 0; i--)
		if (i <= me->n && fl_key_lock(me->held[i].key) != address)
			examine_one(me, i, fl_key(address, kind), site);
	*fl_held_known_place(me, context) = context ^ generation;
}

/* If a thread that stayed behind was at work here, the graph may be half changed: the child learns anew. */
void fl_order_after_fork_(void)
{
	if (lock.state != 0) {
		memset(&nodes, 0, sizeof(nodes));
		memset(&edges, 0, sizeof(edges));
		memset(&reported, 0, sizeof(reported));
		fl_held_forget_known_();
	}
	lock.state = 0;
}
