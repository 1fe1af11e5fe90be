/*
 * fuzz_shared_queue.c - the part `queue`: a queue between processes that another process has written nonsense to, and
 * all calls of fairlead/shared_queue.h on it.
 *
 * Whatever is in it, a call returns what it may return, touches only memory that there is, and writes no more than it
 * was told there is room for. The queue is the last thing in its segment, and its file ends there. Its lock is left
 * alone: who holds that, according to it, others wait for.
 */
#include "fuzz.h"

#include "shm/segment.h"
#include "shm/shared_queue.h"
#include <errno.h>
#include <fairlead/report.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 5, ITEM = 72, KINDS = 3, MOST = 4 * ITEM };

static struct {
	fl_segment *segment;
	fl_shared_queue *queues[KINDS], *queue;
	unsigned char *good; /* all three, as they were */
	size_t size;         /* of one */
	fl_shared_queue_item items[4];
} it;

static void say_nothing(const fl_report *report, void *arg)
{
	(void)report, (void)arg;
}

static size_t size_of(int kind)
{
	size_t heap = kind == FL_QUEUE_PRIORITY ? 64 : 0;

	return sizeof(fl_shared_queue) + heap + LIMIT * (sizeof(struct fl_place) + (ITEM + 63) / 64 * 64);
}

static void open_part(void)
{
	const fl_segment_options room = {.size = 4096, .max_size = 1 << 20};
	void *same;

	memset(&it, 0, sizeof(it));
	fl_report_set_hook(say_nothing, NULL);
	FUZZ_EXPECT(fl_segment_open(&it.segment, NULL, &room) == 0, "%s", fl_segment_why());
	for (int kind = 0; kind < KINDS; kind++) {
		static const char *const names[] = {"fifo", "lifo", "priority"};
		const fl_shared_queue_options options = {
			.kind = (enum fl_queue_kind)kind, .limit = LIMIT, .item_size = ITEM};

		FUZZ_EXPECT(fl_segment_queue(it.segment, names[kind], &options, &it.queues[kind]) == 1, "%s",
			    fl_segment_why());
		FUZZ_EXPECT(fl_segment_find(it.segment, names[kind],
					    &(fl_segment_type){"fl_shared_queue", 1, 0, size_of(kind)}, &same) == 0,
			    "%s", fl_segment_why());
		if (size_of(kind) > it.size)
			it.size = size_of(kind);
	}
	it.good = malloc(KINDS * it.size);
	FUZZ_EXPECT(it.good, "no memory");
	for (int kind = 0; kind < KINDS; kind++)
		memcpy(it.good + (size_t)kind * it.size, it.queues[kind], size_of(kind));
}

static void close_part(void)
{
	fl_report_set_hook(NULL, NULL);
	fl_segment_close(it.segment);
	free(it.good);
}

/* What must hold. */

static int expect_result(int result)
{
	FUZZ_EXPECT((result >= 0 && result <= MOST) || result == -EPROTO || result == -EAGAIN || result == -EPIPE ||
			    result == -EMSGSIZE || result == -EINVAL || result == -ETIMEDOUT,
		    "%d", result);
	fuzz_note((uint64_t)(int64_t)result);
	return result;
}

static void expect_inside(const fl_shared_queue_item *item)
{
	uint64_t offset = (uint64_t)((const char *)item->data - (const char *)it.segment->head);
	uint64_t size = item->size;

#ifdef FUZZ_PLANT
	size += fuzz_once_in(50) ? it.segment->max_size : 0;
#endif
	FUZZ_EXPECT(offset >= FL_HEAP_AT && size <= it.segment->size && offset <= it.segment->size - size,
		    "%llu bytes at %llu of %llu", (unsigned long long)size, (unsigned long long)offset,
		    (unsigned long long)it.segment->size);
}

/* One of those that were had, which may be had still, and with other numbers. */
static fl_shared_queue_item *some_item(void)
{
	fl_shared_queue_item *item = &it.items[fuzz_below(4)];

	if (fuzz_once_in(10))
		item->fl_slot = (uint32_t)fuzz_below(2 * LIMIT);
	if (fuzz_once_in(10))
		item->fl_use = (uint32_t)fuzz_below(4);
	return item;
}

static void had(int result, const fl_shared_queue_item *item)
{
	if (expect_result(result) < 0)
		return;
	expect_inside(item);
	it.items[fuzz_below(4)] = *item;
}

