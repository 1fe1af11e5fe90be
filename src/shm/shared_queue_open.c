/*
 * shm/shared_queue_open.c - making a queue in a segment, finding it, and looking at it.
 */
#include "shm/segment.h"
#include "shm/shared_queue.h"
#include <errno.h>
#include <string.h>

#define ITEM_SIZE 256u
#define LIMIT 64u

static const char type_name[] = "fl_shared_queue";

/* What is wrong with the options; NULL: nothing. Fills in what was left out. */
static const char *complain(fl_shared_queue_options *options)
{
	static const fl_shared_queue_options none;

	if (options->item_size == 0)
		options->item_size = ITEM_SIZE;
	if (options->limit == 0)
		options->limit = LIMIT;
	if (options->kind > FL_QUEUE_PRIORITY)
		return "of a kind that there is not";
	if (options->limit > FL_SHARED_QUEUE_LIMIT)
		return "with room for more than FL_SHARED_QUEUE_LIMIT items";
	if (options->item_size > FL_SHARED_QUEUE_ITEM)
		return "with items of more than FL_SHARED_QUEUE_ITEM bytes";
	if (options->fl_spare0 != 0 || memcmp(options->fl_spare, none.fl_spare, sizeof(none.fl_spare)) != 0)
		return "with options whose spare fields are not zero";
	if (options->kind != FL_QUEUE_PRIORITY)
		return options->priority_at == 0 ? NULL : "with a priority, but not by priority";
	if (options->priority_at % sizeof(int64_t) != 0)
		return "with a priority that is not at a multiple of 8";
	if (options->item_size < sizeof(int64_t) || options->priority_at > options->item_size - sizeof(int64_t))
		return "with a priority that is not inside of an item";
	return NULL;
}

static int init(void *memory, void *arg)
{
	const fl_shared_queue_options *options = arg;
	fl_shared_queue *queue = memory;
	struct fl_places places;

	fl_lock_init_shared(&queue->lock);
	queue->kind = options->kind;
	queue->item_size = options->item_size;
	queue->limit = options->limit;
	queue->priority_at = options->priority_at;
	queue->deliveries = options->deliveries;
	fl_shared_queue_lay_out_(&places, queue, options->kind, options->limit, options->item_size);
	fl_shared_queue_mend_(&places);
	return 0;
}

static const char *kind_name(uint32_t kind)
{
	return kind == FL_QUEUE_FIFO       ? "FIFO"
	       : kind == FL_QUEUE_LIFO     ? "LIFO"
	       : kind == FL_QUEUE_PRIORITY ? "priority"
					   : "of no known kind";
}

/* Whether it has been made with these options. */
static int compare(const fl_shared_queue *queue, const char *name, const fl_shared_queue_options *options)
{
	fl_shared_queue_options its = {
		.kind = fl_load_relaxed(&queue->kind),
		.item_size = fl_load_relaxed(&queue->item_size),
		.limit = fl_load_relaxed(&queue->limit),
		.priority_at = fl_load_relaxed(&queue->priority_at),
		.deliveries = fl_load_relaxed(&queue->deliveries),
	};

	if (memcmp(&its, options, sizeof(its)) == 0)
		return 0;
	return fl_segment_fail_(
		-EPROTO,
		"queue '%s' is %s, %u items of %u bytes, priority at %u, %u deliveries, not %s, %u of %u, at %u, %u",
		name, kind_name(its.kind), its.limit, its.item_size, its.priority_at, its.deliveries,
		kind_name(options->kind), options->limit, options->item_size, options->priority_at,
		options->deliveries);
}

/* Whether what has been found can be a queue. */
static int check(const fl_shared_queue *queue, const char *name, uint64_t size)
{
	uint64_t needs = fl_shared_queue_bytes_(fl_load_relaxed(&queue->kind), fl_load_relaxed(&queue->limit),
						fl_load_relaxed(&queue->item_size));

	return needs != 0 && needs == size ? 0 : fl_segment_fail_(-EPROTO, "queue '%s' is damaged", name);
}

