/*
 * base.c - what stands in for those parts of src/base and src/sync that have nothing to schedule.
 *
 * Nothing is forked, has a name or is checked for order. A misuse report is a failure.
 */
#include "engine.h"

#include "base/fork.h"
#include "base/name.h"
#include "base/park.h"
#include "base/report.h"
#include "run/executor.h"
#include "sync/check.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

uint8_t fl_fork_epoch_;

void fl_fork_register_(void (*handler)(void))
{
	(void)handler;
}

void fl_name_set_(const void *object, const char *name)
{
	(void)object;
	(void)name;
}

const char *fl_name_get_(const void *object, char ret_name[FL_NAME_SIZE])
{
	(void)object;
	(void)ret_name;
	return NULL;
}

void fl_report_(enum fl_report_kind kind, const char *object, const void *address, const char *more, const char *what,
		...)
{
	char text[200];
	va_list arguments;

	(void)kind;
	(void)more;
	va_start(arguments, what);
	vsnprintf(text, sizeof(text), what, arguments);
	va_end(arguments);
	model_fail("misuse of %s %s: %s", object, model_describe(address), text);
}

/* Compiled with FL_NO_CHECKS and optimisation, the sources call nothing else of sync/check.h. */
void fl_check_forget_(const void *lock)
{
	(void)lock;
}

void model_assert_unwaited(const void *object)
{
	struct fl_bucket *bucket = fl_park_lock_(object);
	bool waited = fl_park_first_(bucket, object) != NULL;

	fl_park_unlock_(bucket);
	if (waited)
		model_fail("all have returned, but %s is still waited for", model_describe(object));
}

/* Scenarios say by themselves how many threads take part. */
int fl_cpu_count(void)
{
	return 1;
}

/* Threads neither begin nor end. */
int fl_crew_recruit_(fl_executor *executor)
{
	(void)executor;
	return -EAGAIN;
}
