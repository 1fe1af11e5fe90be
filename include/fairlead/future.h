/*
 * fairlead/future.h - Future: a result that is not there yet. Python's concurrent.futures.Future, wait and
 * as_completed.
 *
 *     fl_future *answer;
 *     int n, error = fl_executor_submit(&answer, executor, think, question);   // fairlead/executor.h
 *     ...
 *     error = fl_future_result(answer, &n, sizeof(n));   // waits; 0, or what the work has failed with
 *     if (error < 0)
 *             fprintf(stderr, "no answer: %s\n", fl_future_message(answer));
 *     fl_future_unref(answer);
 *
 * It may also be set by hand, as a promise: fl_future_create, and sooner or later fl_future_set_result or
 * fl_future_set_error, by whatever thread.
 *
 * A future is pending, then perhaps running, then done: with a result, which is so many bytes that are copied in and
 * out; with an error, which is a negative errno value and a message; or cancelled. Once done it stays so. What the
 * thread that set it wrote before is seen by whoever sees that it is done.
 *
 * A handle is a reference that somebody holds and gives back with fl_future_unref. Calls take a future to which the
 * caller holds one.
 *
 * When not to use it: for something that happens again and again take fl_event or a queue.
 *
 * All calls may come from any thread, none from a signal handler. No call fails or returns early because of a signal.
 * In a forked child a future is as it was; one that the parent's threads were about to set will not be set. To wait for
 * one of the parent's executors or pools that is not done returns -EPERM.
 */
#ifndef FAIRLEAD_FUTURE_H
#define FAIRLEAD_FUTURE_H

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <fairlead/wait_any.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

FL_BEGIN_DECLS

typedef struct fl_future fl_future;

#define FL_FUTURE_VALUE 65536u /* the most bytes of a result, but of a pool's: for larger ones set a pointer */

/* Makes a pending future, to be set by hand; the caller has the one reference. Returns 0, -ENOMEM. Does not block.
 * Since 0.1. */
int fl_future_create(fl_future **ret_future) FL_ALL_NONNULL FL_MUST_CHECK;

/* Takes one more reference, and returns the future. Does not block. */
fl_future *fl_future_ref(fl_future *future) FL_ALL_NONNULL;

/* Gives a reference back. If it was the last one of a future that is not done, its callbacks are called now, with the
 * error -EPIPE. NULL is allowed. Returns NULL. Does not block. */
fl_future *fl_future_unref(fl_future *future);

/* Whoever will set it by hand says that it has begun: from now on a cancel makes it no longer cancelled, but cancels
 * its note. Returns 0; -ECANCELED: it was cancelled, and the work may be left undone. If it has begun already or is
 * done, that is reported as misuse and returns -EPERM. Does not block. */
int fl_future_set_running(fl_future *future) FL_ALL_NONNULL;

/* Sets the result: a copy of the `size` bytes at `value`, which may be NULL if that is 0. Wakes all who wait, and
 * calls the callbacks before it returns. Returns 0;
 * -ECANCELED: it was cancelled meanwhile, and the result is dropped;
 * -EMSGSIZE: size is more than FL_FUTURE_VALUE; -ENOMEM; in both cases it is as it was before.
 * If it has a result or an error already, or belongs to an executor, that is reported as misuse and returns -EPERM.
 * Does not block. */
int fl_future_set_result(fl_future *future, const void *value, size_t size) FL_NONNULL(1);

/* Sets the error, a negative errno value (-EINVAL if it is not), and its message: `format` and what follows, as for
 * printf; NULL: what strerror says. If there is no memory it stays without message. Otherwise as
 * fl_future_set_result. */
int fl_future_set_error(fl_future *future, int error, const char *format, ...) FL_NONNULL(1)
	__attribute__((format(printf, 3, 4)));

/* If it is pending it becomes cancelled and is never run. Its note is cancelled in any case, so that work which is
 * under way can stop by itself. Returns whether it is cancelled: false if it is running or has a result or an error.
 * Calls the callbacks before it returns. Does not block. */
bool fl_future_cancel(fl_future *future) FL_ALL_NONNULL;

/* Returns the note that fl_future_cancel cancels, for whoever does the work to wait with. It lives as long as the
 * future. */
fl_note *fl_future_note(fl_future *future) FL_ALL_NONNULL;

/* Whether it is done: has a result or an error, or is cancelled. Whether it runs at this moment. Whether it is
 * cancelled. Never block. */
bool fl_future_done(const fl_future *future) FL_ALL_NONNULL;
bool fl_future_running(const fl_future *future) FL_ALL_NONNULL;
bool fl_future_cancelled(const fl_future *future) FL_ALL_NONNULL;

/* Returns 0 if it has a result; its error; -ECANCELED if it is cancelled; -EAGAIN if it is not done. (An error may be
 * one of these too: fl_future_done and fl_future_cancelled tell.) Never blocks. */
