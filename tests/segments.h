/*
 * segments.h - what the tests of segments have in common: a directory of their own, and an object that is a number.
 */
#ifndef FAIRLEAD_TESTS_SEGMENTS_H
#define FAIRLEAD_TESTS_SEGMENTS_H

#include <check.h>
#include <fairlead/segment.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Below the test's own directory (processes.h), which goes away with it. */
static inline const char *segments_directory(void)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/segments", getenv("XDG_RUNTIME_DIR"));
	return path;
}

static inline void segments_set_up(void)
{
	ck_assert_int_eq(mkdir(segments_directory(), 0700), 0);
}

static inline int segments_open(fl_segment **ret_segment, const char *name, uint32_t flags)
{
	const fl_segment_options options = {.flags = flags, .directory = segments_directory()};

	return fl_segment_open(ret_segment, name, &options);
}

static inline int segments_number(fl_segment *segment, const char *name, uint64_t **ret_number)
{
	static const fl_segment_type type = FL_SEGMENT_TYPE(uint64_t, 1);

	return fl_segment_object(segment, name, &type, NULL, NULL, (void **)ret_number);
}

#endif
