/*
 * frames.c - scenarios of frame channels in one process: no reader sees half an image, none waits for ever.
 */
#include "scenarios.h"

#include <errno.h>
#include <fairlead/frames.h>
#include <poll.h>
#include <string.h>

#define BYTES 16u
#define LARGER 20000u /* than the pages that there are at the beginning */

static fl_frames *frames;
static fl_frames_reader *reader;

static void publish(unsigned char byte)
{
	fl_frame_info info = {.size = BYTES};
	void *data;

	assert(fl_frames_loan(frames, BYTES, &data) == 0);
	memset(data, byte, BYTES);
	assert(fl_frames_publish(frames, &info) >= 0);
}

static void publish_two(void)
{
	publish(1);
	publish(2);
}

static void look_twice(void)
{
	for (int i = 0; i < 2; i++) {
		fl_frame frame = {0};
		unsigned char bytes[BYTES];

		if (fl_frames_latest(reader, &frame) != 0)
			continue;
		memcpy(bytes, frame.data, BYTES);
		for (unsigned j = 1; j < BYTES; j++)
			assert(bytes[j] == bytes[0]);
		fl_frames_done(&frame);
	}
}

static void next_one(void)
{
	fl_frame frame = {0};

	assert(fl_frames_next(reader, &frame) == 0);
	assert(((const unsigned char *)frame.data)[0] == ((const unsigned char *)frame.data)[BYTES - 1]);
	fl_frames_done(&frame);
}

/* With as few slots as can be, so that they are soon written again. */
static void open_channel(void)
{
	fl_frames_options options = {.size = BYTES, .readers = 1, .pinned = 1};

	assert(fl_frames_create(&frames, &options) == 0);
	assert(fl_frames_attach(&reader, frames, NULL) == 0);
}

static void close_channel(void)
{
	fl_frames_reader_close(reader);
	fl_frames_close(frames);
}

static void frames_latest(void *arg)
{
	(void)arg;
	open_channel();
	together(publish_two, look_twice, NULL);
	close_channel();
}

static void frames_next(void *arg)
{
	(void)arg;
	open_channel();
	together(publish_two, next_one, NULL);
	close_channel();
}

static void next_two_in_order(void)
{
	fl_frame frame = {0};

	for (unsigned char i = 1; i <= 2; i++) {
		assert(fl_frames_next(reader, &frame) == 0);
		assert(((const unsigned char *)frame.data)[0] == i &&
		       ((const unsigned char *)frame.data)[BYTES - 1] == i);
	}
	fl_frames_done(&frame);
}

static void open_channel_every(uint32_t n)
{
	fl_frames_options options = {.size = BYTES, .readers = 1, .pinned = n + 1};
	fl_frames_reader_options every = {.every = n};

	assert(fl_frames_create(&frames, &options) == 0);
	assert(fl_frames_attach(&reader, frames, &every) == 0);
}

static void frames_every(void *arg)
{
	(void)arg;
	open_channel_every(2);
	together(publish_two, next_two_in_order, NULL);
	close_channel();
}

static void next_five_in_order(void)
{
	fl_frame frame = {0};

	for (unsigned char i = 1; i <= 5; i++) {
		assert(fl_frames_next(reader, &frame) == 0);
		assert(((const unsigned char *)frame.data)[0] == i);
		assert(((const unsigned char *)frame.data)[BYTES - 1] == i);
	}
	fl_frames_done(&frame);
}

static void publish_waiting(void)
{
	fl_frame_info info = {.size = BYTES};
	void *data;

	for (unsigned char byte = 1; byte <= 5; byte++) {
		assert(fl_frames_loan(frames, BYTES, &data) == 0);
		memset(data, byte, BYTES);
		assert(fl_frames_publish_until(frames, &info, FL_FOREVER, NULL) >= 0);
	}
}

static void frames_room(void *arg)
{
	(void)arg;
	open_channel_every(1);
	together(publish_waiting, next_five_in_order, NULL);
	close_channel();
}

static void wait_for_reader(void)
{
	assert(fl_frames_wait_readers(frames) == 0);
	publish(1);
}

static void come_and_look(void)
{
	assert(fl_frames_attach(&reader, frames, NULL) == 0);
	next_one();
}

static void frames_readers(void *arg)
{
	fl_frames_options options = {.size = BYTES, .readers = 1, .pinned = 1};

	(void)arg;
	assert(fl_frames_create(&frames, &options) == 0);
	together(wait_for_reader, come_and_look, NULL);
	close_channel();
}