int fl_future_error(const fl_future *future) FL_ALL_NONNULL;

/* Returns the message of its error; "" if it has none. The string lives as long as the future. Never blocks. */
const char *fl_future_message(const fl_future *future) FL_ALL_NONNULL;

/* Returns where the result is, in the future's own memory, and its size (`ret_size` may be NULL): without a copy, for
 * reading. NULL if it has none, or one of no bytes. Never blocks. */
const void *fl_future_value(const fl_future *future, size_t *ret_size) FL_NONNULL(1);

/* Blocks until it is done. Returns 0 whatever came of it; -ETIMEDOUT; -ECANCELED: `note` was cancelled (not: the
 * future). If it is done the deadline and the note do not count. See fairlead/executor.h for what a worker does
 * meanwhile. */
int fl_future_wait_until(fl_future *future, fl_time deadline, fl_note *note) FL_NONNULL(1) FL_MUST_CHECK;

/* Blocks until it is done, and copies its result, of `size` bytes, to ret_value. NULL: the result is of no interest,
 * whatever its size. Returns 0; -EMSGSIZE: the result has another size; its error; -ECANCELED: it was cancelled. */
int fl_future_result(fl_future *future, void *ret_value, size_t size) FL_NONNULL(1);

/* Also -ETIMEDOUT and -ECANCELED, as fl_future_wait_until. Work may fail with those too: where that matters, wait with
 * fl_future_wait_until and ask then. */
int fl_future_result_until(fl_future *future, void *ret_value, size_t size, fl_time deadline, fl_note *note)
	FL_NONNULL(1) FL_MUST_CHECK;

/* What is called when a future is done. Returning a negative errno says that it has failed, which is reported
 * (FL_REPORT_CALLBACK, fairlead/report.h), since nobody else could be told. */
typedef int (*fl_future_callback)(fl_future *future, void *arg);

/* Has callback(future, arg) called exactly once, when the future is done: by the thread that sets or cancels it, which
 * holds no lock of Fairlead then; or before this returns, if it is done already. Several are called in the order in
 * which they were added. It is done before they are called, and who waits for it is woken before: a thread may go on
 * while callbacks are still running, or have not begun. Returns 0, -ENOMEM. Does not block. */
int fl_future_add_done_callback(fl_future *future, fl_future_callback callback, void *arg) FL_NONNULL(1, 2)
	FL_MUST_CHECK;

/* The future, for fl_wait_any: ready when it is done. */
fl_waitable fl_future_waitable(fl_future *future) FL_ALL_NONNULL;

/* What fl_wait waits for. */
enum fl_wait_when {
	FL_FIRST_COMPLETED, /* one is done */
	FL_FIRST_ERROR,     /* one has an error, or all are done. Cancelled ones have none */
	FL_ALL_COMPLETED,
};

/* Blocks until so many of the n futures are done as `when` says. Returns how many are;
 * -ETIMEDOUT, -ECANCELED: not so many; -ENOMEM; -EINVAL: n is more than INT_MAX. Python's wait.  Since 0.1. */
int fl_wait(size_t n, fl_future *const *futures, enum fl_wait_when when, fl_time deadline, fl_note *note) FL_MUST_CHECK;

/* Futures in the order in which they are done. */
typedef struct fl_completed fl_completed;

/* Makes an iterator over n futures, to each of which it holds a reference. Those that are done already come first, in
 * the order of the array. Returns 0, -ENOMEM. Does not block.  Since 0.1. */
int fl_completed_create(fl_completed **ret_completed, size_t n, fl_future *const *futures) FL_NONNULL(1) FL_MUST_CHECK;

/* Ends the iteration, at any time. No call may be under way. NULL is allowed. Returns NULL. Does not block. */
fl_completed *fl_completed_destroy(fl_completed *completed);

/* Blocks until one more is done, and returns it: each once. NULL: all have been returned; or what is left are futures
 * of an executor that a fork has left in the parent, which are not done. The iterator holds the reference. Several
 * threads may share an iterator; each future goes to one of them. */
fl_future *fl_completed_next(fl_completed *completed) FL_ALL_NONNULL;

/* The same with a deadline and a note: returns 0 and the future; -EPIPE: all have been returned; -EPERM: none is done,
 * and there is one that a fork has left in the parent; -ETIMEDOUT; -ECANCELED. */
int fl_completed_next_until(fl_completed *completed, fl_future **ret_future, fl_time deadline, fl_note *note)
	FL_NONNULL(1, 2) FL_MUST_CHECK;

/* Runs the statement that follows for each of an iterator's futures, as they are done: `future` is an fl_future * that
 * was declared before. It may be left with break. Python's as_completed. */
#define FL_COMPLETED_EACH(completed, future) while (((future) = fl_completed_next(completed)))

FL_END_DECLS

#endif
