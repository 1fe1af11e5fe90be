/*
 * thread/cpu.c - how many processors the process can use.
 *
 * The affinity mask says where a thread may run; a cgroup's quota says how much time all threads of a container
 * get, in processors: quota by period. A program that starts as many threads as the machine has processors, in a
 * container that gets two of them, is stopped by the kernel for most of each period. So the least of them all
 * counts: the mask, and the quota of each cgroup from the process's own up to the root of what is visible.
 *
 * Where the cgroups are, says /proc/self/mountinfo (mount point, and which part of the hierarchy is mounted there);
 * which one is ours, /proc/self/cgroup. Version 2 has one hierarchy, whose line begins with "0::"; version 1 has
 * one for each kind of resource, and a line names the kinds. Both may be there (systemd's hybrid), so both are
 * looked at. In a container the part mounted may begin below the root, and the path may lead out of it ("/../.."):
 * then the mount point itself is as near as one gets.
 *
 * Nothing is cached: quotas change while a program runs. Whatever cannot be read does not limit.
 */
#define _GNU_SOURCE
#include "thread/thread.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_LIMIT INT_MAX
#define PATH_SIZE 1024 /* on the stack, several of them; what has a longer path does not limit */
#define MAX_CPUS (1 << 20)

/* One of the two kinds of hierarchy that can limit processor time. */
struct hierarchy {
	const char *type;    /* of its file system */
	const char *control; /* version 1: what its mount options and its line in /proc/self/cgroup must name */
	int (*limit)(const char *directory);
};

static FILE *open_under(const char *root, const char *file)
{
	char path[PATH_SIZE];

	if (snprintf(path, sizeof(path), "%s%s", root, file) >= (int)sizeof(path))
		return NULL;
	return fopen(path, "re");
}

/* Quota by period, rounded up. */
static int processors(long long quota, long long period)
{
	long long n;

	if (quota <= 0 || period <= 0)
		return NO_LIMIT;
	n = quota / period + (quota % period != 0);
	return n < NO_LIMIT ? (int)n : NO_LIMIT;
}

/* cpu.max: "200000 100000", or "max 100000". */
static int limit_2(const char *directory)
{
	long long quota = 0, period = 0;
	FILE *file = open_under(directory, "/cpu.max");

	if (!file)
		return NO_LIMIT;
	if (fscanf(file, "%lld %lld", &quota, &period) != 2)
		quota = 0;
	fclose(file);
	return processors(quota, period);
}

static long long read_number(const char *directory, const char *name)
{
	FILE *file = open_under(directory, name);
	long long number = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%lld", &number) != 1)
		number = 0;
	fclose(file);
	return number;
}

static int limit_1(const char *directory)
{
	return processors(read_number(directory, "/cpu.cfs_quota_us"), read_number(directory, "/cpu.cfs_period_us"));
}

static const struct hierarchy hierarchies[] = {
	{"cgroup2", NULL, limit_2},
	{"cgroup", "cpu", limit_1},
};

/* Whether `word` is one of a list with commas. */
static bool names(const char *list, const char *word)
{
	size_t length = strlen(word);

	while (list) {
		if (strncmp(list, word, length) == 0 && (list[length] == ',' || list[length] == '\0'))
			return true;
		list = strchr(list, ',');
		if (list)
			list++;
	}
	return false;
}

/* Calls found(line, arg), without the newline, for each line of a file until it returns true; returns whether it
 * did. */
static bool each_line(const char *root, const char *name, bool (*found)(char *line, void *arg), void *arg)
{
	FILE *file = open_under(root, name);
	char *line = NULL;
	size_t size = 0;
	bool done = false;

	if (!file)
		return false;
	while (!done && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		done = found(line, arg);
	}
	free(line);
	fclose(file);
	return done;
}

/* What is sought of one hierarchy: where it is mounted, which part of it, and the path of our cgroup from its root. */
struct place {
	const struct hierarchy *hierarchy;
	char mount_point[PATH_SIZE], part[PATH_SIZE], path[PATH_SIZE];
};

