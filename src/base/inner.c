/*
 * base/inner.c - the slow paths of the small lock in base/inner.h.
 *
 * It spins first, briefly and only where another processor can let it go: sections are so short that sleeping costs
 * more.
 */
#include "base/inner.h"

#include "base/spin.h"
#include "base/word.h"

#define SPINS 100

void fl_inner_acquire_slow_(struct fl_inner *inner)
{
	int i;

	if (fl_spin_processors_() > 1)
		for (i = 0; i < SPINS; i++) {
			uint32_t state = 0;

			fl_relax();
			/* [inner.1] acquire; pairs with [inner.2], [inner.4] */
			if (fl_load_relaxed(&inner->state) == 0 && fl_cas_acquire(&inner->state, &state, 1))
				return;
		}
	/* [inner.3] acquire; pairs with [inner.2], [inner.4] */
	while (fl_exchange_acquire(&inner->state, 2) != 0)
		fl_word_wait_(&inner->state, 2, FL_FOREVER, FL_WORD_PRIVATE);
}

void fl_inner_release_slow_(struct fl_inner *inner)
{
	fl_word_wake_(&inner->state, 1, FL_WORD_PRIVATE);
}
