/*
 * check/semaphore.c - POSIX semaphores. A post gives what the poster knows to all that take later.
 */
#include "clock.h"
#include "interrupt.h"
#include "mutex.h"
#include "trace.h"

#include <errno.h>
#include <limits.h>
#include <semaphore.h>

/* One that was made before the program was under control has its value in its memory. */
static struct object *get(sem_t *semaphore)
{
	struct object *object = object_find((uintptr_t)semaphore);

	if (object != NULL && object->kind == OBJECT_SEMAPHORE)
		return object;
	object = object_make((uintptr_t)semaphore, OBJECT_SEMAPHORE);
	object->count = *(uint32_t *)semaphore;
	return object;
}

static struct object *usable(sem_t *semaphore, const char *what, uintptr_t pc)
{
	struct object *object = get(semaphore);

	if (object->dead)
		fail(CHECK_MISUSE, pc, "%s of a semaphore that was destroyed", what);
	return object;
}

static bool has_one(struct thread *thread)
{
	const struct object *object = object_find(thread->op.object);

	return object == NULL || object->count > 0;
}

static void take(struct object *object)
{
	object->count--;
	clock_acquire(object);
	trace_value(object->count, object->count + 1, CHECK_VALUE | CHECK_OLD);
	run_changed(object->address);
}

static int fail_with(int error)
{
	trace_result(error);
	errno = error;
	return -1;
}

static int wait_for(sem_t *semaphore, int64_t deadline, uintptr_t pc)
{
	const uint8_t how = WAIT_CANCEL | WAIT_SIGNAL;

	usable(semaphore, "wait", pc);
	cancel_point();
	switch (sched_wait_for(CHECK_SEM_WAIT, (uintptr_t)semaphore, has_one, deadline, how, pc)) {
	case WAKE_CANCELLED:
		cancel_act();
	case WAKE_SIGNAL:
		return fail_with(EINTR);
	case WAKE_LATE:
		return fail_with(ETIMEDOUT);
	case WAKE_READY:
		break;
	}
	take(usable(semaphore, "wait", pc));
	sched_progress();
	return 0;
}

static int wait_until(sem_t *semaphore, clockid_t clock, const struct timespec *until, uintptr_t pc)
{
	if (!controlled())
		return 0;
	if (!clock_valid(until))
		return fail_with(EINVAL);
	return wait_for(semaphore, clock_deadline(clock, until), pc);
}

EXPORT int sem_init(sem_t *semaphore, int shared, unsigned value)
{
	(void)shared;
	if (value > SEM_VALUE_MAX) {
		errno = EINVAL;
		return -1;
	}
	raw_fill(semaphore, 0, sizeof(*semaphore));
	*(uint32_t *)semaphore = value;
	if (controlled())
		object_make((uintptr_t)semaphore, OBJECT_SEMAPHORE)->count = value;
	return 0;
}

EXPORT int sem_destroy(sem_t *semaphore)
{
	return object_destroy((uintptr_t)semaphore, OBJECT_SEMAPHORE, CALLER);
}

EXPORT int sem_wait(sem_t *semaphore)
{
	return controlled() ? wait_for(semaphore, CHECK_FOREVER, CALLER) : 0;
}

EXPORT int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until)
{
	return wait_until(semaphore, CLOCK_REALTIME, until, CALLER);
}

EXPORT int sem_clockwait(sem_t *restrict semaphore, clockid_t clock, const struct timespec *restrict until)
{
	return wait_until(semaphore, clock, until, CALLER);
}

EXPORT int sem_trywait(sem_t *semaphore)
{
	struct object *object;

	if (!controlled())
		return 0;
	sched_point(CHECK_TRYLOCK, (uintptr_t)semaphore, true, CALLER);
	object = usable(semaphore, "trywait", CALLER);
	if (object->count == 0) {
		sched_fruitless();
		return fail_with(EAGAIN);
	}
	take(object);
	sched_progress();
	return 0;
}

EXPORT int sem_post(sem_t *semaphore)
{
	struct object *object;

	if (!controlled()) {
		++*(uint32_t *)semaphore;
		return 0;
	}
	sched_point(CHECK_SEM_POST, (uintptr_t)semaphore, true, CALLER);
	object = usable(semaphore, "post", CALLER);
	if (object->count == SEM_VALUE_MAX)
		return fail_with(EOVERFLOW);
	object->count++;
	clock_release(object);
	trace_value(object->count, object->count - 1, CHECK_VALUE | CHECK_OLD);
	sched_progress();
	run_changed(object->address);
	return 0;
}

EXPORT int sem_getvalue(sem_t *restrict semaphore, int *restrict ret_value)
{
	if (controlled()) {
		sched_point(CHECK_LOAD, (uintptr_t)semaphore, false, CALLER);
		*ret_value = (int)usable(semaphore, "getvalue", CALLER)->count;
		sched_fruitless();
	} else {
		*ret_value = *(int *)semaphore;
	}
	return 0;
}
