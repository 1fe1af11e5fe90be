/*
 * check/thread.c - threads, of POSIX and C11: create, join, detach, exit.
 *
 * A thread is known to the program by the address of its control block, as the C library has it; so pthread_self and
 * pthread_equal need no model.
 */
#include "thread.h"

#include "deadlock.h"
#include "engine.h"
#include "interrupt.h"
#include "object.h"
#include "start.h"
#include "trace.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>
#include <unwind.h>

#include "clock.h"

#define STACK_DEFAULT (UINT64_C(256) << 10)

struct thread *thread_of(pthread_t id)
{
	for (unsigned i = 0; i < run->n_threads; i++) {
		if (run->thread[i].fiber.fs == (uintptr_t)id && !run->thread[i].joined)
			return &run->thread[i];
	}
	return NULL;
}

/* The end of a thread: destructors of its thread_local objects and keys; then others go on. With the last thread the
 * process ends. */
static NO_RETURN void end(struct thread *thread, void *result)
{
	thread->result = result;
	thread->exiting = true;
	cancel_update(thread);
	thread_finish_data(thread);
	if (run->n_live == 1)
		engine_last();
	sched_point(CHECK_END, (uintptr_t)thread, true, 0);
	if (run->n_live == 1)
		exit(0);
	thread_give_up_locks(thread);
	clock_tick(thread);
	run_leave();
}

void thread_main(void)
{
	struct thread *thread = self();

	run_arrive();
	end(thread, thread->routine(thread->arg));
}

static int create(pthread_t *ret_id, const pthread_attr_t *attributes, void *(*routine)(void *), void *arg,
		  uintptr_t pc)
{
	size_t stack = 0;
	int detached = PTHREAD_CREATE_JOINABLE;
	struct thread *thread;

	if (attributes != NULL) {
		pthread_attr_getstacksize(attributes, &stack);
		pthread_attr_getdetachstate(attributes, &detached);
	}
	sched_point(CHECK_CREATE, 0, false, pc);
	thread = run_add(routine, arg, stack > STACK_DEFAULT ? stack : STACK_DEFAULT);
	if (thread == NULL)
		not_modelled("more than 256 threads in one execution");
	thread->detached = detached == PTHREAD_CREATE_DETACHED;
	thread->blocked = self()->blocked;
	clock_start(thread);
	trace_value(thread->id, 0, CHECK_VALUE);
	sched_progress();
	*ret_id = (pthread_t)thread->fiber.fs;
	return 0;
}

/* Outside of what is checked no lock keeps anybody out, and nobody waits: what goes on there has one thread. */
static NO_RETURN void refuse(const char *call, uintptr_t pc)
{
	Dl_info where = {.dli_fname = "?"};

	dladdr((void *)(pc - 1), &where);
	if (start_is_program())
		raw_die("%s before main(), in %s+0x%lx: that is not modelled", call, where.dli_fname,
			pc - 1 - (uintptr_t)where.dli_fbase);
	raw_die("%s outside of fl_check, in %s+0x%lx: with --functions, threads live within the functions that are "
		"checked; run by itself, the program may have them anywhere",
		call, where.dli_fname, pc - 1 - (uintptr_t)where.dli_fbase);
}

EXPORT int pthread_create(pthread_t *restrict ret_id, const pthread_attr_t *restrict attributes,
			  void *(*routine)(void *), void *restrict arg)
{
	if (!controlled())
		refuse("pthread_create()", CALLER);
	return create(ret_id, attributes, routine, arg, CALLER);
}

static bool has_ended(struct thread *thread)
{
	return ((struct thread *)thread->op.object)->finished;
}

static int join(pthread_t id, void **ret_result, int64_t deadline, uintptr_t pc)
{
	struct thread *thread = thread_of(id);

	if (thread == NULL || thread->detached)
		fail(CHECK_MISUSE, pc, "joins a thread that %s",
		     thread == NULL ? "was joined before, or never was" : "was detached");
	if (thread == self())
		fail(CHECK_MISUSE, pc, "T%u joins itself", thread->id);
	if (deadline == CHECK_FOREVER && !thread->finished)
		deadlock_look_join(thread, pc);
	cancel_point();
	switch (sched_wait_for(CHECK_JOIN, (uintptr_t)thread, has_ended, deadline, WAIT_CANCEL, pc)) {
	case WAKE_CANCELLED:
		cancel_act();
	case WAKE_LATE:
		trace_result(ETIMEDOUT);
		return ETIMEDOUT;
	default:
		break;
	}
	trace_value(thread->id, 0, CHECK_VALUE);
	if (thread->joined || thread->detached)
		fail(CHECK_MISUSE, pc, thread->joined ? "two threads join T%u" : "T%u was detached while it was joined",
		     thread->id);
	thread->joined = true;
	clock_join_thread(thread);
	sched_progress();
	if (ret_result != NULL)
		*ret_result = thread->result;
	return 0;
}

EXPORT int pthread_join(pthread_t id, void **ret_result)
{
	return controlled() ? join(id, ret_result, CHECK_FOREVER, CALLER) : ESRCH;
}

EXPORT int pthread_timedjoin_np(pthread_t id, void **ret_result, const struct timespec *until)
{
	return controlled() ? join(id, ret_result, clock_deadline(CLOCK_REALTIME, until), CALLER) : ESRCH;
}

EXPORT int pthread_clockjoin_np(pthread_t id, void **ret_result, clockid_t clock, const struct timespec *until)
{
	return controlled() ? join(id, ret_result, clock_deadline(clock, until), CALLER) : ESRCH;
}

