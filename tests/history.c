/*
 * history.c - what goes for all kinds of queues, and FIFO; see history.h for what is checked, and why that suffices.
 *
 * Before the checks a history is brought into one form. A shutdown is given its moment, the latest that it can have:
 * a put that succeeded, and whatever was answered by a queue that is not shut down, is cut off there; that leaves the
 * most room to all of them. Who found it shut down and empty came later, and after a shutdown it grows no items, so
 * that the end of such a call is the moment at which it must have been empty. Items that were never got are given a
 * get at the end: after everything that was seen, or at the moment of the shutdown that dropped them.
 *
 * Ties: a return and a call at the same time overlap. Where events are sorted, calls come before returns.
 */
#include "history.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- making one ---- */

void *history_memory(size_t n, size_t size)
{
	void *memory = calloc(n > 0 ? n : 1, size);

	if (!memory) {
		fputs("no memory for a history\n", stderr);
		exit(2);
	}
	return memory;
}

void history_init(struct history *history, enum history_kind kind, uint64_t limit, uint32_t n_items)
{
	static const struct history_span never = {HISTORY_NEVER, HISTORY_NEVER};

	*history = (struct history){.kind = kind, .limit = limit, .n_items = n_items, .shutdown = never};
	history->items = history_memory(n_items, sizeof(*history->items));
	for (uint32_t i = 0; i < n_items; i++)
		history->items[i] = (struct history_item){.put = never, .got = never};
}

void history_free(struct history *history)
{
	free(history->items);
	free(history->answers);
	history->items = NULL;
	history->answers = NULL;
}

bool history_wrong(struct history *history, const char *format, ...)
{
	va_list args;

	if (history->fault[0])
		return false;
	va_start(args, format);
	vsnprintf(history->fault, sizeof(history->fault), format, args);
	va_end(args);
	return false;
}

void history_put(struct history *history, uint32_t item, int64_t priority, struct history_span span)
{
	struct history_item *one = &history->items[item];

	if (one->put.call != HISTORY_NEVER)
		history_wrong(history, "item %u is put twice", item);
	one->put = span;
	one->priority = priority;
}

void history_got(struct history *history, uint64_t item, struct history_span span)
{
	if (item >= history->n_items) {
		history_wrong(history, "item %llu is made up", (unsigned long long)item);
		return;
	}
	if (history->items[item].got.call != HISTORY_NEVER)
		history_wrong(history, "item %llu is got twice", (unsigned long long)item);
	history->items[item].got = span;
}

void history_answered(struct history *history, enum history_answer_kind kind, struct history_span span)
{
	if (history->n_answers == history->room_for_answers) {
		size_t room = 2 * history->room_for_answers + 64;
		struct history_answer *answers = history_memory(room, sizeof(*answers));

		if (history->n_answers > 0)
			memcpy(answers, history->answers, history->n_answers * sizeof(*answers));
		free(history->answers);
		history->answers = answers;
		history->room_for_answers = room;
	}
	history->answers[history->n_answers++] = (struct history_answer){span, kind};
}

/* ---- sorting ---- */

int64_t history_put_call(const struct history_item *item)
{
	return item->put.call;
}

int64_t history_put_ret(const struct history_item *item)
{
	return item->put.ret;
}

int64_t history_got_call(const struct history_item *item)
{
	return item->got.call;
}

int64_t history_got_ret(const struct history_item *item)
{
	return item->got.ret;
}

int history_compare(const void *a, const void *b)
{
	const struct history_key *left = a, *right = b;

	if (left->time != right->time)
		return left->time < right->time ? -1 : 1;
	return (left->item > right->item) - (left->item < right->item);
}

struct history_key *history_sort(const struct history *history, int64_t (*time)(const struct history_item *),
				 size_t *ret_n)
{
	struct history_key *keys = history_memory(history->n_items, sizeof(*keys));
	size_t n = 0;

	for (uint32_t i = 0; i < history->n_items; i++)
		if (history->items[i].put.call != HISTORY_NEVER)
			keys[n++] = (struct history_key){time(&history->items[i]), i};
	qsort(keys, n, sizeof(*keys), history_compare);
	*ret_n = n;
	return keys;
}

