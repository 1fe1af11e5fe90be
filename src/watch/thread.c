/*
 * watch/thread.c - the calling thread: its seat, its life, and the segments of that.
 *
 * A thread gets a seat when it first uses a lock, creates or joins. It gives it back when it ends: a key's destructor
 * is called three more times before that, so that the destructors of other keys, which may use locks, are watched.
 * Then it is gone, and what it does still is not watched.
 *
 * A forked child has one thread, with what it held. It has no seat until it uses a lock (memory.c), and then begins
 * with these locks.
 *
 * [seat.1] and [seat.2] hand a seat from the thread that has ended to the next one, with all its chains.
 */
#define _GNU_SOURCE
#include "thread.h"

#include "lock.h"
#include "memory.h"
#include "real.h"
#include "stack.h"
#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

#define ROUNDS 3
#define HELD_MOST 64u /* at a fork */

static struct watch_chain nowhere;
static struct watch_chain *no_chains[1] = {&nowhere};
static struct watch_seat nobody = {.top = &nowhere, .buckets = no_chains};

__thread struct watch_seat *watch_me_ = &nobody;
static __thread bool gone; /* it has ended, or cannot be watched */
static __thread uint32_t rounds;
static __thread bool starting;
static pthread_key_t key;
static uint32_t have_key;

/* What a child had when it was forked. */
static struct held {
	const void *lock, *site;
	enum watch_kind kind;
	unsigned mode;
} held[HELD_MOST];
static unsigned n_held;

/* Segments. */

static uint32_t new_segment(uint32_t life, uint32_t previous, uint32_t also)
{
	uint32_t place = watch_take_(&watch_notes_->n_segments, WATCH_SEGMENTS);

	if (place == UINT32_MAX)
		return previous != 0 ? previous : 1;
	watch_notes_->segments[place] = (struct watch_segment){life, previous, also};
	fl_store_relaxed(&watch_notes_->lives[life].segment, place);
	return place;
}

static void next_segment(uint32_t also)
{
	watch_me_->segment = new_segment(watch_me_->life, watch_me_->segment, also);
	watch_all_stale_(watch_me_);
}

/* Lives. */

static struct watch_life *new_life(void)
{
	uint32_t place = watch_take_(&watch_notes_->n_lives, WATCH_LIVES);

	return place == UINT32_MAX ? NULL : &watch_notes_->lives[place];
}

struct watch_life *watch_conceive_(uintptr_t start, void *argument)
{
	struct watch_seat *me = watch_seat_();
	struct watch_life *life;

	if (!me || me->busy)
		return NULL;
	life = new_life();
	if (!life)
		return NULL;
	watch_module_(start);
	life->start = start;
	life->argument = argument;
	life->also = watch_me_->segment;
	return life;
}

void watch_created_(struct watch_life *life, uintptr_t handle)
{
	fl_store_relaxed(&life->handle, handle);
	next_segment(0);
}

struct watch_life *watch_life_of_(uintptr_t handle)
{
	uint32_t n = fl_load_relaxed(&watch_notes_->n_lives);

	for (uint32_t i = n < WATCH_LIVES ? n : WATCH_LIVES; i-- > 1;) {
		struct watch_life *life = &watch_notes_->lives[i];

		if (fl_load_relaxed(&life->handle) == handle && !fl_load_relaxed(&life->joined))
			return life;
	}
	return NULL;
}

void watch_joined_(struct watch_life *life)
{
	fl_store_relaxed(&life->joined, 1);
	next_segment(fl_load_relaxed(&life->segment));
}

/* Seats. */

static struct watch_seat *take_seat(void)
{
	struct watch_notes *notes = watch_notes_;
	uint32_t n = fl_load_relaxed(&notes->n_seats), taken, place;

	for (uint32_t i = 0; i < n && i < WATCH_SEATS; i++) {
		taken = 0;
		/* [seat.1] acquire; pairs with [seat.2] */
		if (fl_cas_acquire(&notes->seats[i].taken, &taken, 1))
			return &notes->seats[i];
	}
	place = watch_take_(&notes->n_seats, WATCH_SEATS);
	if (place == UINT32_MAX)
		return NULL;
	notes->seats[place].taken = 1;
	return &notes->seats[place];
}

