/*
 * framing.h - what the tests of frame channels are written with: a channel, a reader, and frames whose every word says
 * which one it is.
 *
 * A frame of number n is filled with words that depend on n and on where they are, so that a reader that sees a part of
 * another frame, or of none, knows.
 */
#ifndef FAIRLEAD_TESTS_FRAMING_H
#define FAIRLEAD_TESTS_FRAMING_H

#include <check.h>
#include <errno.h>
#include <fairlead/frames.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>

static inline uint64_t framing_word(uint64_t n, size_t i)
{
	return n * UINT64_C(0x9e3779b97f4a7c15) + i;
}

/* Fills `size` bytes, a multiple of 8, as frame n. */
static inline void framing_fill(void *data, size_t size, uint64_t n)
{
	uint64_t *words = data;
	size_t i;

	for (i = 0; i < size / 8; i++)
		words[i] = framing_word(n, i);
}

/* Whether these bytes are frame n, all of them. */
static inline bool framing_whole(const void *data, size_t size, uint64_t n)
{
	const uint64_t *words = data;
	size_t i;

	for (i = 0; i < size / 8; i++)
		if (words[i] != framing_word(n, i))
			return false;
	return true;
}

/* Publishes bytes as frame n, which is to be the channel's sequence number, too. Returns what publishing returned. */
static inline int framing_publish(fl_frames *frames, size_t size, uint64_t n)
{
	const fl_frame_info info = {.size = size, .captured = (fl_time)n};
	void *data;

	ck_assert_int_eq(fl_frames_loan(frames, size, &data), 0);
	framing_fill(data, size, n);
	return fl_frames_publish(frames, &info);
}

/* Fails unless the frame is whole, and is frame n. */
static inline void framing_expect(const fl_frame *frame, uint64_t n)
{
	ck_assert_uint_eq(frame->sequence, n);
	ck_assert_int_eq(frame->info.captured, (fl_time)n);
	ck_assert(framing_whole(frame->data, frame->info.size, n));
}

/* One channel and one reader: what most tests need. */
static fl_frames *frames;
static fl_frames_reader *reader;
static fl_frame frame;

static inline void framing_tear_down(void)
{
	fl_frames_done(&frame);
	reader = fl_frames_reader_close(reader);
	frames = fl_frames_close(frames);
}

static inline void framing_attach(uint32_t every, uint32_t held)
{
	const fl_frames_reader_options options = {.name = "looker", .every = every, .held = held};

	ck_assert_int_eq(fl_frames_attach(&reader, frames, &options), 0);
}

/* Looks without waiting. */
static inline int framing_look(fl_frame *ret_frame)
{
	return fl_frames_next_until(reader, ret_frame, 0, NULL);
}

/* Fails unless the next frame comes, soon, and is frame n. */
static inline void framing_expect_next(uint64_t n)
{
	ck_assert_int_eq(fl_frames_next_until(reader, &frame, fl_after(FL_SECONDS(20)), NULL), 0);
	framing_expect(&frame, n);
}

/* Makes the channel "cam", and serves it. `options` may be NULL. */
static inline void framing_serve(const fl_frames_options *options)
{
	static const fl_frames_options usual = {.name = "cam", .size = 65536};

	ck_assert_int_eq(fl_frames_create(&frames, options ? options : &usual), 0);
	ck_assert_int_eq(fl_frames_serve(frames), 0);
}

/* Opens it, and returns what that returned. */
static inline int framing_open(uint32_t every, fl_time deadline)
{
	const fl_frames_reader_options options = {.name = "looker", .every = every};

	return fl_frames_open_until(&reader, "cam", &options, deadline, NULL);
}

/* Returns when the channel has n readers. */
static inline void framing_await_readers(int n)
{
	while (fl_frames_readers(frames, 0, NULL) != n)
		sched_yield();
}

/* For call_start: waits for the next frame, with the note that it is given, and returns its number, or why not. */
static inline int framing_wait_for_next(void *note)
{
	int error = fl_frames_next_until(reader, &frame, FL_FOREVER, note);

	return error != 0 ? error : (int)frame.sequence;
}

static inline bool framing_readable(int fd)
{
	struct pollfd look_at = {.fd = fd, .events = POLLIN};

	return poll(&look_at, 1, 0) == 1;
}

/* Fails unless the reader's descriptor is readable when there is something new, and only then; for a channel in which
 * nothing was published. Closes the channel. */
static inline void framing_expect_descriptor(size_t size)
{
	int fd = fl_frames_fd(reader);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fl_frames_fd(reader), fd);
	ck_assert_int_eq(framing_look(&frame), -ETIMEDOUT);
	for (uint64_t n = 1; n < 20; n++) {
		ck_assert(!framing_readable(fd));
		ck_assert_int_eq(framing_publish(frames, size, n), 0);
		ck_assert(framing_readable(fd));
		framing_expect_next(n);
		ck_assert_int_eq(framing_look(&frame), -ETIMEDOUT);
	}
	frames = fl_frames_close(frames);
	ck_assert(framing_readable(fd));
	ck_assert_int_eq(framing_look(&frame), -EPIPE);
	ck_assert_int_eq(fl_frames_fd(reader), -EPIPE);
}

#endif
