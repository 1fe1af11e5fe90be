/*
 * in_segment.h - what the objects of Fairlead that are in a segment have in common: the segment, which has no name. The
 * harness makes it, and the workers inherit it.
 */
#ifndef FAIRLEAD_TESTS_KILL_IN_SEGMENT_H
#define FAIRLEAD_TESTS_KILL_IN_SEGMENT_H

#include <fairlead/segment.h>

static fl_segment *segment;

static inline void close_segment(void *memory)
{
	(void)memory;
	segment = fl_segment_close(segment);
}

#endif
