/*
 * queue_history_work.c - what the workers of queue_history.c do: they put and get in every way, and record it.
 *
 * A call is asked for in one of several ways; how it may end follows from that, and is checked at once: a time-out not
 * before its time, a cancellation only with a note that is cancelled, -EAGAIN only from a try. What has timed out or
 * was cancelled has found the queue empty, or full: the reference says that an item that is there is taken whatever
 * the deadline.
 */
#define _GNU_SOURCE
#include "queue_history.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_AT_ONCE = 8, SMALL_CALLS = 6 };

const char *const plant_names[PLANTS] = {
	[PLANT_SWAP] = "swap",   [PLANT_OVERTAKE] = "overtake", [PLANT_LOSE] = "lose",   [PLANT_TWICE] = "twice",
	[PLANT_EMPTY] = "empty", [PLANT_FULL] = "full",         [PLANT_BOUND] = "bound", [PLANT_TEAR] = "tear",
};

unsigned recording_random(struct worker *worker, unsigned n)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return (unsigned)(worker->random >> 33) % n;
}

/* ---- recording ---- */

static void fence(void)
{
#ifdef __SANITIZE_THREAD__
	static _Thread_local int word; /* it knows no fences */

	__atomic_exchange_n(&word, 1, __ATOMIC_SEQ_CST);
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* What was done before is seen by all before that time, and what is done after is done after it. */
static int64_t stamp(void)
{
	int64_t now;

	fence();
	now = fl_now();
	fence();
	return now;
}

static int64_t begin(struct worker *worker, const char *call)
{
	__atomic_store_n(&worker->calls, worker->calls + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&worker->in, call, __ATOMIC_RELAXED);
	return stamp();
}

static struct history_span end(struct worker *worker, int64_t begun)
{
	int64_t now = stamp();

	__atomic_store_n(&worker->in, NULL, __ATOMIC_RELAXED);
	return (struct history_span){begun, now};
}

static void record(struct worker *worker, int what, struct history_span span, const struct item *item)
{
	if (worker->n_records == worker->room) {
		worker->room = 2 * worker->room + 64;
		worker->records = realloc(worker->records, worker->room * sizeof(*worker->records));
		if (!worker->records)
			recording_fail("no memory");
	}
	worker->records[worker->n_records++] =
		(struct record){span.call, span.ret, item ? item->priority : 0, item ? item->number : 0, what};
}

/* ---- ways to ask ---- */

struct way {
	bool tries;
	fl_time deadline;
	fl_note *note;
};

static fl_time soon(struct worker *worker)
{
	return fl_after((fl_time)recording_random(worker, 40000));
}

static struct way any_way(struct worker *worker)
{
	switch (recording_random(worker, 12)) {
	case 0:
	case 1:
		return (struct way){.tries = true};
	case 2:
		return (struct way){.deadline = soon(worker)};
	case 3:
		return (struct way){.deadline = FL_FOREVER, .note = &worker->note};
	case 4:
		return (struct way){.deadline = soon(worker), .note = &worker->note};
	case 5:
		return (struct way){.deadline = 0};
	default:
		return (struct way){.deadline = FL_FOREVER};
	}
}

/* One that ends by itself. */
static struct way short_way(struct worker *worker)
{
	struct way way = any_way(worker);

	if (way.deadline == FL_FOREVER)
		way.deadline = soon(worker);
	return way;
}

static bool is_plain(struct way way)
{
	return way.deadline == FL_FOREVER && !way.note;
}

static void cancel_another(struct worker *worker)
{
	struct worker *other = &recording.workers[recording_random(worker, recording.threads)];

	pthread_mutex_lock(&other->mutex);
	fl_note_cancel(&other->note);
	pthread_mutex_unlock(&other->mutex);
}

static void renew_note(struct worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	fl_note_init(&worker->note, NULL, FL_FOREVER);
	pthread_mutex_unlock(&worker->mutex);
}

static void between_calls(struct worker *worker)
{
	if (recording_random(worker, 64) == 0)
		cancel_another(worker);
	if (recording_random(worker, 256) == 0)
		sched_yield();
}

/* Records that nothing was put, or got, and why. */
static void refused(struct worker *worker, struct way way, int error, bool put, struct history_span span)
{
	if (error == -EPIPE) {
		record(worker, put ? HISTORY_PUT_SHUT : HISTORY_GET_SHUT, span, NULL);
		return;
	}
	record(worker, put ? HISTORY_FULL : HISTORY_EMPTY, span, NULL);
	if (error == -EAGAIN && way.tries) {
		worker->tally.refused++;
	} else if (error == -ETIMEDOUT && !way.tries && way.deadline <= fl_now()) {
		worker->tally.timed_out++;
	} else if (error == -ECANCELED && way.note && fl_note_is_cancelled(way.note)) {
		worker->tally.cancelled++;
		renew_note(worker);
	} else {
		recording_fail("a %s returned %d; it tried: %d, deadline %lld, note %p", put ? "put" : "get", error,
			       way.tries, (long long)way.deadline, (void *)way.note);
	}
}

/* ---- put ---- */

static uint64_t check_of(const struct item *item)
{
	return (item->number ^ (uint64_t)item->priority) * 0x9e3779b97f4a7c15u + 1;
}

static void make_items(struct worker *worker, struct item *ret_items, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		ret_items[i].number = (uint64_t)worker->index * recording.of_one + worker->n_put + i;
		ret_items[i].priority = (int64_t)recording_random(worker, 8) - 4;
		if (recording_random(worker, 4) == 0)
			ret_items[i].priority *= recording_random(worker, 1000);
		ret_items[i].check = check_of(&ret_items[i]);
	}
}

