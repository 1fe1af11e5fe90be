/*
 * check/deadlock.h - threads that wait for each other in a circle.
 */
#ifndef FAIRLEAD_CHECK_DEADLOCK_H
#define FAIRLEAD_CHECK_DEADLOCK_H

#include "object.h"

/* The running thread is about to wait for that object without a deadline. It is a failure if whoever holds it waits,
 * through any number of others, for what the running thread holds: also if there are threads that could go on. */
HIDDEN void deadlock_look(struct object *object, uintptr_t pc);
/* The same for the end of another thread. */
HIDDEN void deadlock_look_join(const struct thread *thread, uintptr_t pc);
/* Returns the thread that a thread's operation waits for: NOBODY if it does not wait, or for nobody in particular. */
HIDDEN int deadlock_holder(const struct thread *thread);
/* The running thread stands as one that waits for that, for the report of what it would have waited for. */
HIDDEN void deadlock_stand(uint8_t kind, uintptr_t object, uintptr_t pc);

#endif