static int find(fl_segment *segment, const char *name, fl_shared_queue **ret_queue)
{
	static const fl_segment_type type = {type_name, 1, 0, 0};
	uint64_t size = 0;
	void *object = NULL;
	int error = fl_segment_find_sized_(segment, name, &type, &object, &size);

	if (error == 0 && size < sizeof(fl_shared_queue))
		error = fl_segment_fail_(-EPROTO, "queue '%s' is damaged", name);
	if (error == 0)
		error = check(object, name, size);
	if (error == 0)
		*ret_queue = object;
	return error;
}

static int make(fl_segment *segment, const char *name, fl_shared_queue_options *options, fl_shared_queue **ret_queue)
{
	const fl_segment_type type = {type_name, 1, 0,
				      fl_shared_queue_bytes_(options->kind, options->limit, options->item_size)};

	return fl_segment_object(segment, name, &type, init, options, (void **)ret_queue);
}

int fl_segment_queue(fl_segment *segment, const char *name, const fl_shared_queue_options *options,
		     fl_shared_queue **ret_queue)
{
	fl_shared_queue_options whole = options ? *options : (fl_shared_queue_options){0};
	const char *complaint = complain(&whole);
	fl_shared_queue *queue = NULL;
	int result;

	if (complaint)
		return fl_segment_fail_(-EINVAL, "there is no queue %s", complaint);
	result = find(segment, name, &queue);
	/* If somebody else has made it meanwhile, it is found by this. */
	if (result == -ENOENT && options)
		result = make(segment, name, &whole, &queue);
	if (result == 0 && options)
		result = compare(queue, name, &whole);
	if (result >= 0)
		*ret_queue = queue;
	return result;
}

/* Looking. */

int fl_shared_queue_look(const fl_shared_queue *queue, fl_shared_queue_info *ret_info)
{
	uint32_t held = fl_load_relaxed(&queue->n_held), reserved = fl_load_relaxed(&queue->n_reserved);
	fl_shared_queue_info info = {
		.kind = fl_load_relaxed(&queue->kind),
		.item_size = fl_load_relaxed(&queue->item_size),
		.limit = fl_load_relaxed(&queue->limit),
		.deliveries = fl_load_relaxed(&queue->deliveries),
		.size = fl_load_relaxed(&queue->n_ready),
		.taken = held > reserved ? held - reserved : 0,
		.reserved = reserved,
		.is_shutdown = fl_load_relaxed(&queue->is_shutdown) != 0,
		.returned = fl_load_relaxed(&queue->returned),
		.dropped = fl_load_relaxed(&queue->dropped),
		.cleared = fl_load_relaxed(&queue->cleared),
		.put = fl_load_relaxed(&queue->number),
	};

	if (fl_shared_queue_bytes_(info.kind, info.limit, info.item_size) == 0 || info.size > info.limit ||
	    info.taken > info.limit || info.reserved > info.limit || info.kind > FL_QUEUE_PRIORITY)
		return -EPROTO;
	/* With figures of different moments it may seem to be less than none. */
	info.delivered = info.put + info.returned > info.cleared + info.size
				 ? info.put + info.returned - info.cleared - info.size
				 : 0;
	*ret_info = info;
	return 0;
}

uint64_t fl_shared_queue_size(const fl_shared_queue *queue)
{
	fl_shared_queue_info info = {0};

	return fl_shared_queue_look(queue, &info) == 0 ? info.size : 0;
}

uint64_t fl_shared_queue_unfinished(const fl_shared_queue *queue)
{
	fl_shared_queue_info info = {0};

	return fl_shared_queue_look(queue, &info) == 0 ? (uint64_t)info.size + info.taken : 0;
}

bool fl_shared_queue_empty(const fl_shared_queue *queue)
{
	return fl_load_relaxed(&queue->n_ready) == 0;
}

bool fl_shared_queue_full(const fl_shared_queue *queue)
{
	return fl_load_relaxed(&queue->n_unused) == 0;
}

bool fl_shared_queue_is_shutdown(const fl_shared_queue *queue)
{
	return fl_load_relaxed(&queue->is_shutdown) != 0;
}
