/*
 * cli/ps_print.c - what `fairlead ps` prints: a table of objects, one of the threads of a segment, and JSON.
 */
#include "ps.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A table: cells of text, a column as wide as its widest. */

#define COLUMNS_MOST 11u

struct column {
	const char *heading;
	bool right;
	bool of_interval; /* only if it looked for an interval */
	void (*write)(const struct states *states, const struct states_object *object, char ret_text[STATES_TEXT]);
};

static void write_segment(const struct states *states, const struct states_object *object, char ret_text[STATES_TEXT])
{
	(void)states;
	snprintf(ret_text, STATES_TEXT, "%s", object->segment);
}

static void write_name(const struct states *states, const struct states_object *object, char ret_text[STATES_TEXT])
{
	(void)states;
	states_name(object, ret_text);
}

/* One of others has its type, as far as it is short. */
static void write_kind(const struct states *states, const struct states_object *object, char ret_text[STATES_TEXT])
{
	(void)states;
	snprintf(ret_text, STATES_TEXT, "%s", object->state.kind[0] ? object->state.kind : object->state.object.type);
}

static void write_state(const struct states *states, const struct states_object *object, char ret_text[STATES_TEXT])
{
	(void)states;
	snprintf(ret_text, STATES_TEXT, "%s", object->state.state);
}

static void write_value(const struct states *states, const struct states_object *object, char ret_text[STATES_TEXT])
{
	(void)states;
	states_value(object, ret_text);
}

static void write_rate(const struct states *states, const struct states_object *object, char ret_text[STATES_TEXT])
{
	states_number(states_rate(states, object), ret_text);
}

static void write_busy(const struct states *states, const struct states_object *object, char ret_text[STATES_TEXT])
{
	(void)states;
	states_share(states_busy(object), ret_text);
}

static void write_waiting(const struct states *states, const struct states_object *object, char ret_text[STATES_TEXT])
{
	(void)states;
	snprintf(ret_text, STATES_TEXT, "%u", object->state.n_waiters);
}

static void write_waited(const struct states *states, const struct states_object *object, char ret_text[STATES_TEXT])
{
	(void)states;
	states_time(states_waited(object), ret_text);
}

static void write_seen(const struct states *states, const struct states_object *object, char ret_text[STATES_TEXT])
{
	states_time(states_seen(states, object), ret_text);
}

static void write_holders(const struct states *states, const struct states_object *object, char ret_text[STATES_TEXT])
{
	(void)states;
	states_holders(object, ret_text);
}

static const struct column columns[COLUMNS_MOST] = {
	{"SEGMENT", false, false, write_segment}, {"OBJECT", false, false, write_name},
	{"KIND", false, false, write_kind},       {"STATE", false, false, write_state},
	{"VALUE", true, false, write_value},      {"RATE", true, true, write_rate},
	{"BUSY", true, true, write_busy},         {"WAITING", true, false, write_waiting},
	{"WAITED", true, false, write_waited},    {"SEEN", true, true, write_seen},
	{"HOLDER", false, false, write_holders},
};

static void widen(int *width, const char *text)
{
	if ((int)strlen(text) > *width)
		*width = (int)strlen(text);
}

static void print_cell(const struct column *column, const char *text, int width)
{
	if (column == &columns[COLUMNS_MOST - 1])
		printf("%s\n", text);
	else
		printf("%*s  ", column->right ? width : -width, text);
}

static void print_row(const struct ps *asked, const struct states *states, const struct states_object *object,
		      const int widths[COLUMNS_MOST])
{
	char text[STATES_TEXT];

	for (size_t i = 0; i < COLUMNS_MOST; i++) {
		if (columns[i].of_interval && asked->interval == 0)
			continue;
		columns[i].write(states, object, text);
		print_cell(&columns[i], text, widths[i]);
	}
}

static void print_objects(const struct ps *asked, const struct states *states)
{
	int widths[COLUMNS_MOST] = {0};
	char text[STATES_TEXT];

	for (size_t i = 0; i < COLUMNS_MOST; i++) {
		widen(&widths[i], columns[i].heading);
		for (size_t k = 0; k < states->n_objects; k++) {
			if (!ps_shows(asked, &states->objects[k]))
				continue;
			columns[i].write(states, &states->objects[k], text);
			widen(&widths[i], text);
		}
	}
	for (size_t i = 0; i < COLUMNS_MOST; i++)
		if (!columns[i].of_interval || asked->interval > 0)
			print_cell(&columns[i], columns[i].heading, widths[i]);
	for (size_t k = 0; k < states->n_objects; k++)
		if (ps_shows(asked, &states->objects[k]))
			print_row(asked, states, &states->objects[k], widths);
}

/* The threads of a segment. */

static void print_thread(const struct states_object *object, const fl_state_thread *thread, bool holds, fl_time time)
{
	char who[STATES_TEXT], name[STATES_TEXT], duration[STATES_TEXT];

	states_thread(thread, who);
	states_name(object, name);
	states_time(time, duration);
	printf("%-32s  %-6s  %-7s  %7s  %s\n", who, holds ? "holds" : "waits", thread->role, duration, name);
}

