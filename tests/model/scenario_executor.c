/*
 * scenario_executor.c - Executor: no work is lost, done twice, or left lying while a worker sleeps, whatever races with
 * a put.
 *
 * Threads do not begin or end in the model: those of a scenario that are workers are there from the start, counted as
 * if they had been started.
 */
#include "scenarios.h"

#include "run/executor.h"
#include <errno.h>

#define SLOTS 4u

struct objects {
	fl_executor executor;
	struct fl_lane lanes[2];
	struct fl_worker workers[2];
	fl_future promise;
	fl_event event;
	fl_task task;
	int data[3]; /* written before the put, read by the work */
	uint32_t put, done, refused, dropped;
};
static struct objects *o;

/* With so many workers, of which so many may be awake, and so many lanes with so many slots. */
static void setup_with(uint32_t n_workers, uint32_t max, uint32_t n_lanes, uint32_t slots)
{
	uint32_t i;

	o = model_objects(sizeof(*o));
	model_name(&o->executor);
	model_name(&o->lanes);
	model_name(&o->promise);
	model_name(&o->data);
	o->executor.max = max;
	o->executor.lanes = o->lanes;
	o->executor.n_lanes = n_lanes;
	o->executor.refs = 1;
	o->executor.state = n_workers * (FL_CREW_THREADS + FL_CREW_LOOKING);
	for (i = 0; i < n_lanes; i++) {
		o->lanes[i].closed = &o->executor.state;
		o->lanes[i].closed_bits = FL_CREW_CLOSED;
		o->lanes[i].ring = model_objects(sizeof(struct fl_lane_ring) + slots * sizeof(struct fl_work_item));
		o->lanes[i].ring->mask = slots - 1;
	}
	for (i = 0; i < n_workers; i++) {
		o->workers[i].executor = &o->executor;
		o->workers[i].looking = true;
	}
	fl_future_begin_(&o->promise, 8);
}

static void setup_one(void)
{
	setup_with(1, 1, 1, SLOTS);
}

static void setup_two(void)
{
	setup_with(2, 2, 2, SLOTS);
}

static void setup_wrap(void)
{
	setup_with(1, 1, 1, 2);
}

static void setup_growing(void)
{
	setup_with(1, 1, 1, 1);
}

static void serve(uint32_t index)
{
	fl_tls_.worker = &o->workers[index];
	fl_crew_serve_(&o->workers[index]);
	fl_tls_.worker = NULL;
	fl_crew_leave_(&o->workers[index], false);
}

static void serve_0(void)
{
	serve(0);
}

static void serve_1(void)
{
	serve(1);
}

static void work(void *data)
{
	int *mine = data;

	model_assert(*mine == 1);
	*mine = 2;
	model_count(&o->done);
}

static void put(uint32_t index)
{
	int error;

	o->data[index] = 1;
	error = fl_crew_put_(&o->executor, (struct fl_work_item){work, &o->data[index]});
	model_assert(error == 0 || error == -EPIPE);
	model_count(error == 0 ? &o->put : &o->refused);
}

static void close(void)
{
	fl_crew_close_(&o->executor);
}

static void put_two_and_close(void)
{
	put(0);
	put(1);
	close();
}

static void put_three(void)
{
	put(0);
	put(1);
	model_await_note(&o->done, 1);
	put(2);
	close();
}

static void put_first(void)
{
	put(0);
}

static void put_second(void)
{
	put(1);
}

static void put_first_and_await(void)
{
	put(0);
	model_await_note(&o->done, 1);
	close();
}

static void put_two_and_await(void)
{
	put(0);
	put(1);
	model_await_note(&o->done, 2);
	close();
}

static void all_done(void)
{
	model_assert_unwaited(&o->executor);
	model_assert(o->done + o->dropped == o->put);
	model_assert(fl_event_is_set(&o->executor.ended));
	model_assert(fl_crew_count(o->executor.state, FL_CREW_THREADS) == 0);
}

/* Work that waits for other work: its place is lent. */

static void setup_lending(void)
{
	setup_with(2, 1, 1, SLOTS);
}