/* Returns how many, or the error. */
static int put_items(const struct item *items, unsigned n, struct way way)
{
	int error;

	if (n > 1 && is_plain(way))
		return fl_queue_put_many(recording.queue, items, n);
	if (n > 1)
		return fl_queue_put_many_until(recording.queue, items, n, way.deadline, way.note);
	if (way.tries)
		error = fl_queue_put_try(recording.queue, items);
	else if (is_plain(way))
		error = fl_queue_put(recording.queue, items);
	else
		error = fl_queue_put_until(recording.queue, items, way.deadline, way.note);
	return error == 0 ? 1 : error;
}

/* Puts up to `most` items. Returns false if the queue is shut down. */
static bool put_some(struct worker *worker, struct way way, unsigned most)
{
	struct item items[MOST_AT_ONCE];
	unsigned n = recording_random(worker, 8) == 0 ? 1 + recording_random(worker, most) : 1;
	struct history_span span;
	int64_t begun;
	int result;

	if (n > 1)
		way.tries = false;
	make_items(worker, items, n);
	begun = begin(worker, "put");
	result = put_items(items, n, way);
	span = end(worker, begun);
	for (int i = 0; i < result; i++)
		record(worker, WAS_PUT, span, &items[i]);
	if (result > (int)n || result == 0)
		recording_fail("a put of %u returned %d", n, result);
	if (result < 0)
		refused(worker, way, result, true, span);
	else
		worker->tally.put += (unsigned)result, worker->n_put += (unsigned)result;
	return result != -EPIPE;
}

static void shut_down(struct worker *worker)
{
	struct item how = {.priority = recording.drops};
	int64_t begun;

	if (__atomic_exchange_n(&recording.is_shut, true, __ATOMIC_RELAXED))
		return;
	begun = begin(worker, "shutdown");
	if (recording.drops)
		recording.dropped = fl_queue_shutdown_now(recording.queue);
	else
		fl_queue_shutdown(recording.queue);
	record(worker, SHUT_IT, end(worker, begun), &how);
}

/* A put that is said to have found the queue full; one producer's, so that there is room all the while. */
static void plant_full(struct worker *worker)
{
	int64_t begun = stamp();

	if (recording.plant == PLANT_FULL && fl_queue_size(recording.queue) + 2 < recording.limit)
		record(worker, HISTORY_FULL, end(worker, begun), NULL);
}

static void produce(struct worker *worker)
{
	bool open = true;

	while (open && worker->n_put < recording.of_one) {
		unsigned left = recording.of_one - worker->n_put;

		if (worker->index == recording.shut_by && worker->n_put >= recording.shut_at)
			shut_down(worker);
		between_calls(worker);
		plant_full(worker);
		open = put_some(worker, any_way(worker), left < MOST_AT_ONCE ? left : MOST_AT_ONCE);
	}
	if (__atomic_add_fetch(&recording.done, 1, __ATOMIC_RELAXED) == recording.producers)
		shut_down(worker);
}

/* ---- get ---- */

static int get_items(struct item *ret_items, unsigned n, struct way way)
{
	int error;

	if (n > 1 && is_plain(way))
		return fl_queue_get_many(recording.queue, ret_items, n);
	if (n > 1)
		return fl_queue_get_many_until(recording.queue, ret_items, n, way.deadline, way.note);
	if (way.tries)
		error = fl_queue_get_try(recording.queue, ret_items);
	else if (is_plain(way))
		error = fl_queue_get(recording.queue, ret_items);
	else
		error = fl_queue_get_until(recording.queue, ret_items, way.deadline, way.note);
	return error == 0 ? 1 : error;
}

