/*
 * cli/watch_before.c - what was certainly before what: threads begin after they were created, and have ended when they
 * are joined.
 *
 * A segment comes after its `previous` and its `also` (src/watch/notes.h). So whether a was before b is a search
 * backwards from b for a, or for a later segment of a's life. Numbers only fall on the way, so nothing below a need be
 * looked at, and each segment is looked at once.
 */
#include "watch.h"

#include <stdlib.h>

uint32_t watch_life_of(const struct watch_process *process, uint32_t segment)
{
	return segment < WATCH_SEGMENTS ? process->notes->segments[segment].life : 0;
}

struct search {
	uint32_t first;
	uint8_t *seen;   /* of the segments from `first` on */
	uint32_t *queue; /* each is in it once */
	uint32_t n;
};

static void reach(struct search *search, uint32_t segment, uint32_t below)
{
	if (segment < search->first || segment >= below || search->seen[segment - search->first])
		return;
	search->seen[segment - search->first] = 1;
	search->queue[search->n++] = segment;
}

static bool find(const struct watch_process *process, struct search *search, uint32_t a, uint32_t b)
{
	uint32_t life = watch_life_of(process, a);

	reach(search, b, b + 1);
	for (uint32_t i = 0; i < search->n; i++) {
		const struct watch_segment *segment = &process->notes->segments[search->queue[i]];

		if (segment->life == life)
			return true;
		reach(search, segment->previous, search->queue[i]);
		reach(search, segment->also, search->queue[i]);
	}
	return false;
}

bool watch_ordered(const struct watch_process *process, uint32_t a, uint32_t b)
{
	uint32_t first = a < b ? a : b, last = a < b ? b : a, n = last - first + 1;
	struct search search = {.first = first};
	bool found = true; /* without memory nothing is said that may be wrong */

	if (first == 0 || last >= WATCH_SEGMENTS)
		return true;
	search.seen = calloc(n, 1);
	search.queue = malloc(n * sizeof(*search.queue));
	if (search.seen && search.queue)
		found = find(process, &search, first, last);
	free(search.seen);
	free(search.queue);
	return found;
}
