/*
 * check/mutex.c - mutexes, spin locks and C11's mtx: one model, four types.
 *
 * A normal mutex that its holder locks again waits for ever, which is a deadlock; unlocking one that the thread does
 * not hold, destroying one that is held or waited for, and using one that was destroyed are misuse. Recursive and
 * error-checking ones return what POSIX says. A robust one whose holder ends gives EOWNERDEAD to the next; if that one
 * unlocks it before it has made it consistent, everyone gets ENOTRECOVERABLE from then on.
 *
 * Priorities play no part in who goes on, so protocols are kept for those who ask, and do nothing; nor does it matter
 * whether other processes could share it, for there are none.
 */
#include "mutex.h"

#include "deadlock.h"
#include "trace.h"

#include <errno.h>
#include <pthread.h>
#include <threads.h>
#include <time.h>

/* Beside the type, as the C library has them. */
#define ROBUST 16
#define PROTECTED 64

/* A static initialiser says the type in the fifth word (glibc). */
static uint8_t static_type(uintptr_t address)
{
	unsigned kind = (unsigned)((const pthread_mutex_t *)address)->__data.__kind & 3;

	return (uint8_t)kind;
}

static struct object *make(pthread_mutex_t *mutex)
{
	struct object *object = object_make((uintptr_t)mutex, OBJECT_MUTEX);

	object->type = static_type((uintptr_t)mutex);
	if (((unsigned)mutex->__data.__kind & ROBUST) != 0)
		object_note_robust(object);
	return object;
}

static struct object *get(pthread_mutex_t *mutex)
{
	struct object *object = object_find((uintptr_t)mutex);

	if (object != NULL && object->kind == OBJECT_MUTEX)
		return object;
	return make(mutex);
}

static struct object *usable(pthread_mutex_t *mutex, const char *what, uintptr_t pc)
{
	struct object *object = get(mutex);

	if (object->dead)
		fail(CHECK_MISUSE, pc, "%s of a mutex that was destroyed", what);
	return object;
}

static bool is_free(struct thread *thread)
{
	const struct object *object = object_find(thread->op.object);

	return object == NULL || object->holder == NOBODY;
}

int mutex_take(struct object *object, uintptr_t pc)
{
	object->holder = (int)self()->id;
	object->count = 1;
	object->held_pc = pc;
	object->held_step = run->steps;
	if (run->trace)
		trace_place(&object->held_place, pc);
	clock_acquire(object);
	sched_progress();
	run_changed(object->address);
	if (!object->inconsistent)
		return 0;
	trace_result(EOWNERDEAD);
	return EOWNERDEAD;
}

void mutex_drop(struct object *object)
{
	object->holder = NOBODY;
	object->count = 0;
	object->unrecoverable = object->inconsistent;
	clock_release(object);
	sched_progress();
	run_changed(object->address);
}

/* A holder that comes again. Returns -1 if it has to wait. */
static int again(struct object *object)
{
	if (object->holder != (int)self()->id)
		return -1;
	if (object->type == MUTEX_RECURSIVE) {
		object->count++;
		return 0;
	}
	return object->type == MUTEX_ERRORCHECK ? EDEADLK : -1;
}

int mutex_lock(pthread_mutex_t *mutex, int64_t deadline, uintptr_t pc)
{
	struct object *object = usable(mutex, "lock", pc);
	int error = again(object);

	if (error >= 0)
		return error;
	if (deadline == CHECK_FOREVER)
		deadlock_look(object, pc);
	if (sched_wait_until(CHECK_LOCK, (uintptr_t)mutex, is_free, deadline, pc)) {
		trace_result(ETIMEDOUT);
		return ETIMEDOUT;
	}
	object = usable(mutex, "lock", pc);
	return object->unrecoverable ? ENOTRECOVERABLE : mutex_take(object, pc);
}

int mutex_try(pthread_mutex_t *mutex, uintptr_t pc)
{
	struct object *object;

	sched_point(CHECK_TRYLOCK, (uintptr_t)mutex, true, pc);
	object = usable(mutex, "trylock", pc);
	if (object->holder == NOBODY)
		return object->unrecoverable ? ENOTRECOVERABLE : mutex_take(object, pc);
	if (object->holder == (int)self()->id && object->type == MUTEX_RECURSIVE) {
		object->count++;
		return 0;
	}
	sched_fruitless();
	trace_result(EBUSY);
	return EBUSY;
}

