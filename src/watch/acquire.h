/*
 * watch/acquire.h - how all that can be locked is locked: step along the chain, say where to, acquire.
 *
 * Before it may block, a thread says what it is about to acquire, each time: that is what deadlocks are found by,
 * and it costs a store. Whether it will have to wait is looked up in the lock beforehand (`busy`), and only then is
 * the wait timed. The look is a hint, at words that glibc keeps where its headers show them: a lock that is taken
 * between the look and the call makes a wait that is not counted. Rejected: to try first, which tells for certain,
 * and costs more than all the rest (glibc's tries are slower than its locks, and atomic where these need not be).
 */
#ifndef FL_WATCH_ACQUIRE_H
#define FL_WATCH_ACQUIRE_H

#include "chain.h"
#include "lock.h"
#include "real.h"
#include <errno.h>

/* A thing that can be locked, and how. The functions are looked at when they are called: before the first call of
 * watch_find_ they may not have been found. */
struct watch_way {
	enum watch_kind kind;
	unsigned mode;
	watch_call *const *try, *const *acquire;
	watch_until *const *until;
	bool (*busy)(const void *object);
};

/* All mutexes (mutex.c). */
extern const struct watch_way watch_mutex_;

/* The previous owner's death is the caller's to repair; the lock is held. */
static inline bool watch_has(int error)
{
	return error == 0 || error == EOWNERDEAD;
}

/* A wait that began at `since` has ended. */
void watch_waited_(struct watch_chain *chain, int64_t since);

/* The rest of watch_acquire, where a chain is to be found first, the lock seems not to be free, or there was an error.
 * They are called last, so that the quick way has nothing to keep for them. */
int watch_acquire_new_(void *object, const struct watch_way *way, const void *site);
int watch_acquire_busy_(void *object, const struct watch_way *way, struct watch_chain *chain);
int watch_acquire_odd_(struct watch_chain *chain, int error);
int watch_until_busy_(void *object, const struct watch_way *way, struct watch_chain *chain, clockid_t clock,
		      const struct timespec *deadline);
int watch_release_other_(void *object, watch_call *release);

static inline struct watch_chain *watch_look(void *object, const struct watch_way *way, unsigned mode, const void *site)
{
	struct watch_chain *chain = watch_step(watch_me_, object, mode, site);

	return fl_likely(chain != NULL) ? chain : watch_find_(object, mode, way->kind, site);
}

__attribute__((always_inline)) static inline int watch_acquire(void *object, const struct watch_way *way,
							       const void *site)
{
	struct watch_seat *me = watch_me_;
	struct watch_chain *chain = watch_step(me, object, way->mode, site);
	int error;

	if (fl_unlikely(!chain))
		return watch_acquire_new_(object, way, site);
	if (fl_unlikely(way->busy(object)))
		return watch_acquire_busy_(object, way, chain);
	watch_go(me, chain);
	error = (*way->acquire)(object);
	if (fl_unlikely(error != 0))
		return watch_acquire_odd_(chain, error);
	watch_enter(me, chain);
	return 0;
}

__attribute__((always_inline)) static inline int watch_release(void *object, watch_call *const *release)
{
	if (fl_unlikely(!watch_leave_last(object)))
		return watch_release_other_(object, *release);
	return (*release)(object);
}

static inline int watch_try(void *object, const struct watch_way *way, const void *site)
{
	struct watch_chain *chain = watch_look(object, way, way->mode | WATCH_TRY, site);
	int error = (*way->try)(object);

	if (chain && watch_has(error))
		watch_enter(watch_me_, chain);
	return error;
}

static inline int watch_acquire_until(void *object, const struct watch_way *way, const void *site, clockid_t clock,
				      const struct timespec *deadline)
{
	struct watch_chain *chain = watch_look(object, way, way->mode | WATCH_TRY, site);
	int error;

	if (!chain)
		return (*way->until)(object, clock, deadline);
	error = (*way->try)(object);
	if (!watch_has(error))
		error = watch_until_busy_(object, way, chain, clock, deadline);
	if (watch_has(error))
		watch_enter(watch_me_, chain);
	return error;
}

static inline int watch_destroy(void *object, watch_call *const *destroy)
{
	int error;

	watch_real_find_();
	error = (*destroy)(object);
	if (error == 0)
		watch_lock_forget_(object);
	return error;
}

#endif
