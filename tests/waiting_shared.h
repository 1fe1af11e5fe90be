/*
 * waiting_shared.h - knowing that threads wait for an object that processes share, without sleeping.
 *
 * What waiting.h is for private ones. Here those who wait have said so in their pages of the segment (base/lot.h),
 * which all processes can read. From then on nothing that happens to the object is missed, whether they sleep already
 * or not.
 */
#ifndef FAIRLEAD_TESTS_WAITING_SHARED_H
#define FAIRLEAD_TESTS_WAITING_SHARED_H

#include "base/lot.h"
#include <check.h>
#include <sched.h>

/* Returns how many living threads wait for the object. */
static inline unsigned shared_waiting_for(const void *object)
{
	const struct fl_lot_view *view = fl_lot_view_(object);
	unsigned n = 0;

	ck_assert_ptr_nonnull(view);
	for (uint32_t slot = 0; slot < fl_load_relaxed(&view->lot->n_peers); slot++) {
		const struct fl_peer *page = &view->peers[slot];

		n += (fl_load_seq_cst(&page->state) & 7) == 1 &&
		     fl_load_relaxed(&page->key) == (uint64_t)((const char *)object - view->from) &&
		     fl_lot_alive_(view, fl_load_relaxed(&page->number));
	}
	return n;
}

/* Returns when exactly n threads wait for it. */
static inline void shared_waiting_await(const void *object, unsigned n)
{
	while (shared_waiting_for(object) != n)
		sched_yield();
}

#endif
