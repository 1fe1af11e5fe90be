/*
 * queue.c - scenarios of queues: nothing lost, nothing twice, the order of each producer kept, nobody left waiting.
 */
#include "scenarios.h"

#include <errno.h>
#include <fairlead/queue.h>
#include <fairlead/simple_queue.h>
#include <fairlead/wait_any.h>
#include <poll.h>

static fl_queue *queue;
static fl_simple_queue *simple;
static intptr_t sum, got;

static void make(uint64_t limit)
{
	fl_queue_options options = {.kind = FL_QUEUE_FIFO, .limit = limit};

	assert(fl_queue_create(&queue, &options) == 0);
}

static void put_one(void)
{
	intptr_t item = 1;

	assert(fl_queue_put(queue, &item) == 0);
}

static void put_two(void)
{
	for (intptr_t item = 1; item <= 2; item++)
		assert(fl_queue_put(queue, &item) == 0);
}

static void get_one(void)
{
	intptr_t item;

	assert(fl_queue_get(queue, &item) == 0);
	__atomic_fetch_add(&sum, item, __ATOMIC_RELAXED);
}

static void get_two_in_order(void)
{
	intptr_t first, second;

	assert(fl_queue_get(queue, &first) == 0 && fl_queue_get(queue, &second) == 0);
	assert(first == 1 && second == 2);
}

static void get_two(void)
{
	get_one();
	get_one();
}

static void queue_1(void *arg)
{
	(void)arg;
	make(0);
	together(put_one, get_one, NULL);
	assert(sum == 1 && fl_queue_empty(queue));
	fl_queue_destroy(queue);
}

static void queue_bounded(void *arg)
{
	(void)arg;
	make(1);
	together(put_two, get_two_in_order, NULL);
	fl_queue_destroy(queue);
}

static void queue_2_2(void *arg)
{
	(void)arg;
	make(1);
	together(put_two, put_one, get_one, get_two, NULL);
	assert(sum == 4);
	fl_queue_destroy(queue);
}

static void shut_down(void)
{
	fl_queue_shutdown(queue);
}

static void put_until_shut_down(void)
{
	intptr_t item = 1;

	while (fl_queue_put(queue, &item) == 0)
		got--;
}

static void get_until_shut_down(void)
{
	intptr_t item;

	while (fl_queue_get(queue, &item) == 0)
		__atomic_fetch_add(&sum, item, __ATOMIC_RELAXED);
}

static void queue_shutdown(void *arg)
{
	(void)arg;
	make(1);
	together(put_until_shut_down, get_until_shut_down, shut_down, NULL);
	assert(sum == -got);
	fl_queue_destroy(queue);
}

static void get_soon(void)
{
	intptr_t item;

	if (fl_queue_get_until(queue, &item, fl_after(FL_MS(1)), NULL) == 0)
		__atomic_fetch_add(&sum, item, __ATOMIC_RELAXED);
}

static void queue_until(void *arg)
{
	(void)arg;
	make(0);
	together(get_soon, put_one, put_one, get_one, NULL);
	assert(sum + (fl_queue_empty(queue) ? 0 : 1) == 2);
	fl_queue_destroy(queue);
}

static void simple_put(void)
{
	intptr_t item = 1;

	assert(fl_simple_queue_put(simple, &item) == 0);
}

static void simple_get(void)
{
	intptr_t item;

	assert(fl_simple_queue_get(simple, &item) == 0);
	sum += item;
}

static void simple_1(void *arg)
{
	(void)arg;
	assert(fl_simple_queue_create(&simple, sizeof(intptr_t)) == 0);
	together(simple_put, simple_get, NULL);
	assert(sum == 1);
	fl_simple_queue_destroy(simple);
}

static void simple_get_two(void)
{
	simple_get();
	simple_get();
}

static void simple_2(void *arg)
{
	(void)arg;
	assert(fl_simple_queue_create(&simple, sizeof(intptr_t)) == 0);
	together(simple_put, simple_put, simple_get_two, NULL);
	assert(sum == 2);
	fl_simple_queue_destroy(simple);
}

/* Items that are pointers, to what is written before they are put and overwritten after they were got. */
static int boxes[4], next_box;
static fl_note note;

static void *fill_box(int value)
{
	boxes[next_box] = value;
	return &boxes[next_box++];
}

static void empty_box(int *box, int value)
{
	assert(*box == value);
	*box = 0;
}

static void put_three_boxes(void)
{
	for (int i = 1; i <= 3; i++) {
		void *box = fill_box(i);

		assert(fl_queue_put(queue, &box) == 0);
	}
}

static void get_three_boxes(void)
{
	for (int i = 1; i <= 3; i++) {
		int *box;

		assert(fl_queue_get(queue, &box) == 0);
		empty_box(box, i);
	}
}

