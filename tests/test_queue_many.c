/*
 * test_queue_many.c - Queue: no item is lost, got twice or stuck, and each producer's are in order, with more threads
 * than processors, waits that time out all the time, and a shutdown in the midst of it.
 */
#include "testing.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define PRODUCERS 16u
#define CONSUMERS 16u

struct item {
	int64_t priority;
	uint32_t producer;
	uint32_t number;
};

/* What one thread has put, or got. */
struct count {
	_Alignas(64) uint64_t items, times; /* and how often it waited in vain */
	uint32_t next[PRODUCERS];           /* the number that an item of each producer must have at least */
};

struct run {
	fl_queue *queue;
	enum fl_queue_kind kind;
	uint32_t n; /* items of each producer */
	bool impatient, many, done;
	uint32_t producers_left;
	uint64_t dropped;
	struct count producers[PRODUCERS], consumers[CONSUMERS];
};

static int put(struct run *run, const struct item *items, unsigned n)
{
	if (run->many)
		return fl_queue_put_many(run->queue, items, n);
	if (!run->impatient)
		return fl_queue_put(run->queue, items) == 0 ? 1 : -EPIPE;
	return fl_queue_put_until(run->queue, items, fl_after(FL_US(items->number % 50)), NULL) == 0 ? 1 : -ETIMEDOUT;
}

static void produce(struct run *run, uint32_t me)
{
	struct count *count = &run->producers[me];
	struct item items[3];
	uint32_t i, k;
	int done;

	for (i = 0; i < run->n;) {
		for (k = 0; k < 3 && i + k < run->n; k++)
			items[k] = (struct item){.priority = (i + k) % 4, .producer = me, .number = i + k};
		done = put(run, items, run->many ? k : 1);
		if (done > 0)
			i += (uint32_t)done;
		else if (fl_queue_is_shutdown(run->queue))
			break;
		else
			count->times++;
	}
	count->items = i;
}

static int get(struct run *run, struct item *items)
{
	int error;

	if (run->many)
		return fl_queue_get_many(run->queue, items, 3);
	if (!run->impatient)
		error = fl_queue_get(run->queue, items);
	else
		error = fl_queue_get_until(run->queue, items, fl_after(FL_US(20)), NULL);
	return error == 0 ? 1 : error;
}

static void check_order(const struct run *run, struct count *count, const struct item *item)
{
	ck_assert_uint_lt(item->producer, PRODUCERS);
	if (run->kind != FL_QUEUE_FIFO)
		return;
	ck_assert_uint_ge(item->number, count->next[item->producer]);
	count->next[item->producer] = item->number + 1;
}

static void consume(struct run *run, uint32_t me)
{
	struct count *count = &run->consumers[me];
	struct item items[3];
	int i, n;

	while ((n = get(run, items)) != -EPIPE) {
		for (i = 0; i < n; i++) {
			check_order(run, count, &items[i]);
			count->items++;
			if (run->done)
				fl_queue_task_done(run->queue);
		}
		if (n < 0) {
			ck_assert_int_eq(n, -ETIMEDOUT);
			count->times++;
		}
	}
}

