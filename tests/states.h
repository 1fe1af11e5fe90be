/*
 * states.h - what the tests of fairlead/state.h are written with: what was seen of one object, and children that do
 * what is to be seen.
 *
 * It is always looked at from a mapping that can only be read. A child does what is seen, and stays until it is killed.
 */
#ifndef FAIRLEAD_TESTS_STATES_H
#define FAIRLEAD_TESTS_STATES_H

#include "processes.h"
#include "segments.h"
#include "testing.h"

#include <fairlead/state.h>
#include <string.h>

#define THREADS_SEEN 16u

/* What was seen of one object, or of a part of it. */
static struct {
	fl_state state;
	fl_state_thread holders[THREADS_SEEN], waiters[THREADS_SEEN];
	bool found;
} seen;

static fl_segment *segment, *looker;
static char shop[] = "shop";

static inline void set_up(void)
{
	processes_set_up();
	segments_set_up();
	ck_assert_int_eq(segments_open(&segment, shop, 0), 0);
	ck_assert_int_eq(segments_open(&looker, shop, FL_SEGMENT_LOOK), 0);
}

static inline void tear_down(void)
{
	fl_segment_close(segment);
	fl_segment_close(looker);
	processes_tear_down();
}

/* Looking. */

struct wanted {
	const char *name, *part;
};

static inline int see_one(const fl_state *state, void *arg)
{
	const struct wanted *wanted = arg;

	if (strcmp(state->object.name, wanted->name) != 0 || strcmp(state->part, wanted->part) != 0)
		return 0;
	ck_assert(!seen.found);
	ck_assert_uint_le(state->n_holders, THREADS_SEEN);
	ck_assert_uint_le(state->n_waiters, THREADS_SEEN);
	seen.found = true;
	seen.state = *state;
	memcpy(seen.holders, state->holders, state->n_holders * sizeof(seen.holders[0]));
	memcpy(seen.waiters, state->waiters, state->n_waiters * sizeof(seen.waiters[0]));
	return 0;
}

static inline void look_at(const char *name, const char *part)
{
	struct wanted wanted = {name, part};

	seen.found = false;
	ck_assert_int_eq(fl_segment_states(looker, see_one, &wanted), 0);
	ck_assert(seen.found);
}

/* Expects the object of that name in that state, with so many holders and waiters. */
static inline void expect(const char *name, const char *kind, const char *state, unsigned holders, unsigned waiters)
{
	look_at(name, "");
	ck_assert_str_eq(seen.state.kind, kind);
	ck_assert_str_eq(seen.state.state, state);
	ck_assert_uint_eq(seen.state.n_holders, holders);
	ck_assert_uint_eq(seen.state.n_waiters, waiters);
}

static inline void expect_value(const char *unit, uint64_t value, uint64_t most)
{
	ck_assert_str_eq(seen.state.unit, unit);
	ck_assert_uint_eq(seen.state.value, value);
	ck_assert_uint_eq(seen.state.most, most);
}

static inline void expect_count(const char *counts, uint64_t count)
{
	ck_assert_str_eq(seen.state.counts, counts);
	ck_assert_uint_eq(seen.state.count, count);
}

static inline void expect_thread(const fl_state_thread *thread, pid_t pid, const char *role, bool alive)
{
	ck_assert_int_eq(thread->pid, pid);
	ck_assert_str_eq(thread->role, role);
	ck_assert(thread->alive == alive);
	ck_assert_uint_ne(thread->number, 0);
}

/* Returns when so many wait for the object, or its part. */
static inline void await_waiters(const char *name, const char *part, unsigned n)
{
	do
		look_at(name, part);
	while (seen.state.n_waiters != n);
}

/* Children. */

/* Tells first, and then does what blocks, whatever comes of it. */
#define TELL_AND(call) \
	do { \
		process_tell(&shared->ready); \
		(void)!(call); \
		for (;;) \
			pause(); \
	} while (0)

/* A lock, that most tests need. */

static inline fl_lock *lock_of(fl_segment *of)
{
	fl_lock *lock;

	ck_assert_int_ge(fl_segment_lock(of, "lock", &lock), 0);
	return lock;
}

static inline void hold_lock(void *unused)
{
	(void)unused;
	prctl(PR_SET_NAME, "keeper");
	EXPECT(fl_lock_acquire(lock_of(segment)) == 0);
	process_stay();
}

static inline void want_lock(void *unused)
{
	(void)unused;
	TELL_AND(fl_lock_acquire(lock_of(segment)));
}

static inline fl_rwlock *rwlock_of(fl_segment *of)
{
	fl_rwlock *lock;

	ck_assert_int_ge(fl_segment_rwlock(of, "rwlock", 3, &lock), 0);
	return lock;
}

static inline fl_semaphore *seats_of(fl_segment *of)
{
	fl_semaphore *semaphore;

	ck_assert_int_ge(fl_segment_semaphore_holders(of, "seats", 3, &semaphore), 0);
	return semaphore;
}

#endif
