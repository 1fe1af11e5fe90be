/*
 * history.h - was that a queue? Whether what threads saw of a queue is what one thread after the other could have seen.
 *
 * A history says of each item when its put was called and returned, and when the get that it came out of was; and of
 * each call that put or got nothing when that was, and what it answered. It is legal (linearizable: Herlihy and Wing,
 * 1990) if every call can be given a moment between its call and its return such that, in the order of these moments,
 * a queue that does one thing at a time would have answered the same. To find out is hard in general (Gibbons and
 * Korach, 1997), and takes n log n steps for queues whose items can be told apart. An item is *surely in* from the
 * return of its put until the call of its get: no choice of moments changes that. A *gap* is a moment in which no item
 * (of those that are spoken of) is surely in. With that:
 *
 *   all      An item is got once, after its put was called, and not made up (VFresh, VRepet in Henzinger, Sezgin,
 *            Vafeiadis: "Aspect-Oriented Linearizability Proofs", CONCUR 2013). One that is never got is left, or was
 *            dropped by a shutdown, and their number is known: none is lost.
 *   empty    There is a gap within a get that found nothing (VWit there).
 *   FIFO     No b is put after a and got before it: put(a) returned before put(b) was called, and get(b) returned
 *            before get(a) was called, or get(a) never was (VOrd there).
 *   LIFO     (Bouajjani, Emmi, Enea, Hamza, ICALP 2015; Lee and Mathur, "Efficient Decrease-and-Conquer Linearizability
 *            Monitoring", OOPSLA 2025.) history_lifo.c: the history is cut in two at gaps, and of what has no gap the
 *            item is taken away that can lie under all others.
 *   PRIORITY (the same papers) history_priority.c: there is a gap in the better items within the get of each, and those
 *            of one priority are FIFO.
 *   calls    What one call got comes in order: of each two that follow each other the first is not one that must come
 *            after the second, which was surely in.
 *   shutdown It is at one moment: what was put was called before, who was refused returned after.
 *
 * Why a gap lets a history be cut: let t be one. An item of which put and get were both called before t goes to the
 * left, any other to the right; then both calls of a left one come before t, and both returns of a right one after it.
 * Whatever legal order there is, let the left items keep theirs and move what is after t of it to t, and the same with
 * the right ones: that is an order too, the queue is empty at t, and each side is legal since an item that is taken
 * away from a FIFO, LIFO or priority queue, both put and get, leaves a legal order.
 *
 * All of that together is exact, for a queue without bound and calls that put or get one item: a history that passes is
 * legal. test_history.c compares
 * it with a search through all orders (history_search.c). With a bound, what is checked is necessary, and not known to
 * be enough:
 *
 *   bound    Never are more than `limit` items surely in.
 *   full     Within a put that found no room there is a moment in which `limit` items may have been in.
 *
 * Small histories with a bound are checked by the search, which is exact for everything.
 */
#ifndef FAIRLEAD_TESTS_HISTORY_H
#define FAIRLEAD_TESTS_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_NEVER INT64_MAX

enum history_kind { HISTORY_FIFO, HISTORY_LIFO, HISTORY_PRIORITY };

/* A call: any count that grows, and a return is after a call only if its number is greater. */
struct history_span {
	int64_t call, ret;
};

struct history_item {
	struct history_span put, got; /* call is HISTORY_NEVER: it was not */
	int64_t priority;
	/* 1 + the item that the same call put, or got, just before this one; 0: none. */
	uint32_t put_after, got_after;
};

enum history_answer_kind {
	HISTORY_EMPTY,    /* a get: there is none */
	HISTORY_FULL,     /* a put: there is no room */
	HISTORY_GET_SHUT, /* a get: it is shut down, and there is none */
	HISTORY_PUT_SHUT, /* a put: it is shut down */
};

struct history_answer {
	struct history_span span;
	enum history_answer_kind kind;
};

struct history {
	enum history_kind kind;
	uint64_t limit;   /* 0: none */
	uint32_t n_items; /* items are numbered from 0 */
	uint32_t of_one;  /* those of one producer have so many numbers, growing in the order of its puts; 0: unknown */
	struct history_item *items;
	struct history_answer *answers;
	size_t n_answers, room_for_answers;
	struct history_span shutdown; /* call is HISTORY_NEVER: there was none */
	bool drops;                   /* what was in it then is dropped */
	uint64_t unclaimed;           /* how many it says were dropped, or were left */
	char fault[160];              /* the first thing that is wrong; empty: nothing yet */
};

/* A history without events. Ends the program if there is no memory. */
void history_init(struct history *history, enum history_kind kind, uint64_t limit, uint32_t n_items);
void history_free(struct history *history);

/* Adds what happened; in any order. */
void history_put(struct history *history, uint32_t item, int64_t priority, struct history_span span);
void history_got(struct history *history, uint64_t item, struct history_span span);
void history_answered(struct history *history, enum history_answer_kind kind, struct history_span span);

/* Returns whether it may be legal, and is if it has no limit; if not, `fault` says why. Changes the history. */
bool history_check(struct history *history);

/* Returns whether it is legal: by a search through all orders, of at most HISTORY_SEARCHED calls. Bounded and unbounded
 * (Wing and Gong, 1993; and Lowe, "Testing for Linearizability", 2017: a state is not looked at twice). */
enum { HISTORY_SEARCHED = 64 };
bool history_search(const struct history *history);

/* ---- for the parts of the checker ---- */

/* Notes what is wrong, if nothing was before. Returns false. */
bool history_wrong(struct history *history, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool history_check_lifo(struct history *history);
bool history_check_priority(struct history *history);

/* The items that were put, sorted by something. */
struct history_key {
	int64_t time;
	uint32_t item;
};

/* Returns n of them, sorted by time and item. To be freed. */
struct history_key *history_sort(const struct history *history, int64_t (*time)(const struct history_item *),
				 size_t *ret_n);
int history_compare(const void *a, const void *b);
int64_t history_put_call(const struct history_item *item);
int64_t history_put_ret(const struct history_item *item);
int64_t history_got_call(const struct history_item *item);
int64_t history_got_ret(const struct history_item *item);

/* Memory for n of them, zeroed; ends the program if there is none. */
void *history_memory(size_t n, size_t size);

#endif
