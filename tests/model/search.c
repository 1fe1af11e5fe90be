/*
 * search.c - every schedule of a scenario, depth first.
 *
 * At a state with several transitions the state is saved, each of them is tried, and the state is put back in
 * between. A state that was met before is not gone on from.
 *
 * With a bound, only schedules with at most so many preemptions are run: changes to another thread while the
 * present one could go on. Most mistakes need one or two. A state then counts as met before only if that was
 * with the same thread running and at least as many preemptions left. Without a bound it is all there is; then
 * also each state must have a way to the end (no livelock): that is found by going backwards from the end over
 * all transitions.
 *
 * Rejected: dynamic partial order reduction without states (Flanagan, Godefroid, 2005). Threads that contend
 * for one lock do hardly anything that commutes, and the schedules of a second round multiply with those of the
 * first, while its states are few.
 */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_LEVELS 4096u
#define MOST_ALONE 20000u /* transitions in a row without an alternative */
#define MOST_ENDS 100u
#define END 0u /* the number of the state in which all is well that ended */

/* A state with several transitions, on the way to the present one. */
struct level {
	struct model_bytes state;
	struct model_transition transitions[MODEL_TRANSITIONS];
	uint32_t number, n_path, operations;
	uint8_t n, next, last, preemptions;
};

struct met {
	uint64_t hash;
	uint32_t number; /* 0: none */
	uint8_t preemptions;
};

/* How a state was first met, to find the way there again. */
struct first {
	uint32_t from;
	struct model_transition by;
};

struct edge {
	uint32_t from, to;
};

static struct level levels[MOST_LEVELS];
static uint32_t n_levels;
static unsigned bound;
static struct met *met;
static uint32_t met_room; /* a power of two */
static struct first *firsts;
static struct edge *edges;
static uint32_t n_states, n_edges, firsts_room, edges_room;
static uint64_t last_contents[MOST_ENDS];
static struct model_result *result;

static void *grow(void *array, uint32_t *room, uint32_t needed, size_t size)
{
	if (needed <= *room)
		return array;
	*room = needed < 2048 ? 4096 : 2 * needed;
	array = realloc(array, *room * size);
	if (!array) {
		printf("Bail out! no memory\n");
		exit(1);
	}
	return array;
}

static void *allocate(size_t size)
{
	void *memory = calloc(size + 1, 1);

	if (memory)
		return memory;
	printf("Bail out! no memory\n");
	exit(1);
}

/* States. */

static struct met *find(uint64_t hash)
{
	uint32_t i = (uint32_t)hash & (met_room - 1);

	while (met[i].number != 0 && met[i].hash != hash)
		i = (i + 1) & (met_room - 1);
	return &met[i];
}

static void make_room_for_state(void)
{
	struct met *old = met;
	uint32_t old_room = met_room, i;

	firsts = grow(firsts, &firsts_room, n_states + 2, sizeof(*firsts));
	if (3 * (n_states + 2) < 2 * met_room)
		return;
	met_room = met_room ? 2 * met_room : 4096;
	met = allocate(met_room * sizeof(*met));
	for (i = 0; i < old_room; i++)
		if (old[i].number != 0)
			*find(old[i].hash) = old[i];
	free(old);
}

static void forget_states(void)
{
	if (met)
		memset(met, 0, met_room * sizeof(*met));
	n_states = n_edges = n_levels = 0;
}

static void add_edge(uint32_t to)
{
	if (bound != MODEL_UNBOUNDED)
		return;
	edges = grow(edges, &edges_room, n_edges + 1, sizeof(*edges));
	edges[n_edges++] = (struct edge){n_levels > 0 ? levels[n_levels - 1].number : END, to};
}

