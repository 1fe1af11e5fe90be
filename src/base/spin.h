/*
 * base/spin.h - adaptive spinning: looking again for a moment before going to sleep.
 *
 * Where the other side runs on another processor it answers in well under a microsecond, while being put to sleep and
 * woken costs tens of them; where there is one processor, the other side needs that to answer, and is offered it. So:
 *
 *     struct fl_spin spin;
 *     for (fl_spin_begin_(&spin, &object->fl_spin, deadline, FL_SPIN_HERE); fl_spin_again_(&spin);)
 *             if (it happened)
 *                     break;
 *     fl_spin_end_(&spin, it happened);
 *
 * fl_spin_again_ pauses, and returns false when it is time to sleep. How long it goes on is learned per object, in 16
 * bits: see base/spin.c.
 */
#ifndef FL_BASE_SPIN_H
#define FL_BASE_SPIN_H

#include "base/atomic.h"
#include <fairlead/time.h>

struct fl_spin {
	uint16_t *hint;
	uint32_t left;  /* looks until the clock is read next, or offers of the processor; 0: no more */
	bool tried;     /* it did spin */
	bool yields;    /* it offers the processor instead, */
	bool crowd;     /* to a crowd */
	bool elsewhere; /* who is waited for may be on another processor, though this thread may use only one */
	bool untaken;   /* the last offer */
	fl_time deadline;
	fl_time begun, limit; /* 0 until the clock is read for the first time */
};

/* Returns on how many processors the calling thread may run. Cheap: asks the kernel at most every 10 ms. */
uint32_t fl_spin_processors_(void);

/* Who is waited for. */
enum fl_spin_others {
	FL_SPIN_HERE,      /* threads of this process */
	FL_SPIN_CROWD,     /* the same, and more of them than there are processors wait for each other */
	FL_SPIN_ELSEWHERE, /* threads of other processes, too */
};

void fl_spin_begin_(struct fl_spin *spin, uint16_t *hint, fl_time deadline, enum fl_spin_others others);
bool fl_spin_again_(struct fl_spin *spin);
void fl_spin_end_(struct fl_spin *spin, bool happened);

#endif
