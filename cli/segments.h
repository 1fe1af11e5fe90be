/*
 * segments.h - `fairlead segments`: what its files need of each other.
 */
#ifndef FAIRLEAD_CLI_SEGMENTS_H
#define FAIRLEAD_CLI_SEGMENTS_H

#include "options.h"

#include <fairlead/segment.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

extern const char segments_about[];
extern const struct option_row segments_rows[];
int segments_command(int argc, char **argv);

/* What the command was asked for. */
struct segments {
	const char *path;      /* how it was called */
	const char *directory; /* NULL: the user's own */
	const char *remove;
	bool clean, json, names;
};

#define SEGMENTS_REASON 200u

/* A segment, as it was when it was looked at. */
struct segments_one {
	fl_segment_info info;
	char reason[SEGMENTS_REASON]; /* if info.error is not 0 */
};

/* "used", "left", "stale" or "broken". */
const char *segments_state(const fl_segment_info *info);

/* What is known of it as an object of JSON. A new reference. */
json_t *segments_json(const struct segments_one *one);

/* Prints an object of JSON as a line, and gives the reference up. */
void segments_print_json(json_t *json);

/* Writes a size as people read it, and how long ago a time of CLOCK_REALTIME is. */
#define SEGMENTS_TEXT 24u
void segments_size(uint64_t bytes, char ret_text[SEGMENTS_TEXT]);
int64_t segments_age(int64_t since);
void segments_age_text(int64_t since, char ret_text[SEGMENTS_TEXT]);

/* Replaces what is not printable ASCII by question marks: a terminal obeys it, and others have written it. */
void segments_plain(char *text);

/* Shows one: its processes and its objects (segments_show.c). Returns the status of the program. */
int segments_show(const struct segments *asked, const struct segments_one *one);

#endif
