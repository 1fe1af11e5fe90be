/*
 * frames.c - scenarios of frame channels in one process: no reader sees half an image, none waits for ever.
 */
#include "scenarios.h"

#include <errno.h>
#include <fairlead/frames.h>
#include <string.h>

#define BYTES 16u

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

static void open_channel(void)
{
	fl_frames_options options = {.size = 4096, .readers = 2};

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

const struct scenario frames_scenarios[] = {
	{"frames-latest", "two frames are published while a reader looks twice", frames_latest, MANY},
	{"frames-next", "a reader waits for the next one", frames_next, MANY},
	{0},
};
