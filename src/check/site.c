/*
 * check/site.c - see site.h: a table by address, with room for all that the tests have.
 *
 * Who wakes somebody does so by way of functions that all who wake share, down to the one with the system call. Those
 * that are named as `through` say nothing: the site is the first frame outside of them.
 */
#include "site.h"

#include "trace.h"

static bool is_mutant(uint8_t kind, uintptr_t pc)
{
	const struct check_mutant *mutant = &memory->asked.mutant;

	for (uint32_t i = 0; i < mutant->n && kind == mutant->kind; i++) {
		if (mutant->pc[i] == pc)
			return true;
	}
	return false;
}

static struct check_site *add(struct check_site *site, uint8_t kind, uintptr_t pc)
{
	if (++memory->n_sites == CHECK_SITES)
		raw_die("more than %u sites", CHECK_SITES - 1);
	*site = (struct check_site){.pc = pc, .kind = kind, .mutant = is_mutant(kind, pc)};
	return site;
}

static struct check_site *find(uint8_t kind, uintptr_t pc)
{
	uint64_t i = ((pc ^ kind) * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
	struct check_site *site = &memory->sites[i % CHECK_SITES];

	while (site->pc != 0 && (site->pc != pc || site->kind != kind))
		site = &memory->sites[++i % CHECK_SITES];
	return site->pc != 0 ? site : add(site, kind, pc);
}

int site_order_noted(uint8_t kind, int order, uintptr_t pc)
{
	struct check_site *site = find(kind, pc);

	site->times++;
	site->order = (uint8_t)order;
	return site->mutant ? (int)memory->asked.mutant.becomes : order;
}

static bool is_through(uintptr_t pc)
{
	for (unsigned i = 0; i < CHECK_THROUGH; i++) {
		if (pc > memory->asked.mutant.through_from[i] && pc <= memory->asked.mutant.through_to[i])
			return true;
	}
	return false;
}

bool site_loses_noted(bool anybody, uintptr_t pc)
{
	const struct check_mutant *mutant = &memory->asked.mutant;
	struct check_place place;
	struct check_site *site;
	unsigned i = 0;

	if (mutant->n > 0 && mutant->kind != CHECK_SITE_WAKE)
		return false; /* to walk the stack takes microseconds */
	trace_place(&place, pc);
	while (is_through(place.pc[i]) && place.pc[i + 1] != 0)
		i++;
	site = find(CHECK_SITE_WAKE, place.pc[i]);
	site->times++;
	if (!site->mutant || !anybody)
		return false;
	return mutant->becomes == CHECK_LOSE_ALL || run->lost_wakes++ == 0;
}
