/*
 * check/once.c - what is done once: once controls, of POSIX and C11, and static variables of C++ functions.
 *
 * One thread does it, others wait until it is done. If the routine, or the constructor, leaves in another way, by an
 * exception, by pthread_exit, or because the thread was cancelled, the next one does it.
 *
 * A control is 0, and 2 when it is done, as the C library has it. Of a static variable the compiler looks at the
 * guard's first byte, with an acquiring load, and calls __cxa_guard_acquire if it is 0; what is known of the guard lies
 * at an odd address, for the byte itself is an atomic of the program. Who does it is in the object.
 */
#include "atomic.h"
#include "deadlock.h"

#include <pthread.h>
#include <threads.h>

EXPORT int __cxa_guard_acquire(uint64_t *guard);
EXPORT void __cxa_guard_release(uint64_t *guard);
EXPORT void __cxa_guard_abort(uint64_t *guard);

static bool nobody_does(struct thread *thread)
{
	const struct object *object = object_find(thread->op.object);

	return object == NULL || object->holder == NOBODY;
}

/* Waits until it is done, or nobody does it. Returns whether it is the caller who does it now. */
static bool begin(uintptr_t key, bool (*is_done)(const void *control), const void *control, uintptr_t pc)
{
	struct object *object;

	if (!is_done(control))
		deadlock_look(object_get(key, OBJECT_ONCE), pc);
	sched_wait(CHECK_ONCE, key, nobody_does, pc);
	object = object_get(key, OBJECT_ONCE);
	clock_acquire(object);
	if (is_done(control))
		return false;
	object->holder = (int)self()->id;
	object->held_pc = pc;
	run_changed(object->address);
	return true;
}

static void let_go(struct object *object)
{
	object->holder = NOBODY;
	clock_release(object);
	run_changed(object->address);
}

static bool is_control_done(const void *control)
{
	return *(const int *)control == 2;
}

static void undo(int *volatile *control)
{
	struct object *object = *control != NULL ? object_find((uintptr_t)*control) : NULL;

	if (object != NULL)
		let_go(object);
}

static void do_once(int *control, void (*routine)(void), uintptr_t pc)
{
	struct object *object;
	int *volatile doing __attribute__((cleanup(undo))) = NULL;

	if (*control == 2 && object_find((uintptr_t)control) == NULL)
		return; /* since before main */
	if (!begin((uintptr_t)control, is_control_done, control, pc))
		return;
	doing = control;
	routine();
	doing = NULL;
	sched_point(CHECK_ONCE_DONE, (uintptr_t)control, true, pc);
	object = object_get((uintptr_t)control, OBJECT_ONCE);
	*control = 2;
	object->count = 1;
	sched_progress();
	let_go(object);
}

EXPORT int pthread_once(pthread_once_t *control, void (*routine)(void))
{
	if (controlled()) {
		do_once(control, routine, CALLER);
	} else if (*control != 2) {
		routine();
		*control = 2;
	}
	return 0;
}

EXPORT void call_once(once_flag *control, void (*routine)(void))
{
	pthread_once((pthread_once_t *)control, routine);
}

static uintptr_t key_of(const uint64_t *guard)
{
	return (uintptr_t)guard | 1;
}

static bool is_guard_done(const void *guard)
{
	return *(const uint8_t *)guard != 0;
}

static void leave(uint64_t *guard, bool done, uintptr_t pc)
{
	struct object *object;

	sched_point(CHECK_ONCE_DONE, key_of(guard), true, pc);
	object = object_get(key_of(guard), OBJECT_ONCE);
	if (done) {
		order_stored(object_get((uintptr_t)guard, OBJECT_ATOMIC), RELEASE, false);
		*(uint8_t *)guard = 1;
		object->count = 1;
	}
	sched_progress();
	let_go(object);
}

int __cxa_guard_acquire(uint64_t *guard)
{
	return controlled() ? begin(key_of(guard), is_guard_done, guard, CALLER) : !is_guard_done(guard);
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
