/*
 * cli/segments.c - `fairlead segments`: which named segments there are and how they are doing; removes them.
 *
 * It attaches to none, so that it takes no place, wakes nobody, and is never the last one to leave: the list is
 * fl_segment_list's, and one segment is looked at with FL_SEGMENT_LOOK (segments_show.c).
 */
#include "segments.h"

#include "command.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char segments_about[] =
	"Shows the memory that processes of this user share by name (fl_segment): whether somebody uses it, how many "
	"of its processes live and how many died, and how large it is. With the name of one it shows its processes and "
	"its objects. It attaches to none, and disturbs nobody.";

static int take_directory(void *config, const char *value, char *why, size_t size)
{
	struct segments *asked = config;

	(void)why, (void)size;
	asked->directory = value;
	return 0;
}

static int take_clean(void *config, const char *value, char *why, size_t size)
{
	struct segments *asked = config;

	(void)value, (void)why, (void)size;
	asked->clean = true;
	return 0;
}

static int take_remove(void *config, const char *value, char *why, size_t size)
{
	struct segments *asked = config;

	(void)why, (void)size;
	asked->remove = value;
	return 0;
}

static int take_json(void *config, const char *value, char *why, size_t size)
{
	struct segments *asked = config;

	(void)value, (void)why, (void)size;
	asked->json = true;
	return 0;
}

static int take_names(void *config, const char *value, char *why, size_t size)
{
	struct segments *asked = config;

	(void)value, (void)why, (void)size;
	asked->names = true;
	return 0;
}

const struct option_row segments_rows[] = {
	{"Where", "directory", 0, "DIRECTORY", "where the names are (default /dev/shm/fairlead-UID)", OPTION_ONCE,
	 take_directory},
	{"Removing", "clean", 0, NULL, "remove the stale ones, those whose processes all died, and say which",
	 OPTION_FLAG, take_clean},
	{NULL, "remove", 0, "SEGMENT", "remove the name of one; processes that are attached go on", OPTION_ONCE,
	 take_remove},
	{"Form", "json", 0, NULL, "an object of JSON a line", OPTION_FLAG, take_json},
	{NULL, "names", 0, NULL, "only the names", OPTION_FLAG, take_names},
	{0},
};

/* What it says. */

const char *segments_state(const fl_segment_info *info)
{
	if (info->error != 0)
		return "broken";
	return info->alive > 0 ? "used" : info->stale ? "stale" : "left";
}

void segments_plain(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

void segments_size(uint64_t bytes, char ret_text[SEGMENTS_TEXT])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double size = (double)bytes;
	size_t i = 0;

	for (; size >= 1024 && i + 1 < sizeof(units) / sizeof(units[0]); i++)
		size /= 1024;
	snprintf(ret_text, SEGMENTS_TEXT, i == 0 || size >= 10 ? "%.0f %s" : "%.1f %s", size, units[i]);
}

/* In seconds. Whoever has written that time may have had another clock. */
int64_t segments_age(int64_t since)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	since /= INT64_C(1000000000);
	return since > 0 && since < now.tv_sec ? now.tv_sec - since : 0;
}

void segments_age_text(int64_t since, char ret_text[SEGMENTS_TEXT])
{
	long long age = segments_age(since);

	if (age < 60)
		snprintf(ret_text, SEGMENTS_TEXT, "%llds", age);
	else if (age < 3600)
		snprintf(ret_text, SEGMENTS_TEXT, "%lldm", age / 60);
	else if (age < 48 * 3600)
		snprintf(ret_text, SEGMENTS_TEXT, "%lldh", age / 3600);
	else
		snprintf(ret_text, SEGMENTS_TEXT, "%lldd", age / (24 * 3600));
}

json_t *segments_json(const struct segments_one *one)
{
	const fl_segment_info *info = &one->info;

	if (info->error != 0)
		return json_pack("{s:s, s:s, s:s}", "name", info->name, "state", "broken", "error", one->reason);
	return json_pack("{s:s, s:s, s:i, s:i, s:I, s:I, s:I}", "name", info->name, "state", segments_state(info),
			 "alive", (int)info->alive, "dead", (int)info->dead, "size", (json_int_t)info->size, "most",
			 (json_int_t)info->max_size, "age", (json_int_t)segments_age(info->made));
}

