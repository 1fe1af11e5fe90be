/*
 * check/rwlock.c - readers-writer locks.
 *
 * POSIX leaves open who goes first when readers and writers wait; both are tried. A reader may come again; a thread
 * that holds it and wants to write waits for ever, or gets EDEADLK if it writes already.
 *
 * With the C library's kind that prefers writers, and forbids readers to come again, nobody begins to read while
 * somebody waits to write. There a writer comes to the lock in a step of its own, from which on it waits; otherwise it
 * would wait from its last step before that on. The library's other kinds all behave as the one above.
 */
#include "deadlock.h"
#include "mutex.h"
#include "trace.h"

#include <errno.h>

static uint8_t kind_of(const pthread_rwlock_t *lock)
{
	return (uint8_t)lock->__data.__flags;
}

static struct object *usable(pthread_rwlock_t *lock, const char *what, uintptr_t pc)
{
	struct object *object = object_find((uintptr_t)lock);

	if (object == NULL || object->kind != OBJECT_RWLOCK) {
		object = object_make((uintptr_t)lock, OBJECT_RWLOCK);
		object->type = kind_of(lock);
	}
	if (object->dead)
		fail(CHECK_MISUSE, pc, "%s of an rwlock that was destroyed", what);
	return object;
}

static bool may_read(struct thread *thread)
{
	const struct object *object = object_find(thread->op.object);

	return object == NULL || (object->holder == NOBODY && object->writers == 0);
}

static bool may_write(struct thread *thread)
{
	const struct object *object = object_find(thread->op.object);

	return object == NULL || (object->holder == NOBODY && object->count == 0);
}

/* What a reader did is ordered before what later writers do, and not before what other readers do. */
static void give_to_writers(struct object *object)
{
	if (object->more == NULL)
		object->more = clock_new();
	clock_join(object->more, self()->clock);
	clock_tick(self());
}

static int take_for_writing(struct object *object, uintptr_t pc)
{
	if (object->more != NULL)
		clock_join(self()->clock, object->more);
	return mutex_take(object, pc);
}

/* `count` is how often it is held for reading, `readers` by whom, as far as one knows: a thread may hold it twice. */
static int take_for_reading(struct object *object, uintptr_t pc)
{
	object->count++;
	mask_set(&object->readers, self()->id);
	object->held_pc = pc;
	if (run->trace)
		trace_place(&object->held_place, pc);
	clock_acquire(object);
	sched_progress();
	run_changed(object->address);
	return 0;
}

static int read_lock(pthread_rwlock_t *lock, int64_t deadline, uintptr_t pc)
{
	struct object *object = usable(lock, "rdlock", pc);

	if (object->holder == (int)self()->id)
		return EDEADLK;
	if (deadline == CHECK_FOREVER)
		deadlock_look(object, pc);
	if (sched_wait_until(CHECK_RDLOCK, (uintptr_t)lock, may_read, deadline, pc)) {
		trace_result(ETIMEDOUT);
		return ETIMEDOUT;
	}
	return take_for_reading(usable(lock, "rdlock", pc), pc);
}

/* Waits as one of those that readers let pass. Returns whether it was too late. */
static bool wait_first(struct object *object, int64_t deadline, uintptr_t pc)
{
	uintptr_t address = object->address;
	bool late;

	sched_point(CHECK_WRLOCK, address, true, pc);
	object->writers++;
	late = sched_wait_until(CHECK_WRLOCK, address, may_write, deadline, pc);
	object->writers--;
	if (late)
		run_changed(address);
	return late;
}

static int write_lock(pthread_rwlock_t *lock, int64_t deadline, uintptr_t pc)
{
	struct object *object = usable(lock, "wrlock", pc);
	bool late;

	if (object->holder == (int)self()->id)
		return EDEADLK;
	if (deadline == CHECK_FOREVER)
		deadlock_look(object, pc);
	if (object->type == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP)
		late = wait_first(object, deadline, pc);
	else
		late = sched_wait_until(CHECK_WRLOCK, (uintptr_t)lock, may_write, deadline, pc);
	if (late) {
		trace_result(ETIMEDOUT);
		return ETIMEDOUT;
	}
	return take_for_writing(usable(lock, "wrlock", pc), pc);
}

