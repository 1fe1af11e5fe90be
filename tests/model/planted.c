/*
 * planted.c - mistakes on purpose, to show that the model finds them.
 *
 * The sources stay as they are: a mistake is planted at the sites of model_atomic.h. One whose order is to be
 * weakened is named by the tag that its comment has in the sources ("[lock.3] release; pairs with [lock.1]"),
 * which are read for this; others by file, function and the text of what they touch. A mistake whose place is
 * not there any more is reported, not passed over.
 */
#define _GNU_SOURCE
#include "planted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_LINES 1000
#define MOST_SOURCES 128

bool model_lose_wake, model_lose_barrier;

/* Sources. */

struct source {
	char name[64];
	char *lines[MOST_LINES];
	unsigned n_lines;
};

static struct source sources[MOST_SOURCES];
static unsigned n_sources;

static void read_lines(struct source *source, FILE *file)
{
	size_t size = 0;

	while (source->n_lines < MOST_LINES && getline(&source->lines[source->n_lines], &size, file) >= 0) {
		source->n_lines++;
		size = 0;
	}
}

static const struct source *source_of(const char *name)
{
	struct source *source;
	char path[300];
	FILE *file;
	unsigned i;

	for (i = 0; i < n_sources; i++)
		if (strcmp(sources[i].name, name) == 0)
			return &sources[i];
	snprintf(path, sizeof(path), "%s/%s", MODEL_SOURCES, name);
	file = n_sources < MOST_SOURCES ? fopen(path, "r") : NULL;
	if (!file) {
		printf("Bail out! cannot read %s\n", path);
		exit(1);
	}
	source = &sources[n_sources++];
	snprintf(source->name, sizeof(source->name), "%s", name);
	read_lines(source, file);
	fclose(file);
	return source;
}

/* "sync/lock.c" of ".../src/sync/lock.c"; NULL for files that are not in src/. */
static const char *name_in_src(const char *path)
{
	const char *found = NULL, *next = path;

	while ((next = strstr(next, "src/")))
		found = next += 4;
	return found;
}

/* Tags. */

/* Copies the first "[thing.1] release;" of a line, without the brackets. */
static bool copy_tag(const char *line, char *ret_tag, size_t size)
{
	const char *begin = strchr(line, '['), *end = begin ? strchr(begin, ']') : NULL;
	static const char *const orders[] = {"] acquire;", "] release;", "] acq_rel;", "] seq_cst;"};
	unsigned i;

	for (i = 0; end && i < sizeof(orders) / sizeof(orders[0]); i++)
		if (strncmp(end, orders[i], strlen(orders[i])) == 0) {
			snprintf(ret_tag, size, "%.*s", (int)(end - begin - 1), begin + 1);
			return true;
		}
	return false;
}

/* The tag stands on the site's line or in the comment directly above it. */
const char *model_tag_of(const struct model_site *site)
{
	static char tag[40];
	const char *name = name_in_src(site->file);
	const struct source *source = name ? source_of(name) : NULL;
	unsigned line = site->line - 1; /* from 0 */

	if (!source || line >= source->n_lines)
		return "";
	if (copy_tag(source->lines[line], tag, sizeof(tag)))
		return tag;
	if (line == 0 || !strstr(source->lines[line - 1], "*/"))
		return "";
	do
		if (copy_tag(source->lines[--line], tag, sizeof(tag)))
			return tag;
	while (line > 0 && !strstr(source->lines[line], "/*"));
	return "";
}

/* The quick release is a function, and so no site of its own: it counts as where lock.h calls it. */
static void place_quick_site(void)
{
	const struct source *source = source_of("sync/lock.h");
	unsigned i;

	model_quick_site.file = "src/sync/lock.h";
	for (i = 0; i < source->n_lines; i++)
		if (strstr(source->lines[i], "fl_quick_store_("))
			model_quick_site.line = i + 1;
}

/* Planting. */

bool model_place_of(const struct model_site *site, char *ret_place, size_t size)
{
	const char *file = name_in_src(site->file);

	if (file)
		snprintf(ret_place, size, "%s %s %s %s", file, site->function, site->operation, site->what);
	return file != NULL;
}

static bool plant_at(struct model_site *site, const struct model_planted *planted)
{
	char place[200];

	if (planted->mistake == MODEL_WEAKEN) {
		snprintf(place, sizeof(place), "%s %s", model_tag_of(site), site->function);
		if (site->order == MODEL_RELAXED ||
		    (strcmp(model_tag_of(site), planted->where) != 0 && strcmp(place, planted->where) != 0))
			return false;
		site->fault = MODEL_WEAKENED;
		return true;
	}
	if (!model_place_of(site, place, sizeof(place)) || strcmp(place, planted->where) != 0)
		return false;
	site->fault = planted->mistake == MODEL_LOSE_MARK ? MODEL_MASKED : MODEL_SKIPPED;
	site->mask = planted->mask;
	return true;
}

bool model_plant(const struct model_planted *planted)
{
	struct model_site *site;
	bool found = false;

	model_unplant();
	if (planted->mistake == MODEL_LOSE_WAKE)
		return model_lose_wake = true;
	if (planted->mistake == MODEL_LOSE_BARRIER)
		return model_lose_barrier = true;
	for (site = __start_model_sites; site < __stop_model_sites; site++)
		found |= plant_at(site, planted);
	place_quick_site();
	return plant_at(&model_quick_site, planted) || found;
}

void model_unplant(void)
{
	struct model_site *site;

	model_lose_wake = model_lose_barrier = false;
	for (site = __start_model_sites; site < __stop_model_sites; site++) {
		site->fault = MODEL_SOUND;
		site->mask = 0;
	}
	model_quick_site.fault = MODEL_SOUND;
}