static void wait_for_promise(void *unused)
{
	(void)unused;
	model_assert(fl_future_result(&o->promise, NULL, 0) == 0);
	model_count(&o->done);
}

static void wait_for_either(void *unused)
{
	fl_waitable either[2] = {fl_event_waitable(&o->event), fl_future_waitable(&o->promise)};

	(void)unused;
	model_assert(fl_wait_any(2, either, FL_FOREVER, NULL) == 1);
	model_count(&o->done);
}

static void set_promise(void *unused)
{
	(void)unused;
	model_assert(fl_future_set_result(&o->promise, NULL, 0) == 0);
	model_count(&o->done);
}

static void put_waiting_and_setting(void)
{
	model_assert(fl_crew_put_(&o->executor, (struct fl_work_item){wait_for_promise, NULL}) == 0);
	model_assert(fl_crew_put_(&o->executor, (struct fl_work_item){set_promise, NULL}) == 0);
	o->put = 2;
	model_await_note(&o->done, 2);
	close();
}

static void put_waiting_for_any_and_setting(void)
{
	model_assert(fl_crew_put_(&o->executor, (struct fl_work_item){wait_for_either, NULL}) == 0);
	model_assert(fl_crew_put_(&o->executor, (struct fl_work_item){set_promise, NULL}) == 0);
	o->put = 2;
	model_await_note(&o->done, 2);
	close();
}

/* A task that is cancelled while it is put and run. */

static int count(fl_task *task, void *unused)
{
	(void)task;
	(void)unused;
	model_count(&o->done);
	return 0;
}

static void setup_task(void)
{
	setup_one();
	fl_future_begin_(&o->task.future, 8);
	o->task.future.home = &o->executor;
	o->task.function = count;
}

static void put_task(void)
{
	if (fl_crew_put_(&o->executor, (struct fl_work_item){fl_task_run_, &o->task}) == 0)
		model_count(&o->put);
	close();
}

static void cancel_task(void)
{
	if (fl_future_cancel(&o->task.future))
		model_count(&o->dropped);
}

static void task_done_or_cancelled(void)
{
	all_done();
	model_assert(fl_future_done(&o->task.future));
}

const struct model_scenario model_executor_scenarios[] = {
	{"executor", "one worker, two pieces of work, the end", .setup = setup_one,
	 .threads = {serve_0, put_two_and_close}, .finish = all_done},
	{"executor-awaited", "the end comes when the work is done", .setup = setup_one,
	 .threads = {serve_0, put_two_and_await}, .finish = all_done},
	{"executor-spin", "one worker, spinning", .setup = setup_one, .threads = {serve_0, put_first_and_await},
	 .finish = all_done, .spins = 1, .processors = 1},
	{"executor-wrap", "two slots, of which one is used again", .setup = setup_wrap, .threads = {serve_0, put_three},
	 .finish = all_done},
	{"executor-grow", "one slot, which is not enough", .setup = setup_growing,
	 .threads = {serve_0, put_two_and_close}, .finish = all_done},
	{"executor-close", "a put races with the end", .setup = setup_one, .threads = {serve_0, put_first, close},
	 .finish = all_done, .bound = 3},
	{"executor-two", "two workers, two lanes", .setup = setup_two, .threads = {serve_0, serve_1, put_two_and_await},
	 .finish = all_done, .bound = 2},
	{"executor-all", "two workers, two who put, and the end", .setup = setup_two,
	 .threads = {serve_0, serve_1, put_second, put_first_and_await}, .finish = all_done, .bound = 1,
	 .deep_bound = 2},
	{"executor-lend", "a place for one: it is lent by the work that waits", .setup = setup_lending,
	 .threads = {serve_0, serve_1, put_waiting_and_setting}, .finish = all_done, .bound = 2},
	{"executor-lend-any", "the same by work that waits for the first of two things", .setup = setup_lending,
	 .threads = {serve_0, serve_1, put_waiting_for_any_and_setting}, .finish = all_done, .bound = 2},
	{"executor-cancel", "a cancel races with the worker", .setup = setup_task,
	 .threads = {serve_0, put_task, cancel_task}, .finish = task_done_or_cancelled, .bound = 3},
	{0},
};