static void print_threads(const struct ps *asked, const struct states *states)
{
	bool any = false;

	for (size_t k = 0; k < states->n_objects; k++) {
		const struct states_object *object = &states->objects[k];

		if (!any && object->state.n_holders + object->state.n_waiters > 0)
			printf("\n%-32s  %-6s  %-7s  %7s  %s\n", "THREAD", "DOES", "AS", "TIME", "OBJECT");
		any = any || object->state.n_holders + object->state.n_waiters > 0;
		for (uint32_t i = 0; i < object->state.n_holders; i++)
			print_thread(object, &object->state.holders[i], true,
				     asked->interval > 0 ? states->at - object->since[i] : -1);
		for (uint32_t i = 0; i < object->state.n_waiters; i++)
			print_thread(object, &object->state.waiters[i], false, object->state.waiters[i].waited);
	}
}

/* That there is nothing is no failure. */
static void say_none(const struct ps *asked, const struct states *states)
{
	const char *what = states->n_segments == 0 ? "segment"
			   : asked->busy           ? "such object in a segment"
						   : "object in a segment";

	if (asked->segment)
		fprintf(stderr, "There is no %s.\n", asked->busy ? "such object in it" : "object in it");
	else if (asked->directory)
		fprintf(stderr, "There is no %s in %s.\n", what, asked->directory);
	else
		fprintf(stderr, "There is no %s in /dev/shm/fairlead-%u.\n", what, (unsigned)geteuid());
}

static bool shows_any(const struct ps *asked, const struct states *states)
{
	for (size_t i = 0; i < states->n_objects; i++)
		if (ps_shows(asked, &states->objects[i]))
			return true;
	return false;
}

/* Those that could not be looked at, when all were asked for. */
static void say_broken(const struct ps *asked, const struct states *states)
{
	for (size_t i = 0; i < states->n_segments && !asked->segment; i++)
		if (states->segments[i].one.info.error != 0)
			fprintf(stderr, "%s: '%s': %s\n", asked->path, states->segments[i].one.info.name,
				states->segments[i].one.reason);
}

void ps_print(const struct ps *asked, const struct states *states)
{
	say_broken(asked, states);
	if (!shows_any(asked, states)) {
		if (!asked->segment || states->segments[0].one.info.error == 0)
			say_none(asked, states);
		return;
	}
	print_objects(asked, states);
	if (asked->segment)
		print_threads(asked, states);
}

/* JSON. */

static json_t *thread_json(const fl_state_thread *thread)
{
	return json_pack("{s:i, s:i, s:s, s:b, s:s}", "pid", (int)thread->pid, "tid", (int)thread->tid, "name",
			 thread->name, "alive", thread->alive, "role", thread->role);
}

static json_t *holders_json(const struct ps *asked, const struct states *states, const struct states_object *object)
{
	json_t *holders = json_array();

	for (uint32_t i = 0; i < object->state.n_holders; i++) {
		json_t *holder = thread_json(&object->state.holders[i]);

		json_object_set_new(holder, "times", json_integer(object->state.holders[i].times));
		if (asked->interval > 0)
			json_object_set_new(holder, "seen", json_real((double)(states->at - object->since[i]) / 1e9));
		json_array_append_new(holders, holder);
	}
	return holders;
}

static json_t *waiters_json(const struct states_object *object)
{
	json_t *waiters = json_array();

	for (uint32_t i = 0; i < object->state.n_waiters; i++) {
		json_t *waiter = thread_json(&object->state.waiters[i]);

		json_object_set_new(waiter, "waited", json_real((double)object->state.waiters[i].waited / 1e9));
		json_array_append_new(waiters, waiter);
	}
	return waiters;
}

static json_t *known(double number)
{
	return number < 0 ? json_null() : json_real(number);
}

static json_t *object_json(const struct ps *asked, const struct states *states, const struct states_object *object)
{
	const fl_state *state = &object->state;
	json_t *json =
		json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s}", "name", state->object.name, "part", state->part,
			  "kind", state->kind, "type", state->object.type, "size", (json_int_t)state->object.size,
			  "offset", (json_int_t)state->object.offset, "state", state->state);

	if (state->unit[0]) {
		json_object_set_new(json, "unit", json_string(state->unit));
		json_object_set_new(json, "value", json_integer((json_int_t)state->value));
		json_object_set_new(json, "most",
				    state->most > 0 ? json_integer((json_int_t)state->most) : json_null());
	}
	if (state->counts[0]) {
		json_object_set_new(json, "counts", json_string(state->counts));
		json_object_set_new(json, "count", json_integer((json_int_t)state->count));
	}
	if (asked->interval > 0) {
		json_object_set_new(json, "rate", known(states_rate(states, object)));
		json_object_set_new(json, "busy", known(states_busy(object)));
	}
	json_object_set_new(json, "holders", holders_json(asked, states, object));
	json_object_set_new(json, "waiters", waiters_json(object));
	return json;
}

static json_t *segment_json(const struct ps *asked, const struct states *states, const struct states_segment *segment)
{
	json_t *json = segments_json(&segment->one), *objects = json_array();

	json_object_set_new(json, "waits", json_integer((json_int_t)segment->waits));
	if (asked->interval > 0)
		json_object_set_new(json, "waits_rate", known(states_waits(states, segment)));
	for (size_t i = 0; i < states->n_objects; i++)
		if (strcmp(states->objects[i].segment, segment->one.info.name) == 0 &&
		    ps_shows(asked, &states->objects[i]))
			json_array_append_new(objects, object_json(asked, states, &states->objects[i]));
	json_object_set_new(json, "objects", objects);
	return json;
}

void ps_print_json(const struct ps *asked, const struct states *states)
{
	json_t *segments = json_array();

	for (size_t i = 0; i < states->n_segments; i++)
		json_array_append_new(segments, segment_json(asked, states, &states->segments[i]));
	segments_print_json(json_pack("{s:o}", "segments", segments));
}