static int try_lock(pthread_rwlock_t *lock, bool write, uintptr_t pc)
{
	struct object *object;

	sched_point(CHECK_TRYLOCK, (uintptr_t)lock, true, pc);
	object = usable(lock, "trylock", pc);
	if (object->holder == NOBODY && !write && object->writers == 0)
		return take_for_reading(object, pc);
	if (object->holder == NOBODY && write && object->count == 0)
		return take_for_writing(object, pc);
	sched_fruitless();
	trace_result(EBUSY);
	return EBUSY;
}

static int unlock(pthread_rwlock_t *lock, uintptr_t pc)
{
	struct object *object;

	sched_point(CHECK_UNLOCK, (uintptr_t)lock, true, pc);
	object = usable(lock, "unlock", pc);
	if (object->holder == (int)self()->id) {
		mutex_drop(object);
		return 0;
	}
	if (object->count == 0 || object->holder != NOBODY || !mask_has(&object->readers, self()->id))
		fail(CHECK_MISUSE, pc, "unlock of an rwlock that the thread does not hold");
	if (--object->count == 0)
		object->readers = (struct mask){{0}};
	give_to_writers(object);
	sched_progress();
	run_changed(object->address);
	return 0;
}

static void look_for_use(pthread_rwlock_t *lock, uintptr_t pc)
{
	struct object *object = object_find((uintptr_t)lock);
	const char *wrong =
		object != NULL && object->kind == OBJECT_RWLOCK && !object->dead ? object_in_use(object) : NULL;

	if (wrong != NULL)
		fail(CHECK_MISUSE, pc, "initialises an rwlock that %s", wrong);
}

static int lock_until(pthread_rwlock_t *lock, bool write, clockid_t clock, const struct timespec *until, uintptr_t pc)
{
	int64_t deadline;

	if (!controlled())
		return 0;
	if (!clock_valid(until))
		return EINVAL;
	deadline = clock_deadline(clock, until);
	return write ? write_lock(lock, deadline, pc) : read_lock(lock, deadline, pc);
}

EXPORT int pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attributes)
{
	int kind = PTHREAD_RWLOCK_DEFAULT_NP;

	if (attributes != NULL)
		pthread_rwlockattr_getkind_np(attributes, &kind);
	if (controlled())
		look_for_use(lock, CALLER);
	raw_fill(lock, 0, __SIZEOF_PTHREAD_RWLOCK_T);
	lock->__data.__flags = (unsigned)kind;
	if (controlled())
		object_make((uintptr_t)lock, OBJECT_RWLOCK)->type = (uint8_t)kind;
	return 0;
}

EXPORT int pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
	return object_destroy((uintptr_t)lock, OBJECT_RWLOCK, CALLER);
}

EXPORT int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
	return controlled() ? read_lock(lock, CHECK_FOREVER, CALLER) : 0;
}

EXPORT int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
	return controlled() ? write_lock(lock, CHECK_FOREVER, CALLER) : 0;
}

EXPORT int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
	return controlled() ? try_lock(lock, false, CALLER) : 0;
}

EXPORT int pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
	return controlled() ? try_lock(lock, true, CALLER) : 0;
}

EXPORT int pthread_rwlock_timedrdlock(pthread_rwlock_t *restrict lock, const struct timespec *restrict until)
{
	return lock_until(lock, false, CLOCK_REALTIME, until, CALLER);
}

EXPORT int pthread_rwlock_timedwrlock(pthread_rwlock_t *restrict lock, const struct timespec *restrict until)
{
	return lock_until(lock, true, CLOCK_REALTIME, until, CALLER);
}

EXPORT int pthread_rwlock_clockrdlock(pthread_rwlock_t *restrict lock, clockid_t clock,
				      const struct timespec *restrict until)
{
	return lock_until(lock, false, clock, until, CALLER);
}

EXPORT int pthread_rwlock_clockwrlock(pthread_rwlock_t *restrict lock, clockid_t clock,
				      const struct timespec *restrict until)
{
	return lock_until(lock, true, clock, until, CALLER);
}

EXPORT int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
	return controlled() ? unlock(lock, CALLER) : 0;
}
