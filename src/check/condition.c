/*
 * check/condition.c - condition variables, of POSIX and C11.
 *
 * A wait gives the mutex up and joins the line in one step, stands in the line until it is woken, and takes the mutex
 * again as any lock does. A signal wakes one of those in the line: which one is a choice. A signal that meets an empty
 * line is lost; how many were, and where the last one came from, is kept for the report of a deadlock. Of a recursive
 * mutex a wait gives one level up, as the C library's does: held twice, it stays held.
 *
 * A thread that is cancelled while it waits takes the mutex again first. If it was woken as well, it passes that on to
 * another one that waits.
 *
 * The clock of its deadlines is part of a condition: written where the C library writes it, so that one that was made
 * before main is known.
 */
#include "deadlock.h"
#include "interrupt.h"
#include "mutex.h"
#include "trace.h"

#include <errno.h>
#include <threads.h>

#define SIZE __SIZEOF_PTHREAD_COND_T

#define MONOTONIC 2u /* in the word of flags */

static struct object *get(uintptr_t address)
{
	struct object *object = object_find(address);

	if (object != NULL && object->kind == OBJECT_CONDITION)
		return object;
	object = object_make(address, OBJECT_CONDITION);
	if ((((const pthread_cond_t *)address)->__data.__wrefs & MONOTONIC) != 0)
		object->type = CLOCK_MONOTONIC;
	return object;
}

static struct object *usable(uintptr_t address, const char *what, uintptr_t pc)
{
	struct object *object = get(address);

	if (object->dead)
		fail(CHECK_MISUSE, pc, "%s of a condition variable that was destroyed", what);
	return object;
}

static bool is_woken(struct thread *thread)
{
	return thread->woken;
}

static void wake(struct object *object, struct thread *thread)
{
	object_unqueue(object, thread);
	thread->woken = true;
	run_ask(thread);
}

/* Returns the waiter that a signal wakes, of `n`. */
static struct thread *chosen(const struct object *object, unsigned n)
{
	struct thread *thread = object->first;

	for (unsigned i = sched_choose(n); i > 0; i--)
		thread = thread->next_waiter;
	return thread;
}

static unsigned waiters(const struct object *object)
{
	unsigned n = 0;

	for (const struct thread *thread = object->first; thread != NULL; thread = thread->next_waiter)
		n++;
	return n;
}

/* It stands in the line no longer. */
static void leave(uintptr_t condition, struct thread *thread, enum wake why)
{
	struct object *object = object_find(condition);

	if (object == NULL || object->kind != OBJECT_CONDITION)
		return;
	object_unqueue(object, thread);
	if (why == WAKE_CANCELLED && thread->woken && object->first != NULL)
		wake(object, chosen(object, waiters(object)));
}

/* Stands in the line. */
static enum wake stand(struct object *object, struct thread *thread, int64_t deadline, uintptr_t pc)
{
	uintptr_t condition = object->address;
	enum wake why;

	thread->woken = false;
	object_queue(object, thread);
	if (memory->asked.spurious && sched_rarely())
		thread->woken = true;
	why = sched_wait_for(CHECK_WOKEN, condition, is_woken, deadline, WAIT_CANCEL, pc);
	leave(condition, thread, why);
	if (why == WAKE_CANCELLED) {
		thread->exiting = true;
		cancel_update(thread);
	}
	return why;
}

static int wait_on(uintptr_t condition, pthread_mutex_t *mutex, int64_t deadline, uintptr_t pc)
{
	struct thread *thread = self();
	struct object *object, *lock;
	enum wake why;
	int error;

	sched_point_with(CHECK_WAIT, condition, (uintptr_t)mutex, pc);
	cancel_point();
	object = usable(condition, "wait", pc);
	lock = object_get((uintptr_t)mutex, OBJECT_MUTEX);
	if (lock->holder != (int)thread->id)
		fail(CHECK_MISUSE, pc, "wait on a condition variable without its mutex");
	if (--lock->count == 0)
		mutex_drop(lock);
	why = stand(object, thread, deadline, pc);
	if (why == WAKE_LATE)
		trace_result(ETIMEDOUT);
	error = mutex_lock(mutex, CHECK_FOREVER, pc);
	if (why == WAKE_CANCELLED)
		cancel_act();
	if (error != 0)
		return error;
	return why == WAKE_LATE ? ETIMEDOUT : 0;
}