int mutex_unlock(pthread_mutex_t *mutex, uintptr_t pc)
{
	struct object *object;

	sched_point(CHECK_UNLOCK, (uintptr_t)mutex, true, pc);
	object = usable(mutex, "unlock", pc);
	if (object->holder != (int)self()->id) {
		if (object->type == MUTEX_ERRORCHECK || object->type == MUTEX_RECURSIVE || object->robust)
			return EPERM;
		if (object->holder == NOBODY)
			fail(CHECK_MISUSE, pc, "unlock of a mutex that nobody holds");
		fail(CHECK_MISUSE, pc, "unlock of a mutex that T%d holds", object->holder);
	}
	if (--object->count == 0)
		mutex_drop(object);
	return 0;
}

static int destroy(uintptr_t address, enum object_kind kind, uintptr_t pc)
{
	struct object *object;
	const char *wrong;

	sched_point(CHECK_DESTROY, address, true, pc);
	object = object_get(address, kind);
	wrong = object->dead ? "was destroyed" : object_in_use(object);
	if (wrong != NULL)
		fail(CHECK_MISUSE, pc, "destroys a %s that %s", object_name(kind), wrong);
	object->dead = true;
	return 0;
}

int object_destroy(uintptr_t address, enum object_kind kind, uintptr_t pc)
{
	return controlled() ? destroy(address, kind, pc) : 0;
}

static void look_for_use(pthread_mutex_t *mutex, uintptr_t pc)
{
	struct object *object = object_find((uintptr_t)mutex);
	const char *wrong =
		object != NULL && object->kind == OBJECT_MUTEX && !object->dead ? object_in_use(object) : NULL;

	if (wrong != NULL)
		fail(CHECK_MISUSE, pc, "initialises a mutex that %s", wrong);
}

/* The words that a later first use reads: the type, as the C library would write it. */
EXPORT int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
	int type = PTHREAD_MUTEX_DEFAULT, robust = PTHREAD_MUTEX_STALLED, protocol = PTHREAD_PRIO_NONE, ceiling = 0;

	if (attributes != NULL) {
		pthread_mutexattr_gettype(attributes, &type);
		pthread_mutexattr_getrobust(attributes, &robust);
		pthread_mutexattr_getprotocol(attributes, &protocol);
		pthread_mutexattr_getprioceiling(attributes, &ceiling);
	}
	if (controlled())
		look_for_use(mutex, CALLER);
	raw_fill(mutex, 0, __SIZEOF_PTHREAD_MUTEX_T);
	mutex->__data.__kind = type | (robust == PTHREAD_MUTEX_ROBUST ? ROBUST : 0) |
			       (protocol == PTHREAD_PRIO_PROTECT ? PROTECTED : 0);
	mutex->__data.__lock = protocol == PTHREAD_PRIO_PROTECT ? ceiling : 0;
	if (controlled())
		make(mutex);
	return 0;
}

EXPORT int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
	return object_destroy((uintptr_t)mutex, OBJECT_MUTEX, CALLER);
}

EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	return controlled() ? mutex_lock(mutex, CHECK_FOREVER, CALLER) : 0;
}

EXPORT int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	return controlled() ? mutex_try(mutex, CALLER) : 0;
}

EXPORT int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	return controlled() ? mutex_unlock(mutex, CALLER) : 0;
}

/* What is no time is refused only where it would be needed. */
static int lock_until(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until, uintptr_t pc)
{
	int error;

	if (!controlled())
		return 0;
	if (clock_valid(until))
		return mutex_lock(mutex, clock_deadline(clock, until), pc);
	error = mutex_try(mutex, pc);
	return error == EBUSY ? EINVAL : error;
}

EXPORT int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until)
{
	return lock_until(mutex, CLOCK_REALTIME, until, CALLER);
}

EXPORT int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until)
{
	return lock_until(mutex, clock, until, CALLER);
}

EXPORT int pthread_mutex_consistent(pthread_mutex_t *mutex)
{
	struct object *object;

	if (!controlled())
		return 0;
	object = get(mutex);
	if (!object->inconsistent || object->holder != (int)self()->id)
		return EINVAL;
	object->inconsistent = false;
	return 0;
}

