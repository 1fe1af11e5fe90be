/*
 * checks.h - what the tests of FAIRLEAD_CHECK have in common, and what those of the order expect of a report.
 */
#ifndef FAIRLEAD_TESTS_CHECKS_H
#define FAIRLEAD_TESTS_CHECKS_H

#include "reports.h"

#include <check.h>
#include <fairlead/lock.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Says that there is nothing to test, and returns true, if the library is built without checks. */
static inline bool checks_left_out(void)
{
#ifdef FL_NO_CHECKS
	puts("1..0 # SKIP built without checks");
	return true;
#else
	return false;
#endif
}

/* Acquires and releases two locks, the first one first. */
static inline void take_both(fl_lock *first, fl_lock *second)
{
	ck_assert_int_eq(fl_lock_acquire(first), 0);
	ck_assert_int_eq(fl_lock_acquire(second), 0);
	fl_lock_release(second);
	fl_lock_release(first);
}

static inline void expect_words(const char *text, const char *words)
{
	ck_assert_msg(strstr(text, words) != NULL, "nothing of '%s' in: %s", words, text);
}

/* "thread 4711 '<its name>' <does>" */
static inline void expect_thread(const char *text, pid_t id, const char *does)
{
	char begin[32];
	const char *found = text;

	snprintf(begin, sizeof(begin), "thread %d '", (int)id);
	while ((found = strstr(found, begin))) {
		const char *end = strstr(found, "' ");

		if (end && strncmp(end + 2, does, strlen(does)) == 0)
			return;
		found++;
	}
	ck_abort_msg("nothing of \"%s...' %s\" in: %s", begin, does, text);
}

/* Fails unless there have been `n` reports since the last look, the last one of this kind, about this object, in a call
 * by this thread, whose sentence contains `what`. */
static inline void expect_report(struct caught *ret_caught, int n, enum fl_report_kind kind, const char *object,
				 const void *address, const char *what)
{
	ck_assert_int_eq(reports_look(ret_caught), n);
	ck_assert_int_eq(ret_caught->kind, kind);
	ck_assert_str_eq(ret_caught->object, object);
	ck_assert_ptr_eq(ret_caught->address, address);
	ck_assert_int_eq(ret_caught->thread_id, gettid());
	expect_words(ret_caught->what, what);
}

/* One report, of an order. */
static inline void expect_order(struct caught *ret_caught, const char *object, const void *address, const char *what)
{
	expect_report(ret_caught, 1, FL_REPORT_ORDER, object, address, what);
}

/* One report of a deadlock; before it there is one of the order if there are several locks. */
static inline void expect_deadlock(struct caught *ret_caught, int n, const char *object, const void *address)
{
	expect_report(ret_caught, n, FL_REPORT_DEADLOCK, object, address, "never end");
}

/* Fails if there has been any but a report of an order since the last look. */
static inline void expect_no_deadlock(void)
{
	struct caught caught;

	if (reports_look(&caught) > 0)
		ck_assert_msg(caught.kind == FL_REPORT_ORDER, "%s", caught.text);
}

#endif
