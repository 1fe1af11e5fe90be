/*
 * sync/describe.h - how the checks' reports speak of locks, places and threads.
 */
#ifndef FL_SYNC_DESCRIBE_H
#define FL_SYNC_DESCRIBE_H

#include "sync/check.h"
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Text that grows in a fixed buffer and stops at its end. */
struct fl_text {
	char *at;
	size_t left;
};

void fl_text_add_(struct fl_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A lock, and the side of it that is meant: "lock 'accounts' at 0x7f00", "rwlock at 0x7f00 (read side)". */
void fl_text_lock_(struct fl_text *text, const void *lock, enum fl_lock_kind kind);

/* A place in the program: see fl_report_site_. */
void fl_text_site_(struct fl_text *text, const void *site);

/* A line about what is not known because there was no memory; nothing if there was. */
void fl_text_missed_(struct fl_text *text);

/* "lock", "rlock", "rwlock": what fl_report.object is for it. */
const char *fl_kind_name_(enum fl_lock_kind kind);

#endif
