/*
 * scenario_rounds.c - Barrier, Once and notes: all come together or none does, rounds do not mix, and what one
 * thread did the others see.
 */
#include "scenarios.h"

#include <errno.h>
#include <fairlead/barrier.h>
#include <fairlead/note.h>
#include <fairlead/once.h>

struct objects {
	fl_barrier barrier;
	fl_once once;
	fl_note note, child;
	int written[2][MODEL_THREADS]; /* per round and index, before the barrier; read by all others after it */
	int action_of;                 /* how often the action has run */
	int made, tried;               /* by the function of once */
	uint32_t whole, broken, timed_out, calls, done, failed;
	uint32_t indexes[2];
};
static struct objects *o;

static void setup(void)
{
	o = model_objects(sizeof(*o));
	model_name(&o->barrier);
	model_name(&o->once);
	model_name(&o->note);
	model_name(&o->child);
	model_name(&o->written);
	model_name(&o->action_of);
	model_name(&o->made);
	model_name(&o->tried);
}

static void check_idle(void)
{
	model_assert_unwaited(&o->barrier);
	model_assert_unwaited(&o->once);
	model_assert_unwaited(&o->note);
	model_assert_unwaited(&o->child);
	model_assert(fl_barrier_n_waiting(&o->barrier) == 0);
}

/* Barrier. */

static int act(void *arg)
{
	struct objects *objects = arg;

	objects->action_of++;
	return 0;
}

static int fail(void *arg)
{
	act(arg);
	return -EIO;
}

static void setup_2(void)
{
	setup();
	o->barrier = (fl_barrier)FL_BARRIER_INIT(2, NULL, NULL);
}

static void setup_3(void)
{
	setup();
	o->barrier = (fl_barrier)FL_BARRIER_INIT(3, act, o);
}

static void setup_failing(void)
{
	setup();
	o->barrier = (fl_barrier)FL_BARRIER_INIT(2, fail, o);
}

/* One round: all parties have written before anybody reads, and each has an index of its own. */
static void meet(int round, int self)
{
	int parties = (int)fl_barrier_parties(&o->barrier), index, i;

	o->written[round][self] = 1;
	index = fl_barrier_wait(&o->barrier);
	model_assert(index >= 0 && index < parties);
	model_assert((model_noted(&o->indexes[round]) & (1u << index)) == 0);
	model_note(&o->indexes[round], model_noted(&o->indexes[round]) | (1u << index));
	for (i = 0; i < parties; i++)
		model_assert(o->written[round][i] == 1);
}

static void meet_twice_0(void)
{
	meet(0, 0);
	meet(1, 0);
}

static void meet_twice_1(void)
{
	meet(0, 1);
	meet(1, 1);
}

static void meet_twice_2(void)
{
	meet(0, 2);
	meet(1, 2);
}

static void meet_0(void)
{
	meet(0, 0);
	model_assert(o->action_of == 1);
}

static void meet_1(void)
{
	meet(0, 1);
	model_assert(o->action_of == 1);
}

static void meet_2(void)
{
	meet(0, 2);
	model_assert(o->action_of == 1);
}

static void come(fl_time deadline)
{
	int index = fl_barrier_wait_until(&o->barrier, deadline, NULL);

	if (index >= 0)
		model_count(&o->whole);
	else if (index == -ETIMEDOUT)
		model_count(&o->timed_out);
	else if (index == -EPIPE)
		model_count(&o->broken);
}

static void come_until_soon(void)
{
	come(MODEL_SOON);
}

static void come_for_ever(void)
{
	come(FL_FOREVER);
}

static void abort_barrier(void)
{
	fl_barrier_abort(&o->barrier);
}

static void both_came_or_one_gave_up(void)
{
	check_idle();
	model_assert(o->whole == 2 || (o->whole == 0 && o->timed_out == 1 && o->broken == 1));
	model_assert(fl_barrier_broken(&o->barrier) == (o->whole == 0));
}

static void both_came_or_none(void)
{
	check_idle();
	model_assert(o->whole == 2 || (o->whole == 0 && o->broken == 2));
	model_assert(fl_barrier_broken(&o->barrier));
}

static void come_to_failure(void)
{
	int index = fl_barrier_wait(&o->barrier);

	model_assert(index == -EPIPE || index == -EIO);
	model_assert(o->action_of == 1);
	model_count(index == -EIO ? &o->failed : &o->broken);
}

static void one_failed(void)
{
	check_idle();
	model_assert(o->failed == 1 && o->broken == 1);
	model_assert(fl_barrier_broken(&o->barrier));
}

/* Once. */