static void poll_and_look(void)
{
	struct pollfd polled = {.fd = fl_frames_fd(reader), .events = POLLIN};
	fl_frame frame = {0};

	while (fl_frames_next_until(reader, &frame, 0, NULL) == -ETIMEDOUT)
		assert(poll(&polled, 1, -1) == 1);
	fl_frames_done(&frame);
}

static void publish_one(void)
{
	publish(1);
}

static void frames_fd(void *arg)
{
	(void)arg;
	open_channel();
	assert(fl_frames_fd(reader) >= 0);
	together(publish_one, poll_and_look, NULL);
	close_channel();
}

static void close_frames(void)
{
	publish(1);
	fl_frames_close(frames);
}

static void next_until_closed(void)
{
	fl_frame frame = {0};

	while (fl_frames_next(reader, &frame) == 0)
		assert(((const unsigned char *)frame.data)[BYTES - 1] == 1);
	fl_frames_done(&frame);
	fl_frames_reader_close(reader);
}

static void frames_closed(void *arg)
{
	(void)arg;
	open_channel();
	together(close_frames, next_until_closed, NULL);
}

static void publish_five(void)
{
	for (unsigned char byte = 1; byte <= 5; byte++)
		publish(byte);
}

static void frames_again(void *arg)
{
	(void)arg;
	open_channel();
	together(publish_five, look_twice, NULL);
	close_channel();
}

/* A reader that is too slow gets what it has queued, and is told then. */
static void next_until_disconnected(void)
{
	fl_frame frame = {0};
	unsigned char n = 0;
	int error;

	while ((error = fl_frames_next(reader, &frame)) == 0 && ++n < 3)
		assert(((const unsigned char *)frame.data)[0] == n);
	assert(error == 0 || error == -EPIPE);
	assert(n > 0);
	fl_frames_done(&frame);
}

static void publish_three(void)
{
	for (unsigned char byte = 1; byte <= 3; byte++)
		publish(byte);
}

static void frames_disconnect(void *arg)
{
	fl_frames_options options = {.size = BYTES, .readers = 1, .pinned = 2, .full = FL_FRAMES_DISCONNECT};
	fl_frames_reader_options every = {.every = 1};

	(void)arg;
	assert(fl_frames_create(&frames, &options) == 0);
	assert(fl_frames_attach(&reader, frames, &every) == 0);
	together(publish_three, next_until_disconnected, NULL);
	close_channel();
}

/* The second frame needs more room than there is, so the channel moves to another memory. */
static void publish_larger(void)
{
	fl_frame_info info = {.size = LARGER};
	void *data;

	publish(1);
	assert(fl_frames_loan(frames, LARGER, &data) == 0);
	memset(data, 2, LARGER);
	assert(fl_frames_publish(frames, &info) >= 0);
}

static void next_until_larger(void)
{
	fl_frame frame = {0};

	do {
		const unsigned char *data;

		assert(fl_frames_next(reader, &frame) == 0);
		data = frame.data;
		assert(data[0] == data[frame.info.size - 1]);
	} while (frame.info.size < LARGER);
	fl_frames_done(&frame);
}

static void frames_larger(void *arg)
{
	(void)arg;
	open_channel();
	together(publish_larger, next_until_larger, NULL);
	close_channel();
}

static void frames_larger_every(void *arg)
{
	(void)arg;
	open_channel_every(2);
	together(publish_larger, next_until_larger, NULL);
	close_channel();
}

const struct scenario frames_scenarios[] = {
	{"frames-latest", "two frames are published while a reader looks twice", frames_latest, MANY},
	{"frames-next", "a reader waits for the next one", frames_next, MANY},
	{"frames-every", "two frames through a queue of two", frames_every, MANY},
	{"frames-room", "through a queue of one: the producer waits", frames_room, MANY},
	{"frames-readers", "a producer waits for a reader", frames_readers, MANY},
	{"frames-fd", "a descriptor is polled", frames_fd, MANY},
	{"frames-closed", "the producer ends while a reader waits", frames_closed, MANY},
	{"frames-again", "so many that slots are written again", frames_again, MANY},
	{"frames-disconnect", "a reader that is too slow", frames_disconnect, MANY},
	{"frames-larger", "the second frame is larger than the memory", frames_larger, MANY},
	{"frames-larger-every", "the same through a queue", frames_larger_every, MANY},
	{0},
};
