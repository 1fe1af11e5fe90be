/*
 * fairlead/timer.h - Timer: a function that is called once, later, in a thread of its own. Python's
 * threading.Timer.
 *
 *     fl_timer *timer; int error = fl_timer_start(&timer, fl_after(FL_SECONDS(30)), close_session, session); ... if
 *     (fl_timer_cancel(timer))
 *             ... close_session will not be called ...
 *     fl_timer_join(timer);                      // waits if it is being called, and gives the handle back
 *
 * Each timer is a thread, as in Python: the function may take its time, block and fail (fl_thread_fail) without any
 * other timer being late. exit() waits for a timer that has not fired or been cancelled, unless its thread is a
 * daemon (fairlead/thread.h).
 *
 * When not to use it: for many timers or repeated ones; a thread waiting with a deadline for whatever comes first
 * does that with one stack. For a limit on how long a call may take: every blocking call of Fairlead has an
 * `_until` form.
 *
 * A timer whose thread a fork left behind does not fire in the child. No call may come from a signal handler. No
 * call fails or returns early because of a signal.
 */
#ifndef FAIRLEAD_TIMER_H
#define FAIRLEAD_TIMER_H

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/thread.h>
#include <fairlead/time.h>
#include <stdbool.h>

FL_BEGIN_DECLS

/* A timer's handle: a reference that its holder gives back by joining or with fl_timer_unref. */
typedef struct fl_timer fl_timer;

/* Starts a timer: function(arg) is called when the time `when` has come, at once if it has passed, never if it is
 * FL_FOREVER. `ret_timer` may be NULL: then nobody can cancel it. Returns 0, -EAGAIN and -ENOMEM as
 * fl_thread_start. Does not block.  Since 0.1. */
int fl_timer_start(fl_timer **ret_timer, fl_time when, void (*function)(void *arg), void *arg) FL_NONNULL(3)
	FL_MUST_CHECK;

/* The same in a thread with these options (NULL: the defaults; without a name it is "timer-1", "timer-2", ...), for
 * daemons above all. Also returns -EINVAL as fl_thread_start. */
int fl_timer_start_with(fl_timer **ret_timer, const fl_thread_options *options, fl_time when,
			void (*function)(void *arg), void *arg) FL_NONNULL(4) FL_MUST_CHECK;

/* Stops the timer if its function has not yet been called. Returns true: the function will not be called; false: it
 * is being called or has been. Any thread may call it, the function too, and more than once. Does not block. */
bool fl_timer_cancel(fl_timer *timer) FL_ALL_NONNULL;

/* Blocks until the timer is over: its function has returned, or it has been cancelled. Returns 0, -ECHILD (the
 * function called fl_thread_fail) and -ESRCH (a fork left the timer behind in the parent): the handle has been
 * given back;
 * -EDEADLK: called by the function itself, or by a thread that the function waits for by fl_thread_join or
 * fl_timer_join; the handle stays valid. */
int fl_timer_join(fl_timer *timer) FL_ALL_NONNULL;

/* Also -ETIMEDOUT and -ECANCELED, as fl_thread_join_until; the handle stays valid. */
int fl_timer_join_until(fl_timer *timer, fl_time deadline, fl_note *note) FL_NONNULL(1) FL_MUST_CHECK;

/* Takes one more reference, and returns the handle. Does not block. */
fl_timer *fl_timer_ref(fl_timer *timer) FL_ALL_NONNULL;

/* Gives a reference back without waiting; the timer stays set. NULL is allowed. Returns NULL. Does not block. */
fl_timer *fl_timer_unref(fl_timer *timer);

FL_END_DECLS

#endif