static int make(void *arg)
{
	struct objects *objects = arg;

	model_count(&objects->calls);
	model_pause();
	objects->made = 1;
	return 0;
}

static int fail_at_first(void *arg)
{
	struct objects *objects = arg;

	model_count(&objects->calls);
	if (objects->tried++ == 0)
		return -EIO;
	objects->made = 1;
	return 0;
}

static void call(void)
{
	model_assert(fl_once_call(&o->once, make, o) == 0);
	model_assert(o->made == 1);
}

static void call_until_soon(void)
{
	int error = fl_once_call_until(&o->once, make, o, MODEL_SOON, NULL);

	model_assert(error == 0 ? o->made == 1 : error == -ETIMEDOUT);
}

static void see_whether_done(void)
{
	if (fl_once_done(&o->once))
		model_assert(o->made == 1);
}

static void call_failing(void)
{
	int error = fl_once_call(&o->once, fail_at_first, o);

	if (error == -EIO)
		model_count(&o->failed);
	else
		model_assert(error == 0 && o->made == 1);
}

static void called_once(void)
{
	check_idle();
	model_assert(o->calls == 1 && fl_once_done(&o->once));
}

static void called_again(void)
{
	check_idle();
	model_assert(o->failed == 1 && o->calls == 2 && fl_once_done(&o->once));
}

/* Notes. */

static void setup_family(void)
{
	setup();
	fl_note_init(&o->child, &o->note, FL_FOREVER);
}

static void wait_for_note(void)
{
	model_assert(fl_note_wait(&o->note) == 0);
	model_assert(o->made == 1);
}

static void wait_for_child(void)
{
	model_assert(fl_note_wait(&o->child) == 0);
	model_assert(o->made == 1);
}

static void wait_for_note_until_soon(void)
{
	int error = fl_note_wait_until(&o->note, MODEL_SOON);

	model_assert(error == 0 ? o->made == 1 : error == -ETIMEDOUT);
}

static void write_and_cancel(void)
{
	o->made = 1;
	fl_note_cancel(&o->note);
}

static void end_child(void)
{
	fl_note_destroy(&o->child);
}

static void cancelled(void)
{
	check_idle();
	model_assert(fl_note_is_cancelled(&o->note));
}

const struct model_scenario model_round_scenarios[] = {
	{"barrier", "two parties, two rounds", .setup = setup_2, .threads = {meet_twice_0, meet_twice_1},
	 .finish = check_idle},
	{"barrier-three", "three parties and an action", .setup = setup_3, .threads = {meet_0, meet_1, meet_2},
	 .finish = check_idle},
	{"barrier-three-twice", "three parties, two rounds", .setup = setup_3,
	 .threads = {meet_twice_0, meet_twice_1, meet_twice_2}, .finish = check_idle},
	{"barrier-spin", "two parties, two rounds, spinning", .setup = setup_2, .threads = {meet_twice_0, meet_twice_1},
	 .finish = check_idle, .spins = 1, .processors = 2},
	{"barrier-until", "a deadline races with the last to come", .setup = setup_2,
	 .threads = {come_until_soon, come_for_ever}, .finish = both_came_or_one_gave_up},
	{"barrier-abort", "an abort races with the last to come", .setup = setup_2,
	 .threads = {come_for_ever, come_for_ever, abort_barrier}, .finish = both_came_or_none},
	{"barrier-failing", "the action fails", .setup = setup_failing, .threads = {come_to_failure, come_to_failure},
	 .finish = one_failed},
	{"once", "three callers", .setup = setup, .threads = {call, call, call}, .finish = called_once},
	{"once-until", "a deadline, and somebody who only looks", .setup = setup,
	 .threads = {call, call_until_soon, see_whether_done}, .finish = called_once},
	{"once-failing", "the first call fails", .setup = setup, .threads = {call_failing, call_failing},
	 .finish = called_again},
	{"note", "two wait, one cancels", .setup = setup, .threads = {wait_for_note, wait_for_note, write_and_cancel},
	 .finish = cancelled},
	{"note-until", "a deadline races with the cancel", .setup = setup,
	 .threads = {wait_for_note_until_soon, wait_for_note, write_and_cancel}, .finish = cancelled},
	{"note-child", "cancelled with its parent, which is cancelled twice", .setup = setup_family,
	 .threads = {wait_for_child, write_and_cancel, wait_for_note}, .finish = cancelled},
	{"note-destroyed", "unlinked while its parent is cancelled", .setup = setup_family,
	 .threads = {end_child, write_and_cancel, wait_for_note}, .finish = cancelled},
	{0},
};
