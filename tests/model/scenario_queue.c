/*
 * scenario_queue.c - Queue: each item that was put is got once, in its order and after what was written before its put;
 * there are never more than the bound; and nobody sleeps while there is something for it, however puts, gets,
 * deadlines, notes, a shutdown and a growth meet.
 *
 * An item is the number of a piece of plain memory that its producer writes and its consumer reads: an item that is
 * seen too early is a race. As consumers wait for what was put, one that is lost is a deadlock.
 */
#include "scenarios.h"

#include "queue/queue.h"
#include <errno.h>
#include <fairlead/note.h>

enum { N_ITEMS = 4, WRITTEN = 1, TAKEN, FINISHED };

struct objects {
	fl_note note;
	uint64_t data[N_ITEMS]; /* of the item of that number */
	uint32_t put, got, dropped, given_up;
};
static struct objects *o;
static fl_queue *queue;

/* Making one. */

static void make(enum fl_queue_kind kind, uint64_t limit)
{
	const fl_queue_options options = {.kind = kind, .item_size = sizeof(int64_t), .limit = limit};

	o = model_objects(sizeof(*o));
	if (fl_queue_create(&queue, &options) != 0)
		return;
	model_name(&o->note);
	model_name(&o->data);
	model_name(&queue->put);
	model_name(&queue->get);
	model_name(&queue->done);
	model_name(&queue->put_seen);
	model_name_as(queue->put.items, (queue->put.mask + 1) * sizeof(int64_t), "items");
}

static void setup_one(void)
{
	make(FL_QUEUE_FIFO, 1);
}

static void setup_two(void)
{
	make(FL_QUEUE_FIFO, 2);
}

static void setup_three(void)
{
	make(FL_QUEUE_FIFO, 3);
}

static void setup_stack(void)
{
	make(FL_QUEUE_LIFO, 2);
}

static void setup_heap(void)
{
	make(FL_QUEUE_PRIORITY, 2);
}

/* Without bound, and with room for one at first. */
static void setup_growing(void)
{
	make(FL_QUEUE_FIFO, 1);
	queue->limit = UINT64_MAX;
}

static void setup_growing_stack(void)
{
	make(FL_QUEUE_LIFO, 1);
	queue->limit = UINT64_MAX;
}

/* What holds at any moment. [Q1] */
static void check_bound(void)
{
	uint32_t n = model_noted((const void *)&queue->put.position) - model_noted((const void *)&queue->get.position);

	model_assert(n <= queue->limit && n <= N_ITEMS);
}

/* Putting. */

static int put_until(int64_t item, fl_time deadline, fl_note *note)
{
	int error;

	o->data[item] = WRITTEN;
	error = fl_queue_put_until(queue, &item, deadline, note);
	check_bound();
	if (error == 0)
		model_count(&o->put);
	else
		model_count(&o->given_up);
	return error;
}

static void put(int64_t item)
{
	model_assert(put_until(item, FL_FOREVER, NULL) == 0);
}

static void put_0(void)
{
	put(0);
}

static void put_1(void)
{
	put(1);
}

static void put_2(void)
{
	put(2);
}

static void put_0_1(void)
{
	put(0);
	put(1);
}

static void put_0_1_2(void)
{
	put_0_1();
	put(2);
}

static void put_1_0(void)
{
	put(1);
	put(0);
}

static void put_2_3(void)
{
	put(2);
	put(3);
}

static void put_1_soon(void)
{
	int error = put_until(1, MODEL_SOON, NULL);

	model_assert(error == 0 || error == -ETIMEDOUT);
}

static void put_1_unless_cancelled(void)
{
	int error = put_until(1, FL_FOREVER, &o->note);

	model_assert(error == 0 || error == -ECANCELED);
}

static void burst(size_t n)
{
	int64_t items[3], i;

	for (i = 0; i < (int64_t)n; i++) {
		o->data[i] = WRITTEN;
		items[i] = i;
	}
	model_assert(fl_queue_put_many(queue, items, n) == (int)n);
	check_bound();
	model_note(&o->put, (uint32_t)n);
}

static void burst_of_2(void)
{
	burst(2);
}

static void burst_of_3(void)
{
	burst(3);
}

/* Getting. */