static void check_items(const struct item *items, int n)
{
	for (int i = 0; i < n; i++)
		if (items[i].check != check_of(&items[i]))
			recording_fail("item %llu is torn", (unsigned long long)items[i].number);
}

/* Disturbs the item that was got, as if the queue had done that. */
static int plant_item(struct worker *worker, struct item *ret_item)
{
	static const struct way plain = {.deadline = FL_FOREVER};

	worker->held = *ret_item;
	switch (recording.plant) {
	case PLANT_TEAR:
		ret_item->priority++;
		return 1;
	case PLANT_TWICE:
		worker->held_for = 1;
		return 1;
	case PLANT_LOSE:
		return get_items(ret_item, 1, plain);
	case PLANT_SWAP:
	case PLANT_OVERTAKE:
		worker->held_for = recording.plant == PLANT_SWAP ? 1 : UINT_MAX;
		return get_items(ret_item, 1, plain);
	default:
		return 1;
	}
}

static bool will_plant(const struct worker *worker)
{
	return recording.plant != PLANT_NONE && !worker->has_planted && worker->tally.got >= 1000;
}

/* Waits, before the call, for what is to be planted in it: until more items are in than one put may bring, so that
 * those of the puts before it surely are, or more than there may be. There is one consumer and one producer, which has
 * thousands of items still to put. */
static void await_enough(const struct worker *worker)
{
	uint64_t enough = will_plant(worker) ? MOST_AT_ONCE + 1 : 0;

	if (recording.plant == PLANT_BOUND)
		enough = recording.limit + 1;
	while (fl_queue_size(recording.queue) < enough && !fl_queue_is_shutdown(recording.queue))
		sched_yield();
}

/* As get_items for one, with something planted. */
static int get_planted(struct worker *worker, struct item *ret_item, struct way way)
{
	bool plants = will_plant(worker);
	int result;

	if (plants && recording.plant == PLANT_EMPTY && way.tries) {
		worker->has_planted = true;
		return -EAGAIN;
	}
	if (worker->held_for > 0 && --worker->held_for == 0) {
		*ret_item = worker->held;
		return 1;
	}
	result = get_items(ret_item, 1, way);
	if (result == -EPIPE && worker->held_for > 0) {
		worker->held_for = 0;
		*ret_item = worker->held;
		return 1;
	}
	if (result != 1 || !plants || recording.plant == PLANT_EMPTY)
		return result;
	worker->has_planted = true;
	return plant_item(worker, ret_item);
}

/* Gets up to `most` items. Returns false if the queue is shut down, and empty. */
static bool get_some(struct worker *worker, struct way way, unsigned most)
{
	struct item items[MOST_AT_ONCE];
	unsigned n = recording_random(worker, 8) == 0 ? 1 + recording_random(worker, most) : 1;
	struct history_span span;
	int64_t begun;
	int result;

	if (n > 1)
		way.tries = false;
	await_enough(worker);
	begun = begin(worker, "get");
	result = recording.plant != PLANT_NONE ? get_planted(worker, items, way) : get_items(items, n, way);
	span = end(worker, begun);
	for (int i = 0; i < result; i++)
		record(worker, WAS_GOT, span, &items[i]);
	if (result > (int)n || result == 0)
		recording_fail("a get of %u returned %d", n, result);
	check_items(items, result);
	for (int i = 0; i < result && recording.plant == PLANT_NONE; i++)
		fl_queue_task_done(recording.queue);
	if (result < 0)
		refused(worker, way, result, false, span);
	else
		worker->tally.got += (unsigned)result;
	return result != -EPIPE;
}

static void consume(struct worker *worker)
{
	do
		between_calls(worker);
	while (get_some(worker, any_way(worker), MOST_AT_ONCE));
}

/* ---- the two kinds of rounds ---- */

void recording_work_large(struct worker *worker)
{
	if (worker->index < recording.producers)
		produce(worker);
	else
		consume(worker);
}

/* A barrier lets them go one after the other; here they begin at the same moment. */
static void arrive(void)
{
	__atomic_add_fetch(&recording.arrived, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&recording.arrived, __ATOMIC_RELAXED) < recording.threads)
		sched_yield();
}

void recording_work_small(struct worker *worker)
{
	unsigned shut_at = worker->index == recording.shut_by ? recording_random(worker, 2 * SMALL_CALLS) : SMALL_CALLS;

	arrive();
	for (unsigned call = 0; call < SMALL_CALLS; call++) {
		if (call == shut_at)
			shut_down(worker);
		else if (recording_random(worker, 2) == 0)
			put_some(worker, short_way(worker), 2);
		else
			get_some(worker, short_way(worker), 2);
		if (recording_random(worker, 4) == 0)
			cancel_another(worker);
	}
}
