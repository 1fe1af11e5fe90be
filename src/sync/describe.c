/*
 * sync/describe.c - words for locks, places and threads.
 *
 * Call these without any inner lock: a name is looked up under one, and a place needs the dynamic linker's.
 */
#include "sync/describe.h"

#include "base/name.h"
#include "base/report.h"
#include "sync/held.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void fl_text_add_(struct fl_text *text, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->at, text->left, format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= text->left)
		n = (int)text->left - 1;
	text->at += n;
	text->left -= (size_t)n;
}

const char *fl_kind_name_(enum fl_lock_kind kind)
{
	static const char *const names[] = {"lock", "rlock", "rwlock", "rwlock"};

	return names[kind];
}

void fl_text_lock_(struct fl_text *text, const void *lock, enum fl_lock_kind kind)
{
	static const char *const sides[] = {"", "", " (read side)", " (write side)"};
	char buffer[FL_NAME_SIZE];
	const char *name = fl_name_get_(lock, buffer);

	if (name)
		fl_text_add_(text, "%s '%s' at %p%s", fl_kind_name_(kind), name, lock, sides[kind]);
	else
		fl_text_add_(text, "%s at %p%s", fl_kind_name_(kind), lock, sides[kind]);
}

void fl_text_site_(struct fl_text *text, const void *site)
{
	char buffer[512];

	if (!site) {
		fl_text_add_(text, "a place that is not known");
		return;
	}
	fl_report_site_(site, buffer, sizeof(buffer));
	fl_text_add_(text, "%s", buffer);
}

void fl_text_missed_(struct fl_text *text)
{
	uint64_t n = fl_held_n_missed_();

	if (n != 0)
		fl_text_add_(text, "  (for want of memory, something was not recorded, %" PRIu64 " times)\n", n);
}