static void take(int64_t item)
{
	model_assert(item >= 0 && item < N_ITEMS);
	model_assert(o->data[item] == WRITTEN);
	o->data[item] = TAKEN;
	model_count(&o->got);
	check_bound();
}

static int64_t get(void)
{
	int64_t item = -1;

	model_assert(fl_queue_get(queue, &item) == 0);
	take(item);
	return item;
}

static void get_1(void)
{
	get();
}

static void get_2(void)
{
	int64_t first = get();

	model_assert(get() > first);
}

static void get_3(void)
{
	int64_t first = get(), second = get();

	model_assert(first < second && second < get());
}

static void get_2_of_any(void)
{
	get();
	get();
}

static void get_4_of_any(void)
{
	get_2_of_any();
	get_2_of_any();
}

static void get_if(int refusal, fl_time deadline, fl_note *note)
{
	int64_t item = -1;
	int error = fl_queue_get_until(queue, &item, deadline, note);

	if (error == 0) {
		take(item);
		return;
	}
	model_assert(error == refusal && item == -1);
	model_count(&o->given_up);
}

static void get_soon(void)
{
	get_if(-ETIMEDOUT, MODEL_SOON, NULL);
}

static void get_unless_cancelled(void)
{
	get_if(-ECANCELED, FL_FOREVER, &o->note);
}

static void cancel(void)
{
	fl_note_cancel(&o->note);
}

static void get_many_3(void)
{
	int64_t items[2], last = -1;
	int n, i;

	while (last < 2) {
		n = fl_queue_get_many(queue, items, 2);
		model_assert(n == 1 || n == 2);
		for (i = 0; i < n; i++) {
			model_assert(items[i] == last + 1);
			take(last = items[i]);
		}
	}
}

static void get_many_3_at_once(void)
{
	int64_t items[3];
	int left, n, i;

	for (left = 3; left > 0; left -= n) {
		n = fl_queue_get_many(queue, items, 3);
		model_assert(n > 0);
		for (i = 0; i < n; i++)
			take(items[i]);
	}
}

/* When both were in before this began it is known which one is the first. */
static void get_in_order(int64_t first, int64_t second)
{
	bool both = model_noted(&o->put) == 2;
	int64_t item = get();

	model_assert(!both || item == first);
	model_assert(get() == (item == first ? second : first));
}

static void get_newest_first(void)
{
	get_in_order(1, 0);
}

static void get_lowest_first(void)
{
	get_in_order(0, 1);
}

/* Shutting down. */

static void shut(void)
{
	fl_queue_shutdown(queue);
}

static void put_0_1_unless_shut(void)
{
	int64_t item;
	int error = 0;

	for (item = 0; item < 2 && error == 0; item++)
		error = put_until(item, FL_FOREVER, NULL);
	model_assert(error == 0 || error == -EPIPE);
}

static void shut_out_1(void)
{
	model_assert(put_until(1, FL_FOREVER, NULL) == -EPIPE);
}

static void shut_out_2(void)
{
	model_assert(put_until(2, FL_FOREVER, NULL) == -EPIPE);
}

static void get_until_shut(void)
{
	int64_t item, last = -1;
	int error;

	while ((error = fl_queue_get(queue, &item)) == 0) {
		model_assert(item > last);
		take(last = item);
	}
	model_assert(error == -EPIPE);
}

static void put_0_1_and_shut(void)
{
	put_0_1();
	shut();
}

/* Done, and joined. */

static void finish_one(int64_t item)
{
	o->data[item] = FINISHED;
	fl_queue_task_done(queue);
}

static void work_1(void)
{
	finish_one(get());
}

static void work_2(void)
{
	work_1();
	work_1();
}

static void work_until_shut(void)
{
	int64_t item;

	while (fl_queue_get(queue, &item) == 0) {
		take(item);
		finish_one(item);
	}
}

/* All that is put in these is put by setup, or by who joins. */
static void check_finished(void)
{
	model_assert(o->data[0] == FINISHED && o->data[1] == FINISHED);
}

static void join(void)
{
	model_assert(fl_queue_join(queue) == 0);
	check_finished();
}

static void join_soon(void)
{
	int error = fl_queue_join_until(queue, MODEL_SOON, NULL);

	model_assert(error == 0 || error == -ETIMEDOUT);
	if (error == 0)
		check_finished();
	else
		join();
}

