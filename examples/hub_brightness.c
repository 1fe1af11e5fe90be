/*
 * hub_brightness.c - how does a program of one's own look at the hub's images: `fairlead hub --exec NAME=./program`?
 *
 * FAIRLEAD_INPUT names the frame channel to read. The hub shows the latest value of each key that it prints, key=value;
 * here how bright every tenth image is. Without the hub it looks at 30 images of its own.
 */
#include <fairlead/frames.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int make_own(fl_frames_reader **ret_reader)
{
	fl_frames *frames;
	fl_frame_info info;
	void *pixels;

	if (fl_frames_create(&frames, NULL) < 0 || fl_frame_info_init(&info, FL_PIXELS_GRAY8, 64, 48) < 0 ||
	    fl_frames_attach(ret_reader, frames, &(fl_frames_reader_options){.every = 30}) < 0)
		return -1;
	for (int i = 1; i <= 30 && fl_frames_loan(frames, info.size, &pixels) == 0; i++) {
		memset(pixels, 5 * i, info.size);
		fl_frames_publish(frames, &info);
	}
	fl_frames_close(frames);
	return 0;
}

int main(void)
{
	const char *name = getenv("FAIRLEAD_INPUT");
	fl_frames_reader *reader;
	FL_FRAME(frame);

	if ((name ? fl_frames_open(&reader, name, NULL) : make_own(&reader)) < 0)
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; fl_frames_next(reader, &frame) == 0; i++) {
		const fl_frame_info *info = &frame.info;
		uint64_t sum = 0, n = info->width * (info->format == FL_PIXELS_RGB24 ? 3ull : 1);

		for (uint64_t at = 0; i % 10 == 0 && info->n_planes > 0 && at < n * info->height; at++)
			sum += ((const uint8_t *)frame.data)[info->offset[0] + at / n * info->stride[0] + at % n];
		if (i % 10 == 0 && n > 0)
			printf("mean=%.1f\n", (double)sum / (double)(n * info->height));
	}
	fl_frames_reader_close(reader);
	return 0;
}