/* Saves the present state in `level`; returns whether it is to be gone on from. */
static bool is_new(struct level *level)
{
	bool bounded = bound != MODEL_UNBOUNDED;
	struct met *here;
	uint64_t hash;

	model_race_tidy();
	model_state_save(&level->state);
	hash = model_state_hash(&level->state);
	if (bounded)
		hash = (hash ^ model_progress.last) * UINT64_C(0x9e3779b97f4a7c15);
	make_room_for_state();
	here = find(hash);
	level->number = here->number;
	if (here->number != 0 && (!bounded || here->preemptions <= model_progress.preemptions))
		return false;
	if (here->number == 0) {
		level->number = ++n_states;
		firsts[n_states].from = n_levels > 0 ? levels[n_levels - 1].number : END;
		if (n_levels > 0)
			firsts[n_states].by = levels[n_levels - 1].transitions[levels[n_levels - 1].next - 1];
	}
	*here = (struct met){hash, level->number, model_progress.preemptions};
	return true;
}

/* Going on. */

static void push(struct level *level, const struct model_transition *transitions, unsigned n)
{
	memcpy(level->transitions, transitions, n * sizeof(*transitions));
	level->n = (uint8_t)n;
	level->next = 0;
	level->last = model_progress.last;
	level->preemptions = model_progress.preemptions;
	level->n_path = model_progress.n_path;
	level->operations = level->n_path > 0 ? model_progress.path[level->n_path - 1].operations : 0;
	n_levels++;
	if (n_levels > result->depth)
		result->depth = n_levels;
}

static void go_back_to(const struct level *level)
{
	model_state_restore(&level->state);
	model_progress.last = level->last;
	model_progress.preemptions = level->preemptions;
	model_progress.n_path = level->n_path;
	if (level->n_path > 0)
		model_progress.path[level->n_path - 1].operations = level->operations;
}

/* Takes what must be taken until there is a choice, or an end. With a bound most transitions are such; so it is
 * looked whether the state was met before there too, whenever another thread goes on. Returns how many
 * transitions are possible then; 1 if that need not be known. */
static unsigned take_what_must_be(struct level *level, struct model_transition *ret_transitions)
{
	unsigned n, alone;

	for (alone = 0; alone < MOST_ALONE; alone++) {
		n = model_possible(bound, ret_transitions);
		if (n != 1)
			return n;
		if (bound != MODEL_UNBOUNDED && ret_transitions[0].thread != model_progress.last && !is_new(level))
			return 1;
		model_take(ret_transitions[0]);
	}
	model_failure.happened = true;
	snprintf(model_failure.text, sizeof(model_failure.text), "livelock: thread %c goes round in circles",
		 'a' + ret_transitions[0].thread);
	return 0;
}

/* Adds the objects' memory to those in which an execution has ended. */
static void note_end(void)
{
	uint64_t hash = model_objects_hash();
	uint32_t i;

	for (i = 0; i < result->n_ends && i < MOST_ENDS; i++)
		if (last_contents[i] == hash)
			return;
	if (i < MOST_ENDS)
		last_contents[result->n_ends++] = hash;
	result->ends += hash;
}

/* From the present state to the next one where there is a choice: pushes it if it is new. */
static void go_on(void)
{
	struct model_transition transitions[MODEL_TRANSITIONS];
	struct level *level = &levels[n_levels];
	unsigned n = take_what_must_be(level, transitions);

	if (n > 1 && n_levels < MOST_LEVELS - 1) {
		if (is_new(level)) {
			add_edge(level->number);
			push(level, transitions, n);
			return;
		}
		add_edge(level->number);
	} else if (n == 0) {
		model_end_execution();
		note_end();
		add_edge(END);
	}
	result->limited |= n > 1 && n_levels == MOST_LEVELS - 1;
	result->executions++;
}

/* When something was learned the search will begin anew. But first it goes on for as long as it has lasted, to
 * learn more: so not many beginnings are needed. */
static bool is_time_to_begin_anew(void)
{
	static uint32_t until;

	if (!model_learned_something(false))
		until = 2 * n_states + 300;
	return n_states >= until;
}

