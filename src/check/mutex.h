/*
 * check/mutex.h - what other models need of mutexes: a condition variable gives one up and takes it again.
 */
#ifndef FAIRLEAD_CHECK_MUTEX_H
#define FAIRLEAD_CHECK_MUTEX_H

#include "clock.h"
#include "object.h"

#include <pthread.h>

HIDDEN int mutex_lock(pthread_mutex_t *mutex, int64_t deadline, uintptr_t pc);
HIDDEN int mutex_try(pthread_mutex_t *mutex, uintptr_t pc);
HIDDEN int mutex_unlock(pthread_mutex_t *mutex, uintptr_t pc);
/* The running thread has it from now on; nobody has. */
HIDDEN int mutex_take(struct object *object, uintptr_t pc);
HIDDEN void mutex_drop(struct object *object);
/* The step that destroys any kind of object. */
HIDDEN int object_destroy(uintptr_t address, enum object_kind kind, uintptr_t pc);

#endif
