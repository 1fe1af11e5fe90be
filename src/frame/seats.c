/*
 * frame/seats.c - who reads a channel: letting readers in, ringing their bells, ending them, waiting for the first,
 * saying how they are doing.
 *
 * All but the ringing is the same for a reader in the producer's process and for one in another. The list is in the
 * order in which they came.
 *
 * A producer that waits for a reader stands in the queue in which it also waits for room, and is told there of each new
 * seat [C4]. Whether there is a reader it asks the list. A reader of another process wakes it by the thread that lets
 * it in.
 *
 * Rejected: an event, or a count of those who want frames (a second truth beside the list, to be kept right wherever a
 * reader comes, retires, is disconnected or leaves); to call a function of the user's when the first comes and the last
 * goes (it would run on the thread that lets readers in, which then waits for a camera).
 */
#define _GNU_SOURCE
#include "frame/channel.h"

#include "base/fork.h"
#include "base/keep_errno.h"
#include "frame/message.h"
#include "sync/wait.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

bool fl_frames_forked_(uint8_t epoch)
{
	return epoch != fl_fork_epoch_;
}

/* Ringing. */

static void take_all(const void *key, struct fl_wake_list *list)
{
	struct fl_bucket *bucket = fl_park_lock_(key);

	fl_park_take_all_(bucket, key, list);
	fl_park_unlock_(bucket);
}

static void ring(struct fl_frames_seat *seat, struct fl_wake_list *list)
{
	if (seat->socket >= 0) {
		int error = fl_frames_say_(seat->socket, FL_FRAMES_BELL);

		/* -EAGAIN: it has not heard what was said before. Else, for want of memory, the next frame rings. */
		if (error != 0 && error != -EAGAIN)
			fl_pins_arm_(seat->pinned.pins);
		return;
	}
	if (seat->bell >= 0)
		eventfd_write(seat->bell, 1);
	take_all(seat->pinned.pins, list);
}

void fl_frames_ring_all_(struct fl_frames *frames, struct fl_wake_list *list)
{
	struct fl_frames_seat *seat;

	for (seat = frames->seats; seat; seat = seat->next)
		if (fl_pins_disarm_(&seat->pinned))
			ring(seat, list);
}

/* The producer's sleep. */

int fl_frames_wait_told_(struct fl_frames *frames, bool (*waits)(struct fl_frames *frames), fl_time deadline,
			 fl_note *note)
{
	struct fl_waiter waiter = {0};
	struct fl_bucket *bucket = fl_park_lock_(frames);

	/* First in the queue, then to look: who brings something after that finds it there. [C4] */
	fl_park_push_(bucket, &waiter, frames);
	fl_park_unlock_(bucket);
	if (waits(frames))
		return fl_wait_(&waiter, frames, deadline, note, NULL);
	fl_park_leave_(&waiter, frames);
	return 0;
}

void fl_frames_tell_producer_(struct fl_frames *frames)
{
	struct fl_wake_list list = {0};

	take_all(frames, &list);
	fl_park_wake_(&list);
}

/* Letting in and seeing off. */

static bool fits(const struct fl_frames *frames, const struct fl_pinned *pinned)
{
	return frames->n_seats < frames->max_readers &&
	       pinned->n_held + pinned->n_queue <= frames->max_pinned - frames->n_pinned;
}

static int admit(struct fl_frames *frames, struct fl_frames_seat *seat,
		 int (*before)(struct fl_frames *frames, struct fl_frames_seat *seat, void *arg), void *arg)
{
	struct fl_frames_seat **last = &frames->seats;
	int error;

	if (fl_frames_memory_state_(frames->memory) == FL_FRAMES_ENDED)
		return -EPIPE;
	if (!fits(frames, &seat->pinned))
		return -EUSERS;
	error = before(frames, seat, arg);
	if (error != 0)
		return error;
	while (*last)
		last = &(*last)->next;
	*last = seat;
	frames->n_seats++;
	frames->admitted++;
	frames->n_pinned += seat->pinned.n_held + seat->pinned.n_queue;
	return 0;
}

int fl_frames_admit_(struct fl_frames *frames, struct fl_frames_seat *seat,
		     int (*before)(struct fl_frames *frames, struct fl_frames_seat *seat, void *arg), void *arg)
{
	int error;

	seat->since = fl_now();
	fl_inner_acquire(&frames->lock);
	error = admit(frames, seat, before, arg);
	frames->refused += error != 0;
	fl_inner_release(&frames->lock);
	if (error == 0)
		fl_frames_tell_producer_(frames);
	return error;
}

void fl_frames_refused_(struct fl_frames *frames)
{
	fl_inner_acquire(&frames->lock);
	frames->refused++;
	fl_inner_release(&frames->lock);
}