/* ---- the one form ---- */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool is_of_shut(const struct history_answer *answer)
{
	return answer->kind == HISTORY_GET_SHUT || answer->kind == HISTORY_PUT_SHUT;
}

static int64_t end_of(const struct history *history)
{
	int64_t end = 0;

	for (uint32_t i = 0; i < history->n_items; i++) {
		const struct history_item *item = &history->items[i];

		if (item->put.call != HISTORY_NEVER)
			end = later(end, item->put.ret);
		if (item->got.call != HISTORY_NEVER)
			end = later(end, item->got.ret);
	}
	for (size_t i = 0; i < history->n_answers; i++)
		end = later(end, history->answers[i].span.ret);
	return end + 1;
}

/* Finds the moment of the shutdown: HISTORY_NEVER if there was none. */
static bool find_shutdown(struct history *history, int64_t *ret_moment)
{
	int64_t moment = history->shutdown.ret;

	for (size_t i = 0; i < history->n_answers; i++)
		if (is_of_shut(&history->answers[i]))
			moment = earlier(moment, history->answers[i].span.ret);
	if (history->shutdown.call == HISTORY_NEVER && moment != HISTORY_NEVER)
		return history_wrong(history, "shut down, says a call, and nobody did that");
	if (moment < history->shutdown.call)
		return history_wrong(history, "shut down, says a call that returned before anybody did that");
	*ret_moment = moment;
	return true;
}

/* What is answered by a queue that is not shut down. */
static bool cut(struct history *history, struct history_span *span, int64_t moment, const char *what)
{
	if (span->call > moment)
		return history_wrong(history, "%s after the shutdown", what);
	span->ret = earlier(span->ret, moment);
	return true;
}

static bool cut_items(struct history *history, int64_t moment)
{
	bool fine = true;

	for (uint32_t i = 0; i < history->n_items && fine; i++) {
		struct history_item *item = &history->items[i];

		if (item->put.call != HISTORY_NEVER)
			fine = cut(history, &item->put, moment, "an item is put");
		if (fine && history->drops && item->got.call != HISTORY_NEVER)
			fine = cut(history, &item->got, moment, "an item is got");
	}
	return fine;
}

static bool cut_answers(struct history *history, int64_t moment)
{
	bool fine = true;

	for (size_t i = 0; i < history->n_answers && fine; i++) {
		struct history_answer *answer = &history->answers[i];

		if (!is_of_shut(answer))
			fine = cut(history, &answer->span, moment, "neither shut nor done is an answer");
		else if (answer->kind == HISTORY_GET_SHUT && !history->drops)
			answer->span.call = answer->span.ret;
	}
	return fine;
}

/* Each item is put before it is got; those that never are have a get at `end`. */
static bool claim(struct history *history, int64_t end)
{
	uint64_t unclaimed = 0;

	for (uint32_t i = 0; i < history->n_items; i++) {
		struct history_item *item = &history->items[i];

		if (item->got.call == HISTORY_NEVER) {
			unclaimed += item->put.call != HISTORY_NEVER;
			item->got.call = end;
		} else if (item->put.call == HISTORY_NEVER) {
			return history_wrong(history, "item %u is got, and was never put", i);
		} else if (item->got.ret < item->put.call) {
			return history_wrong(history, "item %u is got before it is put", i);
		}
	}
	if (unclaimed != history->unclaimed)
		return history_wrong(history, "%llu items are put and not got; %llu were left or dropped",
				     (unsigned long long)unclaimed, (unsigned long long)history->unclaimed);
	return true;
}

static bool bring_into_form(struct history *history)
{
	int64_t moment = HISTORY_NEVER;

	if (history->fault[0] || !find_shutdown(history, &moment))
		return false;
	if (!cut_items(history, moment) || !cut_answers(history, moment))
		return false;
	/* Just after: whoever found it empty before the shutdown did so before these were dropped. */
	return claim(history, history->drops && moment < HISTORY_NEVER ? moment + 1 : end_of(history));
}

