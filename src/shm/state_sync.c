/*
 * shm/state_sync.c - how Fairlead's locks and the like are doing, and those of values and arrays, as one who only looks
 * on can tell: from the words that sync/lock_shared.c and its neighbours explain, each loaded once.
 *
 * Places of readers and parties are looked at only where fl_segment_rwlock and fl_segment_barrier put them: right
 * behind the object, within its bytes.
 */
#include "shm/array.h"
#include "shm/state.h"

#include "sync/barrier_shared.h"
#include "sync/condition_shared.h"
#include "sync/event_shared.h"
#include "sync/lock_shared.h"
#include "sync/once_shared.h"
#include "sync/rwlock_shared.h"
#include "sync/semaphore_shared.h"
#include <fairlead/value.h>
#include <stdlib.h>

/* Locks. */

/* `times`: how often its holder has it. */
static void look_at_lock(struct fl_state_look *look, const fl_lock *lock, uint32_t times)
{
	uint32_t word = fl_load_relaxed(&lock->fl_word), holder = word & FL_LOCK_SHARED_HOLDER;
	const char *free = word & FL_LOCK_SHARED_ORPHAN ? "orphaned" : "free";
	fl_state *state = look->state;

	if (!fl_lock_is_shared(lock))
		return;
	fl_state_waiters_(look, lock, "acquire");
	if (holder == FL_LOCK_SHARED_LOST) {
		state->state = "lost";
	} else if (holder == 0) {
		state->state = free;
	} else if (word & FL_LOCK_SHARED_HANDED) {
		bool waits = fl_lot_waits_(look->view, holder, lock);

		state->state = waits ? "handed" : free;
		fl_state_holder_(look, waits ? holder : 0, "next", 1);
	} else {
		fl_state_holder_(look, holder, "holder", times);
		if (!fl_lot_alive_(look->view, holder))
			state->state = "orphaned";
		else
			state->state = word & FL_LOCK_SHARED_ORPHAN ? "mending" : "held";
	}
}

void fl_state_lock_(struct fl_state_look *look)
{
	look_at_lock(look, look->object, 1);
}

static void look_at_rlock(struct fl_state_look *look, const fl_rlock *lock)
{
	uint32_t times = fl_load_relaxed(&lock->fl_count);

	look_at_lock(look, &lock->fl_inner, times > 0 ? times : 1);
}

void fl_state_rlock_(struct fl_state_look *look)
{
	look_at_rlock(look, look->object);
}

/* A value's lock is at the same place whatever its type is. */
void fl_state_value_(struct fl_state_look *look)
{
	look_at_rlock(look, &((const fl_value_int64 *)look->object)->fl_own);
}

void fl_state_array_(struct fl_state_look *look)
{
	const struct fl_array_head *array = look->object;

	look_at_rlock(look, &array->own);
	look->state->unit = "elements";
	look->state->value = look->state->most = fl_load_relaxed(&array->n);
	look->state->counts = "writes";
	look->state->count = fl_load_relaxed(&array->version);
}

/* The lock that writers have among themselves. */
void fl_state_array_writing_(struct fl_state_look *look)
{
	look_at_lock(look, &((const struct fl_array_head *)look->object)->writing, 1);
}

/* A condition of a segment is over a lock of its own. */
void fl_state_condition_(struct fl_state_look *look)
{
	const fl_condition *condition = look->object;

	if (fl_load_relaxed(&condition->fl_mode) != FL_CONDITION_OWN)
		return;
	fl_state_waiters_(look, condition, "notify");
	look->state->state = look->state->n_waiters > 0 ? "waiting" : "idle";
}

void fl_state_condition_lock_(struct fl_state_look *look)
{
	const fl_condition *condition = look->object;

	look_at_rlock(look, &condition->fl_own);
}

/* RWLock. */