static void put_0_1_and_join(void)
{
	put_0_1();
	join();
}

static void drop_and_join(void)
{
	model_note(&o->dropped, (uint32_t)fl_queue_shutdown_now(queue));
	model_assert(fl_queue_join(queue) == 0);
	model_assert(fl_queue_unfinished(queue) == 0);
}

static void setup_put(void)
{
	setup_two();
	put_0_1();
}

static void setup_full(void)
{
	setup_one();
	put(0);
}

static void setup_full_stack(void)
{
	make(FL_QUEUE_LIFO, 1);
	put(0);
}

/* The descriptor. */

static void poll_until_shut(void)
{
	int64_t item;
	int error;

	model_assert(fl_queue_fd(queue) >= 0);
	do {
		model_await_readable();
		while ((error = fl_queue_get_try(queue, &item)) == 0)
			take(item);
	} while (error == -EAGAIN);
	model_assert(error == -EPIPE);
}

static void try_1(void)
{
	int64_t item;

	if (fl_queue_get_try(queue, &item) == 0)
		take(item);
}

/* Looking. */

static void look(void)
{
	model_assert(fl_queue_size(queue) <= 2);
	model_assert(fl_queue_unfinished(queue) <= 2);
	model_assert(!fl_queue_empty(queue) || !fl_queue_full(queue) || model_noted(&o->put) > 0);
	model_assert(!fl_queue_is_shutdown(queue));
}

/* Ends. */

static void check_side(const struct fl_queue_side *side)
{
	model_assert_unwaited(&side->position);
	model_assert_unwaited(&side->lock);
	model_assert(side->lock.fl_word == 0);
}

static void nothing_lost(void)
{
	check_side(&queue->put);
	check_side(&queue->get);
	model_assert_unwaited(&queue->done);
	model_assert_unwaited(&o->note);
	model_assert(o->put == o->got + o->dropped + fl_queue_size(queue));
}

static void check_came(const struct fl_queue_side *side)
{
	model_assert(side->coming == 0); /* [W2] */
}

static void all_accounted_for(void)
{
	nothing_lost();
	check_came(&queue->put);
	check_came(&queue->get);
}

static void all_got(void)
{
	all_accounted_for();
	model_assert(fl_queue_size(queue) == 0);
}

