/*
 * check/interrupt.h - what comes to a thread from others while it does something else: requests to cancel it, signals.
 *
 * [interrupt.1] `due` of a thread says what was sent to it and is not held back (cancellation off, a blocked signal).
 *               Whoever changes what it follows from calls cancel_update or signal_update.
 * [interrupt.2] A thread that is picked while something is due sees to that before it does what it declared, and then
 *               declares again: so what is sent comes in front of every step that the target has not made yet. A
 *               request to cancel it waits for a cancellation point, unless the thread wants it at once.
 * [interrupt.3] A step that sends something is aimed at its target (sched_point_at): it depends on whatever that one
 *               has declared.
 */
#ifndef FAIRLEAD_CHECK_INTERRUPT_H
#define FAIRLEAD_CHECK_INTERRUPT_H

#include "run.h"

/* Sees to what is due to the running thread, except for what waits for a cancellation point. Returns what has run:
 * WAIT_ALWAYS a handler, WAIT_SIGNAL one that ends waits; 0: nothing. */
HIDDEN uint8_t interrupt_serve(struct thread *thread);

/* Whether a request to cancel it is due. */
HIDDEN void cancel_update(struct thread *thread);
/* The running thread comes to a cancellation point: does not return if a request is due. */
HIDDEN void cancel_point(void);
/* The running thread ends because it was cancelled. */
HIDDEN NO_RETURN void cancel_act(void);

/* Whether a signal is due. */
HIDDEN void signal_update(struct thread *thread);
/* Runs the handlers of all that is due to the running thread. Returns what interrupt_serve returns. */
HIDDEN uint8_t signal_serve(struct thread *thread);

#endif
