/*
 * sync/condition_shared.h - the conditions that processes share, behind the calls of fairlead/condition.h.
 */
#ifndef FL_SYNC_CONDITION_SHARED_H
#define FL_SYNC_CONDITION_SHARED_H

#include "base/atomic.h"
#include <fairlead/condition.h>

/* Of fl_mode: it is over its own lock. */
#define FL_CONDITION_OWN 1u

#ifdef FL_MODEL /* tests/model has threads of one process */
#define fl_condition_is_shared(condition) ((void)(condition), false)
#else
static inline bool fl_condition_is_shared(const fl_condition *condition)
{
	return fl_load_relaxed(&condition->fl_mode) != 0;
}
#endif

/* Each as the public call of that name. */
void fl_condition_destroy_shared_(fl_condition *condition);
int fl_condition_acquire_shared_(fl_condition *condition, fl_time deadline, fl_note *note);
bool fl_condition_try_shared_(fl_condition *condition);
void fl_condition_release_shared_(fl_condition *condition);
uint32_t fl_condition_notify_shared_(fl_condition *condition, uint32_t n);

/* Returns 0 if the calling thread holds the lock; -EPERM if not, reported as misuse; -EINVAL and others as an
 * acquisition. */
int fl_condition_refuse_shared_(fl_condition *condition, const char *what);
/* Waits, without looking at the deadline first. By a thread that holds the lock. */
int fl_condition_wait_shared_(fl_condition *condition, fl_time deadline, fl_note *note, const void *site);

#endif
