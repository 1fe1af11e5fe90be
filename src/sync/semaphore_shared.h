/*
 * sync/semaphore_shared.h - the semaphores that processes share, behind the calls of fairlead/semaphore.h.
 */
#ifndef FL_SYNC_SEMAPHORE_SHARED_H
#define FL_SYNC_SEMAPHORE_SHARED_H

#include "base/lot.h"
#include <fairlead/note.h>
#include <fairlead/semaphore.h>

/* fl_value: sync/semaphore.c, and sync/semaphore_shared.c for those that are shared. */
#define FL_SEMAPHORE_PERMITS FL_SEMAPHORE_MAX
#define FL_SEMAPHORE_SPINNING 0x40000000u
#define FL_SEMAPHORE_WAITERS 0x80000000u

/* fl_bound: what a private one has, and SHARED; or HOLDERS and how many permits there are, at least one. The largest
 * bound that a private one can have is FL_SEMAPHORE_MAX + 1: so these are never the same. */
#define FL_SEMAPHORE_SHARED 0x80000000u
#define FL_SEMAPHORE_HOLDERS (FL_SEMAPHORE_SHARED + FL_SEMAPHORE_MAX + 1)

static inline bool fl_semaphore_is_shared(const fl_semaphore *semaphore)
{
#ifdef FL_MODEL
	return false; /* other processes are not modelled */
#endif
	return fl_unlikely((fl_load_relaxed(&semaphore->fl_bound) & FL_SEMAPHORE_SHARED) != 0);
}

static inline bool fl_semaphore_has_holders(const fl_semaphore *semaphore)
{
	return fl_load_relaxed(&semaphore->fl_bound) > FL_SEMAPHORE_HOLDERS;
}

/* Whether n permits more than `value` would be too many. */
static inline bool fl_semaphore_exceeds(const fl_semaphore *semaphore, uint32_t value, uint32_t n)
{
	/* FL_SEMAPHORE_MAX if it is unbounded */
	uint32_t most = (fl_load_relaxed(&semaphore->fl_bound) - 1) & FL_SEMAPHORE_PERMITS;

	return n > most || (value & FL_SEMAPHORE_PERMITS) > most - n;
}

/* As fl_semaphore_acquire_until, _try, _release (n is not 0) and _value. */
int fl_semaphore_acquire_shared_(fl_semaphore *semaphore, fl_time deadline, fl_note *note);
bool fl_semaphore_try_shared_(fl_semaphore *semaphore);
int fl_semaphore_release_shared_(fl_semaphore *semaphore, uint32_t n);
uint32_t fl_semaphore_value_shared_(const fl_semaphore *semaphore);
/* Whether somebody waits for it. */
bool fl_semaphore_waited_shared_(const fl_semaphore *semaphore);

/* What semaphore_shared.c and semaphore_holders.c, where permits have names, need of each other. */

/* The words behind a semaphore with holders, by permit: the number of who has it, or 0. */
struct fl_permits {
	uint32_t *words;
	uint32_t n; /* 0: it has no holders */
};

/* The words, as far as they are there. Returns 0; -EPROTO: what the semaphore says of itself cannot be. */
int fl_permits_find_(const fl_semaphore *semaphore, const struct fl_lot_view *view, struct fl_permits *ret_permits);
/* Takes a permit that is free. */
bool fl_permits_take_(const struct fl_permits *permits, uint32_t me);
/* Takes one that a dead one had. */
bool fl_permits_inherit_(fl_semaphore *semaphore, const struct fl_permits *permits, const struct fl_lot_view *view,
			 uint32_t me);
/* How many can be had. */
uint32_t fl_permits_count_(const struct fl_permits *permits, const struct fl_lot_view *view);
/* Gives n of one's own back. Returns 0; -EPERM: there are not that many. */
int fl_permits_give_(const struct fl_permits *permits, uint32_t me, uint32_t n);

#endif
