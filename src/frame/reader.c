/*
 * frame/reader.c - taking frames, holding them, giving them back.
 *
 * A memory's state is looked at before its frames are: so when a look finds nothing in a memory that had already been
 * MOVED or ENDED, there will never be anything in it any more.
 *
 * A frame in a caller's hands keeps its memory mapped, and its link (reader.h); so a frame may outlive the channel, the
 * producer, the reader, and the reader's going on to another producer.
 */
#define _GNU_SOURCE
#include "frame/reader.h"

#include "base/fork.h"
#include "base/keep_errno.h"
#include "sync/wait.h"
#include <stdlib.h>
#include <string.h>

int fl_frames_reader_make_(struct fl_frames_reader **ret_reader, const fl_frames_reader_options *options)
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
	reader->n_held = wish.n_held;
	reader->n_queue = wish.n_queue;
	*ret_reader = reader;
	return 0;
}

struct fl_frames_link *fl_frames_link_make_(const struct fl_frames_kind *kind)
{
	struct fl_frames_link *link = calloc(1, sizeof(*link));

	if (link)
		*link = (struct fl_frames_link){
			.kind = kind, .refs = 1, .epoch = fl_fork_epoch_, .socket = -1, .pidfd = -1, .epoll = -1};
	return link;
}

void fl_frames_link_unref_(struct fl_frames_link *link)
{
	if (--link->refs > 0)
		return;
	link->kind->leave(link);
	free(link);
}

fl_frames_reader *fl_frames_reader_close(fl_frames_reader *reader)
{
	fl_keep_errno();

	if (!reader)
		return NULL;
	if (reader->link->refs > 1 && !fl_frames_forked_(reader->link->epoch))
		reader->link->kind->retire(reader->link);
	fl_frames_link_unref_(reader->link);
	fl_frames_memory_unref_(reader->memory);
	free(reader);
	return NULL;
}

void fl_frames_done(fl_frame *frame)
{
	fl_keep_errno();
	struct fl_frames_link *link = frame->fl_link;

	if (!link)
		return;
	if (!fl_frames_forked_(link->epoch)) /* else the page is the parent's */
		fl_pins_give_back_(link->pins, frame->fl_hold);
	fl_frames_memory_unref_(frame->fl_memory);
	fl_frames_link_unref_(link);
	memset(frame, 0, sizeof(*frame));
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
	struct fl_pins *pins = reader->link->pins;
	struct fl_frames_slot slot;

	if (!read_slot(memory, latest, &slot)) {
		fl_pins_give_back_(pins, index);
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
		.fl_link = reader->link,
		.fl_memory = fl_frames_memory_ref_(memory),
	};
	reader->link->refs++;
	fl_store_relaxed(&pins->taken, fl_load_relaxed(&pins->taken) + 1);
	if (reader->n_queue == 0)
		fl_store_relaxed(&pins->missed, fl_load_relaxed(&pins->missed) + frame->missed);
	return 0;
}

/* The memory that comes after one that was MOVED; NULL if nobody has told of it. */
static struct fl_frames_memory *after(struct fl_frames_reader *reader, struct fl_frames_memory *memory)
{
	struct fl_frames_memory *next = fl_frames_memory_next_(memory);