/* The ceiling lies where the C library has its lock word. */
EXPORT int pthread_mutex_getprioceiling(const pthread_mutex_t *mutex, int *ret_ceiling)
{
	if ((mutex->__data.__kind & PROTECTED) == 0)
		return EINVAL;
	*ret_ceiling = mutex->__data.__lock;
	return 0;
}

EXPORT int pthread_mutex_setprioceiling(pthread_mutex_t *mutex, int ceiling, int *ret_old)
{
	if ((mutex->__data.__kind & PROTECTED) == 0)
		return EINVAL;
	*ret_old = mutex->__data.__lock;
	mutex->__data.__lock = ceiling;
	return 0;
}

static bool spin_is_free(struct thread *thread)
{
	const struct object *object = object_find(thread->op.object);

	return object == NULL || object->kind != OBJECT_SPIN || object->holder == NOBODY;
}

EXPORT int pthread_spin_init(pthread_spinlock_t *lock, int shared)
{
	(void)shared;
	*lock = 0;
	if (controlled())
		object_make((uintptr_t)lock, OBJECT_SPIN);
	return 0;
}

EXPORT int pthread_spin_destroy(pthread_spinlock_t *lock)
{
	return object_destroy((uintptr_t)lock, OBJECT_SPIN, CALLER);
}

EXPORT int pthread_spin_lock(pthread_spinlock_t *lock)
{
	if (!controlled())
		return 0;
	deadlock_look(object_get((uintptr_t)lock, OBJECT_SPIN), CALLER);
	sched_wait(CHECK_SPINLOCK, (uintptr_t)lock, spin_is_free, CALLER);
	return mutex_take(object_get((uintptr_t)lock, OBJECT_SPIN), CALLER);
}

EXPORT int pthread_spin_trylock(pthread_spinlock_t *lock)
{
	struct object *object;

	if (!controlled())
		return 0;
	sched_point(CHECK_TRYLOCK, (uintptr_t)lock, true, CALLER);
	object = object_get((uintptr_t)lock, OBJECT_SPIN);
	if (object->holder == NOBODY)
		return mutex_take(object, CALLER);
	sched_fruitless();
	trace_result(EBUSY);
	return EBUSY;
}

EXPORT int pthread_spin_unlock(pthread_spinlock_t *lock)
{
	struct object *object;

	if (!controlled())
		return 0;
	sched_point(CHECK_UNLOCK, (uintptr_t)lock, true, CALLER);
	object = object_get((uintptr_t)lock, OBJECT_SPIN);
	if (object->holder != (int)self()->id)
		fail(CHECK_MISUSE, CALLER, "unlock of a spin lock that the thread does not hold");
	mutex_drop(object);
	return 0;
}

EXPORT int mtx_init(mtx_t *mutex, int type)
{
	pthread_mutex_t *at = (pthread_mutex_t *)mutex;

	raw_fill(mutex, 0, sizeof(*mutex));
	at->__data.__kind = (type & mtx_recursive) != 0 ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL;
	if (controlled())
		make(at);
	return thrd_success;
}

static int c11(int error)
{
	switch (error) {
	case 0:
		return thrd_success;
	case EBUSY:
		return thrd_busy;
	case ETIMEDOUT:
		return thrd_timedout;
	case ENOMEM:
		return thrd_nomem;
	default:
		return thrd_error;
	}
}

EXPORT void mtx_destroy(mtx_t *mutex)
{
	object_destroy((uintptr_t)mutex, OBJECT_MUTEX, CALLER);
}

EXPORT int mtx_lock(mtx_t *mutex)
{
	return controlled() ? c11(mutex_lock((pthread_mutex_t *)mutex, CHECK_FOREVER, CALLER)) : thrd_success;
}

EXPORT int mtx_trylock(mtx_t *mutex)
{
	return controlled() ? c11(mutex_try((pthread_mutex_t *)mutex, CALLER)) : thrd_success;
}

EXPORT int mtx_timedlock(mtx_t *mutex, const struct timespec *until)
{
	return c11(lock_until((pthread_mutex_t *)mutex, CLOCK_REALTIME, until, CALLER));
}

EXPORT int mtx_unlock(mtx_t *mutex)
{
	return controlled() ? c11(mutex_unlock((pthread_mutex_t *)mutex, CALLER)) : thrd_success;
}
