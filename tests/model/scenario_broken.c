/*
 * scenario_broken.c - programs that are wrong, one for each kind of failure: a model that finds nothing here
 * would find nothing anywhere.
 *
 * They use atomics and the wait word directly, and nothing of the library's algorithms.
 */
#include "scenarios.h"

#include "base/word.h"
#include <fairlead/lock.h>
#include <stdlib.h>

struct objects {
	uint32_t flag, other, word;
	int data, seen;
	uint32_t *borrowed;
	fl_lock lock;
	int *block;
};
static struct objects *o;

static void setup(void)
{
	o = model_objects(sizeof(*o));
	model_name(&o->flag);
	model_name(&o->other);
	model_name(&o->word);
	model_name(&o->data);
	model_name(&o->lock);
}

/* An update made of two steps. */
static void add_one(void)
{
	fl_store_relaxed(&o->flag, fl_load_relaxed(&o->flag) + 1);
}

static void added_two(void)
{
	model_assert(o->flag == 2);
}

/* Data published without a release. */

static void publish_relaxed(void)
{
	o->data = 1;
	fl_store_relaxed(&o->flag, 1);
}

static void read_if_published(void)
{
	if (fl_load_acquire(&o->flag) == 1)
		model_assert(o->data == 1);
}

/* Released, but a relaxed store in between ends what was released. */
static void publish_and_overwrite(void)
{
	o->data = 1;
	fl_store_release(&o->flag, 2);
	fl_store_relaxed(&o->flag, 1);
}

/* Sleeps after looking, while the waker has looked before it slept and saw no need to wake. */

static void look_and_sleep(void)
{
	fl_store_relaxed(&o->other, 1);
	if (fl_load_relaxed(&o->flag) == 0)
		fl_word_wait_(&o->word, 0, FL_FOREVER, FL_WORD_PRIVATE);
}

static void set_and_wake(void)
{
	fl_store_relaxed(&o->flag, 1);
	if (fl_load_relaxed(&o->other) == 1)
		fl_word_wake_(&o->word, 1, FL_WORD_PRIVATE);
}

/* Two that take turns for ever. */

static void swap_back(void)
{
	while (fl_load_relaxed(&o->other) == 0)
		fl_store_relaxed(&o->flag, 0);
}

static void swap_forth(void)
{
	while (fl_load_relaxed(&o->other) == 0)
		fl_store_relaxed(&o->flag, 1);
}

/* Lends what is on its stack. */

static void lend(uint32_t *place)
{
	fl_store_release(&o->borrowed, place);
}

static void lend_and_return(void)
{
	uint32_t place = 0;

	lend(&place);
}

static void use_borrowed(void)
{
	uint32_t *place = fl_load_acquire(&o->borrowed);

	if (place)
		fl_store_relaxed(place, 1);
}

static void release_free_lock(void)
{
	fl_lock_release(&o->lock);
}

static void give_away(void)
{
	model_free(&o->word, sizeof(o->word));
	fl_store_release(&o->flag, 1);
}

static void use_given_away(void)
{
	if (fl_load_acquire(&o->flag) == 1)
		fl_store_relaxed(&o->word, 1);
}

/* Given back to malloc. */

static void setup_block(void)
{
	setup();
	o->block = malloc(sizeof(*o->block));
	o->flag = 2;
}

static void use_and_unref_relaxed(void)
{
	model_assert(*o->block == 0);
	if (fl_sub_relaxed(&o->flag, 1) == 1)
		free(o->block);
}

static void free_and_say(void)
{
	free(o->block);
	fl_store_release(&o->flag, 1);
}

static void use_when_freed(void)
{
	if (fl_load_acquire(&o->flag) == 1)
		model_assert(*o->block == 0);
}

static void free_when_freed(void)
{
	if (fl_load_acquire(&o->flag) == 1)
		free(o->block);
}

const struct model_broken model_broken[] = {
	{{"lost update", "a load and a store instead of an addition", .setup = setup, .threads = {add_one, add_one},
	  .finish = added_two},
	 "scenario_broken.c"},
	{{"data race", "relaxed publication", .setup = setup, .threads = {publish_relaxed, read_if_published}},
	 "data race on &o->data"},
	{{"data race after a relaxed store", "the release sequence is broken", .setup = setup,
	  .threads = {publish_and_overwrite, read_if_published}},
	 "data race on &o->data"},
	{{"lost wake-up", "a sleep that does not test what is waited for", .setup = setup,
	  .threads = {look_and_sleep, set_and_wake}},
	 "deadlock"},
	{{"livelock", "no way to the end", .setup = setup, .threads = {swap_back, swap_forth}}, "livelock"},
	{{"use after return", "a pointer into a stack", .setup = setup, .threads = {lend_and_return, use_borrowed}},
	 "store touches what thread a had on its stack"},
	{{"use after free", "memory given away", .setup = setup, .threads = {give_away, use_given_away}},
	 "store touches freed memory"},
	{{"use of a freed block", "after free()", .setup = setup_block, .threads = {free_and_say, use_when_freed}},
	 "plain access touches freed memory"},
	{{"freed twice", "two free() of one block", .setup = setup_block, .threads = {free_and_say, free_when_freed}},
	 "freed again"},
	{{"freed in use", "a counted block, and no order between the last use and the free", .setup = setup_block,
	  .threads = {use_and_unref_relaxed, use_and_unref_relaxed}},
	 "data race"},
	{{"misuse", "reported by the library", .setup = setup, .threads = {release_free_lock}}, "misuse of lock"},
	{{0}, NULL},
};
