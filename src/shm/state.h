/*
 * shm/state.h - what describing an object needs: for state.c, which goes along them, and for those that know a kind.
 *
 * A kind is a row in the table of state.c, found by the name of the type, and a function that is called with what was
 * read of who waits, and fills in the rest. What it reads is others' memory: it is loaded by fl_load_relaxed, once,
 * and nothing outside of the object's own `size` bytes is looked at.
 */
#ifndef FL_SHM_STATE_H
#define FL_SHM_STATE_H

#include "base/lot.h"
#include <fairlead/state.h>

#define FL_STATE_HOLDERS FL_SEMAPHORE_HOLDERS_MAX /* of so many it is told at most */

/* An object that is looked at. */
struct fl_state_look {
	const struct fl_lot_view *view;
	const void *object; /* it begins at a multiple of 64 bytes, and has all of its bytes */
	uint64_t size;
	fl_state *state; /* to be filled in. It is damaged, with the row's kind and part, and all else empty */
	/* Of state.c: */
	struct fl_state_room *room;
	int64_t now;
};

/* A thread that has the object; a number of 0 is nobody. */
void fl_state_holder_(struct fl_state_look *look, uint32_t number, const char *role, uint32_t times);
/* All who wait for what is at `key`, in the order in which they came. */
void fl_state_waiters_(struct fl_state_look *look, const void *key, const char *role);
/* Who wait for anything that is within these bytes. */
void fl_state_waiters_within_(struct fl_state_look *look, const void *from, uint64_t size, const char *role);

/* ---- state_sync.c ---- */

void fl_state_lock_(struct fl_state_look *look);
void fl_state_rlock_(struct fl_state_look *look);
void fl_state_rwlock_(struct fl_state_look *look);
void fl_state_condition_(struct fl_state_look *look);
void fl_state_condition_lock_(struct fl_state_look *look);
void fl_state_semaphore_(struct fl_state_look *look);
void fl_state_holders_(struct fl_state_look *look);
void fl_state_event_(struct fl_state_look *look);
void fl_state_barrier_(struct fl_state_look *look);
void fl_state_once_(struct fl_state_look *look);
void fl_state_value_(struct fl_state_look *look);
void fl_state_array_(struct fl_state_look *look);
void fl_state_array_writing_(struct fl_state_look *look);

/* ---- state_queue.c ---- */

void fl_state_queue_(struct fl_state_look *look);

#endif