/* Explores until done, or failed, or enough was learned; returns true if anything was. */
static bool explore(uint32_t most_states)
{
	struct level *top;

	forget_states();
	result->executions = result->depth = result->n_ends = 0;
	result->ends = 0;
	result->limited = false;
	model_begin_execution();
	go_on();
	while (n_levels > 0 && !model_failure.happened && !result->limited && !is_time_to_begin_anew()) {
		top = &levels[n_levels - 1];
		if (top->next == top->n) {
			n_levels--;
			continue;
		}
		if (top->next++ > 0)
			go_back_to(top);
		model_take(top->transitions[top->next - 1]);
		go_on();
		result->limited |= n_states > most_states;
	}
	/* A failure found while learning may be none: some of what came before was not looked at. */
	return model_learned_something(true);
}

/* Livelocks. */

/* Marks the states from which an end can be reached: backwards over the edges, which are sorted by where they
 * lead. */
static void mark_those_that_end(uint8_t *can_end, uint32_t *queue, const uint32_t *begin_of, const uint32_t *sources)
{
	uint32_t n = 1, done, i;

	queue[0] = END;
	can_end[END] = 1;
	for (done = 0; done < n; done++)
		for (i = begin_of[queue[done]]; i < begin_of[queue[done] + 1]; i++)
			if (!can_end[sources[i]]) {
				can_end[sources[i]] = 1;
				queue[n++] = sources[i];
			}
}

/* Goes from the beginning to a state by the way it was first found. */
static void go_to_state(uint32_t number)
{
	struct model_transition transitions[MODEL_TRANSITIONS], way[MOST_LEVELS];
	unsigned n = 0, alone;

	for (; firsts[number].from != END && n < MOST_LEVELS; number = firsts[number].from)
		way[n++] = firsts[number].by;
	model_begin_execution();
	for (;;) {
		for (alone = 0; model_possible(bound, transitions) == 1 && alone < MOST_ALONE; alone++)
			model_take(transitions[0]);
		if (n == 0)
			return;
		model_take(way[--n]);
	}
}

static void check_for_livelock(void)
{
	uint32_t *begin_of = allocate((n_states + 3) * sizeof(*begin_of)),
		 *sources = allocate(n_edges * sizeof(*sources));
	uint32_t *queue = allocate((n_states + 1) * sizeof(*queue)), i;
	uint8_t *can_end = allocate(n_states + 1);

	for (i = 0; i < n_edges; i++)
		begin_of[edges[i].to + 2]++;
	for (i = 2; i < n_states + 3; i++)
		begin_of[i] += begin_of[i - 1];
	for (i = 0; i < n_edges; i++)
		sources[begin_of[edges[i].to + 1]++] = edges[i].from;
	mark_those_that_end(can_end, queue, begin_of, sources);
	for (i = 1; i <= n_states && can_end[i]; i++)
		;
	if (i <= n_states) {
		go_to_state(i);
		model_failure.happened = true;
		snprintf(model_failure.text, sizeof(model_failure.text),
			 "livelock: from here on no schedule leads to the end");
	}
	free(begin_of);
	free(sources);
	free(queue);
	free(can_end);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void model_search(const struct model_scenario *scenario, unsigned most_preemptions, uint32_t most_states,
		  struct model_result *ret_result)
{
	double begun = seconds();

	memset(ret_result, 0, sizeof(*ret_result));
	result = ret_result;
	bound = most_preemptions;
	model_scenario = scenario;
	while (explore(most_states))
		;
	if (bound == MODEL_UNBOUNDED && !model_failure.happened && !result->limited)
		check_for_livelock();
	ret_result->states = n_states;
	ret_result->failed = model_failure.happened;
	ret_result->preemptions = model_progress.preemptions;
	ret_result->seconds = seconds() - begun;
	memcpy(ret_result->failure, model_failure.text, sizeof(ret_result->failure));
	if (ret_result->failed)
		model_write_schedule(ret_result->schedule, sizeof(ret_result->schedule));
}

void model_search_upwards(const struct model_scenario *scenario, uint32_t most_states, struct model_result *ret_result)
{
	unsigned most;

	for (most = 0; most < 4; most++) {
		model_search(scenario, most, most_states, ret_result);
		if (ret_result->failed)
			return;
	}
	model_search(scenario, MODEL_UNBOUNDED, most_states, ret_result);
}
