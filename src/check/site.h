/*
 * check/site.h - sites: the places in a program's text that order memory or wake somebody, and the same with a mistake.
 *
 * A site is a return address and a kind. With `asked.mutant` the sites that the executions of a search come to are
 * written down in the memory that both sides know (result.h), with the order that they have; and those whose addresses
 * it names have another order, or wake nobody. So a test can show that what it tests needs each order
 * and each wake-up, without another version of its sources: a mutant of them is a list of return addresses.
 *
 * Only the project's own tests ask for it (tests/checked/mutant.c). All else pays for a look at a flag.
 */
#ifndef FAIRLEAD_CHECK_SITE_H
#define FAIRLEAD_CHECK_SITE_H

#include "run.h"

HIDDEN int site_order_noted(uint8_t kind, int order, uintptr_t pc);
HIDDEN bool site_loses_noted(bool anybody, uintptr_t pc);

/* Returns the order that the operation has. */
static inline int site_order(uint8_t kind, int order, uintptr_t pc)
{
	return UNLIKELY(memory->asked.mutant.sites != 0) ? site_order_noted(kind, order, pc) : order;
}

/* Somebody is about to be woken; `anybody`: somebody waits. Returns whether that is lost. */
static inline bool site_loses(bool anybody, uintptr_t pc)
{
	return UNLIKELY(memory->asked.mutant.sites != 0) && site_loses_noted(anybody, pc);
}

#endif
