/*
 * history_trees.c - the trees of history_trees.h: segment trees in an array, node i above the nodes 2i and 2i + 1.
 *
 * What is added to a part of a cover stays at the highest nodes that lie wholly in it, and is never pushed down: the
 * sum of what stands above a place is found on the way to it.
 */
#include "history_trees.h"

#include "history.h"
#include <stdlib.h>

static size_t power_of_two(size_t places)
{
	size_t width = 1;

	while (width < places)
		width *= 2;
	return width;
}

/* A part of the row: the places below a node. */
struct part {
	size_t node, begin, width;
};

static struct part left_of(struct part part)
{
	return (struct part){2 * part.node, part.begin, part.width / 2};
}

static struct part right_of(struct part part)
{
	return (struct part){2 * part.node + 1, part.begin + part.width / 2, part.width / 2};
}

static bool is_apart(struct part part, size_t from, size_t to)
{
	return to <= part.begin || part.begin + part.width <= from;
}

static bool is_inside(struct part part, size_t from, size_t to)
{
	return from <= part.begin && part.begin + part.width <= to;
}

/* ---- cover ---- */

void cover_init(struct cover *cover, size_t places)
{
	cover->width = power_of_two(places);
	cover->nodes = history_memory(2 * cover->width, sizeof(*cover->nodes));
}

void cover_free(struct cover *cover)
{
	free(cover->nodes);
}

static void add(struct cover *cover, struct part part, size_t from, size_t to, int by)
{
	struct cover_node *node = &cover->nodes[part.node];
	int32_t left, right;

	if (is_apart(part, from, to))
		return;
	if (is_inside(part, from, to)) {
		node->added += by;
		node->least += by;
		return;
	}
	add(cover, left_of(part), from, to, by);
	add(cover, right_of(part), from, to, by);
	left = cover->nodes[2 * part.node].least;
	right = cover->nodes[2 * part.node + 1].least;
	node->least = node->added + (left < right ? left : right);
}

void cover_add(struct cover *cover, size_t from, size_t to, int by)
{
	if (from < to)
		add(cover, (struct part){1, 0, cover->width}, from, to, by);
}

static size_t gap(const struct cover *cover, struct part part, size_t from, size_t to, int above, bool last)
{
	const struct cover_node *node = &cover->nodes[part.node];
	size_t found;

	if (is_apart(part, from, to) || above + node->least > 0)
		return COVER_NONE;
	if (part.width == 1)
		return part.begin;
	above += node->added;
	found = gap(cover, last ? right_of(part) : left_of(part), from, to, above, last);
	if (found != COVER_NONE)
		return found;
	return gap(cover, last ? left_of(part) : right_of(part), from, to, above, last);
}

size_t cover_first_gap(const struct cover *cover, size_t from, size_t to)
{
	return gap(cover, (struct part){1, 0, cover->width}, from, to, 0, false);
}

size_t cover_last_gap(const struct cover *cover, size_t from, size_t to)
{
	return gap(cover, (struct part){1, 0, cover->width}, from, to, 0, true);
}

/* ---- least ---- */

void least_init(struct least *least, size_t places)
{
	least->width = power_of_two(places);
	least->nodes = history_memory(2 * least->width, sizeof(*least->nodes));
	for (size_t i = 0; i < 2 * least->width; i++)
		least->nodes[i] = INT64_MAX;
}

void least_free(struct least *least)
{
	free(least->nodes);
}

static int64_t lesser(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void least_set(struct least *least, size_t place, int64_t value)
{
	size_t node = least->width + place;

	least->nodes[node] = value;
	while (node > 1) {
		node /= 2;
		least->nodes[node] = lesser(least->nodes[2 * node], least->nodes[2 * node + 1]);
	}
}

int64_t least_of(const struct least *least, size_t from, size_t to)
{
	int64_t found = INT64_MAX;
	size_t low = least->width + from, high = least->width + to;

	for (; low < high; low /= 2, high /= 2) {
		if (low % 2 == 1)
			found = lesser(found, least->nodes[low++]);
		if (high % 2 == 1)
			found = lesser(found, least->nodes[--high]);
	}
	return found;
}

static size_t first_at_most(const struct least *least, struct part part, size_t from, size_t to, int64_t most)
{
	size_t found;

	if (is_apart(part, from, to) || least->nodes[part.node] > most)
		return COVER_NONE;
	if (part.width == 1)
		return part.begin;
	found = first_at_most(least, left_of(part), from, to, most);
	return found != COVER_NONE ? found : first_at_most(least, right_of(part), from, to, most);
}

size_t least_first_at_most(const struct least *least, size_t from, size_t to, int64_t most)
{
	return first_at_most(least, (struct part){1, 0, least->width}, from, to, most);
}