/* ---- empty, full, the bound ---- */

/* Periods of time that do not touch each other, in order. */
struct periods {
	struct history_span *at;
	size_t n;
};

/* Walks along two sorted lists of moments at which a count rises and falls, and collects the periods in which it is at
 * least `enough`; of a rise and a fall at the same time the falls come first if `falls_first`. Returns the greatest
 * count. */
static uint64_t collect(const struct history_key *rises, const struct history_key *falls, size_t n, bool falls_first,
			uint64_t enough, struct periods *ret_periods)
{
	uint64_t count = 0, most = 0;
	size_t rise = 0, fall = 0, n_periods = 0;
	struct history_span *at = history_memory(n + 1, sizeof(*at));

	while (rise < n) {
		if (falls[fall].time < rises[rise].time || (falls_first && falls[fall].time == rises[rise].time)) {
			if (count-- == enough)
				at[n_periods++].ret = falls[fall].time;
			fall++;
			continue;
		}
		if (++count == enough)
			at[n_periods].call = rises[rise].time;
		most = count > most ? count : most;
		rise++;
	}
	for (; fall < n && count >= enough; fall++)
		if (count-- == enough)
			at[n_periods++].ret = falls[fall].time;
	*ret_periods = (struct periods){at, n_periods};
	return most;
}

/* The last period that begins before `time` (or at it, if `at` too), or NULL. */
static const struct history_span *last_before(const struct periods *periods, int64_t time, bool at)
{
	size_t low = 0, high = periods->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int64_t begin = periods->at[middle].call;

		if (begin < time || (at && begin == time))
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? &periods->at[low - 1] : NULL;
}

/* The items that are surely in: those whose put returned before their get was called. */
static size_t surely_in(const struct history *history, struct history_key *ret_from, struct history_key *ret_until)
{
	size_t n = 0;

	for (uint32_t i = 0; i < history->n_items; i++) {
		const struct history_item *item = &history->items[i];

		if (item->put.call == HISTORY_NEVER || item->put.ret >= item->got.call)
			continue;
		ret_from[n] = (struct history_key){item->put.ret, i};
		ret_until[n++] = (struct history_key){item->got.call, i};
	}
	qsort(ret_from, n, sizeof(*ret_from), history_compare);
	qsort(ret_until, n, sizeof(*ret_until), history_compare);
	return n;
}

/* Whether it is said to be empty while an item is surely in, one or another, all the time. */
static bool check_empty(struct history *history, const struct periods *not_empty)
{
	for (size_t i = 0; i < history->n_answers; i++) {
		const struct history_answer *answer = &history->answers[i];
		const struct history_span *period;

		if (answer->kind != HISTORY_EMPTY && answer->kind != HISTORY_GET_SHUT)
			continue;
		if (answer->kind == HISTORY_GET_SHUT && history->drops)
			continue;
		/* What was put at the moment of the shutdown was put before it, and this was answered after it. */
		period = last_before(not_empty, answer->span.call, answer->kind == HISTORY_GET_SHUT);
		if (period && period->ret > answer->span.ret)
			return history_wrong(history, "VWit: empty, says a get from %lld to %lld, and was not",
					     (long long)answer->span.call, (long long)answer->span.ret);
	}
	return true;
}

static bool check_surely_in(struct history *history)
{
	struct history_key *from = history_memory(history->n_items, sizeof(*from));
	struct history_key *until = history_memory(history->n_items, sizeof(*until));
	size_t n = surely_in(history, from, until);
	struct periods not_empty;
	uint64_t most = collect(from, until, n, true, 1, &not_empty);
	bool fine = check_empty(history, &not_empty);

	if (fine && history->limit > 0 && most > history->limit)
		fine = history_wrong(history, "bound: %llu items are in it, of at most %llu", (unsigned long long)most,
				     (unsigned long long)history->limit);
	free(not_empty.at);
	free(from);
	free(until);
	return fine;
}

