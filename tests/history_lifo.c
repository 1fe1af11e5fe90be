/*
 * history_lifo.c - whether items could have come out last in, first out.
 *
 * The items are sorted by the later of their two calls (nearly always that of the get). A *window* is a part of that
 * row; at first it is all of it, and what was taken away stands in none. Of a window with two items or more
 *
 *   1. if there is a gap after the last call of one of them and before the last call of another, the window is cut
 *      there: those whose calls are both before the gap, and the rest. history.h says why that loses nothing.
 *   2. Otherwise an item must be found that can lie under all others: its put was called before any put or get of the
 *      others returned, and its get returned after all theirs were called. It is taken away: whatever legal order the
 *      others have, it can be put before all of them and got after. If there is none the history is not legal.
 *
 * That there always is one or the other: take a legal order, and look at when the queue is empty in it. If that is
 * never in the midst, the item that is put first is got last, and can lie under all. If it is, at t: t is a gap. It
 * cuts the window in two, unless all calls come before it. Then let w be the item with the last of all calls. If w
 * comes after t in that order then its put returns after t, so that just before its last call is a gap, too, which
 * cuts it off. If w comes before t, then the item that is put first of all is got, before t, after w's calls, which are
 * the last: it can lie under all.
 *
 * A cover counts at how many of the places between two neighbours in the row an item is surely in. An item's own
 * intervals never reach into another window, so that one cover serves all of them. Those that might lie under all are
 * the ones whose put was called before any return: no more than p, the calls that are under way at a time. So it takes
 * p log n steps to take one away, and p n log n for all.
 *
 * Lee and Mathur ("Efficient Decrease-and-Conquer Linearizability Monitoring") take away what a history can do without,
 * and cut where they can, in n log n.
 */
#include "history.h"
#include "history_trees.h"

#include <stdlib.h>

struct window {
	size_t first, last; /* places in the row, both in it */
};

struct lifo {
	struct history *history;
	size_t n;
	struct history_key *row; /* the items, by the later of their calls */
	struct cover cover;      /* place i: between items i - 1 and i of the row */
	struct least put_calls;  /* of those that are left, */
	struct least first_rets; /* the earlier of their two returns */
	unsigned char *gone;     /* was taken away */
	struct window *windows;  /* to be looked at */
	size_t n_windows;
};

static int64_t last_call(const struct history_item *item)
{
	return item->put.call > item->got.call ? item->put.call : item->got.call;
}

static int64_t first_ret(const struct history_item *item)
{
	return item->put.ret < item->got.ret ? item->put.ret : item->got.ret;
}

static const struct history_item *item_at(const struct lifo *lifo, size_t place)
{
	return &lifo->history->items[lifo->row[place].item];
}

/* The first place of the row whose time is after this one. */
static size_t place_after(const struct lifo *lifo, int64_t time)
{
	size_t low = 0, high = lifo->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (lifo->row[middle].time > time)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Counts it, or no longer, where it is surely in. */
static void lay(struct lifo *lifo, size_t place, int by)
{
	cover_add(&lifo->cover, place_after(lifo, item_at(lifo, place)->put.ret) + 1, place + 1, by);
}

static void begin(struct lifo *lifo, struct history *history)
{
	*lifo = (struct lifo){.history = history};
	lifo->row = history_sort(history, last_call, &lifo->n);
	cover_init(&lifo->cover, lifo->n + 1);
	least_init(&lifo->put_calls, lifo->n);
	least_init(&lifo->first_rets, lifo->n);
	lifo->gone = history_memory(lifo->n, 1);
	lifo->windows = history_memory(lifo->n + 1, sizeof(*lifo->windows));
	for (size_t i = 0; i < lifo->n; i++) {
		lay(lifo, i, 1);
		least_set(&lifo->put_calls, i, item_at(lifo, i)->put.call);
		least_set(&lifo->first_rets, i, first_ret(item_at(lifo, i)));
	}
}

static void end(struct lifo *lifo)
{
	free(lifo->row);
	free(lifo->gone);
	free(lifo->windows);
	cover_free(&lifo->cover);
	least_free(&lifo->put_calls);
	least_free(&lifo->first_rets);
}

static void push(struct lifo *lifo, size_t first, size_t last)
{
	lifo->windows[lifo->n_windows++] = (struct window){first, last};
}

/* Makes the window as small as what is left in it. Returns whether two items are. */
static bool shrink(const struct lifo *lifo, struct window *window)
{
	while (window->first < window->last && lifo->gone[window->first])
		window->first++;
	while (window->first < window->last && lifo->gone[window->last])
		window->last--;
	return window->first < window->last;
}

static void take_away(struct lifo *lifo, size_t place)
{
	lifo->gone[place] = 1;
	lay(lifo, place, -1);
	least_set(&lifo->put_calls, place, INT64_MAX);
	least_set(&lifo->first_rets, place, INT64_MAX);
}

/* The item that can lie under all others, or COVER_NONE. */
static size_t find_bottom(const struct lifo *lifo, const struct window *window)
{
	int64_t ret = least_of(&lifo->first_rets, window->first, window->last + 1);
	int64_t call = lifo->row[window->last].time;
	size_t place = window->first;

	for (;; place++) {
		place = least_first_at_most(&lifo->put_calls, place, window->last + 1, ret);
		if (place == COVER_NONE || item_at(lifo, place)->got.ret >= call)
			return place;
	}
}

static bool look_at(struct lifo *lifo, struct window window)
{
	while (shrink(lifo, &window)) {
		size_t place = cover_first_gap(&lifo->cover, window.first + 1, window.last + 1);

		if (place != COVER_NONE) {
			push(lifo, window.first, place - 1);
			window.first = place;
			continue;
		}
		place = find_bottom(lifo, &window);
		if (place == COVER_NONE)
			return history_wrong(lifo->history,
					     "LIFO: of %zu items, %u and %u among them, none is under all",
					     window.last - window.first + 1, lifo->row[window.first].item,
					     lifo->row[window.last].item);
		take_away(lifo, place);
	}
	return true;
}

bool history_check_lifo(struct history *history)
{
	struct lifo lifo;
	bool fine = true;

	begin(&lifo, history);
	if (lifo.n > 0)
		push(&lifo, 0, lifo.n - 1);
	while (fine && lifo.n_windows > 0)
		fine = look_at(&lifo, lifo.windows[--lifo.n_windows]);
	end(&lifo);
	return fine;
}
