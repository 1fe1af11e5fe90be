/*
 * check/weak.c - see weak.h.
 *
 * Each atomic has its history: the last KEPT stores, numbered in their order, each with its value and the clock that it
 * carries; and records of who came to which number. A load gets any store from its floor on, by a choice
 * (sched_choose), so that the exhaustive search tries all. The floor is the highest number that one of these demands:
 *
 * [weak.1] Coherence: nothing before a store or load that happens before this one, by whomever. A record has the
 *          thread's own clock at that moment; that is known by now, or not.
 * [weak.2] Loads that are seq_cst: nothing before what a seq_cst operation on this atomic has come to already. Their
 *          total order is that of the execution.
 * [weak.3] After a seq_cst fence: nothing before what a seq_cst operation on this atomic came to before the fence.
 * [weak.4] Loads that are seq_cst, and all after a seq_cst fence: nothing before what happened before an earlier
 *          seq_cst fence, of whichever thread.
 *
 * (C++20, atomics.order, 4.) For 3 and 4 a thread has a second clock, of what it may not disregard, though nothing
 * orders it for plain memory: the upper half of each clock (object.h), which goes the same ways. Fences meet in one
 * that all have in common.
 *
 * Read-modify-writes get the last store. A compare and exchange that fails is a load.
 *
 * Bounded, and said: stores before the last KEPT are forgotten; who got the same old store STALE times in a row (or as
 * often as is asked for) gets the last one, so that a loop which waits for a value ends. An atomic that is used with
 * different sizes, or overlaps another one, or has 16 bytes, is as without --weak. What was stored by plain means is
 * seen by all, for such stores are seen when the next atomic operation comes by.
 */
#include "weak.h"

#include "atomic.h"
#include "pool.h"

#define KEPT 16u
#define STALE 3u

struct stored {
	uint64_t value;
	uint32_t *clock; /* room for one */
	bool carries;
};

struct record {
	struct record *next;
	uint64_t number; /* of the store */
	uint64_t total;  /* step of a seq_cst operation that came to it, the first one; 0: none */
	uint32_t epoch;
	uint16_t thread;
};

struct stale {
	uint64_t number;
	uint32_t times;
};

struct history {
	uint8_t size;
	bool strong; /* as without --weak */
	uint64_t n;  /* stores so far, that of the value at the beginning included */
	struct stored stored[KEPT];
	struct record *first;
	struct stale stale[THREADS];
};

static uint64_t oldest(const struct history *history)
{
	return history->n > KEPT ? history->n - KEPT : 0;
}

static struct stored *store_of(struct history *history, uint64_t number)
{
	return &history->stored[number % KEPT];
}

static void make_strong(struct history *history)
{
	history->strong = true;
	run_bound("atomics that overlap others or are used with different sizes do not return old values");
}

/* Others that lie in the same bytes. */
static void look_for_neighbours(struct history *history, uintptr_t address, unsigned size)
{
	for (uintptr_t at = (address & ~(uintptr_t)7); at < address + size; at++) {
		struct object *object = at != address ? object_find(at) : NULL;
		struct history *other = object != NULL && object->kind == OBJECT_ATOMIC ? object->more : NULL;

		if (other == NULL || at + other->size <= address)
			continue;
		make_strong(other);
		make_strong(history);
	}
}

static void begin_with(struct history *history, uint64_t value)
{
	history->n++;
	store_of(history, history->n - 1)->value = value;
	store_of(history, history->n - 1)->carries = false;
}

/* The history, up to the value that is in memory. A value that no atomic operation has stored came by plain means:
 * what was before is out of sight. */
static struct history *history_of(struct object *object, unsigned size, uint64_t last)
{
	struct history *history = object->more;

	if (history == NULL) {
		history = object->more = pool_take(sizeof(*history));
		history->size = (uint8_t)size;
		begin_with(history, last);
		look_for_neighbours(history, object->address, size);
	}
	if (history->size != size && !history->strong)
		make_strong(history);
	if (history->strong || store_of(history, history->n - 1)->value != last) {
		history->n += KEPT;
		begin_with(history, last);
	}
	return history;
}

static bool is_known(const struct record *record, const uint32_t *clock)
{
	return clock != NULL && record->epoch <= clock[record->thread];
}

/* Whether the record demands of the running thread's load to get nothing older. */
static bool demands(const struct record *record, bool total)
{
	const struct thread *thread = self();

	if (is_known(record, thread->clock) || is_known(record, thread->clock + CLOCK_VIEW))
		return true; /* [weak.1], [weak.4] */
	if (record->total != 0 && (total || record->total < thread->clock[CLOCK_TOTAL]))
		return true;                           /* [weak.2], [weak.3] */
	return total && is_known(record, run->fences); /* [weak.4] */
}

