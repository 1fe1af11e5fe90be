/*
 * shm/state.c - what the objects in a segment are doing, for those who look on (fairlead/state.h).
 *
 * First all pages of those who wait are read, once, and sorted by what they wait for (base/lot.h); then the objects,
 * one after the other, each with those among them who wait for it. Objects are found as everywhere, under the segment's
 * lock, which keeps them from being deleted meanwhile and keeps nobody from using them. Nothing is written, so all of
 * it works where the memory is mapped for reading only; and nothing is believed: a number that is no living peer's is a
 * dead one's, and a figure that cannot be makes the object `damaged`.
 *
 * Time. A thread's page says when its wait began, by the clock of this machine. In another time namespace, or if
 * somebody writes nonsense, that may be in the future: then it has waited for 0.
 *
 * Rejected: to note in a lock when it was acquired. It would cost the uncontended lock more than all that it does.
 */
#include "shm/state.h"

#include "shm/array.h"
#include "shm/segment.h"
#include "shm/shared_queue.h"
#include <errno.h>
#include <fairlead/time.h>
#include <fairlead/value.h>
#include <stdlib.h>
#include <string.h>

/* What is read before, and room for what is told. */
struct fl_state_room {
	struct fl_lot_waiter waiting[FL_PEERS]; /* by key, then by turn */
	uint32_t n_waiting;
	fl_state_thread waiters[FL_PEERS], holders[FL_STATE_HOLDERS];
};

struct kind {
	const char *type;
	uint32_t version; /* 0: any, and the type's name only begins like that */
	uint64_t size;    /* at least */
	const char *kind, *part;
	void (*look)(struct fl_state_look *look);
};

/* An object of a type is described by each of its rows. */
static const struct kind kinds[] = {
	{"fl_lock", 1, sizeof(fl_lock), "Lock", "", fl_state_lock_},
	{"fl_rlock", 1, sizeof(fl_rlock), "RLock", "", fl_state_rlock_},
	{"fl_rwlock", 1, sizeof(fl_rwlock), "RWLock", "", fl_state_rwlock_},
	{"fl_condition", 1, sizeof(fl_condition), "Condition", "", fl_state_condition_},
	{"fl_condition", 1, sizeof(fl_condition), "RLock", "lock", fl_state_condition_lock_},
	{"fl_semaphore", 1, sizeof(fl_semaphore), "Semaphore", "", fl_state_semaphore_},
	{"fl_semaphore, bounded", 1, sizeof(fl_semaphore), "Semaphore", "", fl_state_semaphore_},
	{"fl_semaphore, holders", 1, sizeof(fl_semaphore), "Semaphore", "", fl_state_holders_},
	{"fl_event", 1, sizeof(fl_event), "Event", "", fl_state_event_},
	{"fl_barrier", 1, sizeof(fl_barrier), "Barrier", "", fl_state_barrier_},
	{"fl_once", 1, sizeof(fl_once), "Once", "", fl_state_once_},
	{"fl_shared_queue", 1, sizeof(fl_shared_queue), "Queue", "", fl_state_queue_},
	{"fl_value, int64", 1, sizeof(fl_value_int64), "Value", "", fl_state_value_},
	{"fl_value, uint64", 1, sizeof(fl_value_uint64), "Value", "", fl_state_value_},
	{"fl_value, double", 1, sizeof(fl_value_double), "Value", "", fl_state_value_},
	{"fl_array, ", 0, sizeof(struct fl_array_head), "Array", "", fl_state_array_},
	{"fl_array, ", 0, sizeof(struct fl_array_head), "Lock", "writing", fl_state_array_writing_},
};

/* Threads. */

static fl_state_thread thread_of(const struct fl_state_look *look, uint32_t number, const char *role)
{
	fl_state_thread thread = {
		.number = number,
		.times = 1,
		.alive = fl_lot_alive_(look->view, number),
		.role = role,
		.waited = -1,
	};
	struct fl_lot_about about;

	fl_lot_about_(look->view, number, &about);
	thread.pid = about.pid;
	thread.tid = about.tid;
	memcpy(thread.name, about.name, sizeof(thread.name));
	return thread;
}

void fl_state_holder_(struct fl_state_look *look, uint32_t number, const char *role, uint32_t times)
{
	fl_state *state = look->state;

	if (number == 0 || state->n_holders == FL_STATE_HOLDERS)
		return;
	look->room->holders[state->n_holders] = thread_of(look, number, role);
	look->room->holders[state->n_holders++].times = times;
}

