/*
 * cli/states.c - looking at the objects of segments, and what is known after several looks.
 *
 * A look copies what fl_segment_states tells, since a segment's lock is held while it does, and whoever prints it may
 * take his time. Each look opens the segments anew, with FL_SEGMENT_LOOK: a segment may go and another one get its
 * name.
 *
 * Two looks are put together by what they have in common: an object by its segment (by when that was made), its name
 * and its place, a holder by its number. So "seen for 3 s" means that at each look for 3 s the same thread had it; it
 * may have had it several times.
 */
#include "states.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for one more. */
static int make_room(void *all, size_t n, size_t *room, size_t size)
{
	void **at = all, *more;

	if (n < *room)
		return 0;
	more = reallocarray(*at, 2 * *room + 8, size);
	if (!more)
		return -ENOMEM;
	*at = more;
	*room = 2 * *room + 8;
	return 0;
}

/* One look. */

struct looking {
	struct states *states;
	const struct states_segment *segment;
	const char *only; /* that segment, or NULL: all */
};

static int copy_threads(struct states_object *object, const fl_state *state, fl_time at)
{
	size_t n = (size_t)state->n_holders + state->n_waiters;

	object->threads = calloc(n + 1, sizeof(object->threads[0]));
	object->since = calloc((size_t)state->n_holders + 1, sizeof(object->since[0]));
	if (!object->threads || !object->since)
		return -ENOMEM;
	if (state->n_holders > 0)
		memcpy(object->threads, state->holders, state->n_holders * sizeof(object->threads[0]));
	if (state->n_waiters > 0)
		memcpy(object->threads + state->n_holders, state->waiters,
		       state->n_waiters * sizeof(object->threads[0]));
	for (size_t i = 0; i < n; i++)
		segments_plain(object->threads[i].name);
	for (size_t i = 0; i < state->n_holders; i++)
		object->since[i] = at;
	object->state.holders = object->threads;
	object->state.waiters = object->threads + state->n_holders;
	return 0;
}

static int add_object(const fl_state *state, void *arg)
{
	const struct looking *looking = arg;
	struct states *states = looking->states;
	struct states_object *object;
	int error = make_room(&states->objects, states->n_objects, &states->room_objects, sizeof(*object));

	if (error != 0)
		return error;
	object = &states->objects[states->n_objects++];
	*object = (struct states_object){
		.made = looking->segment->one.info.made,
		.state = *state,
		.count_then = state->count,
		.at = states->at,
		.then = states->at,
	};
	memcpy(object->segment, looking->segment->one.info.name, sizeof(object->segment));
	segments_plain(object->state.object.name);
	segments_plain(object->state.object.type);
	error = copy_threads(object, state, states->at);
	object->looks = 1;
	object->busy = states_busy(object) > 0;
	return error;
}

/* Why it failed, in the segment, as fl_segment_list has it. */
static int fail(struct states_segment *segment, int error)
{
	if (error == -ENOMEM)
		return error;
	segment->one.info.error = error;
	snprintf(segment->one.reason, sizeof(segment->one.reason), "%s", fl_segment_why());
	segments_plain(segment->one.reason);
	return 0;
}

/* What could be read of a damaged one is kept. */
static int look_into(struct states *states, struct states_segment *segment, const char *directory)
{
	const fl_segment_options options = {.flags = FL_SEGMENT_LOOK, .directory = directory};
	struct looking looking = {.states = states, .segment = segment};
	fl_segment *opened;
	int error = fl_segment_open(&opened, segment->one.info.name, &options);

	if (error != 0)
		return fail(segment, error);
	error = fl_segment_states(opened, add_object, &looking);
	if (error != 0)
		error = fail(segment, error);
	segment->waits = segment->waits_then = fl_segment_waits(opened);
	segment->at = segment->then = states->at;
	fl_segment_close(opened);
	return error;
}

static int add_segment(const fl_segment_info *info, void *arg)
{
	const struct looking *looking = arg;
	struct states *states = looking->states;
	struct states_segment *segment;
	int error;

	if (looking->only && strcmp(info->name, looking->only) != 0)
		return 0;
	error = make_room(&states->segments, states->n_segments, &states->room_segments, sizeof(*segment));
	if (error != 0)
		return error;
	segment = &states->segments[states->n_segments++];
	*segment = (struct states_segment){.one.info = *info};
	return info->error != 0 ? fail(segment, info->error) : 0;
}

static int compare(const void *a, const void *b)
{
	const struct states_object *one = a, *other = b;
	int order = strcmp(one->segment, other->segment);

	if (order == 0)
		order = strcmp(one->state.object.name, other->state.object.name);
	return order != 0 ? order : strcmp(one->state.part, other->state.part);
}

