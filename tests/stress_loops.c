/*
 * stress_loops.c - stress for blocks that end when all that was begun in them has: groups, and parallel loops.
 *
 * Both lend what is on the stack of their caller to other threads, who write to it without another word: so who is
 * still at work when the block has been left writes to the next one's, and ThreadSanitizer sees it.
 *
 * A group has up to MOST_CHILDREN children, some of which start another one, fail, or wait until one that fails has
 * cancelled them; if there is none, the group is cancelled by its parent note or by the block. Afterwards each child
 * that was started has run once, to its end, and the error is one that a child has returned. A cancel that does not
 * reach a child leaves it waiting, which the watchdog notices. A group counts for A_GROUP rounds, since threads are
 * started for it.
 *
 * A loop has up to MOST_TURNS turns, in pieces of any grain, with another loop in some of them. Whoever began it, and
 * however many helped, each turn was done once; or, if a piece has failed, the deadline has passed or the note was
 * cancelled, at most once.
 */
#define _GNU_SOURCE
#include "run/executor.h"
#include "stress.h"

#include <errno.h>
#include <string.h>

enum { MOST_CHILDREN = 4, MOST_TURNS = 200, A_GROUP = 16 };

/* ---- groups ---- */

enum child_manner { QUIET, PARENT, FAILING, WAITING };

struct child {
	enum child_manner manner;
	fl_group *group;
	struct child *other; /* of a parent: whom it starts */
	unsigned runs, ended;
	bool started;
};

static int run_child(void *child_, fl_note *stop)
{
	struct child *child = child_;
	int error = 0;

	child->runs++;
	if (child->manner == PARENT) {
		error = fl_group_start(child->group, run_child, child->other);
		child->other->started = error == 0;
		stress_check(error == 0 || error == -ECANCELED, "a child of a child: %d", error);
	} else if (child->manner == FAILING) {
		error = -EIO;
	} else if (child->manner == WAITING) {
		stress_check(fl_note_wait(stop) == 0, "no wait for a note");
		error = -ECANCELED;
	}
	child->ended++;
	return error;
}

static void start_children(struct stress_worker *worker, fl_group *group, struct child *children, unsigned n)
{
	unsigned i;
	int error;

	for (i = 0; i < n; i++) {
		struct child *child = &children[i], *other = &children[MOST_CHILDREN + i];

		*child = (struct child){.manner = (enum child_manner)stress_random(worker, 4), .group = group};
		*other = (struct child){.manner = QUIET, .group = group};
		child->other = other;
		error = fl_group_start(group, run_child, child);
		child->started = error == 0;
		stress_check(error == 0 || error == -ECANCELED, "start: %d", error);
	}
}

static bool is_one(const struct child *children, unsigned n, enum child_manner manner)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (children[i].started && children[i].manner == manner)
			return true;
	return false;
}

static void check_children(const struct child *children, unsigned n, int error)
{
	bool failed = is_one(children, n, FAILING), waited = is_one(children, n, WAITING);
	unsigned i;

	for (i = 0; i < 2 * MOST_CHILDREN; i++)
		stress_check(children[i].runs == children[i].started && children[i].ended == children[i].started,
			     "a child that was %sstarted ran %u times", children[i].started ? "" : "not ",
			     children[i].runs);
	stress_check(error != -EIO || failed, "an error that nobody has returned");
	stress_check(!failed || error == -EIO, "an error that was lost: %d", error);
	stress_check(error == 0 || error == -EIO || error == -ECANCELED, "error %d", error);
	stress_check(!waited || error != 0, "who was cancelled has failed, and there is no error");
}

static void cancel(struct stress_worker *worker, fl_group *group, fl_note *parent)
{
	if (stress_random(worker, 2) == 0)
		fl_group_cancel(group);
	else
		fl_note_cancel(parent);
}