/* `clock` of -1: the condition's own. */
static int wait_until(uintptr_t condition, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until,
		      uintptr_t pc)
{
	if (!controlled())
		return ETIMEDOUT;
	if (clock == -1)
		clock = get(condition)->type;
	if (!clock_valid(until) || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC))
		return EINVAL;
	return wait_on(condition, mutex, clock_deadline(clock, until), pc);
}

static void lose(struct object *object, uintptr_t pc)
{
	object->lost++;
	object->lost_thread = self()->id;
	object->lost_pc = pc;
	if (run->trace)
		trace_place(&object->lost_place, pc);
}

static int wake_some(uintptr_t condition, bool all, uintptr_t pc)
{
	struct object *object;
	unsigned n;

	sched_point(all ? CHECK_BROADCAST : CHECK_SIGNAL, condition, true, pc);
	object = usable(condition, all ? "broadcast" : "signal", pc);
	n = waiters(object);
	trace_value(n, 0, CHECK_VALUE);
	sched_progress();
	if (n == 0) {
		lose(object, pc);
		return 0;
	}
	if (!all)
		wake(object, chosen(object, n));
	while (all && object->first != NULL)
		wake(object, object->first);
	clock_tick(self());
	return 0;
}

static void make(uintptr_t condition, clockid_t clock, uintptr_t pc)
{
	const struct object *object = controlled() ? object_find(condition) : NULL;

	if (object != NULL && object->kind == OBJECT_CONDITION && object->first != NULL)
		fail(CHECK_MISUSE, pc, "initialises a condition variable that threads wait for");
	raw_fill((void *)condition, 0, SIZE);
	((pthread_cond_t *)condition)->__data.__wrefs = clock == CLOCK_MONOTONIC ? MONOTONIC : 0;
	if (controlled())
		object_make(condition, OBJECT_CONDITION)->type = (uint8_t)clock;
}

EXPORT int pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes)
{
	clockid_t clock = CLOCK_REALTIME;

	if (attributes != NULL)
		pthread_condattr_getclock(attributes, &clock);
	make((uintptr_t)condition, clock, CALLER);
	return 0;
}

EXPORT int pthread_cond_destroy(pthread_cond_t *condition)
{
	return object_destroy((uintptr_t)condition, OBJECT_CONDITION, CALLER);
}

EXPORT int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
	return controlled() ? wait_on((uintptr_t)condition, mutex, CHECK_FOREVER, CALLER) : 0;
}

EXPORT int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until)
{
	return wait_until((uintptr_t)condition, mutex, -1, until, CALLER);
}

EXPORT int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
				  const struct timespec *until)
{
	return wait_until((uintptr_t)condition, mutex, clock, until, CALLER);
}

EXPORT int pthread_cond_signal(pthread_cond_t *condition)
{
	return controlled() ? wake_some((uintptr_t)condition, false, CALLER) : 0;
}

EXPORT int pthread_cond_broadcast(pthread_cond_t *condition)
{
	return controlled() ? wake_some((uintptr_t)condition, true, CALLER) : 0;
}

EXPORT int cnd_init(cnd_t *condition)
{
	make((uintptr_t)condition, CLOCK_REALTIME, CALLER);
	return thrd_success;
}

EXPORT void cnd_destroy(cnd_t *condition)
{
	object_destroy((uintptr_t)condition, OBJECT_CONDITION, CALLER);
}

EXPORT int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
	if (controlled())
		wait_on((uintptr_t)condition, (pthread_mutex_t *)mutex, CHECK_FOREVER, CALLER);
	return thrd_success;
}

EXPORT int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until)
{
	int error = wait_until((uintptr_t)condition, (pthread_mutex_t *)mutex, CLOCK_REALTIME, until, CALLER);

	if (error == 0)
		return thrd_success;
	return error == ETIMEDOUT ? thrd_timedout : thrd_error;
}

EXPORT int cnd_signal(cnd_t *condition)
{
	if (controlled())
		wake_some((uintptr_t)condition, false, CALLER);
	return thrd_success;
}

EXPORT int cnd_broadcast(cnd_t *condition)
{
	if (controlled())
		wake_some((uintptr_t)condition, true, CALLER);
	return thrd_success;
}
