/*
 * queues.c - the queue of Fairlead between processes.
 *
 *   queue        each item is had until it is done: none is lost, and one that a killed consumer had comes again.
 *   queue-get    items are done as they are got: a killed consumer takes at most one along, and none comes twice.
 *   queue-drop   by priority, and items of the dead are dropped: they are counted, or were done with.
 *
 * Items have from 16 to some 2000 bytes, and two ways in and two ways out, in turn: whoever gets one sees that it is
 * whole. At the end every place of the queue can be had.
 */
#include "in_segment.h"
#include "kill.h"

#include <errno.h>
#include <fairlead/shared_queue.h>
#include <string.h>

enum { PLACES = 8, ITEM = 2048 };

struct shared {
	struct kill_ledger ledger;
	uint64_t torn;
};

struct item {
	int64_t priority;
	uint64_t number;
	uint64_t content[];
};

static fl_shared_queue *queue, *spare;

static int init(fl_shared_queue_options *options)
{
	int error = fl_segment_open(&segment, NULL, NULL);

	options->limit = PLACES;
	options->item_size = ITEM;
	if (error == 0)
		error = fl_segment_queue(segment, "spare", &(fl_shared_queue_options){.limit = 1}, &spare);
	if (error >= 0)
		error = fl_segment_queue(segment, "items", options, &queue);
	return error < 0 ? error : 0;
}

static int init_plain(void *memory)
{
	(void)memory;
	return init(&(fl_shared_queue_options){0});
}

static int init_drop(void *memory)
{
	(void)memory;
	return init(&(fl_shared_queue_options){.kind = FL_QUEUE_PRIORITY, .deliveries = 1});
}

/* Takes its place in the segment: what follows has the same steps each time. */
static void begin(void *memory, struct kill_worker *worker)
{
	char byte;

	(void)memory, (void)worker;
	if (fl_shared_queue_get_try(spare, &byte, 1, NULL) != -EAGAIN)
		kill_fail("the spare queue has an item", 0);
}

static void need(const char *what, int result)
{
	if (result < 0)
		kill_fail(what, result);
}

/* Items. */

static size_t size_of(uint64_t number)
{
	return sizeof(struct item) + number % (ITEM / sizeof(uint64_t) - 2) * sizeof(uint64_t);
}

static size_t words_of(size_t size)
{
	return (size - sizeof(struct item)) / sizeof(uint64_t);
}

static void fill(struct item *item, uint64_t number)
{
	item->priority = (int64_t)(number % 3);
	item->number = number;
	for (size_t i = 0; i < words_of(size_of(number)); i++)
		item->content[i] = number + i;
}

static void take_note(struct shared *shared, const struct item *item, size_t size)
{
	bool whole =
		size >= sizeof(*item) && size == size_of(item->number) && item->priority == (int64_t)(item->number % 3);

	for (size_t i = 0; whole && i < words_of(size); i++)
		whole = item->content[i] == item->number + i;
	if (!whole)
		__atomic_add_fetch(&shared->torn, 1, __ATOMIC_RELAXED);
	kill_item_got(&shared->ledger, item->number);
}

/* Putting. */

static void put_copy(uint64_t number)
{
	uint64_t memory[ITEM / sizeof(uint64_t)];

	fill((struct item *)memory, number);
	need("fl_shared_queue_put", fl_shared_queue_put(queue, memory, size_of(number)));
}

static void put_in_place(uint64_t number)
{
	fl_shared_queue_item room;

	need("fl_shared_queue_reserve", fl_shared_queue_reserve(queue, &room));
	fill(room.data, number);
	room.size = size_of(number);
	need("fl_shared_queue_commit", fl_shared_queue_commit(queue, &room));
}

static void put(struct shared *shared, struct kill_worker *worker)
{
	uint64_t number = kill_item_next(&shared->ledger, worker);

	if (number % 2 == 0)
		put_copy(number);
	else
		put_in_place(number);
	kill_item_put(&shared->ledger, worker);
}

/* Getting. */