static uint64_t floor_of(const struct history *history, bool total)
{
	uint64_t floor = oldest(history);

	for (const struct record *record = history->first; record != NULL; record = record->next) {
		if (record->number > floor && demands(record, total))
			floor = record->number;
	}
	return floor;
}

/* Those of stores that are forgotten say nothing any more. */
static void drop_old_records(struct history *history)
{
	struct record **at = &history->first;

	while (*at != NULL) {
		if ((*at)->number < oldest(history))
			*at = (*at)->next;
		else
			at = &(*at)->next;
	}
}

/* A thread has one of each number: the first time that it came to it. */
static void note(struct history *history, uint64_t number, int order)
{
	const struct thread *thread = self();
	uint64_t total = order == SEQ_CST ? run->steps : 0;
	struct record *record = history->first;

	while (record != NULL && (record->thread != thread->id || record->number != number))
		record = record->next;
	if (record == NULL) {
		drop_old_records(history);
		record = pool_take(sizeof(*record));
		*record = (struct record){.next = history->first,
					  .number = number,
					  .epoch = thread->clock[thread->id],
					  .thread = (uint16_t)thread->id};
		history->first = record;
	}
	if (record->total == 0)
		record->total = total;
}

static uint32_t most_stale(void)
{
	return memory->asked.stale != 0 ? memory->asked.stale : STALE;
}

static bool is_tired(struct history *history, uint64_t number)
{
	struct stale *stale = &history->stale[self()->id];

	if (number + 1 == history->n || stale->number != number) {
		*stale = (struct stale){number, 1};
		return false;
	}
	return ++stale->times > most_stale();
}

/* Returns the store that is got: of those from the floor on the last one is the plain one. */
static uint64_t choose(struct history *history, uint64_t floor, const uint64_t *except)
{
	uint64_t number[KEPT] = {history->n - 1};
	char text[96];
	uint64_t got;
	unsigned n = 1;

	for (uint64_t i = history->n - 1; i-- > floor;) {
		if (except == NULL || store_of(history, i)->value != *except)
			number[n++] = i;
	}
	got = number[sched_choose(n)];
	if (!is_tired(history, got))
		return got;
	raw_print(text, sizeof(text), "a thread gets the same old value of an atomic at most %u times in a row",
		  most_stale());
	run_bound(text);
	return history->n - 1;
}

static uint64_t get(struct object *object, unsigned size, int order, uint64_t last, const uint64_t *except,
		    const uint32_t **ret_clock)
{
	struct history *history = history_of(object, size, last);
	const struct stored *stored;
	uint64_t number;

	if (history->strong) {
		*ret_clock = object->clock;
		return last;
	}
	number = choose(history, floor_of(history, order == SEQ_CST), except);
	note(history, number, order);
	stored = store_of(history, number);
	*ret_clock = stored->carries ? stored->clock : NULL;
	return stored->value;
}

uint64_t weak_load(struct object *object, unsigned size, int order, uint64_t last, const uint32_t **ret_clock)
{
	return get(object, size, order, last, NULL, ret_clock);
}

uint64_t weak_compare(struct object *object, unsigned size, int order, uint64_t last, uint64_t expected,
		      const uint32_t **ret_clock)
{
	return get(object, size, order, last, &expected, ret_clock);
}

void weak_store(struct object *object, unsigned size, int order, uint64_t value, uint64_t old)
{
	struct history *history = history_of(object, size, old);
	struct stored *stored = store_of(history, history->n++);

	stored->value = value;
	stored->carries = object->clock != NULL;
	if (history->n > KEPT && !history->strong)
		run_bound("of each atomic the last 16 stores can be seen");
	if (stored->carries) {
		if (stored->clock == NULL)
			stored->clock = clock_new();
		clock_copy(stored->clock, object->clock);
	}
	note(history, history->n - 1, order);
}

void weak_fence(void)
{
	uint32_t *clock = self()->clock;

	if (run->fences == NULL)
		run->fences = clock_new();
	for (unsigned i = 0; i < run->n_threads; i++) {
		uint32_t seen = clock[CLOCK_VIEW + i] > clock[i] ? clock[CLOCK_VIEW + i] : clock[i];

		if (seen > run->fences[i])
			run->fences[i] = seen;
		clock[CLOCK_VIEW + i] = run->fences[i];
	}
	clock[CLOCK_TOTAL] = (uint32_t)run->steps;
}
