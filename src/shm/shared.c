/*
 * shm/shared.c - Fairlead's own objects in a segment, found by name or made.
 */
#include "base/lot.h"
#include "shm/segment.h"

#include <errno.h>

static int init_lock(void *lock, void *arg)
{
	(void)arg;
	fl_lock_init_shared(lock);
	return 0;
}

int fl_segment_lock(fl_segment *segment, const char *name, fl_lock **ret_lock)
{
	static const fl_segment_type type = {"fl_lock", 1, 0, sizeof(fl_lock)};

	return fl_segment_object(segment, name, &type, init_lock, NULL, (void **)ret_lock);
}

static int init_event(void *event, void *arg)
{
	(void)arg;
	fl_event_init_shared(event);
	return 0;
}

int fl_segment_event(fl_segment *segment, const char *name, fl_event **ret_event)
{
	static const fl_segment_type type = {"fl_event", 1, 0, sizeof(fl_event)};

	return fl_segment_object(segment, name, &type, init_event, NULL, (void **)ret_event);
}

static int init_once(void *once, void *arg)
{
	(void)arg;
	fl_once_init_shared(once);
	return 0;
}

int fl_segment_once(fl_segment *segment, const char *name, fl_once **ret_once)
{
	static const fl_segment_type type = {"fl_once", 1, 0, sizeof(fl_once)};

	return fl_segment_object(segment, name, &type, init_once, NULL, (void **)ret_once);
}

static int init_semaphore(void *semaphore, void *value)
{
	return fl_semaphore_init_shared(semaphore, *(const uint32_t *)value);
}

int fl_segment_semaphore(fl_segment *segment, const char *name, uint32_t value, fl_semaphore **ret_semaphore)
{
	static const fl_segment_type type = {"fl_semaphore", 1, 0, sizeof(fl_semaphore)};

	return fl_segment_object(segment, name, &type, init_semaphore, &value, (void **)ret_semaphore);
}

static int init_bounded(void *semaphore, void *value)
{
	return fl_semaphore_init_shared_bounded(semaphore, *(const uint32_t *)value);
}

int fl_segment_semaphore_bounded(fl_segment *segment, const char *name, uint32_t value, fl_semaphore **ret_semaphore)
{
	static const fl_segment_type type = {"fl_semaphore, bounded", 1, 0, sizeof(fl_semaphore)};

	return fl_segment_object(segment, name, &type, init_bounded, &value, (void **)ret_semaphore);
}

static int init_holders(void *semaphore, void *permits)
{
	return fl_semaphore_init_shared_holders(semaphore, *(const uint32_t *)permits);
}

int fl_segment_semaphore_holders(fl_segment *segment, const char *name, uint32_t permits, fl_semaphore **ret_semaphore)
{
	const fl_segment_type type = {"fl_semaphore, holders", 1, 0, FL_SEMAPHORE_HOLDERS_SIZE((size_t)permits)};

	if (permits == 0 || permits > FL_SEMAPHORE_HOLDERS_MAX)
		return fl_segment_fail_(-EINVAL, "a semaphore with holders has 1 to %u permits, not %u",
					FL_SEMAPHORE_HOLDERS_MAX, permits);
	return fl_segment_object(segment, name, &type, init_holders, &permits, (void **)ret_semaphore);
}

static int init_rlock(void *lock, void *arg)
{
	(void)arg;
	fl_rlock_init_shared(lock);
	return 0;
}

int fl_segment_rlock(fl_segment *segment, const char *name, fl_rlock **ret_lock)
{
	static const fl_segment_type type = {"fl_rlock", 1, 0, sizeof(fl_rlock)};

	return fl_segment_object(segment, name, &type, init_rlock, NULL, (void **)ret_lock);
}

static int init_condition(void *condition, void *arg)
{
	(void)arg;
	fl_condition_init_shared(condition);
	return 0;
}

int fl_segment_condition(fl_segment *segment, const char *name, fl_condition **ret_condition)
{
	static const fl_segment_type type = {"fl_condition", 1, 0, sizeof(fl_condition)};

	return fl_segment_object(segment, name, &type, init_condition, NULL, (void **)ret_condition);
}

static int init_barrier(void *barrier, void *parties)
{
	return fl_barrier_init_shared(barrier, *(const uint32_t *)parties, (uint64_t *)((fl_barrier *)barrier + 1));
}

int fl_segment_barrier(fl_segment *segment, const char *name, uint32_t parties, fl_barrier **ret_barrier)
{
	const fl_segment_type type = {"fl_barrier", 1, 0,
				      sizeof(fl_barrier) + FL_BARRIER_PLACES(parties) * sizeof(uint64_t)};

	if (parties == 0 || parties > FL_PEERS)
		return fl_segment_fail_(-EINVAL, "a barrier has 1 to %u parties, not %u", FL_PEERS, parties);
	return fl_segment_object(segment, name, &type, init_barrier, &parties, (void **)ret_barrier);
}

static int init_rwlock(void *lock, void *readers)
{
	return fl_rwlock_init_shared(lock, *(const uint32_t *)readers, (uint32_t *)((fl_rwlock *)lock + 1));
}

int fl_segment_rwlock(fl_segment *segment, const char *name, uint32_t readers, fl_rwlock **ret_lock)
{
	const fl_segment_type type = {"fl_rwlock", 1, 0,
				      sizeof(fl_rwlock) + FL_RWLOCK_PLACES(readers) * sizeof(uint32_t)};

	if (readers == 0 || readers > FL_PEERS)
		return fl_segment_fail_(-EINVAL, "a rwlock has room for 1 to %u readers, not %u", FL_PEERS, readers);
	return fl_segment_object(segment, name, &type, init_rwlock, &readers, (void **)ret_lock);
}