/* Adds those who have a place. Returns how many of them live; -1: the places are not where they must be. */
static int look_at_readers(struct fl_state_look *look, const fl_rwlock *lock)
{
	const uint32_t *places = (const uint32_t *)(lock + 1);
	uint32_t n = fl_load_relaxed(&lock->fl_n_places);
	int alive = 0;

	if (n == 0 || FL_RWLOCK_PLACES(n) * sizeof(*places) > look->size - sizeof(*lock) ||
	    fl_load_relaxed(&lock->fl_places) != (int32_t)(sizeof(*lock) / sizeof(*places)))
		return -1;
	look->state->most = n;
	for (uint32_t i = 0; i <= n; i++) {
		uint32_t number = fl_load_relaxed(&places[i]);

		fl_state_holder_(look, number, "reader", 1);
		alive += number != 0 && fl_lot_alive_(look->view, number);
	}
	return alive;
}

/* What it says of itself, while so many read it. */
static const char *say_gate(struct fl_state_look *look, const fl_rwlock *lock, int readers)
{
	uint32_t word = fl_load_relaxed(&lock->fl_state), holder = word & FL_RWLOCK_HOLDER;
	bool orphan = word & FL_RWLOCK_ORPHAN, written = fl_load_relaxed(&lock->fl_writer) == holder;

	if (holder == FL_RWLOCK_LOST)
		return "lost";
	if (holder != 0 && !(word & FL_RWLOCK_KEPT)) {
		fl_state_holder_(look, holder, written ? "writer" : "next", 1);
		if (!fl_lot_alive_(look->view, holder))
			return written ? "orphaned" : "closing";
		return !written ? "closing" : orphan ? "mending" : "written";
	}
	if (orphan)
		return "orphaned";
	if (holder != 0 &&
	    (fl_lot_waits_(look->view, holder, lock) || fl_lot_waits_(look->view, holder, &lock->fl_writer))) {
		fl_state_holder_(look, holder, "next", 1);
		return "kept";
	}
	return readers > 0 ? "read" : "free";
}

void fl_state_rwlock_(struct fl_state_look *look)
{
	const fl_rwlock *lock = look->object;
	int readers = look_at_readers(look, lock);

	if (readers < 0)
		return;
	look->state->unit = "readers";
	look->state->value = (uint64_t)readers;
	look->state->state = say_gate(look, lock, readers);
	fl_state_waiters_(look, lock, "read");
	fl_state_waiters_(look, &lock->fl_writer, "write");
	fl_state_waiters_(look, &lock->fl_spin, "drain");
}

/* Semaphores. */

static void say_permits(struct fl_state_look *look, uint32_t value, uint32_t most)
{
	look->state->state = value > 0 ? "free" : "taken";
	look->state->unit = "permits";
	look->state->value = value;
	look->state->most = most;
	fl_state_waiters_(look, look->object, "permit");
}

void fl_state_semaphore_(struct fl_state_look *look)
{
	const fl_semaphore *semaphore = look->object;
	uint32_t bound = fl_load_relaxed(&semaphore->fl_bound), most = (bound - 1) & FL_SEMAPHORE_PERMITS;

	if (!fl_semaphore_is_shared(semaphore) || bound > FL_SEMAPHORE_HOLDERS)
		return;
	say_permits(look, fl_load_relaxed(&semaphore->fl_value) & FL_SEMAPHORE_PERMITS,
		    bound == FL_SEMAPHORE_SHARED ? 0 : most);
}

static int by_number(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

	return one < other ? -1 : one > other;
}

/* Adds each holder once. Returns how many permits can be had: those of the dead, too. */
static uint32_t look_at_permits(struct fl_state_look *look, uint32_t *numbers, uint32_t n)
{
	uint32_t to_be_had = 0, same;

	qsort(numbers, n, sizeof(*numbers), by_number);
	for (uint32_t i = 0; i < n; i += same) {
		for (same = 1; i + same < n && numbers[i + same] == numbers[i]; same++)
			;
		fl_state_holder_(look, numbers[i], "holder", same);
		if (!fl_lot_alive_(look->view, numbers[i]))
			to_be_had += same;
	}
	return to_be_had;
}