void fl_frames_retire_(struct fl_frames *frames, struct fl_frames_seat *seat)
{
	fl_inner_acquire(&frames->lock);
	seat->gone = true;
	fl_inner_release(&frames->lock);
	fl_frames_tell_producer_(frames);
}

void fl_frames_dismiss_(struct fl_frames *frames, struct fl_frames_seat *seat)
{
	struct fl_frames_seat **link = &frames->seats;

	fl_inner_acquire(&frames->lock);
	while (*link != seat)
		link = &(*link)->next;
	*link = seat->next;
	frames->n_seats--;
	frames->n_pinned -= seat->pinned.n_held + seat->pinned.n_queue;
	fl_inner_release(&frames->lock);
	free(seat);
	fl_frames_tell_producer_(frames);
}

/* Waiting for readers. */

uint32_t fl_frames_wanting_(const struct fl_frames *frames)
{
	const struct fl_frames_seat *seat;
	uint32_t n = 0;

	for (seat = frames->seats; seat; seat = seat->next)
		n += !seat->gone;
	return n;
}

/* And nobody has since the wait began: who takes the last frame and goes again wants newer ones made, too. */
static bool nobody_looks(struct fl_frames *frames)
{
	bool nobody;

	fl_inner_acquire(&frames->lock);
	nobody = fl_frames_wanting_(frames) == 0 && frames->admitted == frames->admitted_before;
	fl_inner_release(&frames->lock);
	return nobody;
}

static void begin_to_wait(struct fl_frames *frames)
{
	fl_inner_acquire(&frames->lock);
	frames->admitted_before = frames->admitted;
	fl_inner_release(&frames->lock);
}

int fl_frames_wait_readers_until(fl_frames *frames, fl_time deadline, fl_note *note)
{
	fl_keep_errno();
	int error = 0;

	if (fl_frames_forked_(frames->epoch))
		return -EPERM;
	begin_to_wait(frames);
	while (error == 0 && nobody_looks(frames)) {
		error = fl_wait_refused_(deadline, note);
		if (error == 0)
			error = fl_frames_wait_told_(frames, nobody_looks, deadline, note);
	}
	return error;
}

int fl_frames_wait_readers(fl_frames *frames)
{
	return fl_frames_wait_readers_until(frames, FL_FOREVER, NULL);
}

int fl_frames_reader_wish_(const fl_frames_reader_options *options, struct fl_pinned *ret_pinned,
			   char ret_name[FL_FRAMES_NAME])
{
	static const fl_frames_reader_options usual;
	const char *name;

	if (!options)
		options = &usual;
	if (options->every > FL_FRAMES_QUEUE || options->held > FL_FRAMES_HELD ||
	    memcmp(options->fl_spare, usual.fl_spare, sizeof(usual.fl_spare)) != 0)
		return -EINVAL;
	name = options->name ? options->name : program_invocation_short_name;
	ret_pinned->n_queue = options->every;
	ret_pinned->n_held = options->held > 0 ? options->held : 1;
	memset(ret_name, 0, FL_FRAMES_NAME);
	memcpy(ret_name, name, strnlen(name, FL_FRAMES_NAME - 1));
	return 0;
}

void fl_frames_disconnect_(struct fl_frames_seat *seat)
{
	/* Like a frame, it is something to look at in between arming and sleeping [F4]. */
	/* [frames.3] seq_cst; pairs with [frames.4] */
	fl_store_seq_cst(&seat->gone, true);
	if (seat->socket >= 0)
		shutdown(seat->socket, SHUT_WR);
}

/* How they are doing. */

static void describe(const struct fl_frames_seat *seat, fl_frames_reader_stats *ret_stats)
{
	*ret_stats = (fl_frames_reader_stats){
		.process = seat->process,
		.every = seat->pinned.n_queue,
		.queued = seat->pinned.n_queue > 0 ? fl_pins_queued_(&seat->pinned) : 0,
		.held = fl_pins_held_(&seat->pinned),
		.taken = fl_load_relaxed(&seat->pinned.pins->taken),
		.missed = fl_load_relaxed(&seat->pinned.pins->missed),
		.dropped = seat->dropped,
		.since = seat->since,
	};
	memcpy(ret_stats->name, seat->name, FL_FRAMES_NAME);
}

int fl_frames_readers(fl_frames *frames, size_t n, fl_frames_reader_stats *ret_stats)
{
	const struct fl_frames_seat *seat;
	size_t i = 0;
	int all;

	if (fl_frames_forked_(frames->epoch))
		return -EPERM;
	fl_inner_acquire(&frames->lock);
	for (seat = frames->seats; seat && i < n; seat = seat->next)
		describe(seat, &ret_stats[i++]);
	all = (int)frames->n_seats;
	fl_inner_release(&frames->lock);
	return all;
}
