/*
 * fairlead/report.h - what happens when a contract is broken.
 *
 * Some mistakes cannot be answered by an error code, since no caller is prepared to handle them: releasing a lock that
 * nobody holds, destroying one that threads wait for. Fairlead reports them: the kind of object, its name and
 * address, the thread, what was wrong and where, and then calls abort(). A program (or a language binding, or a test)
 * that wants something else sets a hook. Reports about the order of locks and about deadlocks (fairlead/check.h) come
 * the same way.
 */
#ifndef FAIRLEAD_REPORT_H
#define FAIRLEAD_REPORT_H

#include <fairlead/attributes.h>
#include <stddef.h>

FL_BEGIN_DECLS

enum fl_report_kind {
	FL_REPORT_MISUSE = 1, /* a broken contract; without a hook the process aborts */
	FL_REPORT_ORDER = 2,  /* two locks are taken in both orders: may deadlock one day; the call goes on */
	FL_REPORT_DEADLOCK =
		3, /* threads wait for each other; the call that closed the cycle returns -EDEADLK if it can */
	FL_REPORT_CALLBACK = 4, /* a callback failed where nobody else could be told; the call goes on */
};

/* One report. The strings live until the hook returns. */
typedef struct fl_report {
	enum fl_report_kind kind;
	const char *object;      /* "lock", "rlock", "condition", ...: the kind of object */
	const char *name;        /* the name it was given, or NULL */
	const void *address;     /* where the object is */
	const char *thread_name; /* the name of the calling thread, as gdb and ps show it */
	int thread_id;           /* its kernel thread id */
	const char *what;        /* one sentence: what was wrong */
	const char *text;        /* the whole report, several lines, as it would be printed */
	void *const *frames;     /* return addresses, the innermost first; how many */
	size_t n_frames;
} fl_report;

/* Receives a report on the thread that caused it. It may print, record, longjmp or exit. If it returns from a
 * FL_REPORT_MISUSE, the broken call changes nothing and returns (where it has an error code, -EPERM unless its page
 * says otherwise). It must not use the object that the report is about. */
typedef void (*fl_report_hook)(const fl_report *report, void *arg);

/* Makes `hook` receive all reports of the process, with `arg`; NULL restores the default, which prints the text to
 * standard error and, for a misuse, aborts. Any thread may call it; it does not block. Set it before the threads that
 * may report are started: a report under way at that moment may go to either hook.  Since 0.1. */
void fl_report_set_hook(fl_report_hook hook, void *arg);

FL_END_DECLS

#endif