static void sit_down(struct watch_seat *seat, struct watch_life *life)
{
	uint32_t number = (uint32_t)(life - watch_notes_->lives);

	life->handle = (uintptr_t)pthread_self();
	life->tid = gettid();
	prctl(PR_GET_NAME, life->name);
	fl_store_relaxed(&seat->top, seat->root);
	fl_store_relaxed(&seat->life, number);
	seat->segment = new_segment(number, 0, life->also);
	watch_all_stale_(seat);
	watch_me_ = seat;
	rounds = 0;
	if (have_key)
		pthread_setspecific(key, seat);
}

static void inherit(void)
{
	unsigned n = n_held;

	n_held = 0;
	for (unsigned i = 0; i < n; i++)
		watch_inherit_(held[i].lock, held[i].mode, held[i].kind, held[i].site);
}

/* Finds a seat for the calling thread, which has this life, or one that nobody knows of. */
static void settle(struct watch_life *life)
{
	struct watch_seat *seat = watch_open_() ? take_seat() : NULL;

	if (!seat || (!seat->root && !watch_furnish_(seat)) || (!life && !(life = new_life()))) {
		gone = true;
		return;
	}
	watch_begin(seat);
	sit_down(seat, life);
	inherit();
	watch_end(seat);
}

struct watch_seat *watch_seat_(void)
{
	if (fl_likely(watch_me_ != &nobody))
		return watch_me_;
	watch_real_find_();
	if (gone || starting)
		return NULL;
	starting = true;
	settle(NULL);
	starting = false;
	return watch_me_ != &nobody ? watch_me_ : NULL;
}

void watch_begin_life_(struct watch_life *life)
{
	starting = true;
	settle(life);
	starting = false;
}

/* What a thread held when it ended is held by nobody; but a robust mutex, which its next owner notes. */
static void stand_up(struct watch_seat *me)
{
	for (struct watch_chain *chain = watch_held(me); chain->address != 0; chain = chain->parent)
		chain->since = 0;
	fl_store_relaxed(&me->top, me->root);
	fl_store_relaxed(&me->life, 0);
	watch_me_ = &nobody;
	gone = true;
	/* [seat.2] release; pairs with [seat.1] */
	fl_store_release(&me->taken, 0);
}

static void at_end(void *argument)
{
	struct watch_seat *me = argument;

	if (me != watch_me_)
		return;
	if (rounds++ < ROUNDS && pthread_setspecific(key, me) == 0)
		return;
	stand_up(me);
}

/* Joins. */

void watch_join_begin_(struct watch_seat *me, struct watch_life *life, const void *site)
{
	watch_begin(me);
	life->n_frames = watch_stack_(life->frames, WATCH_BORN, watch_address((uintptr_t)site));
	watch_end(me);
	/* [watch_join.1] release; pairs with [watch_join.2] */
	fl_store_release(&me->joins, life);
}

void watch_join_end_(struct watch_seat *me)
{
	fl_store_relaxed(&me->n_joins, me->n_joins + 1);
	/* [watch_join.1] release; pairs with [watch_join.2] */
	fl_store_release(&me->joins, NULL);
}

/* Forks. */

static void remember_held(const struct watch_chain *chain)
{
	if (chain->address == 0 || n_held == HELD_MOST)
		return;
	remember_held(chain->parent);
	held[n_held++] = (struct held){(const void *)chain->address, (const void *)chain->frames[0],
				       (enum watch_kind)chain->lock->kind, chain->mode};
}

static void in_child(void)
{
	n_held = 0;
	remember_held(watch_held(watch_me_));
	watch_me_ = &nobody;
	watch_memory_after_fork_();
	watch_lock_after_fork_();
}

WATCH_EXPORT pid_t _Fork(void);
WATCH_EXPORT pid_t _Fork(void)
{
	pid_t pid;

	watch_real_find_();
	pid = watch_real_.fork_alone();
	if (pid == 0)
		in_child();
	return pid;
}

__attribute__((constructor(102))) static void prepare(void)
{
	have_key = pthread_key_create(&key, at_end) == 0;
	pthread_atfork(NULL, NULL, in_child);
}