void fl_state_holders_(struct fl_state_look *look)
{
	const fl_semaphore *semaphore = look->object;
	const uint32_t *words = (const uint32_t *)(semaphore + 1);
	uint32_t n = fl_load_relaxed(&semaphore->fl_bound) - FL_SEMAPHORE_HOLDERS;
	uint32_t numbers[FL_SEMAPHORE_HOLDERS_MAX];

	if (n == 0 || n > FL_SEMAPHORE_HOLDERS_MAX || n * sizeof(*words) > look->size - sizeof(*semaphore))
		return;
	for (uint32_t i = 0; i < n; i++)
		numbers[i] = fl_load_relaxed(&words[i]);
	say_permits(look, look_at_permits(look, numbers, n), n);
	look->state->counts = "recovered";
	look->state->count = fl_load_relaxed(&semaphore->fl_value) & FL_SEMAPHORE_PERMITS;
}

/* Event, Barrier, Once. */

void fl_state_event_(struct fl_state_look *look)
{
	const fl_event *event = look->object;
	uint32_t word = fl_load_relaxed(&event->fl_state);

	if (!fl_event_is_shared(event))
		return;
	look->state->state = word & FL_EVENT_SET ? "set" : "clear";
	look->state->counts = "sets";
	look->state->count = word / FL_EVENT_GENERATION;
	fl_state_waiters_(look, event, "set");
}

/* Adds those who have come to the round. Returns how many there are. */
static uint32_t look_at_parties(struct fl_state_look *look, const uint64_t *places, uint32_t parties, uint32_t round)
{
	const uint64_t *row = places + (round & 1) * (size_t)parties;
	uint32_t n = 0;

	for (uint32_t i = 0; i < parties; i++) {
		uint64_t place = fl_load_relaxed(&row[i]);

		if (fl_barrier_round_of(place) != round)
			continue;
		fl_state_holder_(look, (uint32_t)place, "party", 1);
		n++;
	}
	return n;
}

void fl_state_barrier_(struct fl_state_look *look)
{
	const fl_barrier *barrier = look->object;
	const uint64_t *places = (const uint64_t *)(barrier + 1);
	uint32_t parties = fl_load_relaxed(&barrier->fl_parties);
	uint64_t round = fl_load_relaxed(&barrier->fl_round);

	if (!fl_barrier_is_shared(barrier) || parties == 0 || parties > FL_PEERS ||
	    FL_BARRIER_PLACES(parties) * sizeof(*places) > look->size - sizeof(*barrier) ||
	    fl_load_relaxed(&barrier->fl_places) != (int64_t)sizeof(*barrier))
		return;
	look->state->unit = "parties";
	look->state->value = look_at_parties(look, places, parties, (uint32_t)(round & FL_BARRIER_ROUND));
	look->state->most = parties;
	look->state->counts = "rounds";
	look->state->count = ((round & FL_BARRIER_ROUND) - 1) & FL_BARRIER_ROUND;
	look->state->state = round & FL_BARRIER_BROKEN ? "broken" : look->state->value > 0 ? "waiting" : "idle";
	fl_state_waiters_(look, barrier, "round");
}

void fl_state_once_(struct fl_state_look *look)
{
	const fl_once *once = look->object;
	uint32_t word = fl_load_relaxed(&once->fl_state), runner = fl_once_runner(word);

	if (!fl_once_is_shared(once))
		return;
	switch (word & FL_ONCE_PHASE) {
	case FL_ONCE_NEW:
		look->state->state = "new";
		break;
	case FL_ONCE_RUNNING:
		fl_state_holder_(look, runner, "runner", 1);
		look->state->state = fl_lot_alive_(look->view, runner) ? "running" : "orphaned";
		break;
	case FL_ONCE_DONE:
		look->state->state = "done";
		break;
	default:
		return;
	}
	fl_state_waiters_(look, once, "done");
}