void segments_print_json(json_t *json)
{
	json_dumpf(json, stdout, JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
	putchar('\n');
	json_decref(json);
}

/* Finding. */

struct found {
	struct segments_one *all;
	size_t n, room;
};

/* The reason is what the library said last: now it is this segment's. */
static int add(const fl_segment_info *info, void *arg)
{
	struct found *found = arg;
	struct segments_one *one;

	if (found->n == found->room) {
		found->room = 2 * found->room + 8;
		one = reallocarray(found->all, found->room, sizeof(*one));
		if (!one)
			return -ENOMEM;
		found->all = one;
	}
	one = &found->all[found->n++];
	*one = (struct segments_one){.info = *info};
	if (info->error != 0)
		snprintf(one->reason, sizeof(one->reason), "%s", fl_segment_why());
	segments_plain(one->reason);
	return 0;
}

static int failed(const struct segments *asked, int error)
{
	fprintf(stderr, "%s: %s\n", asked->path, error == -ENOMEM ? "no memory" : fl_segment_why());
	return COMMAND_FAILED;
}

/* Says in `stderr` that there is nothing, which is no failure. */
static void say_none(const struct segments *asked, const char *what)
{
	if (asked->json || asked->names)
		return;
	if (asked->directory)
		fprintf(stderr, "There is no %s in %s.\n", what, asked->directory);
	else
		fprintf(stderr, "There is no %s in /dev/shm/fairlead-%u.\n", what, (unsigned)geteuid());
}

/* All of them. */

static void print_row(const struct segments_one *one, int width)
{
	const fl_segment_info *info = &one->info;
	char size[SEGMENTS_TEXT], most[SEGMENTS_TEXT], age[SEGMENTS_TEXT];

	printf("%-*s  %-6s  ", width, info->name, segments_state(info));
	if (info->error != 0) {
		printf("%s\n", one->reason);
		return;
	}
	segments_size(info->size, size);
	segments_size(info->max_size, most);
	segments_age_text(info->made, age);
	printf("%5u  %4u  %8s  %8s  %4s\n", info->alive, info->dead, size, most, age);
}

static void print_table(const struct found *found)
{
	int width = (int)strlen("SEGMENT");

	for (size_t i = 0; i < found->n; i++)
		if ((int)strlen(found->all[i].info.name) > width)
			width = (int)strlen(found->all[i].info.name);
	printf("%-*s  %-6s  %5s  %4s  %8s  %8s  %4s\n", width, "SEGMENT", "STATE", "ALIVE", "DEAD", "SIZE", "MOST",
	       "AGE");
	for (size_t i = 0; i < found->n; i++)
		print_row(&found->all[i], width);
}

static void print_lines(const struct segments *asked, const struct found *found)
{
	for (size_t i = 0; i < found->n; i++) {
		if (asked->json)
			segments_print_json(segments_json(&found->all[i]));
		else
			puts(found->all[i].info.name);
	}
}

static int list(const struct segments *asked, const struct found *found)
{
	if (asked->json || asked->names)
		print_lines(asked, found);
	else if (found->n > 0)
		print_table(found);
	else
		say_none(asked, "segment");
	return COMMAND_OK;
}

/* One of them. */

static int show(const struct segments *asked, const struct found *found, const char *name)
{
	for (size_t i = 0; i < found->n; i++)
		if (strcmp(found->all[i].info.name, name) == 0)
			return segments_show(asked, &found->all[i]);
	fprintf(stderr, "%s: there is no segment '%s'\n", asked->path, name);
	return COMMAND_FAILED;
}

static int look(const struct segments *asked, const char *name)
{
	struct found found = {0};
	int error = fl_segment_list(asked->directory, add, &found), status;

	if (error != 0)
		status = failed(asked, error);
	else
		status = name ? show(asked, &found, name) : list(asked, &found);
	free(found.all);
	return status;
}

/* Removing. */

static int say_removed(const fl_segment_info *info, void *arg)
{
	const struct segments *asked = arg;

	if (asked->json)
		segments_print_json(json_pack("{s:s, s:s}", "name", info->name, "state", "removed"));
	else
		puts(info->name);
	return 0;
}

static int clean(struct segments *asked)
{
	int removed = fl_segment_clean(asked->directory, say_removed, asked);

	if (removed < 0)
		return failed(asked, removed);
	if (removed == 0)
		say_none(asked, "stale segment");
	return COMMAND_OK;
}

static int remove_one(const struct segments *asked)
{
	int error = fl_segment_remove(asked->remove, asked->directory);

	return error == 0 ? COMMAND_OK : failed(asked, error);
}

static int run(struct segments *asked, const char *name)
{
	if (asked->clean + (asked->remove != NULL) + (name != NULL) > 1) {
		options_wrong(asked->path, "a segment, --clean and --remove exclude each other");
		return COMMAND_USAGE;
	}
	if (asked->clean)
		return clean(asked);
	return asked->remove ? remove_one(asked) : look(asked, name);
}

int segments_command(int argc, char **argv)
{
	struct segments asked = {.path = argv[0]};
	struct options options;
	int error = options_read(command_find(command_all, "segments"), argc, argv, &asked, &options), status;

	if (error != 0)
		return options_status(error);
	status = run(&asked, options.n > 0 ? options.arguments[0] : NULL);
	options_close(&options);
	return status;
}
