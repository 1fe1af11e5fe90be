/*
 * frame/frames.c - the producer's side of a channel: making it, loaning, publishing, moving to larger memory.
 *
 * To publish is: write what is known of the frame into its slot's header, put it into the queues, make it the latest,
 * ring. To loan is: mark what is in use, take the first slot that is not. The first, not the next: so only as many
 * slots ever take memory as are in use at a time.
 *
 * What is shared with readers, and why it is right, is in pins.h; the lock here is between the producer, the thread
 * that serves, and threads that attach.
 */
#define _GNU_SOURCE
#include "frame/channel.h"

#include "base/fork.h"
#include "base/keep_errno.h"
#include "frame/message.h"
#include "frame/place.h"
#include "sync/wait.h"
#include <stdlib.h>
#include <string.h>

#define USUAL_SIZE ((size_t)1 << 20)
#define USUAL_READERS 8u
#define USUAL_PINNED 4u

static const fl_frames_options usual;

/* Making and unmaking. */

static int read_options(struct fl_frames *frames, const fl_frames_options *options)
{
	if (options->name && !fl_frames_name_good_(options->name))
		return -EINVAL;
	if (memcmp(options->fl_spare, usual.fl_spare, sizeof(usual.fl_spare)) != 0 || options->fl_spare0 != 0 ||
	    options->full > FL_FRAMES_DISCONNECT)
		return -EINVAL;
	if (options->readers > FL_FRAMES_READERS || options->pinned > FL_FRAMES_PINNED)
		return -EINVAL;
	if (options->name)
		memcpy(frames->name, options->name, strlen(options->name) + 1); /* it fits: fl_frames_name_good_ */
	frames->max_readers = options->readers > 0 ? options->readers : USUAL_READERS;
	frames->max_pinned = options->pinned > 0 ? options->pinned : USUAL_PINNED * frames->max_readers;
	frames->full = options->full;
	return 0;
}

static void destroy(struct fl_frames *frames)
{
	fl_frames_memory_unref_(frames->memory);
	free(frames->used);
	free(frames->committed);
	free(frames);
}

static int prepare(struct fl_frames *frames, const fl_frames_options *options)
{
	uint32_t n_slots;
	int error = read_options(frames, options);

	if (error != 0)
		return error;
	n_slots = 2 + frames->max_pinned; /* [F3] */
	frames->used = calloc(n_slots, 1);
	frames->committed = calloc(n_slots, 1);
	if (!frames->used || !frames->committed)
		return -ENOMEM;
	return fl_frames_memory_make_(&frames->memory, 0, n_slots, options->size > 0 ? options->size : USUAL_SIZE,
				      false);
}

int fl_frames_create(fl_frames **ret_frames, const fl_frames_options *options)
{
	fl_keep_errno();
	struct fl_frames *frames = calloc(1, sizeof(*frames));
	int error;

	if (!frames)
		return -ENOMEM;
	frames->refs = 1;
	frames->epoch = fl_fork_epoch_;
	frames->loaned = FL_FRAMES_NOTHING;
	error = prepare(frames, options ? options : &usual);
	if (error != 0)
		destroy(frames);
	else
		*ret_frames = frames;
	return error;
}

struct fl_frames *fl_frames_ref_(struct fl_frames *frames)
{
	fl_add_relaxed(&frames->refs, 1);
	return frames;
}

void fl_frames_unref_(struct fl_frames *frames)
{
	/* [frames.1] release; pairs with [frames.2] */
	if (fl_sub_release(&frames->refs, 1) > 1)
		return;
	/* [frames.2] acquire; pairs with [frames.1] */
	if (fl_load_acquire(&frames->refs) == 0)
		destroy(frames);
}

fl_frames *fl_frames_close(fl_frames *frames)
{
	fl_keep_errno();
	struct fl_wake_list list = {0};

	if (!frames)
		return NULL;
	if (fl_frames_forked_(frames->epoch)) {
		fl_frames_abandon_server_(frames->server);
		fl_frames_unref_(frames);
		return NULL;
	}
	fl_inner_acquire(&frames->lock);
	fl_frames_memory_set_state_(frames->memory, FL_FRAMES_ENDED);
	fl_frames_ring_all_(frames, &list);
	fl_inner_release(&frames->lock);
	fl_park_wake_(&list);
	fl_frames_stop_serving_(frames->server);
	fl_frames_unref_(frames);
	return NULL;
}

/* Memory. */

