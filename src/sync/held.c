/*
 * sync/held.c - the stacks of held locks: all but their quick ways, which are in sync/held.h.
 *
 * A stack grows by doubling. Its old memory goes back to the arena and stays mapped, but nobody else reads it then:
 * others look at a stack only while its thread waits.
 *
 * Invariants:
 *   [H1] held[i].context == mix(held[i - 1].context, held[i].key), and held[0] is all zero.
 *   [H2] A note in `lost` is there before the lock is free again. So when its owner acquires that lock once more, which
 *        is never "known" while the lock is on the stack, the note is there to be worked off first: the older of the
 *        two entries goes.
 */
#include "sync/held.h"

#include "sync/arena.h"

#define FIRST_MAX 16u /* with held[0] */
#define MOST_REPORTS 3u

struct fl_lost {
	struct fl_lost *next;
	uintptr_t key;
};

uint64_t fl_held_generation_ = 1;
static uint64_t n_missed;

void fl_held_missed_(void)
{
	fl_add_relaxed(&n_missed, 1);
}

uint64_t fl_held_n_missed_(void)
{
	return fl_load_relaxed(&n_missed);
}

void fl_held_forget_known_(void)
{
	/* A large odd number, so that numbers of two generations differ in all their bits. */
	fl_add_relaxed(&fl_held_generation_, UINT64_C(0x9e3779b97f4a7c15));
}

static size_t size_of(uint32_t max)
{
	return (max + (size_t)1) * sizeof(struct fl_held);
}

static struct fl_check_thread *new_thread(struct fl_record *record)
{
	struct fl_check_thread *thread = fl_arena_take_(sizeof(*thread));
	struct fl_held *held = fl_arena_take_(size_of(FIRST_MAX - 1));

	if (!thread || !held) {
		fl_arena_give_(thread, sizeof(*thread));
		fl_arena_give_(held, size_of(FIRST_MAX - 1));
		return NULL;
	}
	thread->held = held;
	thread->max = FIRST_MAX - 1;
	/* [held.1] release; pairs with [held.2] */
	fl_store_release(&record->check, thread);
	return thread;
}

struct fl_check_thread *fl_held_of_(uint32_t number)
{
	struct fl_record *record = fl_self_find_(number);

	if (!record)
		return NULL;
	/* [held.2] acquire; pairs with [held.1] */
	return fl_load_acquire(&record->check);
}

/* Makes the contexts right from i on. [H1] */
static void mix_from(struct fl_check_thread *me, uint32_t i)
{
	for (; i <= me->n; i++)
		me->held[i].context = fl_held_mix(me->held[i - 1].context, me->held[i].key);
}

static void take_off(struct fl_check_thread *me, uint32_t i)
{
	uint32_t j;

	me->n--;
	for (j = i; j <= me->n; j++)
		me->held[j] = me->held[j + 1];
	mix_from(me, i);
}

/* Works off what others have released: the oldest entry of each. [H2] */
static void work_off(struct fl_check_thread *me)
{
	/* [held.4] acquire; pairs with [held.3] */
	struct fl_lost *lost = fl_exchange_acquire(&me->lost, NULL), *next;
	uint32_t i;

	for (; lost; lost = next) {
		next = lost->next;
		for (i = 1; i <= me->n && me->held[i].key != lost->key;)
			i++;
		if (i <= me->n)
			take_off(me, i);
		fl_arena_give_(lost, sizeof(*lost));
	}
}

struct fl_check_thread *fl_held_self_(void)
{
	uint32_t number = fl_self();
	struct fl_record *record = fl_tls_.record;
	struct fl_check_thread *me = record->check;

	if (!me)
		me = new_thread(record);
	if (fl_unlikely(!me)) {
		fl_held_missed_();
		return NULL;
	}
	if (fl_unlikely(me->number != number)) {
		me->number = number;
		me->n = 0;
	}
	if (fl_unlikely(fl_load_relaxed(&me->lost) != NULL))
		work_off(me);
	if (me->n == 0)
		me->reports = 0;
	return me;
}

static bool grow(struct fl_check_thread *me)
{
	uint32_t most = 2 * me->max + 1, i;
	struct fl_held *held = fl_arena_take_(size_of(most));

	if (!held) {
		fl_held_missed_();
		return false;
	}
	for (i = 0; i <= me->n; i++)
		held[i] = me->held[i];
	fl_arena_give_(me->held, size_of(me->max));
	me->held = held;
	me->max = most;
	return true;
}

struct fl_held *fl_held_add_(struct fl_check_thread *me, uintptr_t key, const void *site)
{
	if (fl_unlikely(me->n == me->max) && !grow(me))
		return NULL;
	fl_held_push(me, key, site, fl_held_mix(me->held[me->n].context, key));
	return &me->held[me->n];
}

fl_time fl_held_remove_(struct fl_check_thread *me, uintptr_t key)
{
	uint32_t i = me->n;
	fl_time since;

	while (i > 0 && me->held[i].key != key)
		i--;
	if (i == 0)
		return 0;
	since = me->held[i].since;
	take_off(me, i);
	return since;
}

void fl_held_remove_for_(uint32_t number, uintptr_t key)
{
	struct fl_check_thread *thread = fl_held_of_(number);
	struct fl_lost *lost, *first;

	if (!thread)
		return;
	lost = fl_arena_take_(sizeof(*lost));
	if (!lost) {
		fl_held_missed_();
		return;
	}
	lost->key = key;
	first = fl_load_relaxed(&thread->lost);
	do
		lost->next = first;
	/* [held.3] release; pairs with [held.4] */
	while (!fl_cas_release(&thread->lost, &first, lost));
}

/* A hook need not return (longjmp), so the count is put right when the thread holds nothing: whoever is reported
 * holds something. */
bool fl_held_report_begin_(struct fl_check_thread *me)
{
	if (me->reports == MOST_REPORTS)
		return false;
	me->reports++;
	return true;
}

void fl_held_report_end_(struct fl_check_thread *me)
{
	if (me->reports > 0)
		me->reports--;
}

void fl_held_forget_(const void *lock)
{
	struct fl_check_thread *me = fl_tls_.record ? fl_tls_.record->check : NULL;
	uint32_t i;

	if (!me || me->number != fl_tls_.number)
		return;
	for (i = me->n; i > 0; i--)
		if (fl_key_lock(me->held[i].key) == lock)
			take_off(me, i);
}

/* The child's thread holds what it held. Notes for it would come from threads that are not there. */
void fl_held_after_fork_(void)
{
	struct fl_check_thread *me = fl_tls_.record ? fl_tls_.record->check : NULL;

	if (me)
		fl_store_relaxed(&me->waits, 0);
}
