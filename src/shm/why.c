/*
 * shm/why.c - why the last call failed, in words. A number cannot say which two types do not agree.
 */
#include "shm/segment.h"

#include <stdarg.h>
#include <stdio.h>

static __thread char why[200];

void fl_segment_say_(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
}

const char *fl_segment_why(void)
{
	return why;
}
