/*
 * check/static.c - static variables of C++ functions, which the first thread that comes by initialises.
 *
 * The compiler looks at the guard's first byte, with an acquiring load, and calls these if it is 0. They are a once
 * control of their own kind: one thread initialises, others wait; if the constructor throws, the next one does it. What
 * is known of the once control lies at an odd address, for the byte itself is an atomic of the program.
 */
#include "atomic.h"
#include "deadlock.h"
#include "object.h"

EXPORT int __cxa_guard_acquire(uint64_t *guard);
EXPORT void __cxa_guard_release(uint64_t *guard);
EXPORT void __cxa_guard_abort(uint64_t *guard);

static bool nobody_does(struct thread *thread)
{
	const struct object *object = object_find(thread->op.object);

	return object == NULL || object->holder == NOBODY;
}

static uintptr_t control_of(const uint64_t *guard)
{
	return (uintptr_t)guard | 1;
}

static bool is_done(const uint64_t *guard)
{
	return *(const uint8_t *)guard != 0;
}

/* Returns whether the caller is the one to initialise. */
static int acquire(uint64_t *guard, uintptr_t pc)
{
	struct object *object = object_get(control_of(guard), OBJECT_ONCE);

	if (!is_done(guard))
		deadlock_look(object, pc);
	sched_wait(CHECK_ONCE, control_of(guard), nobody_does, pc);
	object = object_get(control_of(guard), OBJECT_ONCE);
	if (is_done(guard)) {
		clock_acquire(object);
		return 0;
	}
	object->holder = (int)self()->id;
	object->held_pc = pc;
	run_changed(object->address);
	return 1;
}

static void leave(uint64_t *guard, bool done, uintptr_t pc)
{
	struct object *object;

	sched_point(CHECK_ONCE_DONE, control_of(guard), true, pc);
	object = object_get(control_of(guard), OBJECT_ONCE);
	object->holder = NOBODY;
	if (done) {
		order_stored(object_get((uintptr_t)guard, OBJECT_ATOMIC), RELEASE, false);
		*(uint8_t *)guard = 1;
		object->count = 1;
	}
	clock_release(object);
	sched_progress();
	run_changed(object->address);
}

int __cxa_guard_acquire(uint64_t *guard)
{
	return controlled() ? acquire(guard, CALLER) : !is_done(guard);
}

void __cxa_guard_release(uint64_t *guard)
{
	if (controlled())
		leave(guard, true, CALLER);
	else
		*(uint8_t *)guard = 1;
}

void __cxa_guard_abort(uint64_t *guard)
{
	if (controlled())
		leave(guard, false, CALLER);
}