/* Tells readers in other processes; one that cannot be told is disconnected. */
static void announce(struct fl_frames *frames, const struct fl_frames_memory *memory)
{
	const struct fl_frames_message message = {.word = FL_FRAMES_MEMORY};
	struct fl_frames_seat *seat;

	for (seat = frames->seats; seat; seat = seat->next)
		if (seat->socket >= 0 && !seat->gone && fl_frames_send_(seat->socket, &message, &memory->fd, 1) != 0)
			fl_frames_disconnect_(seat);
}

/* Takes the latest frame along, so that there always is one. */
static int copy_latest(const struct fl_frames_memory *from, struct fl_frames_memory *to)
{
	uint64_t latest = fl_load_relaxed(&from->head->latest);
	const struct fl_frames_slot *slot = &from->head->slots[fl_frames_slot_of(latest)];

	if (latest == 0)
		return 0;
	if (fl_frames_memory_commit_(to, 0) != 0)
		return -ENOMEM;
	to->head->slots[0] = *slot;
	memcpy(fl_frames_memory_slot(to, 0), fl_frames_memory_slot(from, fl_frames_slot_of(latest)), slot->info.size);
	fl_pins_publish_(to->head, fl_frames_latest_of(slot->sequence, 0));
	return 0;
}

/* The channel's memory becomes another one. Under the lock. */
static void replace(struct fl_frames *frames, struct fl_frames_memory *memory, struct fl_wake_list *list)
{
	struct fl_frames_memory *old = frames->memory;

	memset(frames->committed, 0, memory->n_slots);
	frames->committed[0] = fl_load_relaxed(&memory->head->latest) != 0;
	announce(frames, memory);
	fl_frames_memory_follow_(old, fl_frames_memory_ref_(memory));
	frames->memory = memory;
	fl_frames_memory_set_state_(old, FL_FRAMES_MOVED);
	fl_frames_ring_all_(frames, list);
}

/* Goes over to a new memory. Only the producer does, and only while nothing is loaned. [C2] */
static int move(struct fl_frames *frames, size_t slot_size, bool shared)
{
	struct fl_frames_memory *old = frames->memory, *memory;
	struct fl_wake_list list = {0};
	int error = fl_frames_memory_make_(&memory, old->generation + 1, old->n_slots, slot_size, shared);

	if (error == 0) {
		error = copy_latest(old, memory);
		if (error != 0)
			fl_frames_memory_unref_(memory);
	}
	if (error != 0)
		return error;
	fl_inner_acquire(&frames->lock);
	replace(frames, memory, &list);
	fl_inner_release(&frames->lock);
	fl_park_wake_(&list);
	fl_frames_memory_unref_(old);
	return 0;
}

/* Other processes must be able to map the memory before the door opens. */
int fl_frames_serve(fl_frames *frames)
{
	fl_keep_errno();
	int error = 0;

	if (fl_frames_forked_(frames->epoch))
		return -EPERM;
	if (frames->name[0] == '\0')
		return -EINVAL;
	if (frames->server || frames->loaned != FL_FRAMES_NOTHING)
		return -EBUSY;
	if (frames->memory->fd < 0)
		error = move(frames, frames->memory->slot_size, true);
	return error != 0 ? error : fl_frames_begin_serving_(&frames->server, frames);
}

/* Loaning and publishing. */

static uint32_t find_slot(struct fl_frames *frames)
{
	const struct fl_frames_memory *memory = frames->memory;
	uint64_t latest = fl_load_relaxed(&memory->head->latest);
	const struct fl_frames_seat *seat;
	uint32_t slot = 0;

	memset(frames->used, 0, memory->n_slots);
	if (latest != 0)
		frames->used[fl_frames_slot_of(latest)] = 1;
	fl_inner_acquire(&frames->lock);
	for (seat = frames->seats; seat; seat = seat->next)
		fl_pins_mark_(&seat->pinned, memory, frames->used);
	fl_inner_release(&frames->lock);
	while (frames->used[slot])
		slot++;
	return slot; /* there is one [F3] */
}

/* Frames that grow a little do so again; so there is some room to spare, but not in very large ones. */
static size_t with_room(size_t size)
{
	return size < ((size_t)1 << 30) ? size + size / 4 : size;
}

