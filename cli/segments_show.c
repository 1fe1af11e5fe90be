/*
 * cli/segments_show.c - one segment: who is attached, and what is in it.
 *
 * Everything is read before anything is printed: while objects are read the segment's lock is held, and who reads what
 * is printed may take his time.
 */
#include "segments.h"

#include "command.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct contents {
	fl_segment_process_info *processes;
	fl_segment_object_info *objects;
	size_t n_processes, n_objects, room;
};

static int add_process(const fl_segment_process_info *info, void *arg)
{
	struct contents *contents = arg;

	if (contents->n_processes == FL_SEGMENT_PROCESSES)
		return 0;
	contents->processes[contents->n_processes] = *info;
	segments_plain(contents->processes[contents->n_processes++].name);
	return 0;
}

static int add_object(const fl_segment_object_info *info, void *arg)
{
	struct contents *contents = arg;
	fl_segment_object_info *all;

	if (contents->n_objects == contents->room) {
		contents->room = 2 * contents->room + 8;
		all = reallocarray(contents->objects, contents->room, sizeof(*all));
		if (!all)
			return -ENOMEM;
		contents->objects = all;
	}
	contents->objects[contents->n_objects] = *info;
	segments_plain(contents->objects[contents->n_objects].name);
	segments_plain(contents->objects[contents->n_objects++].type);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const fl_segment_object_info *one = a, *other = b;

	return strcmp(one->name, other->name);
}

/* What could be read is there also if it fails. */
static int read_all(const struct segments *asked, const char *name, struct contents *contents)
{
	const fl_segment_options options = {.flags = FL_SEGMENT_LOOK, .directory = asked->directory};
	fl_segment *segment;
	int error;

	contents->processes = calloc(FL_SEGMENT_PROCESSES, sizeof(contents->processes[0]));
	if (!contents->processes)
		return -ENOMEM;
	error = fl_segment_open(&segment, name, &options);
	if (error != 0)
		return error;
	error = fl_segment_processes(segment, add_process, contents);
	if (error == 0)
		error = fl_segment_objects(segment, add_object, contents);
	fl_segment_close(segment);
	if (contents->n_objects > 0)
		qsort(contents->objects, contents->n_objects, sizeof(contents->objects[0]), by_name);
	return error;
}

static json_t *process_json(const fl_segment_process_info *info)
{
	return json_pack("{s:i, s:s, s:b, s:I, s:I}", "pid", (int)info->pid, "name", info->name, "alive", info->alive,
			 "age", (json_int_t)segments_age(info->since), "start", (json_int_t)info->start);
}

static json_t *object_json(const fl_segment_object_info *info)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I}", "name", info->name, "type", info->type, "version",
			 (json_int_t)info->version, "size", (json_int_t)info->size, "offset", (json_int_t)info->offset);
}

static void print_json(const struct segments_one *one, const struct contents *contents)
{
	json_t *json = segments_json(one), *processes = json_array(), *objects = json_array();

	for (size_t i = 0; i < contents->n_processes; i++)
		json_array_append_new(processes, process_json(&contents->processes[i]));
	for (size_t i = 0; i < contents->n_objects; i++)
		json_array_append_new(objects, object_json(&contents->objects[i]));
	json_object_set_new(json, "processes", processes);
	json_object_set_new(json, "objects", objects);
	segments_print_json(json);
}

static void print_head(const fl_segment_info *info)
{
	char size[SEGMENTS_TEXT], most[SEGMENTS_TEXT], age[SEGMENTS_TEXT];

	segments_size(info->size, size);
	segments_size(info->max_size, most);
	segments_age_text(info->made, age);
	printf("%s: %s, %s of at most %s, made %s ago\n", info->name, segments_state(info), size, most, age);
}

static void print_processes(const struct contents *contents)
{
	char age[SEGMENTS_TEXT];

	if (contents->n_processes > 0)
		printf("\n%8s  %-5s  %4s  %s\n", "PROCESS", "STATE", "AGE", "NAME");
	for (size_t i = 0; i < contents->n_processes; i++) {
		const fl_segment_process_info *info = &contents->processes[i];

		segments_age_text(info->since, age);
		printf("%8d  %-5s  %4s  %s\n", (int)info->pid, info->alive ? "alive" : "dead", age, info->name);
	}
}

static void print_objects(const struct contents *contents)
{
	int width = (int)strlen("OBJECT");

	for (size_t i = 0; i < contents->n_objects; i++)
		if ((int)strlen(contents->objects[i].name) > width)
			width = (int)strlen(contents->objects[i].name);
	if (contents->n_objects > 0)
		printf("\n%-*s  %10s  %7s  %s\n", width, "OBJECT", "BYTES", "VERSION", "TYPE");
	for (size_t i = 0; i < contents->n_objects; i++) {
		const fl_segment_object_info *info = &contents->objects[i];

		printf("%-*s  %10llu  %7u  %s\n", width, info->name, (unsigned long long)info->size, info->version,
		       info->type);
	}
}

static void print(const struct segments *asked, const struct segments_one *one, const struct contents *contents)
{
	if (asked->json) {
		print_json(one, contents);
	} else if (asked->names) {
		for (size_t i = 0; i < contents->n_objects; i++)
			puts(contents->objects[i].name);
	} else {
		print_head(&one->info);
		print_processes(contents);
		print_objects(contents);
	}
}

int segments_show(const struct segments *asked, const struct segments_one *one)
{
	struct contents contents = {0};
	int error = one->info.error;

	if (error != 0) {
		fprintf(stderr, "%s: '%s': %s\n", asked->path, one->info.name, one->reason);
		return COMMAND_FAILED;
	}
	error = read_all(asked, one->info.name, &contents);
	if (error != -ENOENT)
		print(asked, one, &contents);
	if (error != 0)
		fprintf(stderr, "%s: '%s': %s\n", asked->path, one->info.name,
			error == -ENOMEM ? "no memory" : fl_segment_why());
	free(contents.processes);
	free(contents.objects);
	return error == 0 ? COMMAND_OK : COMMAND_FAILED;
}