static void queue_boxes(void *arg)
{
	(void)arg;
	make(2);
	together(put_three_boxes, get_three_boxes, NULL);
	fl_queue_destroy(queue);
}

static void queue_unbounded(void *arg)
{
	(void)arg;
	make(0);
	together(put_three_boxes, get_three_boxes, NULL);
	fl_queue_destroy(queue);
}

static void make_kind(enum fl_queue_kind kind, uint64_t limit)
{
	fl_queue_options options = {.kind = kind, .limit = limit};

	assert(fl_queue_create(&queue, &options) == 0);
}

static void queue_lifo(void *arg)
{
	(void)arg;
	make_kind(FL_QUEUE_LIFO, 1);
	together(put_two, get_two, NULL);
	assert(sum == 3);
	fl_queue_destroy(queue);
}

static void queue_priority(void *arg)
{
	fl_queue_options options = {.kind = FL_QUEUE_PRIORITY, .item_size = sizeof(int64_t)};

	(void)arg;
	assert(fl_queue_create(&queue, &options) == 0);
	together(put_two, get_two, put_one, get_one, NULL);
	assert(sum == 4);
	fl_queue_destroy(queue);
}

static void put_many(void)
{
	intptr_t items[] = {1, 2, 3};

	assert(fl_queue_put_many(queue, items, 3) == 3);
}

static void get_many(void)
{
	intptr_t items[3];
	int n = 0;

	while (n < 3) {
		int more = fl_queue_get_many(queue, items + n, (size_t)(3 - n));

		assert(more > 0);
		n += more;
	}
	assert(items[0] == 1 && items[1] == 2 && items[2] == 3);
}

static void queue_many(void *arg)
{
	(void)arg;
	make(2);
	together(put_many, get_many, NULL);
	fl_queue_destroy(queue);
}

static void work_on_one(void)
{
	get_one();
	__atomic_fetch_add(&got, 1, __ATOMIC_RELAXED);
	boxes[0] = 1;
	fl_queue_task_done(queue);
}

static void work_on_another(void)
{
	get_one();
	boxes[1] = 1;
	fl_queue_task_done(queue);
}

static void join(void)
{
	assert(fl_queue_join(queue) == 0);
	assert(boxes[0] == 1 && boxes[1] == 1);
}

static void queue_join(void *arg)
{
	(void)arg;
	make(0);
	put_two();
	together(work_on_one, work_on_another, join, NULL);
	assert(fl_queue_unfinished(queue) == 0);
	fl_queue_destroy(queue);
}

static void put_and_join(void)
{
	put_one();
	put_one();
	join();
}

static void queue_put_join(void *arg)
{
	(void)arg;
	make(0);
	together(put_and_join, work_on_one, work_on_another, NULL);
	fl_queue_destroy(queue);
}

static void shut_down_now(void)
{
	__atomic_fetch_add(&sum, (intptr_t)fl_queue_shutdown_now(queue), __ATOMIC_RELAXED);
}

static void queue_shutdown_now(void *arg)
{
	(void)arg;
	make(1);
	together(put_until_shut_down, get_until_shut_down, shut_down_now, NULL);
	assert(sum == -got);
	fl_queue_destroy(queue);
}

static void get_noted(void)
{
	intptr_t item;

	if (fl_queue_get_until(queue, &item, FL_FOREVER, &note) == 0)
		__atomic_fetch_add(&sum, item, __ATOMIC_RELAXED);
}

static void cancel(void)
{
	fl_note_cancel(&note);
}

static void queue_cancel(void *arg)
{
	(void)arg;
	make(0);
	together(get_noted, put_one, cancel, NULL);
	assert(sum + (fl_queue_empty(queue) ? 0 : 1) == 1);
	fl_queue_destroy(queue);
}

static void poll_and_get(void)
{
	struct pollfd polled = {.fd = fl_queue_fd(queue), .events = POLLIN};
	intptr_t item;

	for (int n = 0; n < 2;) {
		assert(poll(&polled, 1, -1) == 1);
		while (n < 2 && fl_queue_get_try(queue, &item) == 0)
			n++;
	}
}

static void queue_fd(void *arg)
{
	(void)arg;
	make(0);
	assert(fl_queue_fd(queue) >= 0);
	together(put_two, poll_and_get, NULL);
	fl_queue_destroy(queue);
}

static void wait_and_get(void)
{
	fl_waitable waitable = fl_queue_waitable(queue);
	int *box;

	assert(fl_wait_any(1, &waitable, FL_FOREVER, NULL) == 0);
	assert(fl_queue_get_try(queue, &box) == 0);
	empty_box(box, 1);
}

