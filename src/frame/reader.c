/*
 * frame/reader.c - taking frames, holding them, giving them back.
 *
 * A memory's state is looked at before its frames are: so when a look finds nothing in a memory that had already been
 * MOVED or ENDED, there will never be anything in it any more.
 *
 * A frame in a caller's hands keeps its memory mapped, and its reader alive; so a frame may outlive the channel, the
 * producer, and the reader's being closed.
 */
#define _GNU_SOURCE
#include "frame/reader.h"

#include "base/fork.h"
#include "base/keep_errno.h"
#include "sync/wait.h"
#include <stdlib.h>
#include <string.h>

int fl_frames_reader_make_(struct fl_frames_reader **ret_reader, const struct fl_frames_kind *kind,
			   const fl_frames_reader_options *options)
{
	struct fl_frames_reader *reader = calloc(1, sizeof(*reader));
	struct fl_pinned wish = {0};
	int error;

	if (!reader)
		return -ENOMEM;
	error = fl_frames_reader_wish_(options, &wish, reader->name);
	if (error != 0) {
		free(reader);
		return error;
	}
	reader->kind = kind;
	reader->n_held = wish.n_held;
	reader->n_queue = wish.n_queue;
	reader->epoch = fl_fork_epoch_;
	reader->socket = reader->pidfd = reader->epoll = -1;
	*ret_reader = reader;
	return 0;
}

static void destroy(struct fl_frames_reader *reader)
{
	reader->kind->leave(reader);
	fl_frames_memory_unref_(reader->memory);
	free(reader);
}

fl_frames_reader *fl_frames_reader_close(fl_frames_reader *reader)
{
	fl_keep_errno();

	if (!reader)
		return NULL;
	reader->closing = true;
	if (reader->holding == 0)
		destroy(reader);
	return NULL;
}

void fl_frames_done(fl_frame *frame)
{
	fl_keep_errno();
	struct fl_frames_reader *reader = frame->fl_reader;

	if (!reader)
		return;
	/* The page of an earlier producer is gone; that of a parent is not ours to write. */
	if (frame->restarts == reader->restarts && !fl_frames_forked_(reader->epoch))
		fl_pins_give_back_(reader->pins, frame->fl_hold);
	fl_frames_memory_unref_(frame->fl_memory);
	memset(frame, 0, sizeof(*frame));
	if (--reader->holding == 0 && reader->closing)
		destroy(reader);
}

/* What is in a slot's header, read once, if it fits together. The producer may be hostile. */
static bool read_slot(const struct fl_frames_memory *memory, uint64_t latest, struct fl_frames_slot *ret_slot)
{
	uint32_t slot = fl_frames_slot_of(latest);

	if (slot >= memory->n_slots)
		return false;
	memcpy(ret_slot, &memory->head->slots[slot], sizeof(*ret_slot));
	__asm__ volatile("" ::: "memory"); /* what was checked is what is used */
	return ret_slot->sequence == fl_frames_sequence_of(latest) &&
	       fl_frame_info_check(&ret_slot->info, memory->slot_size) == 0;
}

/* Hands a frame over that is pinned already. `last` is what the reader had before it; 0: nothing. */
static int hand_over(struct fl_frames_reader *reader, struct fl_frames_memory *memory, fl_frame *frame, uint32_t index,
		     uint64_t latest, uint64_t last)
{
	struct fl_frames_slot slot;

	if (!read_slot(memory, latest, &slot)) {
		fl_pins_give_back_(reader->pins, index);
		return -EPROTO;
	}
	*frame = (fl_frame){
		.data = fl_frames_memory_slot(memory, fl_frames_slot_of(latest)),
		.info = slot.info,
		.sequence = slot.sequence,
		.published = slot.published,
		.missed = last > 0 && slot.sequence > last ? slot.sequence - last - 1 : 0,
		.restarts = reader->restarts,
		.fl_hold = index,
		.fl_reader = reader,
		.fl_memory = fl_frames_memory_ref_(memory),
	};
	reader->holding++;
	fl_store_relaxed(&reader->pins->taken, reader->pins->taken + 1);
	fl_store_relaxed(&reader->pins->missed, reader->pins->missed + (reader->n_queue > 0 ? 0 : frame->missed));
	return 0;
}

/* The memory that comes after one that was MOVED; NULL if nobody has told of it. */
static struct fl_frames_memory *after(struct fl_frames_reader *reader, struct fl_frames_memory *memory)
{
	struct fl_frames_memory *next = fl_frames_memory_next_(memory);

	if (!next) {
		reader->kind->catch_up(reader);
		next = fl_frames_memory_next_(memory);
	}
	return next;
}

/* Goes on to the next memory. */
static bool follow(struct fl_frames_reader *reader)
{
	struct fl_frames_memory *memory = reader->memory, *next = after(reader, memory);

	if (!next)
		return false;
	reader->memory = fl_frames_memory_ref_(next);
	fl_frames_memory_unref_(memory);
	return true;
}

