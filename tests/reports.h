/*
 * reports.h - catching what Fairlead reports.
 *
 * There are two ways. With a hook, which remembers the report and returns, so that the test can also see that the
 * broken call changed nothing:
 *
 *     reports_catch();
 *     fl_lock_release(&lock);
 *     reports_expect("lock", &lock, "till", "nobody holds it");
 *
 * And without one, in a child process that aborts, to read what a user would see:
 *
 *     reports_expect_abort(release_free_lock, &lock, "lock", &lock, "till", "nobody holds it");
 */
#ifndef FAIRLEAD_TESTS_REPORTS_H
#define FAIRLEAD_TESTS_REPORTS_H

#include <fairlead/report.h>
#include <stddef.h>

/* A report that was caught: the last one, with copies of its strings. */
struct caught {
	int n; /* how many since the last look */
	enum fl_report_kind kind;
	char object[32], name[64], thread_name[32], what[512], text[8192];
	const void *address;
	int thread_id;
	size_t n_frames;
};

/* Has reports remembered from now on, and forgets earlier ones. */
void reports_catch(void);

/* Returns how many reports there have been since the last look, with the last of them in ret_caught (may be NULL),
 * and forgets them. */
int reports_look(struct caught *ret_caught);

/* Fails the test unless there has been exactly one report since the last look: a misuse of this kind of object,
 * with this address and name (NULL: none), on the calling thread, whose sentence contains `what`. */
void reports_expect(const char *object, const void *address, const char *name, const char *what);

/* Fails the test if there has been a report since the last look. */
void reports_expect_none(void);

/* Runs body(arg) in a child process, on a thread called "culprit", with the default hook; fails the test unless
 * the child aborts and says on standard error whose fault it was and what is wrong, in the words of
 * reports_expect. */
void reports_expect_abort(void (*body)(void *arg), void *arg, const char *object, const void *address, const char *name,
			  const char *what);

/* Runs body(arg) in a child process and reads what that writes to standard error into ret_said. Returns its
 * status, as waitpid does. */
int reports_of_child(void (*body)(void *arg), void *arg, char *ret_said, size_t size, int *ret_child);

#endif
