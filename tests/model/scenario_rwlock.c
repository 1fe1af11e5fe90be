/*
 * scenario_rwlock.c - RWLock: readers together, a writer alone, and nobody is left in the queue when those
 * before it give up.
 */
#include "scenarios.h"

#include <errno.h>
#include <fairlead/note.h>
#include <fairlead/rwlock.h>

struct objects {
	fl_rwlock lock;
	fl_note note;
	int value; /* protected by the lock */
	int users;
	uint32_t given_up;
};
static struct objects *o;

static void setup(void)
{
	o = model_objects(sizeof(*o));
	model_name(&o->lock);
	model_name(&o->note);
	model_name(&o->value);
}

static void check_free(void)
{
	model_assert(fl_rwlock_readers(&o->lock) == 0);
	model_assert_unwaited(&o->lock);
	model_assert_unwaited(&o->note);
}

static void read_once(void)
{
	int seen;

	model_assert(fl_rwlock_acquire_read(&o->lock) == 0);
	seen = o->value;
	model_pause();
	model_assert(seen == o->value);
	fl_rwlock_release_read(&o->lock);
}

static void read_nested(void)
{
	model_assert(fl_rwlock_acquire_read(&o->lock) == 0);
	model_assert(fl_rwlock_acquire_read(&o->lock) == 0);
	model_assert(fl_rwlock_acquire_write(&o->lock) == -EDEADLK);
	model_assert(o->value >= 0);
	fl_rwlock_release_read(&o->lock);
	fl_rwlock_release_read(&o->lock);
}

static void write_once(void)
{
	model_assert(fl_rwlock_acquire_write(&o->lock) == 0);
	o->value++;
	fl_rwlock_release_write(&o->lock);
}

static void write_and_read(void)
{
	model_assert(fl_rwlock_acquire_write(&o->lock) == 0);
	o->value++;
	model_assert(fl_rwlock_downgrade(&o->lock) == 0);
	model_assert(o->value > 0);
	fl_rwlock_release_read(&o->lock);
}

static void write_if(int error, int refusal)
{
	if (error == 0) {
		o->value++;
		fl_rwlock_release_write(&o->lock);
		return;
	}
	model_assert(error == refusal);
	model_count(&o->given_up);
}

static void write_until_soon(void)
{
	write_if(fl_rwlock_acquire_write_until(&o->lock, MODEL_SOON, NULL), -ETIMEDOUT);
}

static void write_with_note(void)
{
	write_if(fl_rwlock_acquire_write_until(&o->lock, FL_FOREVER, &o->note), -ECANCELED);
}

static void cancel(void)
{
	fl_note_cancel(&o->note);
}

/* The last user frees what the lock lies in. */

static void setup_users(void)
{
	setup();
	o->users = 2;
}

static void write_and_free(void)
{
	bool was_last;

	model_assert(fl_rwlock_acquire_write(&o->lock) == 0);
	was_last = --o->users == 0;
	fl_rwlock_release_write(&o->lock);
	if (was_last)
		model_free(&o->lock, sizeof(o->lock));
}

static void written_1(void)
{
	check_free();
	model_assert(o->value == 1 - (int)o->given_up);
}

static void written_3(void)
{
	check_free();
	model_assert(o->value == 3 - (int)o->given_up);
}

static void written_2(void)
{
	check_free();
	model_assert(o->value == 2 - (int)o->given_up);
}

const struct model_scenario model_rwlock_scenarios[] = {
	{"rwlock", "two readers, one writer", .setup = setup, .threads = {read_once, read_once, write_once},
	 .finish = written_1},
	{"rwlock-writers", "two writers, one reader", .setup = setup, .threads = {write_once, write_once, read_once},
	 .finish = written_2},
	{"rwlock-nested", "a reader reads again while a writer waits", .setup = setup,
	 .threads = {read_nested, write_once}, .finish = written_1},
	{"rwlock-downgrade", "a writer becomes a reader", .setup = setup,
	 .threads = {write_and_read, write_once, read_once}, .finish = written_2, .bound = 3},
	{"rwlock-until", "a writer that waits gives up", .setup = setup,
	 .threads = {read_once, read_once, write_until_soon}, .finish = written_1},
	{"rwlock-left", "a writer gives up while another releases", .setup = setup,
	 .threads = {write_once, write_once, write_until_soon}, .finish = written_3, .bound = 4},
	{"rwlock-freed", "freed by its last user", .setup = setup_users, .threads = {write_and_free, write_and_free}},
	{"rwlock-cancel", "a writer that waits is cancelled", .setup = setup,
	 .threads = {read_once, write_with_note, cancel}, .finish = written_1},
	{0},
};