/* mountinfo writes a space as \040, and so on. */
static void decode(char *text)
{
	char *to = text;

	for (; *text; text++) {
		unsigned code;

		if (text[0] == '\\' && sscanf(text + 1, "%3o", &code) == 1) {
			*to++ = (char)code;
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/* 36 35 98:0 /part /mount/point rw,noatime master:1 - type device options */
static bool found_mount(char *line, void *place_)
{
	struct place *place = place_;
	char *end = strstr(line, " - "), type[32] = "", options[512] = "";

	if (!end || sscanf(end, " - %31s %*s %511s", type, options) != 2 || strcmp(type, place->hierarchy->type) != 0)
		return false;
	if (place->hierarchy->control && !names(options, place->hierarchy->control))
		return false;
	*end = '\0';
	if (sscanf(line, "%*s %*s %*s %1023s %1023s", place->part, place->mount_point) != 2 ||
	    strlen(place->part) == PATH_SIZE - 1 || strlen(place->mount_point) == PATH_SIZE - 1)
		return false; /* or cut, perhaps */
	decode(place->part);
	decode(place->mount_point);
	return true;
}

/* 0::/path   or   4:cpu,cpuacct:/path */
static bool found_path(char *line, void *place_)
{
	struct place *place = place_;
	char *kinds = strchr(line, ':'), *path = kinds ? strchr(kinds + 1, ':') : NULL;

	size_t size;

	if (!path)
		return false;
	*path++ = '\0';
	size = strlen(path) + 1;
	if (size > PATH_SIZE)
		return false;
	if (place->hierarchy->control ? !names(kinds + 1, place->hierarchy->control) : kinds[1] != '\0')
		return false;
	memcpy(place->path, path, size);
	return true;
}

/* The path below the mount point; "" if the cgroup is the mounted part's root, or outside it. */
static const char *inside(const struct place *place)
{
	size_t length = strcmp(place->part, "/") == 0 ? 0 : strlen(place->part);
	const char *rest = place->path + length;

	if (strncmp(place->path, place->part, length) != 0 || *rest != '/' || strstr(rest, "/.."))
		return "";
	return rest;
}

/* The least limit from the cgroup up to the mount point, whose path has `top` characters. */
static int least(const struct hierarchy *hierarchy, char *directory, size_t top)
{
	int limit = hierarchy->limit(directory), outer;
	char *slash;

	while (strlen(directory) > top && (slash = strrchr(directory, '/'))) {
		*slash = '\0';
		outer = hierarchy->limit(directory);
		if (outer < limit)
			limit = outer;
	}
	return limit;
}

static int limit_of(const char *root, const struct hierarchy *hierarchy)
{
	struct place place = {.hierarchy = hierarchy};
	char directory[PATH_SIZE];
	int top, n;

	if (!each_line(root, "/proc/self/mountinfo", found_mount, &place) ||
	    !each_line(root, "/proc/self/cgroup", found_path, &place))
		return NO_LIMIT;
	top = snprintf(directory, sizeof(directory), "%s%s", root, place.mount_point);
	n = snprintf(directory, sizeof(directory), "%s%s%s", root, place.mount_point, inside(&place));
	if (n >= (int)sizeof(directory))
		return NO_LIMIT;
	return least(hierarchy, directory, (size_t)top);
}

int fl_cpu_count_under_(const char *root, int affinity)
{
	int count = affinity > 0 ? affinity : 1;
	size_t i;

	for (i = 0; i < sizeof(hierarchies) / sizeof(hierarchies[0]); i++) {
		int limit = limit_of(root, &hierarchies[i]);

		if (limit < count)
			count = limit;
	}
	return count;
}

/* How many processors the calling thread may run on. The kernel rejects sets that are too small for the machine. */
static int affinity(void)
{
	int room, n = 0;

	for (room = CPU_SETSIZE; n == 0 && room <= MAX_CPUS; room *= 2) {
		cpu_set_t *set = CPU_ALLOC((size_t)room);
		size_t size = CPU_ALLOC_SIZE((size_t)room);

		if (!set)
			break;
		if (sched_getaffinity(0, size, set) == 0)
			n = CPU_COUNT_S(size, set);
		CPU_FREE(set);
	}
	return n;
}

int fl_cpu_count(void)
{
	int saved = errno, count = fl_cpu_count_under_("", affinity());

	errno = saved;
	return count;
}
