/*
 * check/deadlock.c - see deadlock.h.
 */
#include "deadlock.h"

int deadlock_holder(const struct thread *thread)
{
	const struct object *object;

	if (thread->finished || !mask_has(&run->guarded, thread->id) || mask_has(&run->enabled, thread->id))
		return NOBODY;
	if (thread->op.kind == CHECK_JOIN)
		return (int)((struct thread *)thread->op.object)->id;
	object = object_find(thread->op.object);
	return object != NULL ? object->holder : NOBODY;
}

/* Goes along those that wait for each other, from a thread on. Returns how many they are, with the running one, if they
 * come back to it, else 0. Whoever has a deadline does not wait for ever. */
static unsigned circle(int at)
{
	unsigned length = 1;

	while (at != NOBODY && at != (int)self()->id && !run->thread[at].op.timed && length++ <= run->n_threads)
		at = deadlock_holder(&run->thread[at]);
	return at == (int)self()->id ? length : 0;
}

static void report(unsigned length, uint8_t kind, uintptr_t object, uintptr_t pc)
{
	deadlock_stand(kind, object, pc);
	fail(CHECK_DEADLOCK, pc, "%u threads wait for each other in a circle", length);
}

void deadlock_look(struct object *object, uintptr_t pc)
{
	unsigned length = circle(object->holder);
	uint8_t kind = object->kind == OBJECT_RWLOCK ? CHECK_WRLOCK : CHECK_LOCK;

	if (length == 1) {
		deadlock_stand(kind, object->address, pc);
		fail(CHECK_DEADLOCK, pc, "T%u waits for a %s that it holds itself", self()->id,
		     object_name(object->kind));
	}
	if (length > 1)
		report(length, kind, object->address, pc);
}

void deadlock_look_join(const struct thread *thread, uintptr_t pc)
{
	unsigned length = circle((int)thread->id);

	if (length > 0)
		report(length, CHECK_JOIN, (uintptr_t)thread, pc);
}

void deadlock_stand(uint8_t kind, uintptr_t object, uintptr_t pc)
{
	self()->op = (struct operation){.kind = kind, .object = object, .pc = pc};
	mask_set(&run->guarded, self()->id);
	mask_clear(&run->enabled, self()->id);
}