/* One that went while it was looked at is not there. */
static void drop(struct states *states, size_t i)
{
	states->n_segments--;
	memmove(&states->segments[i], &states->segments[i + 1], (states->n_segments - i) * sizeof(states->segments[0]));
}

int states_look(struct states *states, const char *directory, const char *segment)
{
	struct looking looking = {.states = states, .only = segment};
	int error;

	*states = (struct states){.at = fl_now()};
	error = fl_segment_list(directory, add_segment, &looking);
	for (size_t i = 0; i < states->n_segments && error == 0; i++) {
		if (states->segments[i].one.info.error == 0)
			error = look_into(states, &states->segments[i], directory);
		if (states->segments[i].one.info.error == -ENOENT)
			drop(states, i--);
	}
	if (states->n_objects > 1)
		qsort(states->objects, states->n_objects, sizeof(states->objects[0]), compare);
	return error == 0 && segment && states->n_segments == 0 ? -ENOENT : error;
}

void states_free(struct states *states)
{
	for (size_t i = 0; i < states->n_objects; i++) {
		free(states->objects[i].threads);
		free(states->objects[i].since);
	}
	free(states->objects);
	free(states->segments);
	*states = (struct states){0};
}

/* Several. */

static void follow_holders(struct states_object *now, const struct states_object *before)
{
	for (uint32_t i = 0; i < now->state.n_holders; i++)
		for (uint32_t k = 0; k < before->state.n_holders; k++)
			if (now->state.holders[i].number == before->state.holders[k].number)
				now->since[i] = before->since[k];
}

static void follow_object(struct states_object *now, const struct states_object *before, bool anew)
{
	if (now->made != before->made || now->state.object.offset != before->state.object.offset ||
	    strcmp(now->state.kind, before->state.kind) != 0)
		return;
	follow_holders(now, before);
	if (anew) {
		now->count_then = before->state.count;
		now->then = before->at;
		return;
	}
	now->count_then = before->count_then;
	now->then = before->then;
	now->looks += before->looks;
	now->busy += before->busy;
}

static void follow_segment(struct states_segment *now, const struct states_segment *before, bool anew)
{
	if (strcmp(now->one.info.name, before->one.info.name) != 0 || now->one.info.made != before->one.info.made)
		return;
	now->waits_then = anew ? before->waits : before->waits_then;
	now->then = anew ? before->at : before->then;
}

void states_follow(struct states *now, const struct states *before, bool anew)
{
	for (size_t i = 0; i < now->n_objects && before->n_objects > 0; i++) {
		const struct states_object *found = bsearch(&now->objects[i], before->objects, before->n_objects,
							    sizeof(before->objects[0]), compare);

		if (found)
			follow_object(&now->objects[i], found, anew);
	}
	for (size_t i = 0; i < now->n_segments; i++)
		for (size_t k = 0; k < before->n_segments; k++)
			follow_segment(&now->segments[i], &before->segments[k], anew);
}

/* What follows. */

/* Less than before: it has begun anew. */
static double per_second(uint64_t now, uint64_t then, fl_time duration)
{
	return duration <= 0 || now < then ? -1 : (double)(now - then) * 1e9 / (double)duration;
}

double states_rate(const struct states *states, const struct states_object *object)
{
	if (!object->state.counts[0])
		return -1;
	return per_second(object->state.count, object->count_then, states->at - object->then);
}

double states_waits(const struct states *states, const struct states_segment *segment)
{
	return per_second(segment->waits, segment->waits_then, states->at - segment->then);
}

double states_busy(const struct states_object *object)
{
	static const char *const held[] = {"Lock", "RLock", "RWLock", "Semaphore", "Once"};
	bool is_held = object->state.n_holders > 0 || strcmp(object->state.state, "taken") == 0;

	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
		if (strcmp(object->state.kind, held[i]) == 0)
			return object->looks > 1 ? (double)object->busy / object->looks : is_held;
	return -1;
}

fl_time states_seen(const struct states *states, const struct states_object *object)
{
	fl_time longest = -1;

	for (uint32_t i = 0; i < object->state.n_holders; i++)
		if (states->at - object->since[i] > longest)
			longest = states->at - object->since[i];
	return longest;
}

fl_time states_waited(const struct states_object *object)
{
	fl_time longest = -1;

	for (uint32_t i = 0; i < object->state.n_waiters; i++)
		if (object->state.waiters[i].waited > longest)
			longest = object->state.waiters[i].waited;
	return longest;
}

bool states_matters(const struct states_object *object)
{
	static const char *const wrong[] = {"orphaned", "mending", "lost", "broken", "damaged"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (strcmp(object->state.state, wrong[i]) == 0)
			return true;
	return object->state.n_holders > 0 || object->state.n_waiters > 0;
}
