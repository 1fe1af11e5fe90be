/*
 * sync/rwlock.h - which locks the calling thread reads, and how often: what sync/rwlock.c and sync/rwlock_shared.c both
 * need.
 */
#ifndef FL_SYNC_RWLOCK_H
#define FL_SYNC_RWLOCK_H

#include "base/self.h"
#include <fairlead/rwlock.h>

static inline struct fl_read_hold *fl_read_find(const fl_rwlock *lock)
{
	struct fl_record *record = fl_tls_.record;
	uint32_t i = record ? record->n_reads : 0;

	while (i-- > 0)
		if (record->reads[i].lock == lock)
			return &record->reads[i];
	return NULL;
}

/* Makes sure that one more fits. Returns 0, -ENOMEM. */
int fl_read_reserve_(void);

static inline void fl_read_add(fl_rwlock *lock)
{
	struct fl_record *record = fl_tls_.record;

	record->reads[record->n_reads++] = (struct fl_read_hold){lock, 1};
}

static inline void fl_read_remove(struct fl_read_hold *hold)
{
	struct fl_record *record = fl_tls_.record;

	*hold = record->reads[--record->n_reads];
}

#endif
