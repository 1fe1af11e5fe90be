/*
 * scenario_parallel.c - fl_parallel_for: each piece is done once, the caller returns when all are done and not before,
 * and the loop's memory is freed once, by the last who uses it, whatever they take from each other and whoever comes
 * late, or not at all.
 *
 * The helpers are threads of the scenario. What stands here in place of the executor (its own scenarios are in
 * scenario_executor.c) hands each call to the next of them, and promises what fl_executor_start does: the call comes
 * some time, perhaps when the loop is over, and sees what was written before. A thread that nobody asks returns when
 * nobody is left who could.
 */
#include "scenarios.h"

#include "base/self.h"
#include "run/executor.h"
#include <errno.h>
#include <fairlead/parallel.h>

#define MOST_PIECES 6
#define HELPERS 2u

struct order {
	void (*function)(void *arg);
	void *arg;
};

struct objects {
	fl_executor executor;
	struct order orders[HELPERS];
	fl_note note;
	int in[MOST_PIECES], out[MOST_PIECES]; /* before and after a piece is done: read and written by who does it */
	int others[MOST_PIECES];               /* of the second loop */
	uint32_t room;                         /* how many helpers may be had */
	uint32_t caller;                       /* which thread */
	uint32_t asked, come[HELPERS];         /* notes: how many were asked; that one of them may look */
	uint32_t busy;                         /* a note: how many threads may still ask for helpers */
	uint32_t done;                         /* a note: pieces */
	int executors;                         /* that were made */
};
static struct objects *o;

/* The executor. */

int fl_executor_create(fl_executor **ret_executor, const fl_executor_options *options)
{
	if (o->executors < 0)
		return -EAGAIN;
	o->executors++;
	o->executor.max = (uint32_t)options->max_threads;
	*ret_executor = &o->executor;
	return 0;
}

/* What parallel.c calls for fl_executor_start. */
int model_executor_start(fl_executor *executor, void (*function)(void *arg), void *arg);
int model_executor_start(fl_executor *executor, void (*function)(void *arg), void *arg)
{
	uint32_t i = model_noted(&o->asked);

	model_assert(executor->max == fl_parallel_threads_ - 1);
	if (i == o->room)
		return -EAGAIN;
	model_count(&o->asked);
	model_count(&o->busy);
	o->orders[i].function = function;
	fl_store_release(&o->orders[i].arg, arg);
	model_note(&o->come[i], 1);
	return 0;
}

/* The calling thread asks for no more helpers. */
static void leave(void)
{
	uint32_t i;

	model_note(&o->busy, model_noted(&o->busy) - 1);
	for (i = 0; model_noted(&o->busy) == 0 && i < HELPERS; i++)
		model_note(&o->come[i], 1);
}

static void come(uint32_t i)
{
	void *arg;

	model_await_note(&o->come[i], 1);
	arg = fl_load_acquire(&o->orders[i].arg);
	if (!arg)
		return;
	o->orders[i].function(arg);
	leave();
}

static void come_0(void)
{
	come(0);
}

static void come_1(void)
{
	come(1);
}

/* Loops. */

static void setup_with(uint32_t threads, uint32_t room, uint32_t callers)
{
	o = model_objects(sizeof(*o));
	model_name(&o->executor);
	model_name(&o->orders);
	model_name(&o->note);
	model_name(&o->in);
	model_name(&o->out);
	model_name(&o->others);
	fl_parallel_threads_ = threads;
	o->room = room;
	o->busy = callers;
}

static void setup_two(void)
{
	setup_with(2, 1, 1);
}

static void setup_three(void)
{
	setup_with(3, 2, 1);
}

/* Who helps has had the next one come before. */
static int do_pieces(int64_t begin, int64_t end, void *unused)
{
	int64_t i;

	(void)unused;
	model_assert(begin < end);
	model_assert(fl_self() == o->caller || model_noted(&o->asked) == o->room);
	for (i = begin; i < end; i++) {
		model_assert(o->in[i] == 1 && o->out[i] == 0);
		o->out[i] = 1;
		model_count(&o->done);
	}
	return 0;
}

static void write_in(int n)
{
	int i;

	o->caller = fl_self();
	for (i = 0; i < n; i++)
		o->in[i] = 1;
}

/* The caller may go on with what the loop has used. */
static void read_out(int n)
{
	int i;

	for (i = 0; i < n; i++) {
		model_assert(o->out[i] == 1);
		o->in[i] = o->out[i] = 2;
	}
}

static void loop(int n, int64_t grain)
{
	write_in(n);
	model_assert(fl_parallel_for(0, n, grain, do_pieces, NULL) == 0);
	read_out(n);
	leave();
}