/* Takes what there is in the present memory. *ret_moved: the queue goes on in the next one. */
static bool take_here(struct fl_frames_reader *reader, uint32_t index, uint64_t *ret_latest, bool *ret_moved)
{
	*ret_moved = false;
	if (reader->n_queue == 0)
		return fl_pins_take_latest_(reader->pins, index, reader->memory, reader->last, ret_latest);
	if (!fl_pins_take_queued_(reader->pins, index, reader->memory, reader->n_queue, ret_latest, ret_moved))
		return false;
	if (fl_pins_tell_room_(reader->pins))
		reader->kind->tell_room(reader);
	return true;
}

/* Returns 0, -EAGAIN: nothing now; -EPIPE: nothing ever; -EPROTO. */
static int take(struct fl_frames_reader *reader, fl_frame *frame, uint32_t index)
{
	enum fl_frames_state state;
	uint64_t latest, last;
	bool moved, ended;

	for (;;) {
		ended = reader->kind->ended(reader);
		state = fl_frames_memory_state_(reader->memory);
		if (take_here(reader, index, &latest, &moved)) {
			last = reader->last;
			reader->last = fl_frames_sequence_of(latest);
			return hand_over(reader, reader->memory, frame, index, latest, last);
		}
		if (!moved && state != FL_FRAMES_MOVED)
			return ended || state != FL_FRAMES_LIVE ? -EPIPE : -EAGAIN;
		if (!follow(reader))
			return ended ? -EPIPE : -EPROTO;
	}
}

bool fl_frames_anything_(struct fl_frames_reader *reader)
{
	return fl_frames_memory_state_(reader->memory) != FL_FRAMES_LIVE || reader->kind->ended(reader) ||
	       fl_pins_anything_(reader->pins, reader->memory, reader->n_queue, reader->last);
}

/* Waits for something to look at. Returns 0, or why it did not. */
static int wait(struct fl_frames_reader *reader, fl_time deadline, fl_note *note)
{
	int refusal = fl_wait_refused_(deadline, note);
	bool hushed = reader->kind->hush(reader), found;

	if (refusal != 0 && !hushed)
		return refusal;
	fl_pins_arm_(reader->pins);
	found = fl_frames_anything_(reader);
	if (!found && refusal != 0)
		return refusal; /* it stays armed: the descriptor will be readable */
	if (!found)
		return reader->kind->wait(reader, deadline, note);
	fl_pins_stay_awake_(reader->pins);
	return 0;
}

static int next(struct fl_frames_reader *reader, fl_frame *frame, fl_time deadline, fl_note *note)
{
	uint32_t index = fl_pins_free_(reader->pins, reader->n_held);
	int error = 0;

	if (index == reader->n_held)
		return -EBUSY;
	while (error == 0) {
		error = take(reader, frame, index);
		if (error != -EAGAIN)
			return error;
		error = wait(reader, deadline, note);
	}
	return error;
}

int fl_frames_next_until(fl_frames_reader *reader, fl_frame *frame, fl_time deadline, fl_note *note)
{
	fl_keep_errno();
	int error;

	if (fl_frames_forked_(reader->epoch))
		return -EPERM;
	fl_frames_done(frame);
	if (reader->told) {
		error = reader->kind->again(reader, deadline, note);
		if (error != 0)
			return error;
		reader->told = false;
	}
	error = next(reader, frame, deadline, note);
	reader->told = error == -EPIPE || error == -EPROTO;
	return error;
}

int fl_frames_next(fl_frames_reader *reader, fl_frame *frame)
{
	return fl_frames_next_until(reader, frame, FL_FOREVER, NULL);
}

/* Where the latest frame is, which may be further on than the queue. */
static struct fl_frames_memory *newest(struct fl_frames_reader *reader)
{
	struct fl_frames_memory *memory = reader->memory, *next = memory;

	while (next) {
		memory = next;
		next = fl_frames_memory_state_(memory) == FL_FRAMES_MOVED ? after(reader, memory) : NULL;
	}
	return memory;
}

int fl_frames_latest(fl_frames_reader *reader, fl_frame *frame)
{
	fl_keep_errno();
	struct fl_frames_memory *memory;
	uint64_t latest, last = 0;
	uint32_t index;

	if (fl_frames_forked_(reader->epoch))
		return -EPERM;
	fl_frames_done(frame);
	index = fl_pins_free_(reader->pins, reader->n_held);
	if (index == reader->n_held)
		return -EBUSY;
	memory = newest(reader);
	if (!fl_pins_take_latest_(reader->pins, index, memory, 0, &latest))
		return -EAGAIN;
	if (reader->n_queue == 0) {
		last = reader->last;
		reader->last = fl_frames_sequence_of(latest);
	}
	return hand_over(reader, memory, frame, index, latest, last);
}

int fl_frames_fd(fl_frames_reader *reader)
{
	fl_keep_errno();

	return fl_frames_forked_(reader->epoch) ? -EPERM : reader->told ? -EPIPE : reader->kind->fd(reader);
}