int fl_frames_loan(fl_frames *frames, size_t size, void **ret_data)
{
	fl_keep_errno();
	uint32_t slot;
	int error = 0;

	if (fl_frames_forked_(frames->epoch))
		return -EPERM;
	if (size == 0)
		return -EINVAL;
	if (frames->loaned != FL_FRAMES_NOTHING)
		return -EBUSY;
	if (size > frames->memory->slot_size)
		error = move(frames, with_room(size), frames->memory->fd >= 0);
	if (error != 0)
		return error;
	slot = find_slot(frames);
	if (!frames->committed[slot] && fl_frames_memory_commit_(frames->memory, slot) != 0)
		return -ENOMEM;
	fl_store_relaxed(&frames->committed[slot], 1); /* fl_frames_stats_get may be looking */
	frames->loaned = slot;
	frames->loaned_size = size;
	*ret_data = fl_frames_memory_slot(frames->memory, slot);
	return 0;
}

void fl_frames_discard(fl_frames *frames)
{
	frames->loaned = FL_FRAMES_NOTHING;
}

static bool wants_every(const struct fl_frames_seat *seat)
{
	return seat->pinned.n_queue > 0 && !seat->gone;
}

/* Puts the frame into all queues. Returns into how many it did not fit. */
static int push(struct fl_frames *frames, uint64_t latest)
{
	struct fl_frames_seat *seat;
	int n = 0;

	for (seat = frames->seats; seat; seat = seat->next) {
		if (!wants_every(seat) || fl_pins_push_(&seat->pinned, latest, frames->memory->generation))
			continue;
		seat->dropped++;
		frames->dropped++;
		n++;
		if (frames->full == FL_FRAMES_DISCONNECT)
			fl_frames_disconnect_(seat);
	}
	return n;
}

static int publish(struct fl_frames *frames, const fl_frame_info *info)
{
	struct fl_frames_head *head = frames->memory->head;
	struct fl_wake_list list = {0};
	uint64_t latest = fl_frames_latest_of(frames->sequence + 1, frames->loaned);
	int n;

	head->slots[frames->loaned] = (struct fl_frames_slot){frames->sequence + 1, fl_now(), *info};
	fl_inner_acquire(&frames->lock);
	frames->sequence++;
	n = push(frames, latest);
	fl_pins_publish_(head, latest);
	frames->loaned = FL_FRAMES_NOTHING;
	fl_frames_ring_all_(frames, &list);
	fl_inner_release(&frames->lock);
	fl_park_wake_(&list);
	return n;
}

static int refuse_to_publish(const struct fl_frames *frames, const fl_frame_info *info)
{
	if (fl_frames_forked_(frames->epoch))
		return -EPERM;
	if (frames->loaned == FL_FRAMES_NOTHING)
		return -EINVAL;
	return fl_frame_info_check(info, frames->loaned_size);
}

int fl_frames_publish(fl_frames *frames, const fl_frame_info *info)
{
	fl_keep_errno();
	int error = refuse_to_publish(frames, info);

	return error != 0 ? error : publish(frames, info);
}

/* Asks the first reader whose queue is full to tell when it is not. False if there is none. */
static bool ask_for_room(struct fl_frames *frames)
{
	struct fl_frames_seat *seat;
	bool asked = false;

	fl_inner_acquire(&frames->lock);
	for (seat = frames->seats; seat && !asked; seat = seat->next)
		if (wants_every(seat) && fl_pins_queued_(&seat->pinned) == seat->pinned.n_queue)
			asked = fl_pins_ask_room_(&seat->pinned);
	fl_inner_release(&frames->lock);
	return asked;
}

int fl_frames_publish_until(fl_frames *frames, const fl_frame_info *info, fl_time deadline, fl_note *note)
{
	fl_keep_errno();
	int error = refuse_to_publish(frames, info);

	if (error != 0)
		return error;
	while (error == 0 && fl_wait_refused_(deadline, note) == 0 && ask_for_room(frames))
		error = fl_frames_wait_told_(frames, ask_for_room, deadline, note);
	return publish(frames, info);
}

void fl_frames_stats_get(fl_frames *frames, fl_frames_stats *ret_stats)
{
	fl_frames_stats stats = {0};
	uint32_t i;

	*ret_stats = stats;
	if (fl_frames_forked_(frames->epoch))
		return;
	fl_inner_acquire(&frames->lock);
	stats.published = frames->sequence;
	stats.dropped = frames->dropped;
	stats.refused = frames->refused;
	stats.readers = fl_frames_wanting_(frames);
	stats.slots = frames->memory->n_slots;
	stats.slot_size = frames->memory->slot_size;
	for (i = 0; i < stats.slots; i++)
		stats.slots_used += fl_load_relaxed(&frames->committed[i]);
	fl_inner_release(&frames->lock);
	*ret_stats = stats;
}