/* Whether it is said to be full while fewer items than that may have been in, all the time. */
static bool check_full(struct history *history)
{
	size_t n;
	struct history_key *from = history_sort(history, history_put_call, &n);
	struct history_key *until = history_sort(history, history_got_ret, &n);
	struct periods full;
	bool fine = true;

	/* Without a bound it never is. */
	collect(from, until, n, false, history->limit > 0 ? history->limit : UINT64_MAX, &full);
	for (size_t i = 0; i < history->n_answers && fine; i++) {
		const struct history_answer *answer = &history->answers[i];
		const struct history_span *period;

		if (answer->kind != HISTORY_FULL)
			continue;
		period = last_before(&full, answer->span.ret, true);
		if (!period || period->ret < answer->span.call)
			fine = history_wrong(history, "full, says a put from %lld to %lld, and was not",
					     (long long)answer->span.call, (long long)answer->span.ret);
	}
	free(full.at);
	free(from);
	free(until);
	return fine;
}

/* ---- FIFO ---- */

/* Goes through the items as their puts were called, and remembers the latest get among those whose put had returned. */
static bool check_order(struct history *history)
{
	size_t n, returned = 0;
	struct history_key *called = history_sort(history, history_put_call, &n);
	struct history_key *rets = history_sort(history, history_put_ret, &n);
	int64_t latest = INT64_MIN;
	uint32_t who = 0;
	bool fine = true;

	for (size_t i = 0; i < n && fine; i++) {
		for (; returned < n && rets[returned].time < called[i].time; returned++)
			if (history->items[rets[returned].item].got.call > latest) {
				who = rets[returned].item;
				latest = history->items[who].got.call;
			}
		if (latest > history->items[called[i].item].got.ret)
			fine = history_wrong(history, "VOrd: item %u overtook item %u", called[i].item, who);
	}
	free(called);
	free(rets);
	return fine;
}

/* The same among the items of one producer, which may have put several in one call. */
static bool check_order_of_each(struct history *history)
{
	int64_t latest = INT64_MIN;
	uint32_t who = 0;

	for (uint32_t i = 0; i < history->n_items && history->of_one > 0; i++) {
		const struct history_item *item = &history->items[i];

		if (i % history->of_one == 0)
			latest = INT64_MIN;
		if (item->put.call == HISTORY_NEVER)
			continue;
		if (latest > item->got.ret)
			return history_wrong(history, "item %u overtook item %u of its producer", i, who);
		if (item->got.call > latest) {
			latest = item->got.call;
			who = i;
		}
	}
	return true;
}

/* ---- what one call got ---- */

/* Whether the first was put before the second, whatever the order. */
static bool is_put_before(const struct history *history, uint32_t first, uint32_t second)
{
	const struct history_item *one = &history->items[first], *other = &history->items[second];

	return one->put.ret < other->put.call || other->put_after == first + 1;
}

/* Whether the second must be got before the first, if both are in. */
static bool is_wrong_way(const struct history *history, uint32_t first, uint32_t second)
{
	int64_t one = history->items[first].priority, other = history->items[second].priority;

	if (history->kind == HISTORY_LIFO)
		return is_put_before(history, first, second);
	if (history->kind == HISTORY_PRIORITY && one != other)
		return other < one;
	return is_put_before(history, second, first);
}

static bool check_calls(struct history *history)
{
	for (uint32_t i = 0; i < history->n_items; i++) {
		const struct history_item *item = &history->items[i];

		if (item->got_after > 0 && item->put.ret < item->got.call &&
		    is_wrong_way(history, item->got_after - 1, i))
			return history_wrong(history, "items %u and %u come the wrong way round, in one call",
					     item->got_after - 1, i);
	}
	return true;
}

bool history_check(struct history *history)
{
	if (!bring_into_form(history) || !check_surely_in(history))
		return false;
	if (!check_full(history) || !check_calls(history))
		return false;
	switch (history->kind) {
	case HISTORY_FIFO:
		return check_order(history) && check_order_of_each(history);
	case HISTORY_LIFO:
		return history_check_lifo(history);
	default:
		return history_check_priority(history);
	}
}