static void get_and_hold(struct shared *shared, struct kill_worker *worker)
{
	uint64_t memory[ITEM / sizeof(uint64_t)];
	fl_shared_queue_item item;

	if (worker->progress % 16 == 15) {
		need("fl_shared_queue_peek", fl_shared_queue_peek(queue, &item));
		need("fl_shared_queue_give_back", fl_shared_queue_give_back(queue, &item));
	}
	if (worker->progress % 2 == 0) {
		need("fl_shared_queue_peek", fl_shared_queue_peek(queue, &item));
		take_note(shared, item.data, item.size);
	} else {
		need("fl_shared_queue_get", fl_shared_queue_get(queue, memory, sizeof(memory), &item));
		take_note(shared, (struct item *)memory, item.size);
	}
	kill_dwell(worker);
	need("fl_shared_queue_task_done", fl_shared_queue_task_done(queue, &item));
}

static void get_at_once(struct shared *shared, struct kill_worker *worker)
{
	uint64_t memory[ITEM / sizeof(uint64_t)];
	int size = fl_shared_queue_get(queue, memory, sizeof(memory), NULL);

	need("fl_shared_queue_get", size);
	take_note(shared, (struct item *)memory, (size_t)size);
	kill_dwell(worker);
}

static void use_held(void *memory, struct kill_worker *worker)
{
	if (worker->role == 0)
		put(memory, worker);
	else
		get_and_hold(memory, worker);
}

static void use_at_once(void *memory, struct kill_worker *worker)
{
	if (worker->role == 0)
		put(memory, worker);
	else
		get_at_once(memory, worker);
}

/* For another worker that is to be there, and does nothing yet. */
static void be_there(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
}

/* Checking. */

static void check(const void *memory, unsigned lost_each, unsigned doubled_each, struct kill_verdict *verdict)
{
	const struct shared *shared = memory;
	fl_shared_queue_info info = {0};
	fl_shared_queue_item room;
	unsigned places = 0;

	verdict->broken += shared->torn;
	kill_ledger_check(&shared->ledger, lost_each, doubled_each, verdict);
	if (fl_shared_queue_look(queue, &info) != 0)
		verdict->broken++;
	while (places < 2 * PLACES && fl_shared_queue_reserve_try(queue, &room) == 0)
		places++;
	verdict->lost += places + info.size < PLACES ? PLACES - places - info.size : 0;
	verdict->doubled += places + info.size > PLACES ? places + info.size - PLACES : 0;
}

static void check_held(const void *memory, struct kill_verdict *verdict)
{
	check(memory, 0, 1, verdict);
}

static void check_at_once(const void *memory, struct kill_verdict *verdict)
{
	check(memory, 1, 0, verdict);
}

const struct kill_object kill_queues[] = {
	{.name = "queue",
	 .what = "Fairlead shared Queue",
	 .expects = KILL_SURVIVES,
	 .size = sizeof(struct shared),
	 .roles = 2,
	 .drains = true,
	 .init = init_plain,
	 .fini = close_segment,
	 .start = begin,
	 .operate = use_held,
	 .check = check_held,
	 .situations = {{.name = "put"},
			{.name = "put, and another one waits", .waits = true},
			{.name = "get", .role = 1, .before = use_held},
			{.name = "get, nothing there", .role = 1, .before = be_there, .meanwhile = use_held}}},
	{.name = "queue-get",
	 .what = "Fairlead shared Queue, items done as they are got",
	 .expects = KILL_SURVIVES,
	 .size = sizeof(struct shared),
	 .roles = 2,
	 .drains = true,
	 .init = init_plain,
	 .fini = close_segment,
	 .start = begin,
	 .operate = use_at_once,
	 .check = check_at_once,
	 .situations = {{.name = "put, and another one waits", .waits = true},
			{.name = "get", .role = 1, .before = use_at_once}}},
	{.name = "queue-drop",
	 .what = "Fairlead shared Queue by priority, items of the dead dropped",
	 .expects = KILL_SURVIVES,
	 .size = sizeof(struct shared),
	 .roles = 2,
	 .drains = true,
	 .init = init_drop,
	 .fini = close_segment,
	 .start = begin,
	 .operate = use_held,
	 .check = check_at_once,
	 .situations = {{.name = "put"}, {.name = "get", .role = 1, .before = use_held}}},
	{0},
};
