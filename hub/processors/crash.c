/*
 * hub/processors/crash.c - a processor that crashes, for tests of what the hub does then.
 *
 * It publishes ten frames as they came, each with the result `frames`, how many it has had; with the eleventh it
 * aborts. One that runs in the hub's process ends the hub: run it isolated.
 */
#include "picture.h"
#include "processors.h"

#include <errno.h>
#include <stdlib.h>

#define FRAMES 10u

static int crash_start(void **ret_state)
{
	*ret_state = calloc(1, sizeof(uint32_t));
	return *ret_state ? 0 : -ENOMEM;
}

static int crash_process(void *state, const fl_frame *frame, const fl_processor_host *host)
{
	uint32_t *frames = state;
	void *data;
	int error;

	if (*frames == FRAMES)
		abort();
	++*frames;
	error = picture_copy(frame, host, &data);
	error = error < 0 ? error : host->publish(host, &frame->info);
	return error < 0 ? error : host->result(host, "frames", "%u", *frames);
}

const fl_processor processors_crash = {
	.version = FL_PROCESSOR_VERSION,
	.format = FL_PIXELS_NONE,
	.name = "crash",
	.summary = "for tests: works for ten frames, then crashes",
	.start = crash_start,
	.process = crash_process,
	.stop = free,
};