static void put_box(void)
{
	void *box = fill_box(1);

	assert(fl_queue_put(queue, &box) == 0);
}

static void queue_any(void *arg)
{
	(void)arg;
	make(0);
	together(wait_and_get, put_box, NULL);
	fl_queue_destroy(queue);
}

static void simple_put_box(void)
{
	void *box = fill_box(1);

	assert(fl_simple_queue_put(simple, &box) == 0);
}

static void simple_put_two_boxes(void)
{
	simple_put_box();
	simple_put_box();
}

static void simple_get_two_boxes(void)
{
	for (int i = 0; i < 2; i++) {
		int *box;

		assert(fl_simple_queue_get(simple, &box) == 0);
		empty_box(box, 1);
	}
}

static void simple_boxes(void *arg)
{
	(void)arg;
	assert(fl_simple_queue_create(&simple, 0) == 0);
	together(simple_put_two_boxes, simple_get_two_boxes, NULL);
	fl_simple_queue_destroy(simple);
}

static void simple_get_soon(void)
{
	int *box;

	if (fl_simple_queue_get_until(simple, &box, fl_after(FL_MS(1)), NULL) == 0)
		empty_box(box, 1);
}

static void simple_until(void *arg)
{
	(void)arg;
	assert(fl_simple_queue_create(&simple, 0) == 0);
	together(simple_put_two_boxes, simple_get_soon, simple_get_soon, NULL);
	fl_simple_queue_destroy(simple);
}

/* So many that nodes are used again. */
static void simple_put_three(void)
{
	for (int i = 0; i < 3; i++)
		simple_put();
}

static void simple_get_six(void)
{
	for (int i = 0; i < 6; i++)
		simple_get();
}

static void simple_again(void *arg)
{
	(void)arg;
	assert(fl_simple_queue_create(&simple, sizeof(intptr_t)) == 0);
	together(simple_put_three, simple_put_three, simple_get_six, NULL);
	assert(sum == 6);
	fl_simple_queue_destroy(simple);
}

/* Never more than there is room for, and never less than none. */
static void look_at_size(void)
{
	for (int i = 0; i < 2; i++)
		assert(fl_queue_size(queue) <= 1);
}

static void queue_look(void *arg)
{
	(void)arg;
	make(1);
	together(put_two, get_two, look_at_size, NULL);
	fl_queue_destroy(queue);
}

static void queue_look_dropped(void *arg)
{
	(void)arg;
	make(1);
	together(put_until_shut_down, shut_down_now, look_at_size, NULL);
	fl_queue_destroy(queue);
}

/* Nobody says more often that it is done than items were put. */
static void queue_done(void *arg)
{
	(void)arg;
	make(0);
	together(put_two, work_on_one, work_on_another, NULL);
	assert(fl_queue_unfinished(queue) == 0);
	fl_queue_destroy(queue);
}

const struct scenario queue_scenarios[] = {
	{"queue-1", "one puts, one gets", queue_1, 2},
	{"queue-bounded", "two items through a queue of one", queue_bounded, MANY},
	{"queue-2-2", "two put, two get", queue_2_2, MANY},
	{"queue-shutdown", "shutdown races with put and get", queue_shutdown, MANY},
	{"queue-until", "a consumer may give up", queue_until, MANY},
	{"simple-1", "one puts, one gets", simple_1, 2},
	{"simple-2", "two put", simple_2, MANY},
	{"queue-boxes", "what items point to, room for two", queue_boxes, MANY},
	{"queue-unbounded", "the same without a bound", queue_unbounded, MANY},
	{"queue-lifo", "last in, first out, room for one", queue_lifo, MANY},
	{"queue-priority", "by priority", queue_priority, MANY},
	{"queue-many", "three at once, room for two", queue_many, MANY},
	{"queue-join", "two work, one joins", queue_join, MANY},
	{"queue-put-join", "joined by who puts", queue_put_join, MANY},
	{"queue-shutdown-now", "shut down and emptied", queue_shutdown_now, MANY},
	{"queue-cancel", "a note races with an item", queue_cancel, MANY},
	{"queue-fd", "a descriptor is polled", queue_fd, MANY},
	{"queue-any", "waited for, then got", queue_any, 2},
	{"simple-boxes", "what items point to", simple_boxes, MANY},
	{"simple-until", "two who may give up", simple_until, MANY},
	{"simple-again", "nodes are used again", simple_again, MANY},
	{"queue-look", "looked at while it is put and got", queue_look, MANY},
	{"queue-look-dropped", "the same while it is emptied", queue_look_dropped, MANY},
	{"queue-done", "two work while it is put", queue_done, MANY},
	{0},
};
