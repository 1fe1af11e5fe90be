/*
 * check/cancel.c - cancellation of threads, and the cleanup handlers of C.
 *
 * A request is kept with its target. The target acts on it at its next cancellation point, or at its next step if it
 * asked for that, by unwinding its stack as pthread_exit does: destructors of C++ and the cleanup attribute run from
 * their frames' tables. Handlers that C code pushes without exceptions are setjmp buffers in frames of the program, of
 * which the C library would keep a list; here it is kept instead, newest first. When the unwinder is past the frame of
 * the newest buffer, that one is jumped to; its handler runs there, and asks for the rest to be unwound
 * (__pthread_unwind_next).
 *
 * A thread that waits and gets both, what it waits for and a request, may act on either: that is a choice. A wait on a
 * condition takes the mutex again before anything is unwound, and passes on a signal that was meant for it if others
 * wait (condition.c).
 *
 * While it unwinds, a thread cannot be cancelled again.
 */
#include "deadlock.h"
#include "interrupt.h"
#include "thread.h"
#include "trace.h"

#include <errno.h>
#include <pthread.h>

void cancel_update(struct thread *thread)
{
	bool due = thread->cancel_pending && !thread->cancel_off && !thread->exiting;

	thread->due = (uint8_t)((thread->due & ~DUE_CANCEL) | (due ? DUE_CANCEL : 0));
}

NO_RETURN void cancel_act(void)
{
	trace_value(0, 0, CHECK_CANCELLED);
	thread_exit(PTHREAD_CANCELED);
}

void cancel_point(void)
{
	if (UNLIKELY((self()->due & DUE_CANCEL) != 0))
		cancel_act();
}

static void act_at_once(void)
{
	if (self()->cancel_async)
		cancel_point();
}

uint8_t interrupt_serve(struct thread *thread)
{
	if ((thread->due & DUE_CANCEL) != 0 && thread->cancel_async)
		cancel_act();
	return (thread->due & DUE_SIGNAL) != 0 ? signal_serve(thread) : 0;
}

static int cancel(pthread_t id, uintptr_t pc)
{
	struct thread *thread = thread_of(id);

	if (thread == NULL || (thread->detached && thread->finished))
		fail(CHECK_MISUSE, pc, "cancels a thread that %s",
		     thread == NULL ? "was joined before, or never was" : "was detached and has ended");
	sched_point_at(CHECK_CANCEL, thread, pc);
	trace_value(thread->id, 0, CHECK_VALUE);
	sched_progress();
	if (thread->finished)
		return 0;
	thread->cancel_pending = true;
	clock_join(thread->clock, self()->clock);
	clock_tick(self());
	cancel_update(thread);
	if (thread == self())
		act_at_once();
	else
		run_interrupt(thread);
	return 0;
}

EXPORT int pthread_cancel(pthread_t id)
{
	return controlled() ? cancel(id, CALLER) : ESRCH;
}

EXPORT int pthread_setcancelstate(int state, int *ret_old)
{
	struct thread *thread;

	if (state != PTHREAD_CANCEL_ENABLE && state != PTHREAD_CANCEL_DISABLE)
		return EINVAL;
	if (!controlled())
		return 0;
	thread = self();
	if (ret_old != NULL)
		*ret_old = thread->cancel_off ? PTHREAD_CANCEL_DISABLE : PTHREAD_CANCEL_ENABLE;
	thread->cancel_off = state == PTHREAD_CANCEL_DISABLE;
	cancel_update(thread);
	act_at_once();
	return 0;
}

static int set_type(int type)
{
	struct thread *thread = self();
	int old = thread->cancel_async ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED;

	thread->cancel_async = type == PTHREAD_CANCEL_ASYNCHRONOUS;
	act_at_once();
	return old;
}

EXPORT int pthread_setcanceltype(int type, int *ret_old)
{
	int old = PTHREAD_CANCEL_DEFERRED;

	if (type != PTHREAD_CANCEL_DEFERRED && type != PTHREAD_CANCEL_ASYNCHRONOUS)
		return EINVAL;
	if (controlled())
		old = set_type(type);
	if (ret_old != NULL)
		*ret_old = old;
	return 0;
}

EXPORT void pthread_testcancel(void)
{
	if (!controlled())
		return;
	sched_point(CHECK_CANCEL, (uintptr_t)self(), false, CALLER);
	cancel_point();
}

/* What pthread_cleanup_push and its like call; <pthread.h> declares them only within the macros. */
EXPORT void __pthread_register_cancel(__pthread_unwind_buf_t *buffer);
EXPORT void __pthread_unregister_cancel(__pthread_unwind_buf_t *buffer);
EXPORT void __pthread_register_cancel_defer(__pthread_unwind_buf_t *buffer);
EXPORT void __pthread_unregister_cancel_restore(__pthread_unwind_buf_t *buffer);
EXPORT NO_RETURN void __pthread_unwind_next(__pthread_unwind_buf_t *buffer);

/* A buffer's first spare word is the next older one; its second, the type of cancellation to be put back. */
void __pthread_register_cancel(__pthread_unwind_buf_t *buffer)
{
	if (!controlled())
		return;
	buffer->__pad[0] = self()->handlers;
	self()->handlers = buffer;
}

void __pthread_unregister_cancel(__pthread_unwind_buf_t *buffer)
{
	if (controlled())
		self()->handlers = buffer->__pad[0];
}

void __pthread_register_cancel_defer(__pthread_unwind_buf_t *buffer)
{
	__pthread_register_cancel(buffer);
	if (controlled())
		buffer->__pad[1] = (void *)(uintptr_t)set_type(PTHREAD_CANCEL_DEFERRED);
}

void __pthread_unregister_cancel_restore(__pthread_unwind_buf_t *buffer)
{
	__pthread_unregister_cancel(buffer);
	if (controlled())
		set_type((int)(uintptr_t)buffer->__pad[1]);
}

NO_RETURN void __pthread_unwind_next(__pthread_unwind_buf_t *buffer)
{
	self()->handlers = buffer->__pad[0];
	thread_unwind();
}
