/*
 * cli/top_rows.c - which objects `fairlead top` shows, and in which order.
 */
#include "top.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct states *sorted; /* what qsort's function looks at */

static int by(double a, double b)
{
	return a > b ? -1 : a < b;
}

static int by_place(const void *a, const void *b)
{
	const struct states_object *const *one = a, *const *other = b;

	return *one < *other ? -1 : *one > *other; /* they are in the order of their names */
}

static int by_waiting(const void *a, const void *b)
{
	const struct states_object *const *one = a, *const *other = b;
	int order = by((*one)->state.n_waiters, (*other)->state.n_waiters);

	if (order == 0)
		order = by((double)states_waited(*one), (double)states_waited(*other));
	return order != 0 ? order : by_place(a, b);
}

static int by_rate(const void *a, const void *b)
{
	const struct states_object *const *one = a, *const *other = b;
	int order = by(states_busy(*one), states_busy(*other));

	if (order == 0)
		order = by(states_rate(sorted, *one), states_rate(sorted, *other));
	return order != 0 ? order : by_place(a, b);
}

static int by_seen(const void *a, const void *b)
{
	const struct states_object *const *one = a, *const *other = b;
	int order = by((double)states_seen(sorted, *one), (double)states_seen(sorted, *other));

	return order != 0 ? order : by_place(a, b);
}

/* Whether the filter is somewhere in what is shown of it. */
static bool passes(const struct top *top, const struct states_object *object)
{
	char name[STATES_TEXT], text[2 * STATES_TEXT + FL_SEGMENT_NAME];

	states_name(object, name);
	snprintf(text, sizeof(text), "%s/%s %s %s", object->segment, name, object->state.kind, object->state.state);
	return strstr(text, top->filter) != NULL && ps_shows(&top->asked, object);
}

static bool is_same(const struct states_object *one, const struct states_object *other)
{
	return strcmp(one->segment, other->segment) == 0 &&
	       strcmp(one->state.object.name, other->state.object.name) == 0 &&
	       strcmp(one->state.part, other->state.part) == 0;
}

/* Finds the rows of some states, with `was` selected if it is among them. */
static int find_rows(struct top *top, const struct states *states, const struct states_object *was)
{
	static int (*const orders[TOP_SORTS])(const void *a, const void *b) = {by_place, by_waiting, by_rate, by_seen};
	const struct states_object **rows = calloc(states->n_objects + 1, sizeof(const struct states_object *));

	if (!rows)
		return -ENOMEM;
	free((void *)top->rows);
	top->rows = rows;
	top->n_rows = 0;
	for (size_t i = 0; i < states->n_objects; i++)
		if (passes(top, &states->objects[i]))
			rows[top->n_rows++] = &states->objects[i];
	sorted = states;
	if (top->n_rows > 1)
		qsort((void *)rows, top->n_rows, sizeof(*rows), orders[top->sort]);
	for (size_t i = 0; was && i < top->n_rows; i++)
		if (is_same(rows[i], was))
			top->selected = i;
	if (top->selected >= top->n_rows)
		top->selected = top->n_rows > 0 ? top->n_rows - 1 : 0;
	return 0;
}

static const struct states_object *selected(const struct top *top)
{
	return top->selected < top->n_rows ? top->rows[top->selected] : NULL;
}

int top_sort(struct top *top)
{
	return find_rows(top, &top->shown, selected(top));
}

int top_show(struct top *top, const struct states *states)
{
	int error = find_rows(top, states, selected(top));

	if (error != 0)
		return error;
	states_free(&top->shown);
	top->shown = *states;
	return 0;
}
