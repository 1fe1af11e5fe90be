/*
 * look.c - what the kernel says of a worker: whether it runs, sleeps, or would like to run.
 *
 * Each look compares a worker with how it was when it last got on: its operations, the time that it has had of the
 * processor, and how often it was given it (/proc/PID/schedstat). What follows from that is in crew.h. A worker that
 * sleeps until a time of its own looks awake here, since it is given the processor in between, and that is as it should
 * be: it may yet find out. After 2000 times of that without getting on it is spinning.
 *
 * All this is timed by a clock of the watch's own, which goes on by at most a quarter of `patience` from one look to
 * the next. When the harness did not get to look for long, perhaps nobody ran: a machine that stands still for a second
 * would make the one that sleeps asleep for that long, and the one that moved just before busy just after.
 *
 * Looks at several processes are not one moment. That does no harm: a worker counts as asleep if it has not run between
 * two looks that are `patience` apart, so all that count as asleep were so at one time in between.
 */
#define _GNU_SOURCE
#include "crew.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUSY_ENOUGH = 100, OFTEN_ENOUGH = 2000 };

/* Reads a file of /proc/PID into text; an empty one if there is none. */
static void read_of(pid_t process, const char *file, char *text, size_t size)
{
	char path[64];
	ssize_t length = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)process, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		length = read(fd, text, size - 1);
		close(fd);
	}
	text[length > 0 ? length : 0] = 0;
}

char kill_process_state(pid_t process)
{
	char text[512], *after;

	read_of(process, "stat", text, sizeof(text));
	after = strrchr(text, ')');
	return (char)(after && after[1] ? after[2] : 0);
}

static void read_schedule(pid_t process, uint64_t *ret_ran, uint64_t *ret_slices)
{
	char text[128];
	unsigned long long ran, waited, slices;

	read_of(process, "schedstat", text, sizeof(text));
	if (sscanf(text, "%llu %llu %llu", &ran, &waited, &slices) == 3) {
		*ret_ran = ran;
		*ret_slices = slices;
	}
}

/* From now on it has to get on anew. */
static void begin_again(struct kill_watch *watch, unsigned i, uint64_t ran, uint64_t slices)
{
	watch->of[i].ran = ran;
	watch->of[i].slices_then = watch->of[i].slices = slices;
	watch->of[i].moved = watch->now;
	watch->of[i].asleep = 0;
}

/* Looks at the threads of a process beside its first: a helper that is about to wake somebody is one of them. */
static void look_at_others(struct kill_watch *watch, pid_t process, unsigned i)
{
	uint64_t others = 0, ran, slices;
	bool asleep = true;
	struct dirent *entry;
	char path[32];
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)process);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);

		if (thread == 0 || thread == process)
			continue;
		slices = 0;
		read_schedule(thread, &ran, &slices);
		others += slices;
		asleep = asleep && kill_process_state(thread) == 'S';
	}
	if (tasks)
		closedir(tasks);
	if (!asleep || others != watch->of[i].others)
		watch->of[i].resting = 0;
	else if (!watch->of[i].resting)
		watch->of[i].resting = watch->now;
	watch->of[i].others = others;
}

static void look_at(struct kill_watch *watch, const struct kill_crew *crew, unsigned i, bool first)
{
	uint64_t progress = __atomic_load_n(&kill_shared->workers[i].progress, __ATOMIC_RELAXED), ran = 0, slices = 0;
	char state = kill_process_state(crew->processes[i]);

	read_schedule(crew->processes[i], &ran, &slices);
	look_at_others(watch, crew->processes[i], i);
	watch->of[i].state = state;
	if (first)
		watch->of[i].progress_then = progress;
	if (first || progress != watch->of[i].progress)
		begin_again(watch, i, ran, slices);
	watch->of[i].progress = progress;
	if (state != 'S' || slices != watch->of[i].slices)
		watch->of[i].asleep = 0;
	else if (!watch->of[i].asleep)
		watch->of[i].asleep = watch->now;
	watch->of[i].slices = slices;
	if (state && state != 'Z' &&
	    (ran - watch->of[i].ran >= (uint64_t)watch->patience / 2 ||
	     slices - watch->of[i].slices_then >= OFTEN_ENOUGH))
		watch->of[i].state = 'r'; /* no letter of the kernel's */
}

void kill_watch_look(struct kill_watch *watch, const struct kill_crew *crew)
{
	int64_t now = kill_now(), gap = now - watch->looked;

	watch->now += gap < watch->patience / 4 ? gap : watch->patience / 4;
	watch->looked = now;
	for (unsigned i = 0; i < crew->n; i++)
		if (crew->processes[i])
			look_at(watch, crew, i, false);
}

void kill_watch_begin(struct kill_watch *watch, const struct kill_crew *crew, int64_t patience)
{
	memset(watch, 0, sizeof(*watch));
	watch->begun = watch->looked = kill_now();
	watch->now = 1; /* 0 is never */
	watch->patience = patience;
	for (unsigned i = 0; i < crew->n; i++)
		if (crew->processes[i])
			look_at(watch, crew, i, true);
}

enum kill_state kill_watch_state(const struct kill_watch *watch, unsigned i)
{
	int64_t now = watch->now;

	if (watch->of[i].state == 'Z' || watch->of[i].state == 0)
		return KILL_ENDED;
	if (!watch->of[i].resting || now - watch->of[i].resting < watch->patience)
		return KILL_UNKNOWN;
	if (watch->of[i].asleep && now - watch->of[i].asleep >= watch->patience)
		return KILL_ASLEEP;
	if (watch->of[i].state == 'r' && now - watch->of[i].moved >= watch->patience)
		return KILL_SPINNING;
	if (watch->of[i].progress - watch->of[i].progress_then >= BUSY_ENOUGH &&
	    now - watch->of[i].moved < watch->patience)
		return KILL_BUSY;
	return KILL_UNKNOWN;
}