static void loop_two(void)
{
	loop(2, 1);
}

static void loop_three(void)
{
	loop(3, 1);
}

static void loop_four(void)
{
	loop(4, 1);
}

static void loop_five_by_twos(void)
{
	loop(5, 2);
}

static void all_freed(void)
{
	model_assert(model_blocks() == 0);
	model_assert(model_noted(&o->busy) == 0);
	model_assert_unwaited(&o->note);
}

static void all_done(void)
{
	all_freed();
	model_assert(o->in[0] == 2 && o->out[0] == 2);
}

/* An error, a note, a deadline: what has not begun is left out, what has is waited for. */

static int fail_at_first(int64_t begin, int64_t end, void *unused)
{
	model_assert(do_pieces(begin, end, unused) == 0);
	return begin == 0 ? -EIO : 0;
}

static void loop_until(fl_parallel_function function, int n, fl_time deadline, int reason)
{
	uint32_t done;
	int error, i;

	write_in(n);
	error = fl_parallel_for_until(0, n, 1, function, NULL, deadline, &o->note);
	done = model_noted(&o->done);
	if (reason == -EIO) /* whose piece is done in any case */
		model_assert(error == reason);
	else
		model_assert(done < (uint32_t)n ? error == reason : error == 0);
	for (i = 0; i < n; i++) {
		done -= o->out[i] == 1;
		o->in[i] = o->out[i] = 2; /* nobody does it any more */
	}
	model_assert(done == 0);
	leave();
}

static void loop_failing(void)
{
	loop_until(fail_at_first, 3, FL_FOREVER, -EIO);
}

static void loop_noted(void)
{
	loop_until(do_pieces, 3, FL_FOREVER, -ECANCELED);
}

static void loop_until_soon(void)
{
	loop_until(do_pieces, 3, MODEL_SOON, -ETIMEDOUT);
}

static void cancel_note(void)
{
	fl_note_cancel(&o->note);
}

/* Nobody comes. */

static void setup_refused(void)
{
	setup_with(2, 0, 1);
}

static void setup_without(void)
{
	setup_with(2, 0, 1);
	o->executors = -1;
}

static void one_done(void)
{
	all_done();
	model_assert(model_noted(&o->done) == 1);
}

/* Two loops at once have the same helpers, made by whoever is first. */

static void setup_callers(void)
{
	setup_with(2, 1, 2);
}

static int do_others(int64_t begin, int64_t end, void *others)
{
	int *mine = others;

	for (; begin < end; begin++)
		model_assert(mine[begin]++ == 0);
	return 0;
}

static void loop_others(void)
{
	model_assert(fl_parallel_for(0, 2, 1, do_others, o->others) == 0);
	model_assert(o->others[0] == 1 && o->others[1] == 1);
	leave();
}

static void one_executor(void)
{
	all_done();
	model_assert(o->executors == 1);
}

const struct model_scenario model_parallel_scenarios[] = {
	{"parallel", "a caller and a helper, a piece each", .setup = setup_two, .threads = {loop_two, come_0},
	 .finish = all_done},
	{"parallel-halves", "a caller and a helper, who take halves of what is left", .setup = setup_two,
	 .threads = {loop_four, come_0}, .finish = all_done},
	{"parallel-rest", "pieces of two, and one of one", .setup = setup_two, .threads = {loop_five_by_twos, come_0},
	 .finish = all_done},
	{"parallel-three", "a caller and two helpers, of whom one asks the other", .setup = setup_three,
	 .threads = {loop_four, come_0, come_1}, .finish = all_done, .bound = 3, .deep_bound = 5},
	{"parallel-error", "a piece fails", .setup = setup_two, .threads = {loop_failing, come_0}, .finish = all_done},
	{"parallel-note", "a note is cancelled", .setup = setup_two, .threads = {loop_noted, come_0, cancel_note},
	 .finish = all_done},
	{"parallel-until", "a deadline passes", .setup = setup_two, .threads = {loop_until_soon, come_0},
	 .finish = all_done, .jumps = 1},
	{"parallel-refused", "no helper can be asked", .setup = setup_refused, .threads = {loop_three},
	 .finish = all_done},
	{"parallel-error-alone", "the first piece fails, and nobody else is there", .setup = setup_refused,
	 .threads = {loop_failing}, .finish = one_done},
	{"parallel-without", "there is no executor to be had", .setup = setup_without, .threads = {loop_three},
	 .finish = all_done},
	{"parallel-callers", "two callers, and one helper for both", .setup = setup_callers,
	 .threads = {loop_two, loop_others, come_0}, .finish = one_executor, .bound = 3},
	{0},
};
