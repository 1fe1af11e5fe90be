/*
 * frame/attach.c - a reader in the process of the producer: its bell is the parking lot (base/park.h).
 *
 * It waits under the address of its page, where the producer looks for it when it finds the page armed; so it wakes as
 * fast as from an event, with a deadline and a note as any other wait. If somebody asked for a descriptor, an eventfd
 * is rung as well.
 */
#define _GNU_SOURCE
#include "frame/reader.h"

#include "base/keep_errno.h"
#include "sync/wait.h"
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int wait(struct fl_frames_reader *reader, fl_time deadline, fl_note *note)
{
	struct fl_pins *pins = reader->link->pins;
	struct fl_waiter waiter = {0};
	struct fl_bucket *bucket = fl_park_lock_(pins);

	/* In the queue first, and then once more armed and looked: who rings after that finds it there. [F4] */
	fl_park_push_(bucket, &waiter, pins);
	fl_park_unlock_(bucket);
	fl_pins_arm_(pins);
	if (!fl_frames_anything_(reader))
		return fl_wait_(&waiter, pins, deadline, note, &reader->spin);
	fl_park_leave_(&waiter, pins);
	return 0;
}

static bool hear(struct fl_frames_reader *reader)
{
	int bell = reader->link->seat->bell;
	eventfd_t n;

	if (bell < 0)
		return false;
	eventfd_read(bell, &n);
	return true;
}

static int ended(const struct fl_frames_link *link)
{
	/* [frames.4] seq_cst; pairs with [frames.3] */
	return fl_load_seq_cst(&link->seat->gone) ? -EPIPE : 0;
}

static int again(struct fl_frames_reader *reader, fl_time deadline, fl_note *note)
{
	(void)reader;
	(void)deadline;
	(void)note;
	return -EPIPE;
}

static void tell_room(struct fl_frames_link *link)
{
	fl_frames_tell_producer_(link->frames);
}

static int fd(struct fl_frames_link *link)
{
	int bell = link->seat->bell;

	if (bell >= 0)
		return bell;
	bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (bell < 0)
		return -errno;
	fl_inner_acquire(&link->frames->lock);
	link->seat->bell = bell;
	fl_inner_release(&link->frames->lock);
	return bell;
}

static void retire(struct fl_frames_link *link)
{
	fl_frames_retire_(link->frames, link->seat);
}

static void leave(struct fl_frames_link *link)
{
	int bell = link->seat->bell;

	if (fl_frames_forked_(link->epoch))
		free(link->seat);
	else
		fl_frames_dismiss_(link->frames, link->seat);
	if (bell >= 0)
		close(bell);
	free(link->pins);
	fl_frames_unref_(link->frames);
}

static const struct fl_frames_kind attached = {
	.wait = wait,
	.hear = hear,
	.ended = ended,
	.again = again,
	.tell_room = tell_room,
	.fd = fd,
	.retire = retire,
	.leave = leave,
};

/* It begins with the memory that is the channel's at that moment. */
static int take_memory(struct fl_frames *frames, struct fl_frames_seat *seat, void *reader)
{
	(void)seat;
	((struct fl_frames_reader *)reader)->memory = fl_frames_memory_ref_(frames->memory);
	return 0;
}

static int take_seat(struct fl_frames_reader *reader, struct fl_frames *frames)
{
	struct fl_frames_link *link = reader->link;
	struct fl_frames_seat *seat = calloc(1, sizeof(*seat));
	int error;

	link->pins = aligned_alloc(64, sizeof(*link->pins));
	if (!seat || !link->pins) {
		free(seat);
		return -ENOMEM;
	}
	*link->pins = (struct fl_pins){0};
	seat->pinned = (struct fl_pinned){.pins = link->pins, .n_held = reader->n_held, .n_queue = reader->n_queue};
	memcpy(seat->name, reader->name, FL_FRAMES_NAME);
	seat->process = getpid();
	seat->socket = seat->bell = -1;
	error = fl_frames_admit_(frames, seat, take_memory, reader);
	if (error == 0)
		link->seat = seat;
	else
		free(seat);
	return error;
}

static int attach(struct fl_frames_reader *reader, struct fl_frames *frames)
{
	int error;

	reader->link = fl_frames_link_make_(&attached);
	if (!reader->link)
		return -ENOMEM;
	error = take_seat(reader, frames);
	if (error == 0) {
		reader->link->frames = fl_frames_ref_(frames);
	} else {
		free(reader->link->pins);
		free(reader->link);
	}
	return error;
}

int fl_frames_attach(fl_frames_reader **ret_reader, fl_frames *frames, const fl_frames_reader_options *options)
{
	fl_keep_errno();
	struct fl_frames_reader *reader;
	int error;

	if (fl_frames_forked_(frames->epoch))
		return -EPERM;
	error = fl_frames_reader_make_(&reader, options);
	if (error == 0) {
		error = attach(reader, frames);
		if (error != 0)
			free(reader);
	}
	if (error == 0)
		*ret_reader = reader;
	return error;
}