static void work(unsigned index, void *arg)
{
	struct run *run = arg;

	if (index >= PRODUCERS) {
		consume(run, index - PRODUCERS);
		return;
	}
	produce(run, index);
	if (__atomic_sub_fetch(&run->producers_left, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (run->done) {
		ck_assert_int_eq(fl_queue_join(run->queue), 0);
		ck_assert_uint_eq(fl_queue_unfinished(run->queue), 0);
		ck_assert(fl_queue_empty(run->queue));
	}
	fl_queue_shutdown(run->queue);
}

static uint64_t sum(const struct count *counts, unsigned n)
{
	uint64_t items = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		items += counts[i].items;
	return items;
}

static void go(struct run *run, uint64_t limit)
{
	const fl_queue_options options = {.kind = run->kind, .item_size = sizeof(struct item), .limit = limit};

	ck_assert_int_eq(fl_queue_create(&run->queue, &options), 0);
	run->producers_left = PRODUCERS;
	testing_together(PRODUCERS + CONSUMERS, work, run);
	ck_assert_uint_eq(sum(run->producers, PRODUCERS), sum(run->consumers, CONSUMERS) + run->dropped);
	fl_queue_destroy(run->queue);
}

static const uint64_t limits[] = {1, 7, 100, 0};

/* The loop's index says kind, limit and manner. */
START_TEST(all_that_is_put_is_got)
{
	struct run *run = aligned_alloc(_Alignof(struct run), sizeof(*run));

	memset(run, 0, sizeof(*run));
	run->kind = (enum fl_queue_kind)(_i % 3);
	run->n = 2000;
	run->impatient = _i / 12 == 1;
	run->many = _i / 12 == 2;
	run->done = _i % 2 == 0;
	go(run, limits[_i / 3 % 4]);
	ck_assert_uint_eq(sum(run->consumers, CONSUMERS), PRODUCERS * (uint64_t)run->n);
	free(run);
}
END_TEST

/* One puts and gets all the time, one looks. */
static void pass_or_look(unsigned index, void *arg)
{
	struct run *run = arg;
	struct item item = {0};
	uint32_t i;

	for (i = 0; i < run->n; i++) {
		if (index == 1) {
			ck_assert_uint_le(fl_queue_size(run->queue), 1);
			ck_assert_uint_le(fl_queue_unfinished(run->queue), 1);
			continue;
		}
		ck_assert_int_eq(fl_queue_put_try(run->queue, &item), 0);
		ck_assert_int_eq(fl_queue_get_try(run->queue, &item), 0);
		fl_queue_task_done(run->queue);
	}
}

START_TEST(how_many_there_are_is_never_less_than_none)
{
	const fl_queue_options options = {.kind = (enum fl_queue_kind)_i, .item_size = sizeof(struct item)};
	struct run run = {.n = 100000};

	ck_assert_int_eq(fl_queue_create(&run.queue, &options), 0);
	testing_together(2, pass_or_look, &run);
	fl_queue_destroy(run.queue);
}
END_TEST

static void *shut(void *arg)
{
	struct run *run = arg;

	while (fl_queue_size(run->queue) == 0 && !fl_queue_is_shutdown(run->queue))
		sched_yield();
	run->dropped = fl_queue_shutdown_now(run->queue);
	return NULL;
}

START_TEST(a_shutdown_in_the_midst_loses_nothing)
{
	static struct run run;
	pthread_t thread;
	int round;

	for (round = 0; round < 30; round++) {
		const fl_queue_options options = {.kind = (enum fl_queue_kind)(round % 3),
						  .item_size = sizeof(struct item),
						  .limit = limits[round % 4]};

		memset(&run, 0, sizeof(run));
		run.kind = options.kind;
		run.n = 1000;
		run.impatient = round % 2;
		run.producers_left = PRODUCERS;
		ck_assert_int_eq(fl_queue_create(&run.queue, &options), 0);
		ck_assert_int_eq(pthread_create(&thread, NULL, shut, &run), 0);
		testing_together(PRODUCERS + CONSUMERS, work, &run);
		pthread_join(thread, NULL);
		ck_assert_uint_eq(sum(run.producers, PRODUCERS), sum(run.consumers, CONSUMERS) + run.dropped);
		fl_queue_destroy(run.queue);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue_many");
	TCase *tcase = testing_case(suite, "many");

	tcase_add_loop_test(tcase, all_that_is_put_is_got, 0, 36);
	tcase_add_loop_test(tcase, how_many_there_are_is_never_less_than_none, 0, 3);
	tcase_add_test(tcase, a_shutdown_in_the_midst_loses_nothing);
	return testing_run(suite);
}
