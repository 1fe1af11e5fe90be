/*
 * frames.c - the frame channel of Fairlead, between processes.
 *
 * Each pair of workers has a channel: the first serves and publishes it, the other one reads it. A frame's words all
 * depend on the number that its description has, so that half a frame shows. A reader of which the producer was killed
 * is told so, and goes on with the next producer of that name; a producer does not care who reads.
 */
#define _GNU_SOURCE
#include "kill.h"

#include <errno.h>
#include <fairlead/frames.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WORDS = 64 };

struct shared {
	char directory[64];
	uint64_t published[KILL_MOST_WORKERS];
	uint64_t torn, strange;
};

static fl_frames *frames;
static fl_frames_reader *reader;
static fl_frame frame;

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status, (void)kind, (void)place;
	return remove(path);
}

static int make_place(void *memory)
{
	struct shared *shared = memory;

	snprintf(shared->directory, sizeof(shared->directory), "/tmp/fairlead-kill-XXXXXX");
	if (!mkdtemp(shared->directory) || setenv("XDG_RUNTIME_DIR", shared->directory, 1) < 0)
		return -errno;
	return 0;
}

static void remove_place(void *memory)
{
	nftw(((struct shared *)memory)->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void begin(void *memory, struct kill_worker *worker)
{
	char name[16];
	int error;

	(void)memory;
	snprintf(name, sizeof(name), "pair%u", worker->index / 2);
	if (worker->role == 0) {
		error = fl_frames_create(&frames, &(fl_frames_options){.name = name, .size = WORDS * sizeof(uint64_t)});
		if (error == 0)
			error = fl_frames_serve(frames);
	} else {
		error = fl_frames_open(&reader, name, NULL);
	}
	if (error < 0)
		kill_fail("frames", error);
}

static void publish(struct shared *shared, const struct kill_worker *worker)
{
	uint64_t n = ++shared->published[worker->index];
	fl_frame_info info = {.size = WORDS * sizeof(uint64_t), .captured = (fl_time)n};
	void *data;
	int error = fl_frames_loan(frames, info.size, &data);

	if (error < 0)
		kill_fail("fl_frames_loan", error);
	for (unsigned i = 0; i < WORDS; i++)
		((uint64_t *)data)[i] = n + i;
	if (fl_frames_publish(frames, &info) < 0)
		kill_fail("fl_frames_publish", EINVAL);
}

static void look(struct shared *shared, const struct kill_worker *worker)
{
	const uint64_t *words;
	uint64_t n;
	int error;

	while ((error = fl_frames_next(reader, &frame)) == -EPIPE)
		;
	if (error < 0)
		kill_fail("fl_frames_next", error);
	words = frame.data;
	n = (uint64_t)frame.info.captured;
	for (unsigned i = 0; i < WORDS; i++)
		if (words[i] != n + i)
			__atomic_add_fetch(&shared->torn, 1, __ATOMIC_RELAXED);
	if (n > __atomic_load_n(&shared->published[worker->index - 1], __ATOMIC_RELAXED))
		__atomic_add_fetch(&shared->strange, 1, __ATOMIC_RELAXED);
}

static void operate(void *memory, struct kill_worker *worker)
{
	if (worker->role == 0)
		publish(memory, worker);
	else
		look(memory, worker);
	kill_dwell(worker);
}

static void serve_only(void *memory, struct kill_worker *worker)
{
	(void)memory, (void)worker;
}

static void check(const void *memory, struct kill_verdict *verdict)
{
	const struct shared *shared = memory;

	verdict->broken += shared->torn + shared->strange;
}

const struct kill_object kill_frames[] = {
	{.name = "frames",
	 .what = "Fairlead frame channel",
	 .expects = KILL_SURVIVES,
	 .size = sizeof(struct shared),
	 .roles = 2,
	 .init = make_place,
	 .fini = remove_place,
	 .start = begin,
	 .operate = operate,
	 .check = check,
	 .situations = {{.name = "publish"},
			{.name = "read", .role = 1, .before = operate},
			{.name = "wait", .role = 1, .before = serve_only, .meanwhile = operate}}},
	{0},
};