static void group_once(struct stress_worker *worker)
{
	struct child children[2 * MOST_CHILDREN];
	unsigned n = 1 + stress_random(worker, MOST_CHILDREN);
	fl_note parent = FL_NOTE_INIT;
	int error = 1;

	memset(children, 0, sizeof(children));
	stress_calls(worker, "fl_with_group", children);
	fl_with_group_noted (group, &error, &parent) {
		start_children(worker, group, children, n);
		if (is_one(children, n, WAITING) && !is_one(children, n, FAILING))
			cancel(worker, group, &parent);
		if (stress_random(worker, 4) == 0)
			break;
		stress_dwell(worker);
	}
	fl_note_destroy(&parent);
	stress_calls(worker, NULL, NULL);
	check_children(children, n, error);
	worker->had++;
}

static void work_in_groups(struct stress_worker *worker)
{
	uint64_t i;

	for (i = 0; i < worker->rounds; i += A_GROUP) {
		stress_round(worker);
		group_once(worker);
	}
}

/* ---- loops ---- */

struct loop {
	int64_t n, failing; /* the turn that fails; -1: none */
	unsigned inner;     /* in every so manieth piece there is another loop; 0: in none */
	unsigned turns[MOST_TURNS];
};

static void check_turns(const struct loop *loop, bool all)
{
	int64_t i;

	for (i = 0; i < loop->n; i++)
		stress_check(loop->turns[i] == 1 || (loop->turns[i] == 0 && !all), "turn %lld was done %u times",
			     (long long)i, loop->turns[i]);
}

static int turn(int64_t begin, int64_t end, void *loop_)
{
	struct loop *loop = loop_;
	struct loop inner = {.n = 5, .failing = -1};
	int64_t i;
	int error = 0;

	stress_check(begin >= 0 && begin < end && end <= loop->n, "a piece that is none");
	for (i = begin; i < end; i++) {
		loop->turns[i]++;
		if (i == loop->failing)
			error = -EIO;
		if (loop->inner && (unsigned)i % loop->inner == 0) {
			stress_check(fl_parallel_for(0, inner.n, 1, turn, &inner) == 0, "an inner loop failed");
			check_turns(&inner, true);
			memset(inner.turns, 0, sizeof(inner.turns));
		}
	}
	return error;
}

static void loop_once(struct stress_worker *worker)
{
	struct stress_way way = stress_way(worker);
	int64_t grain = stress_random(worker, 8);
	struct loop loop = {.n = stress_random(worker, MOST_TURNS + 1), .failing = -1};
	int error;

	if (stress_random(worker, 8) == 0)
		loop.failing = stress_random(worker, MOST_TURNS);
	if (stress_random(worker, 8) == 0)
		loop.inner = 50;
	stress_calls(worker, "fl_parallel_for_until", &loop);
	error = fl_parallel_for_until(0, loop.n, grain, turn, &loop, way.deadline, way.note);
	check_turns(&loop, error == 0);
	if (error == -EIO) {
		stress_check(loop.failing >= 0 && loop.turns[loop.failing] == 1, "an error that nobody has returned");
		error = 0;
	} else {
		stress_check(error != 0 || loop.failing < 0 || loop.failing >= loop.n, "an error that was lost");
	}
	stress_ended(worker, way, error);
}

static void work_in_loops(struct stress_worker *worker)
{
	uint64_t i;

	for (i = 0; i < worker->rounds; i++) {
		stress_round(worker);
		loop_once(worker);
	}
}

/* ---- the kinds ---- */

static void set_up(unsigned threads, uint64_t rounds)
{
	(void)threads;
	(void)rounds;
	fl_parallel_threads_ = 4; /* also where there are fewer processors */
}

static void check(uint64_t had)
{
	stress_check(had > 0, "nothing was done");
}

const struct stress_kind stress_loops[] = {
	{"parallel-for", set_up, work_in_loops, check, false},
	{"group", set_up, work_in_groups, check, false},
	{0},
};
