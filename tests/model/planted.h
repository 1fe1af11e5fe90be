/*
 * planted.h - mistakes on purpose, to show that the model finds them.
 */
#ifndef FL_MODEL_PLANTED_H
#define FL_MODEL_PLANTED_H

#include "engine.h"

enum model_mistake {
	MODEL_WEAKEN,       /* the operations with a tag count as relaxed */
	MODEL_LOSE_MARK,    /* an operation stores without the bits of `mask` */
	MODEL_LEAVE_OUT,    /* an operation does not happen, once */
	MODEL_LOSE_WAKE,    /* one wake-up of a sleeping waiter is lost */
	MODEL_LOSE_BARRIER, /* fl_quick_barrier_ does nothing */
};

struct model_planted {
	const char *scenario;
	enum model_mistake mistake;
	const char *
		where; /* a tag, "lock.3", or one in one function only, "lock.3 release_busy"; otherwise file, function,
			    * operation and what it touches: "sync/lock.c mark cas &lock->fl_word" */
	const char *what;
	uint32_t mask;
	const char *finding; /* how what the model says begins */
};

extern const struct model_planted model_planted[];

/* Plants it; returns whether the sources have such a place. */
bool model_plant(const struct model_planted *planted);
void model_unplant(void);

/* Writes what a site is called above; returns false if it is none of the sources. */
bool model_place_of(const struct model_site *site, char *ret_place, size_t size);

/* The tag that the sources give to a site, "lock.3", or "". */
const char *model_tag_of(const struct model_site *site);

#endif