const struct model_scenario model_queue_scenarios[] = {
	{"queue", "one item", .setup = setup_one, .threads = {put_0, get_1}, .finish = all_got},
	{"queue-two", "two items, room for one", .setup = setup_one, .threads = {put_0_1, get_2}, .finish = all_got,
	 .bound = 4},
	{"queue-getters", "two who get, one after the other is put", .setup = setup_two,
	 .threads = {get_1, get_1, put_0_1}, .finish = all_got, .bound = 3, .deep_bound = 4},
	{"queue-burst", "two who get, two items at once", .setup = setup_two, .threads = {get_1, get_1, burst_of_2},
	 .finish = nothing_lost, .bound = 3, .deep_bound = 4},
	{"queue-chain", "three who get, three items at once", .setup = setup_three,
	 .threads = {get_1, get_1, get_1, burst_of_3}, .finish = nothing_lost, .bound = 2, .deep_bound = 3},
	{"queue-putters", "two who put, room for one", .setup = setup_full,
	 .threads = {put_1, put_2, get_many_3_at_once}, .finish = all_got, .bound = 2, .deep_bound = 3},
	{"queue-until", "a deadline passes while items come", .setup = setup_two, .threads = {get_soon, get_1, put_0_1},
	 .finish = all_accounted_for, .bound = 2, .deep_bound = 3},
	{"queue-cancel", "a note is cancelled while items come", .setup = setup_two,
	 .threads = {get_unless_cancelled, get_1, put_0_1, cancel}, .finish = all_accounted_for, .bound = 2,
	 .deep_bound = 3},
	{"queue-put-until", "a deadline passes while room comes", .setup = setup_full,
	 .threads = {put_1_soon, put_2, get_2_of_any}, .finish = all_accounted_for, .bound = 2, .deep_bound = 3},
	{"queue-put-cancel", "a note is cancelled while room comes", .setup = setup_full,
	 .threads = {put_1_unless_cancelled, get_1, cancel}, .finish = all_accounted_for},
	{"queue-spin", "one spins while another sleeps", .setup = setup_two, .threads = {get_1, get_1, put_0_1},
	 .finish = all_got, .spins = 1, .bound = 2, .deep_bound = 3},
	{"queue-spin-put", "the same for room", .setup = setup_full, .threads = {put_1, put_2, get_2_of_any},
	 .finish = all_accounted_for, .spins = 1, .bound = 2, .deep_bound = 3},
	{"queue-stray", "a sleep ends for nothing", .setup = setup_one, .threads = {put_0_1, get_2}, .finish = all_got,
	 .stray = 1, .bound = 3, .deep_bound = 4},
	{"queue-quick", "the locks' quick release", .setup = setup_one, .threads = {put_0_1, get_2}, .finish = all_got,
	 .quick = true, .bound = 3, .deep_bound = 4},
	{"queue-many", "three at once, room for two", .setup = setup_two, .threads = {burst_of_3, get_many_3},
	 .finish = all_got, .bound = 4, .deep_bound = 5},
	{"queue-producers", "two who put two each", .setup = setup_two, .threads = {put_0_1, put_2_3, get_4_of_any},
	 .finish = all_got, .bound = 2, .deep_bound = 3},
	{"queue-shutdown", "shut down while it is put and got", .setup = setup_one,
	 .threads = {put_0_1_unless_shut, get_until_shut, shut}, .finish = all_got, .bound = 2, .deep_bound = 3},
	{"queue-shutdown-full", "shut down while it is full", .setup = setup_full,
	 .threads = {shut_out_1, shut_out_2, shut}, .finish = all_accounted_for, .bound = 2, .deep_bound = 3},
	{"queue-shutdown-now", "the same, what is in it is dropped, and joined", .setup = setup_one,
	 .threads = {put_0_1_unless_shut, work_until_shut, drop_and_join}, .finish = all_got, .bound = 2,
	 .deep_bound = 3},
	{"queue-join", "two work, one joins", .setup = setup_put, .threads = {work_1, work_1, join}, .finish = all_got},
	{"queue-join-two", "one works, two join", .setup = setup_put, .threads = {work_2, join, join},
	 .finish = all_got},
	{"queue-join-until", "a deadline of a join passes", .setup = setup_put, .threads = {work_1, work_1, join_soon},
	 .finish = all_got, .bound = 3, .deep_bound = 4},
	{"queue-put-join", "joined by who puts", .setup = setup_one, .threads = {put_0_1_and_join, work_2},
	 .finish = all_got, .bound = 3, .deep_bound = 4},
	{"queue-grow", "it grows while it is got from", .setup = setup_growing, .threads = {put_0_1_2, get_3},
	 .finish = all_got, .bound = 3, .deep_bound = 4},
	{"queue-grow-two", "the same with two who put", .setup = setup_growing,
	 .threads = {put_0_1, put_2, get_2_of_any}, .finish = all_accounted_for, .bound = 2, .deep_bound = 3},
	{"queue-lifo", "last in, first out", .setup = setup_stack, .threads = {put_0_1, get_newest_first},
	 .finish = all_got, .bound = 3},
	{"queue-lifo-grow", "the same, growing", .setup = setup_growing_stack, .threads = {put_0_1, get_newest_first},
	 .finish = all_got, .bound = 3},
	{"queue-lifo-full", "the same, two wait for room", .setup = setup_full_stack,
	 .threads = {put_1, put_2, get_many_3_at_once}, .finish = all_got, .bound = 2, .deep_bound = 3},
	{"queue-lifo-burst", "the same, two who get", .setup = setup_stack, .threads = {get_1, get_1, burst_of_2},
	 .finish = all_got, .bound = 2, .deep_bound = 3},
	{"queue-priority", "by priority", .setup = setup_heap, .threads = {put_1_0, get_lowest_first},
	 .finish = all_got, .bound = 3},
	{"queue-fd", "a descriptor is polled", .setup = setup_two,
	 .threads = {poll_until_shut, put_0_1_and_shut, try_1}, .finish = all_got, .bound = 3, .deep_bound = 4},
	{"queue-look", "looked at while it is put and got", .setup = setup_two, .threads = {put_0_1, work_2, look},
	 .finish = all_got, .bound = 3, .deep_bound = 4},
	{0},
};