EXPORT int pthread_tryjoin_np(pthread_t id, void **ret_result)
{
	struct thread *thread;

	if (!controlled())
		return ESRCH;
	thread = thread_of(id);
	if (thread == NULL || thread->detached)
		fail(CHECK_MISUSE, CALLER, "joins a thread that was joined or detached");
	sched_point(CHECK_TRYLOCK, (uintptr_t)thread, false, CALLER);
	if (!thread->finished) {
		sched_fruitless();
		return EBUSY;
	}
	return join(id, ret_result, CHECK_FOREVER, CALLER);
}

static int detach(pthread_t id, uintptr_t pc)
{
	struct thread *thread = thread_of(id);

	if (thread == NULL || thread->detached)
		fail(CHECK_MISUSE, pc, "detaches a thread that was joined or detached");
	sched_point(CHECK_DETACH, (uintptr_t)thread, true, pc);
	trace_value(thread->id, 0, CHECK_VALUE);
	thread->detached = true;
	return 0;
}

EXPORT int pthread_detach(pthread_t id)
{
	return controlled() ? detach(id, CALLER) : ESRCH;
}

static _Unwind_Reason_Code no_further(struct _Unwind_Context *context, void *arg)
{
	(void)context;
	(void)arg;
	return _URC_END_OF_STACK;
}

/* Otherwise the first thread of each execution that ends by pthread_exit does it, and others wait for that. */
void thread_warm_up(void)
{
	_Unwind_Backtrace(no_further, NULL);
}

/* Called for each frame before it is unwound. A buffer of a cleanup handler lies in the frame that pushed it: once the
 * stack is unwound beyond that, it is the handler's turn (cancel.c). At the outermost frame it is over. */
static _Unwind_Reason_Code step(int version, _Unwind_Action actions, _Unwind_Exception_Class class,
				struct _Unwind_Exception *exception, struct _Unwind_Context *context, void *arg)
{
	struct thread *thread = self();
	void *buffer = thread->handlers;
	bool outermost = (actions & _UA_END_OF_STACK) != 0;

	(void)version;
	(void)class;
	(void)exception;
	(void)arg;
	if (buffer != NULL && (outermost || _Unwind_GetCFA(context) > (uintptr_t)buffer))
		longjmp(buffer, 1);
	if (outermost)
		end(thread, thread->result);
	return _URC_NO_REASON;
}

/* catch (...) in C++ has to let it through. */
static void not_let_through(_Unwind_Reason_Code reason, struct _Unwind_Exception *exception)
{
	(void)reason;
	(void)exception;
	fail(CHECK_ABORT, 0, "the end of a thread was caught as an exception, and not thrown again");
}

NO_RETURN void thread_unwind(void)
{
	struct _Unwind_Exception *exception = (struct _Unwind_Exception *)self()->unwinding;

	_Static_assert(sizeof(*exception) <= sizeof(self()->unwinding), "room for an exception");
	raw_fill(exception, 0, sizeof(*exception));
	exception->exception_cleanup = not_let_through;
	_Unwind_ForcedUnwind(exception, step, NULL);
	end(self(), self()->result);
}

/* Runs what the frames of the stack have to clean up, then ends. The first thread ends like others; the process goes
 * on. */
NO_RETURN void thread_exit(void *result)
{
	struct thread *thread = self();

	thread->exiting = true;
	thread->result = result;
	cancel_update(thread);
	thread_unwind();
}

EXPORT NO_RETURN void pthread_exit(void *result)
{
	if (!controlled())
		refuse("pthread_exit()", CALLER);
	thread_exit(result);
}

EXPORT int thrd_create(thrd_t *ret_id, thrd_start_t routine, void *arg)
{
	if (!controlled())
		refuse("thrd_create()", CALLER);
	return create(ret_id, NULL, (void *(*)(void *))(void (*)(void))routine, arg, CALLER) == 0 ? thrd_success
												  : thrd_error;
}

EXPORT int thrd_join(thrd_t id, int *ret_result)
{
	void *result = NULL;

	if (!controlled() || join(id, &result, CHECK_FOREVER, CALLER) != 0)
		return thrd_error;
	if (ret_result != NULL)
		*ret_result = (int)(intptr_t)result;
	return thrd_success;
}

EXPORT int thrd_detach(thrd_t id)
{
	return controlled() && detach(id, CALLER) == 0 ? thrd_success : thrd_error;
}

EXPORT NO_RETURN void thrd_exit(int result)
{
	pthread_exit((void *)(intptr_t)result);
}

EXPORT int pthread_getattr_np(pthread_t id, pthread_attr_t *ret_attributes)
{
	struct thread *thread = controlled() ? thread_of(id) : NULL;

	if (thread == NULL)
		return ESRCH;
	pthread_attr_init(ret_attributes);
	return pthread_attr_setstack(ret_attributes, thread->fiber.stack, thread->fiber.size);
}

EXPORT int pthread_setname_np(pthread_t id, const char *name)
{
	(void)id;
	return raw_length(name) > 15 ? ERANGE : 0;
}

EXPORT int pthread_setaffinity_np(pthread_t id, size_t size, const cpu_set_t *cpus)
{
	(void)id;
	(void)size;
	(void)cpus;
	return 0;
}

EXPORT int pthread_setschedparam(pthread_t id, int policy, const struct sched_param *parameters)
{
	(void)id;
	(void)policy;
	(void)parameters;
	return 0;
}
