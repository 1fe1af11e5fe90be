/*
 * stress_queues.c - stress for queues: first in first out, last in first out, by priority.
 *
 * Workers with even numbers put, those with odd ones get and say that it is done. A queue lives for LIFE items of each
 * who puts; then, or before, somebody shuts it down, with or without dropping what is in it, and all begin again with
 * another one, of another bound. An item is a pointer to plain memory of its producer, which whoever gets it writes to:
 * so a second one who got it shows, and to ThreadSanitizer whatever the queue does not order. When all have ended what
 * was put was got, or dropped, and is done.
 *
 * Between two lives everybody of those who get gets one item, and no more, of a queue that is there for that, while as
 * many are put one after the other: whoever is not woken for the item that is there stays asleep.
 *
 * Those who put join now and then, mostly until soon: if that says that all is done, all of theirs is.
 */
#define _GNU_SOURCE
#include "stress.h"

#include <errno.h>
#include <fairlead/queue.h>
#include <sched.h>
#include <string.h>

enum { LIFE = 64, MOST_MANY = 5 };

struct parcel {
	int64_t priority;
	unsigned from, number;
	unsigned got; /* how often */
};

struct label {
	int64_t priority;
	struct parcel *parcel;
};

static struct {
	fl_queue *queue;
	enum fl_queue_kind kind;
	uint64_t limit, dropped;
	unsigned threads, lives;
	unsigned putting; /* who still puts */
	int is_shut;
	uint64_t put, got;
	struct parcel parcels[STRESS_MOST_THREADS][LIFE];
	unsigned done[STRESS_MOST_THREADS]; /* of each producer's */
	pthread_barrier_t gate;
} post;

/* ---- a queue's life ---- */

static unsigned producers(void)
{
	return (post.threads + 1) / 2;
}

static void make(struct stress_worker *worker)
{
	static const uint64_t limits[] = {0, 1, 3, 16};
	fl_queue_options options = {.kind = post.kind, .item_size = sizeof(struct label)};

	/* Alone it puts all before it gets any. */
	post.limit = post.threads > 1 ? limits[stress_random(worker, 4)] : 0;
	options.limit = post.limit;
	post.put = post.got = post.dropped = 0;
	post.is_shut = 0;
	post.putting = producers();
	memset(post.done, 0, sizeof(post.done));
	memset(post.parcels, 0, sizeof(post.parcels));
	stress_check(fl_queue_create(&post.queue, &options) == 0, "no queue");
}

static void end(struct stress_worker *worker)
{
	(void)worker;
	stress_check(post.put == post.got + post.dropped, "%llu put, %llu got, %llu dropped",
		     (unsigned long long)post.put, (unsigned long long)post.got, (unsigned long long)post.dropped);
	stress_check(fl_queue_size(post.queue) == 0, "%llu left", (unsigned long long)fl_queue_size(post.queue));
	stress_check(fl_queue_unfinished(post.queue) == 0, "%llu not done",
		     (unsigned long long)fl_queue_unfinished(post.queue));
	stress_check(fl_queue_join(post.queue) == 0, "join does not return 0");
	fl_queue_destroy(post.queue);
}

static void end_muster(struct stress_worker *worker)
{
	(void)worker;
	stress_check(fl_queue_size(post.queue) == 0, "%llu left", (unsigned long long)fl_queue_size(post.queue));
	fl_queue_destroy(post.queue);
}

static void shut_down(struct stress_worker *worker)
{
	if (__atomic_exchange_n(&post.is_shut, 1, __ATOMIC_RELAXED))
		return;
	if (stress_random(worker, 2) == 0)
		fl_queue_shutdown(post.queue);
	else
		post.dropped = fl_queue_shutdown_now(post.queue);
	stress_check(fl_queue_is_shutdown(post.queue), "not shut down");
}

/* ---- those who put ---- */

static void join(struct stress_worker *worker, unsigned n_put)
{
	struct stress_way way = {stress_soon(worker), stress_random(worker, 2) == 0 ? &worker->note : NULL};
	int error;

	stress_calls(worker, "fl_queue_join", post.queue);
	error = fl_queue_join_until(post.queue, way.deadline, way.note);
	if (stress_ended(worker, way, error))
		stress_check(stress_load(&post.is_shut) || stress_load(&post.done[worker->index]) == n_put,
			     "joined, and %u of %u are done", stress_load(&post.done[worker->index]), n_put);
}

static int put(const struct label *labels, unsigned n, struct stress_way way)
{
	int error;

	if (n > 1)
		return fl_queue_put_many_until(post.queue, labels, n, way.deadline, way.note);
	if (way.deadline == 0)
		error = fl_queue_put_try(post.queue, labels);
	else if (way.deadline == FL_FOREVER && !way.note)
		error = fl_queue_put(post.queue, labels);
	else
		error = fl_queue_put_until(post.queue, labels, way.deadline, way.note);
	if (error == -EAGAIN && way.deadline == 0)
		error = -ETIMEDOUT;
	return error == 0 ? 1 : error;
}

/* Returns how many were put, or -EPIPE. */
static int put_some(struct stress_worker *worker, unsigned n_put)
{
	struct stress_way way = stress_way(worker);
	unsigned n = stress_random(worker, 4) == 0 ? 1 + stress_random(worker, MOST_MANY) : 1;
	struct label labels[MOST_MANY];
	int result;

	n = n < LIFE - n_put ? n : LIFE - n_put;
	for (unsigned i = 0; i < n; i++) {
		struct parcel *parcel = &post.parcels[worker->index][n_put + i];

		*parcel = (struct parcel){(int64_t)stress_random(worker, 5), worker->index, n_put + i, 0};
		labels[i] = (struct label){parcel->priority, parcel};
	}
	stress_calls(worker, "fl_queue_put", post.queue);
	result = put(labels, n, way);
	if (result == -EPIPE)
		return result;
	stress_check(result != 0 && result <= (int)n, "put %d of %u", result, n);
	return stress_ended(worker, way, result > 0 ? 0 : result) ? result : 0;
}

