/*
 * bench/jpeg-camera.c - jpeg-camera NAME FOLDER FPS: a camera that publishes the JPEG files of a folder, over and over.
 *
 * It serves a frame channel of that name, so that a server can be measured that reads one. Each frame says that it was
 * captured at the moment it was due, which the clock of jpegs.h tells; the camera sleeps until then. It runs until it
 * gets SIGTERM or SIGINT, and uses Fairlead's public headers only.
 */
#include "jpegs.h"

#include <errno.h>
#include <fairlead/frames.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

static void stop_on_signals(void)
{
	struct sigaction action = {.sa_handler = stop};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static int publish(fl_frames *frames, const struct jpegs *jpegs, uint64_t number, int64_t captured)
{
	const struct jpeg *jpeg = &jpegs->of[number % jpegs->count];
	fl_frame_info info = {
		.format = FL_PIXELS_JPEG,
		.width = jpegs->width,
		.height = jpegs->height,
		.size = jpeg->size,
		.captured = captured,
		.flags = FL_FRAME_KEY | FL_FRAME_SYNTHETIC,
	};
	void *data;
	int error = fl_frames_loan(frames, jpegs->largest, &data);

	if (error < 0)
		return error;
	jpegs_take(data, jpeg, captured);
	return fl_frames_publish(frames, &info);
}

/* Returns whether it slept until then; a signal may end it before. */
static bool sleep_until(int64_t then)
{
	struct timespec at = {then / 1000000000, then % 1000000000};

	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == 0;
}

static int run(fl_frames *frames, const struct jpegs *jpegs, unsigned fps)
{
	struct jpegs_clock clock = jpegs_clock_start(fps);
	int error = 0;

	for (uint64_t number = 0; error >= 0 && !stopped; number++) {
		int64_t tick = jpegs_clock_tick(&clock, number);

		if (sleep_until(tick))
			error = publish(frames, jpegs, number, tick);
	}
	return error < 0 ? error : 0;
}

static int serve(const char *name, const struct jpegs *jpegs, unsigned fps)
{
	fl_frames_options options = {.name = name, .size = jpegs->largest};
	fl_frames *frames;
	int error = fl_frames_create(&frames, &options);

	if (error < 0)
		return error;
	error = fl_frames_serve(frames);
	if (error == 0)
		error = run(frames, jpegs, fps);
	fl_frames_close(frames);
	return error;
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "jpeg-camera: %s: %s\n", what, strerror(-error));
	return 1;
}

int main(int argc, char **argv)
{
	struct jpegs jpegs;
	int fps = argc == 4 ? atoi(argv[3]) : 0;
	int error;

	if (fps < 1 || fps > 1000) {
		fputs("usage: jpeg-camera NAME FOLDER FPS, with 1 to 1000 frames a second\n", stderr);
		return 2;
	}
	error = jpegs_load(&jpegs, argv[2]);
	if (error < 0)
		return fail(argv[2], error);
	stop_on_signals();
	error = serve(argv[1], &jpegs, (unsigned)fps);
	jpegs_free(&jpegs);
	return error < 0 ? fail(argv[1], error) : 0;
}