static void get(void)
{
	unsigned char data[MOST + 1];
	size_t capacity = fuzz_size(MOST);
	fl_shared_queue_item item = {0};
	bool keep = fuzz_once_in(2);
	int result;

	memset(data, 0xa5, sizeof(data));
	result = fl_shared_queue_get_try(it.queue, data, capacity, keep ? &item : NULL);
	FUZZ_EXPECT(result <= (int)capacity, "%d of %zu bytes", result, capacity);
	for (size_t i = capacity; i < sizeof(data); i++)
		FUZZ_EXPECT(data[i] == 0xa5, "byte %zu behind %zu was written to", i, capacity);
	if (keep)
		had(result, &item);
	else
		expect_result(result);
}

static void put(void)
{
	unsigned char data[MOST];
	size_t size = fuzz_size(MOST);

	fuzz_fill(data, sizeof(data));
	expect_result(fl_shared_queue_put_try(it.queue, data, size));
}

static void look(void)
{
	fl_shared_queue_info info;

	if (expect_result(fl_shared_queue_look(it.queue, &info)) == 0)
		FUZZ_EXPECT(info.size <= info.limit, "%u of %u", info.size, info.limit);
	fuzz_note(fl_shared_queue_unfinished(it.queue));
}

/* What is done with an item that was had. Seldom twice: that is reported each time, which takes long. */
static void end(fl_shared_queue_item *item)
{
	if (!item->data)
		return;
	switch (fuzz_below(4)) {
	case 0:
		if (fuzz_once_in(2))
			item->size = fuzz_size(ITEM + 8);
		expect_result(fl_shared_queue_commit(it.queue, item));
		break;
	case 1:
		expect_result(fl_shared_queue_abandon(it.queue, item));
		break;
	case 2:
		expect_result(fl_shared_queue_task_done(it.queue, item));
		break;
	default:
		expect_result(fl_shared_queue_give_back(it.queue, item));
	}
	if (!fuzz_once_in(20))
		item->data = NULL;
}

static void use(void)
{
	fl_shared_queue_item item = {0};

	switch (fuzz_below(9)) {
	case 0:
	case 1:
		put();
		break;
	case 2:
		get();
		break;
	case 3:
		had(fl_shared_queue_reserve_try(it.queue, &item), &item);
		break;
	case 4:
	case 5:
		had(fl_shared_queue_peek_try(it.queue, &item), &item);
		break;
	case 6:
		end(some_item());
		break;
	case 7:
		expect_result(fuzz_once_in(20) ? fl_shared_queue_shutdown_now(it.queue, NULL)
					       : fl_shared_queue_join_until(it.queue, 0, NULL));
		break;
	default:
		look();
	}
}

/* Damage. */

static uint32_t some_value(uint32_t before)
{
	switch (fuzz_below(6)) {
	case 0:
		return (uint32_t)fuzz_below(LIMIT + 3);
	case 1:
		return before ^ 1u << fuzz_below(32);
	case 2:
		return (uint32_t)(fuzz_below(8) << 29 | fuzz_below(3) << FL_PEER_BITS | fuzz_below(3));
	case 3:
		return UINT32_MAX - (uint32_t)fuzz_below(3);
	case 4:
		return before + (uint32_t)fuzz_below(5) - 2;
	default:
		return (uint32_t)fuzz_below(UINT32_MAX);
	}
}

/* A word of the head, but not the lock; or of a place, but seldom of an item. */
static size_t some_place(int kind)
{
	size_t stride = sizeof(struct fl_place) + (ITEM + 63) / 64 * 64;
	size_t places = size_of(kind) - LIMIT * stride;

	switch (fuzz_below(4)) {
	case 0:
		return sizeof(fl_lock) + 4 * fuzz_below((sizeof(fl_shared_queue) - sizeof(fl_lock)) / 4);
	case 1:
		return sizeof(fl_lock) + 4 * fuzz_below(14);
	case 2:
		return places + stride * fuzz_below(LIMIT) + 4 * fuzz_below(sizeof(struct fl_place) / 4);
	default:
		return sizeof(fl_lock) + 4 * fuzz_below((size_of(kind) - sizeof(fl_lock)) / 4);
	}
}

static void damage(int kind)
{
	for (uint64_t n = 1 + fuzz_below(4); n > 0; n--) {
		uint32_t *word = (uint32_t *)((char *)it.queue + some_place(kind));

		*word = some_value(*word);
	}
}

static void one_round(void)
{
	int kind = (int)fuzz_below(KINDS);

	it.queue = it.queues[kind];
	memset(it.items, 0, sizeof(it.items));
	for (int other = 0; other < KINDS; other++)
		memcpy(it.queues[other], it.good + (size_t)other * it.size, size_of(other));
	for (uint64_t n = fuzz_below(12); n > 0; n--)
		use();
	damage(kind);
	for (uint64_t n = 1 + fuzz_below(12); n > 0; n--)
		use();
}

const struct fuzz_part fuzz_shared_queue = {"queue", open_part, one_round, close_part};
