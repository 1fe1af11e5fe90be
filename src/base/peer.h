/*
 * base/peer.h - what base/lot.c, where peers wait, and base/peer.c, where they live, need of each other.
 */
#ifndef FL_BASE_PEER_H
#define FL_BASE_PEER_H

#include "base/lot.h"

/* The word in which the kernel says that the peer of that number has died, and what it holds while the peer lives;
 * NULL: it does not live. */
uint32_t *fl_peer_life_(const struct fl_lot_view *view, uint32_t number, uint32_t *ret_life);

/* How many places of keepers there are to look at. */
static inline uint32_t fl_peer_processes(const struct fl_lot_view *view)
{
	/* [peer.4] seq_cst; pairs with [peer.3] */
	uint32_t n = fl_load_seq_cst(&view->lot->n_processes);

	return n < FL_LOT_PROCESSES ? n : FL_LOT_PROCESSES;
}

/* By a thread that is about to sleep, or has the others look after a death: whether its own death is to wake one of
 * those who sleep on `alarm`. See [O6] in base/lot.c. */
void fl_peer_leave_alarm_(const struct fl_lot_mine *mine, bool leave);

/* After a death: finds new keepers for processes whose keeper is dead, and has all who wait look again. */
void fl_lot_look_(const struct fl_lot_view *view);

/* Has all who wait look again. */
void fl_lot_nudge_(const struct fl_lot_view *view);

#endif
