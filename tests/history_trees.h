/*
 * history_trees.h - two trees over a row of numbers that the checker of histories is made of.
 *
 * A cover counts, for each place of a row, how many intervals lie over it, and finds the first or the last place that
 * none lies over; a row of least values finds the least of a part of it, and who is at most so much. Each operation
 * takes log n steps.
 */
#ifndef FAIRLEAD_TESTS_HISTORY_TREES_H
#define FAIRLEAD_TESTS_HISTORY_TREES_H

#include <stddef.h>
#include <stdint.h>

#define COVER_NONE SIZE_MAX

struct cover_node {
	int32_t added; /* to all below */
	int32_t least; /* of what is below, with what was added here */
};

struct cover {
	size_t width; /* a power of two */
	struct cover_node *nodes;
};

void cover_init(struct cover *cover, size_t places);
void cover_free(struct cover *cover);

/* Lays an interval over the places from `from` to `to` - 1, or takes one away: by is 1 or -1. */
void cover_add(struct cover *cover, size_t from, size_t to, int by);

/* Return the first, or the last, place from `from` to `to` - 1 that nothing lies over; COVER_NONE if there is none. */
size_t cover_first_gap(const struct cover *cover, size_t from, size_t to);
size_t cover_last_gap(const struct cover *cover, size_t from, size_t to);

struct least {
	size_t width; /* a power of two */
	int64_t *nodes;
};

/* All are INT64_MAX to begin with. */
void least_init(struct least *least, size_t places);
void least_free(struct least *least);
void least_set(struct least *least, size_t place, int64_t value);

/* Returns the least of the places from `from` to `to` - 1. */
int64_t least_of(const struct least *least, size_t from, size_t to);

/* Returns the first place from `from` to `to` - 1 whose value is at most `most`; COVER_NONE if there is none. */
size_t least_first_at_most(const struct least *least, size_t from, size_t to, int64_t most);

#endif
