/*
 * check/barrier.c - barriers.
 *
 * The last of a round lets the others go. From then on the barrier may be destroyed, or its memory be used for
 * something else, also if some of them have not come out of it yet: so what they look at then is their own.
 */
#include "mutex.h"
#include "trace.h"

#include <errno.h>
#include <limits.h>

static bool is_let_go(struct thread *thread)
{
	return thread->woken;
}

/* Where the C library has it, for one that is made before main. */
static uint32_t *parties_of(pthread_barrier_t *barrier)
{
	return (uint32_t *)barrier + 2;
}

static struct object *usable(pthread_barrier_t *barrier, uintptr_t pc)
{
	struct object *object = object_find((uintptr_t)barrier);

	if (object == NULL || object->kind != OBJECT_BARRIER) {
		object = object_make((uintptr_t)barrier, OBJECT_BARRIER);
		object->parties = *parties_of(barrier);
	}
	if (object->dead || object->parties == 0)
		fail(CHECK_MISUSE, pc, "wait at a barrier that %s",
		     object->dead ? "was destroyed" : "is not initialised");
	return object;
}

static int let_all_go(struct object *object)
{
	clock_acquire(object);
	object->count = 0;
	while (object->first != NULL) {
		struct thread *thread = object->first;

		object_unqueue(object, thread);
		clock_join(thread->clock, object->clock);
		thread->woken = true;
		run_ask(thread);
	}
	return PTHREAD_BARRIER_SERIAL_THREAD;
}

static int arrive(pthread_barrier_t *barrier, uintptr_t pc)
{
	struct object *object;
	struct thread *thread = self();

	sched_point(CHECK_BARRIER, (uintptr_t)barrier, true, pc);
	object = usable(barrier, pc);
	clock_release(object);
	trace_value(object->count + 1, object->parties, CHECK_VALUE);
	sched_progress();
	if (++object->count == object->parties)
		return let_all_go(object);
	thread->woken = false;
	object_queue(object, thread);
	sched_wait(CHECK_BARRIER_LEAVE, (uintptr_t)barrier, is_let_go, pc);
	return 0;
}

static void make(pthread_barrier_t *barrier, unsigned count, uintptr_t pc)
{
	struct object *object = object_find((uintptr_t)barrier);

	if (object != NULL && object->kind == OBJECT_BARRIER && object->first != NULL)
		fail(CHECK_MISUSE, pc, "initialises a barrier that threads wait for");
	object_make((uintptr_t)barrier, OBJECT_BARRIER)->parties = count;
}

EXPORT int pthread_barrier_init(pthread_barrier_t *restrict barrier, const pthread_barrierattr_t *restrict attributes,
				unsigned count)
{
	(void)attributes;
	if (count == 0 || count > INT_MAX)
		return EINVAL;
	raw_fill(barrier, 0, sizeof(*barrier));
	*parties_of(barrier) = count;
	if (controlled())
		make(barrier, count, CALLER);
	return 0;
}

EXPORT int pthread_barrier_destroy(pthread_barrier_t *barrier)
{
	return object_destroy((uintptr_t)barrier, OBJECT_BARRIER, CALLER);
}

EXPORT int pthread_barrier_wait(pthread_barrier_t *barrier)
{
	return controlled() ? arrive(barrier, CALLER) : 0;
}