	if (!next) {
		reader->link->kind->hear(reader);
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
	struct fl_frames_link *link = reader->link;

	*ret_moved = false;
	if (reader->n_queue == 0)
		return fl_pins_take_latest_(link->pins, index, reader->memory, reader->last, ret_latest);
	if (!fl_pins_take_queued_(link->pins, index, reader->memory, reader->n_queue, ret_latest, ret_moved))
		return false;
	if (fl_pins_tell_room_(link->pins))
		link->kind->tell_room(link);
	return true;
}

static int ended(const struct fl_frames_reader *reader)
{
	return reader->link->kind->ended(reader->link);
}

/* Why there is nothing in a memory that was in this state before it was looked at. `error` is how the link was. */
static int nothing(enum fl_frames_state state, int error)
{
	if (error != 0)
		return error;
	return state == FL_FRAMES_LIVE ? -EAGAIN : -EPIPE;
}

/* Returns 0, -EAGAIN: nothing now; or why there will be nothing ever. */
static int take(struct fl_frames_reader *reader, fl_frame *frame, uint32_t index)
{
	unsigned patience = FL_FRAMES_PATIENCE;
	enum fl_frames_state state;
	uint64_t latest, last;
	bool moved;
	int error;

	while (patience-- > 0) {
		error = ended(reader);
		state = fl_frames_memory_state_(reader->memory);
		if (take_here(reader, index, &latest, &moved)) {
			last = reader->last;
			reader->last = fl_frames_sequence_of(latest);
			return hand_over(reader, reader->memory, frame, index, latest, last);
		}
		if (!moved && state != FL_FRAMES_MOVED)
			return nothing(state, error);
		if (!follow(reader))
			break;
	}
	error = ended(reader);
	return error != 0 ? error : -EPROTO;
}

bool fl_frames_anything_(struct fl_frames_reader *reader)
{
	return fl_frames_memory_state_(reader->memory) != FL_FRAMES_LIVE || ended(reader) != 0 ||
	       fl_pins_anything_(reader->link->pins, reader->memory, reader->n_queue, reader->last);
}

/* Waits for something to look at. Returns 0, or why it did not. *ret_slept: it had to. */
static int wait(struct fl_frames_reader *reader, fl_time deadline, fl_note *note, bool *ret_slept)
{
	struct fl_frames_link *link = reader->link;
	int refusal = fl_wait_refused_(deadline, note);
	bool polled = link->kind->hear(reader);

	if (refusal == 0 || polled)
		fl_pins_arm_(link->pins);
	*ret_slept = !fl_frames_anything_(reader);
	if (*ret_slept)
		return refusal != 0 ? refusal : link->kind->wait(reader, deadline, note);
	fl_pins_stay_awake_(link->pins);
	return 0;
}

static int next(struct fl_frames_reader *reader, fl_frame *frame, fl_time deadline, fl_note *note)
{
	uint32_t index = fl_pins_free_(reader->link->pins, reader->n_held);
	unsigned patience = FL_FRAMES_PATIENCE;
	bool slept;
	int error;

	if (index == reader->n_held)
		return -EBUSY;
	/* There may be something, and then nothing, but not for ever: that would be a producer's mischief. */
	while (patience > 0) {
		error = take(reader, frame, index);
		if (error != -EAGAIN)
			return error;
		error = wait(reader, deadline, note, &slept);
		if (error != 0)
			return error;
		patience = slept ? FL_FRAMES_PATIENCE : patience - 1;
	}
	return -EPROTO;
}

/* Whether that error is the end of this producer, and not of this wait. */
static bool ended_for_good(const struct fl_frames_reader *reader, int error)
{
	return error == -EPIPE || (error != 0 && error == ended(reader));
}

int fl_frames_next_until(fl_frames_reader *reader, fl_frame *frame, fl_time deadline, fl_note *note)
{
	fl_keep_errno();
	int error;

	if (fl_frames_forked_(reader->link->epoch))
		return -EPERM;
	fl_frames_done(frame);
	if (reader->told) {
		error = reader->link->kind->again(reader, deadline, note);
		if (error != 0)
			return error;
		reader->told = false;
	}
	error = next(reader, frame, deadline, note);
	reader->told = error == -EPROTO || ended_for_good(reader, error);
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
	unsigned patience = FL_FRAMES_PATIENCE;

	while (next && patience-- > 0) {
		memory = next;
		next = fl_frames_memory_state_(memory) == FL_FRAMES_MOVED ? after(reader, memory) : NULL;
	}
	return memory;
}

int fl_frames_latest(fl_frames_reader *reader, fl_frame *frame)
{
	fl_keep_errno();
	struct fl_frames_link *link = reader->link;
	struct fl_frames_memory *memory;
	uint64_t latest, last = 0;
	uint32_t index;

	if (fl_frames_forked_(link->epoch))
		return -EPERM;
	fl_frames_done(frame);
	index = fl_pins_free_(link->pins, reader->n_held);
	if (index == reader->n_held)
		return -EBUSY;
	memory = newest(reader);
	if (reader->cut && fl_frames_memory_state_(memory) != FL_FRAMES_ENDED)
		return -EPIPE;
	if (!fl_pins_take_latest_(link->pins, index, memory, 0, &latest))
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
	struct fl_frames_link *link = reader->link;

	return fl_frames_forked_(link->epoch) ? -EPERM : reader->told ? -EPIPE : link->kind->fd(link);
}
