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

void deadlock_look(struct object *object, uintptr_t pc)
{
	int at = object->holder;
	unsigned length = 1;

	while (at != NOBODY && at != (int)self()->id && !run->thread[at].op.timed && length++ <= run->n_threads)
		at = deadlock_holder(&run->thread[at]);
	if (at != (int)self()->id)
		return;
	deadlock_stand(object->kind == OBJECT_RWLOCK ? CHECK_WRLOCK : CHECK_LOCK, object->address, pc);
	if (length == 1)
		fail(CHECK_DEADLOCK, pc, "T%u waits for a %s that it holds itself", self()->id,
		     object_name(object->kind));
	fail(CHECK_DEADLOCK, pc, "%u threads wait for each other in a circle", length);
}

void deadlock_stand(uint8_t kind, uintptr_t object, uintptr_t pc)
{
	self()->op = (struct operation){.kind = kind, .object = object, .pc = pc};
	mask_set(&run->guarded, self()->id);
	mask_clear(&run->enabled, self()->id);
}