static void produce(struct stress_worker *worker)
{
	unsigned n_put = 0, shut_at = stress_random(worker, LIFE * producers() + LIFE);
	int n = 0;

	while (n_put < LIFE && n != -EPIPE) {
		stress_round(worker);
		if (n_put >= shut_at)
			shut_down(worker);
		if (stress_random(worker, 16) == 0)
			join(worker, n_put);
		n = put_some(worker, n_put);
		n_put += n > 0 ? (unsigned)n : 0;
		stress_dwell(worker);
	}
	stress_check(n != -EPIPE || stress_load(&post.is_shut), "shut down, by nobody");
	stress_add(&post.put, n_put);
	if (__atomic_sub_fetch(&post.putting, 1, __ATOMIC_RELAXED) == 0)
		shut_down(worker);
}

/* ---- those who get ---- */

static int get(struct label *ret_labels, unsigned n, struct stress_way way)
{
	int error;

	if (n > 1)
		return fl_queue_get_many_until(post.queue, ret_labels, n, way.deadline, way.note);
	if (way.deadline == FL_FOREVER && !way.note)
		error = fl_queue_get(post.queue, ret_labels);
	else
		error = fl_queue_get_until(post.queue, ret_labels, way.deadline, way.note);
	return error == 0 ? 1 : error;
}

static void receive(const struct label *label, unsigned *last)
{
	struct parcel *parcel = label->parcel;

	stress_check(parcel->priority == label->priority, "a torn item");
	stress_check(parcel->got++ == 0, "%u of thread %u came twice", parcel->number, parcel->from);
	stress_check(post.kind != FL_QUEUE_FIFO || last[parcel->from] <= parcel->number,
		     "%u of thread %u came after %u", parcel->number, parcel->from, last[parcel->from] - 1);
	last[parcel->from] = parcel->number + 1;
	stress_add(&post.done[parcel->from], 1);
	fl_queue_task_done(post.queue);
}

static void consume(struct stress_worker *worker)
{
	unsigned last[STRESS_MOST_THREADS] = {0}; /* of each producer: the number after that of the last one got */
	struct label labels[MOST_MANY];
	uint64_t got = 0;

	for (;;) {
		struct stress_way way = stress_way(worker);
		unsigned n = stress_random(worker, 4) == 0 ? 1 + stress_random(worker, MOST_MANY) : 1;
		int result;

		stress_round(worker);
		stress_calls(worker, "fl_queue_get", post.queue);
		result = get(labels, n, way);
		if (result == -EPIPE)
			break;
		stress_check(result != 0 && result <= (int)n, "got %d of %u", result, n);
		if (stress_ended(worker, way, result > 0 ? 0 : result))
			got += (unsigned)result;
		for (int i = 0; i < result; i++)
			receive(&labels[i], last);
		stress_dwell(worker);
	}
	stress_add(&post.got, got);
}

/* ---- each gets one ---- */

static void muster(struct stress_worker *worker)
{
	static struct parcel parcel;
	struct label label = {0, &parcel};
	fl_time until =
		fl_after((fl_time)stress_random(worker, 200000)); /* about as long as they take to go to sleep */

	stress_round(worker);
	if (worker->index % 2 == 1) {
		stress_calls(worker, "fl_queue_get", post.queue);
		stress_check(fl_queue_get(post.queue, &label) == 0 && label.parcel == &parcel, "no item");
	} else if (worker->index == 0) {
		while (fl_now() < until)
			sched_yield();
		for (unsigned i = 0; i < post.threads / 2; i++)
			stress_check(fl_queue_put(post.queue, &label) == 0, "not put");
	}
}

/* ---- the kinds ---- */

/* All wait for each other, and the first of them does something alone. */
static void meet(struct stress_worker *worker, void (*alone)(struct stress_worker *worker))
{
	stress_calls(worker, NULL, NULL);
	pthread_barrier_wait(&post.gate);
	if (worker->index == 0)
		alone(worker);
	pthread_barrier_wait(&post.gate);
}

static void work(struct stress_worker *worker)
{
	for (unsigned life = 0; life < post.lives; life++) {
		meet(worker, make);
		if (worker->index % 2 == 0)
			produce(worker);
		if (worker->index % 2 == 1 || post.threads == 1)
			consume(worker);
		meet(worker, end);
		meet(worker, make);
		muster(worker);
		meet(worker, end_muster);
	}
}

static void set_up(enum fl_queue_kind kind, unsigned threads, uint64_t rounds)
{
	post.kind = kind;
	post.threads = threads;
	post.lives = (unsigned)(rounds / LIFE) + 1;
	pthread_barrier_init(&post.gate, NULL, threads);
}

static void set_up_fifo(unsigned threads, uint64_t rounds)
{
	set_up(FL_QUEUE_FIFO, threads, rounds);
}

static void set_up_lifo(unsigned threads, uint64_t rounds)
{
	set_up(FL_QUEUE_LIFO, threads, rounds);
}

static void set_up_priority(unsigned threads, uint64_t rounds)
{
	set_up(FL_QUEUE_PRIORITY, threads, rounds);
}

static void check(uint64_t had)
{
	stress_check(had > 0, "nothing was put");
	pthread_barrier_destroy(&post.gate);
}

const struct stress_kind stress_queues[] = {
	{"queue", set_up_fifo, work, check, false},
	{"lifo-queue", set_up_lifo, work, check, false},
	{"priority-queue", set_up_priority, work, check, false},
	{0},
};