static int by_key(const void *a, const void *b)
{
	const struct fl_lot_waiter *one = a, *other = b;

	if (one->key != other->key)
		return one->key < other->key ? -1 : 1;
	return one->turn < other->turn ? -1 : one->turn > other->turn;
}

/* The first one whose key is `key` or more. */
static uint32_t find_key(const struct fl_state_room *room, uint64_t key)
{
	uint32_t from = 0, to = room->n_waiting;

	while (from < to) {
		uint32_t middle = (from + to) / 2;

		if (room->waiting[middle].key < key)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static void add_waiter(struct fl_state_look *look, const struct fl_lot_waiter *waiter, const char *role)
{
	fl_state *state = look->state;
	fl_state_thread *thread = &look->room->waiters[state->n_waiters];

	if (state->n_waiters == FL_PEERS)
		return;
	*thread = thread_of(look, waiter->number, role);
	thread->waited = waiter->since > 0 && waiter->since < look->now ? look->now - waiter->since : 0;
	state->n_waiters++;
}

void fl_state_waiters_within_(struct fl_state_look *look, const void *from, uint64_t size, const char *role)
{
	const struct fl_state_room *room = look->room;
	uint64_t key = (uint64_t)((uintptr_t)from - (uintptr_t)look->view->from);

	for (uint32_t i = find_key(room, key); i < room->n_waiting && room->waiting[i].key - key < size; i++)
		add_waiter(look, &room->waiting[i], role);
}

void fl_state_waiters_(struct fl_state_look *look, const void *key, const char *role)
{
	fl_state_waiters_within_(look, key, 1, role);
}

/* Objects. */

struct call {
	fl_segment *segment;
	struct fl_state_room *room;
	int64_t now;
	int (*see)(const fl_state *state, void *arg);
	void *arg;
};

static void look_at_another(struct fl_state_look *look)
{
	fl_state_waiters_within_(look, look->object, look->size, "wait");
	look->state->state = look->state->n_waiters > 0 ? "waiting" : "idle";
}

static int see_as(const struct call *call, const fl_segment_object_info *info, const struct kind *kind)
{
	fl_state state = {
		.object = *info,
		.kind = kind->kind,
		.part = kind->part,
		.state = "damaged",
		.unit = "",
		.counts = "",
		.holders = call->room->holders,
		.waiters = call->room->waiters,
	};
	struct fl_state_look look = {
		.view = &call->segment->view,
		.object = fl_segment_at(call->segment, info->offset, info->size),
		.size = info->size,
		.state = &state,
		.room = call->room,
		.now = call->now,
	};

	if (look.object)
		kind->look(&look);
	return call->see(&state, call->arg);
}

static bool is_of(const struct kind *kind, const fl_segment_object_info *info)
{
	if (info->size < kind->size)
		return false;
	if (kind->version == 0)
		return strncmp(kind->type, info->type, strlen(kind->type)) == 0;
	return strcmp(kind->type, info->type) == 0 && kind->version == info->version;
}

static int see_object(const fl_segment_object_info *info, void *arg)
{
	static const struct kind another = {.kind = "", .part = "", .look = look_at_another};
	const struct call *call = arg;
	bool known = false;
	int answer = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && answer == 0; i++) {
		if (!is_of(&kinds[i], info))
			continue;
		known = true;
		answer = see_as(call, info, &kinds[i]);
	}
	return known ? answer : see_as(call, info, &another);
}

int fl_segment_states(fl_segment *segment, int (*see)(const fl_state *state, void *arg), void *arg)
{
	struct call call = {.segment = segment, .now = fl_now(), .see = see, .arg = arg};
	int answer;

	call.room = malloc(sizeof(*call.room));
	if (!call.room)
		return fl_segment_fail_(-ENOMEM, "no memory");
	call.room->n_waiting = fl_lot_waiters_(&segment->view, call.room->waiting);
	if (call.room->n_waiting > 1)
		qsort(call.room->waiting, call.room->n_waiting, sizeof(call.room->waiting[0]), by_key);
	answer = fl_segment_objects(segment, see_object, &call);
	free(call.room);
	return answer;
}

uint64_t fl_segment_waits(const fl_segment *segment)
{
	return fl_load_relaxed(&segment->view.lot->turns);
}
