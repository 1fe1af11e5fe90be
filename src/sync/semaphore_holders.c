/*
 * sync/semaphore_holders.c - permits that know who has them, so that those of the dead come back.
 *
 * Behind such a semaphore there is a word for each permit: 0, or the number of the peer that has it (base/lot.h). A
 * compare and swap takes it, a store of 0 gives it back, and a permit whose holder does not live is there for whoever
 * comes: that one puts its own number there. So a permit is never lost and never there twice, and nothing has to be
 * mended when somebody dies.
 *
 * A thread begins to look at a permit that depends on its page, so that threads do not all try the same ones.
 *
 * What others write there may be nonsense: then permits are missing, or are there for all. How many there are is looked
 * at once in each call, and that they are memory is made sure of.
 *
 * Rejected: a count beside the words (it would have to be mended after a death in between); a bit for each permit and
 * the holders elsewhere (two steps for what is one).
 */
#include "base/lot.h"
#include "sync/semaphore_shared.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Memory within one of these is there if some of it is. */
#define PAGE 4096u

/* Whether all of `size` bytes at `from` are in the segment, and have memory. A segment that grows has addresses beyond
 * its end: to touch these would be the end of this process. */
static bool is_there(const struct fl_lot_view *view, const void *from, size_t size)
{
	uintptr_t at = (uintptr_t)from - (uintptr_t)view->from;
	struct stat about;

	if (at > view->size || size > view->size - at)
		return false;
	if ((at + size - 1) / PAGE == (at - 1) / PAGE)
		return true;
	return fstat(view->fd, &about) == 0 && at + size <= (uint64_t)about.st_size;
}

int fl_permits_find_(const fl_semaphore *semaphore, const struct fl_lot_view *view, struct fl_permits *ret_permits)
{
	uint32_t bound = fl_load_relaxed(&semaphore->fl_bound), n = bound - FL_SEMAPHORE_HOLDERS;

	*ret_permits = (struct fl_permits){0};
	if (bound <= FL_SEMAPHORE_HOLDERS)
		return 0;
	if (n > FL_SEMAPHORE_HOLDERS_MAX || !is_there(view, semaphore + 1, n * sizeof(uint32_t)))
		return -EPROTO;
	*ret_permits = (struct fl_permits){(uint32_t *)(uintptr_t)(semaphore + 1), n};
	return 0;
}

bool fl_permits_take_(const struct fl_permits *permits, uint32_t me)
{
	uint32_t at = (me & (FL_PEERS - 1)) % permits->n;

	for (uint32_t i = 0; i < permits->n; i++, at = at + 1 < permits->n ? at + 1 : 0) {
		/* [holders.1] seq_cst; pairs with [holders.2] */
		uint32_t holder = fl_load_seq_cst(&permits->words[at]);

		/* [holders.1] seq_cst; pairs with [holders.2] */
		if (holder == 0 && fl_cas_seq_cst(&permits->words[at], &holder, me))
			return true;
	}
	return false;
}

/* Counts one that was taken over; not further than there is room. */
static void count_inherited(fl_semaphore *semaphore)
{
	uint32_t value = fl_load_relaxed(&semaphore->fl_value);

	while ((value & FL_SEMAPHORE_PERMITS) != FL_SEMAPHORE_PERMITS &&
	       !fl_cas_relaxed(&semaphore->fl_value, &value, value + 1))
		;
}

bool fl_permits_inherit_(fl_semaphore *semaphore, const struct fl_permits *permits, const struct fl_lot_view *view,
			 uint32_t me)
{
	for (uint32_t i = 0; i < permits->n; i++) {
		/* [holders.1] seq_cst; pairs with [holders.2] */
		uint32_t holder = fl_load_seq_cst(&permits->words[i]);

		if (holder == 0 || fl_lot_alive_(view, holder))
			continue;
		/* [holders.1] seq_cst; pairs with [holders.2] */
		if (!fl_cas_seq_cst(&permits->words[i], &holder, me))
			continue;
		count_inherited(semaphore);
		return true;
	}
	return false;
}

uint32_t fl_permits_count_(const struct fl_permits *permits, const struct fl_lot_view *view)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < permits->n; i++) {
		/* [holders.1] seq_cst; pairs with [holders.2] */
		uint32_t holder = fl_load_seq_cst(&permits->words[i]);

		n += holder == 0 || !fl_lot_alive_(view, holder);
	}
	return n;
}

static uint32_t count_own(const struct fl_permits *permits, uint32_t me)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < permits->n; i++)
		n += fl_load_relaxed(&permits->words[i]) == me;
	return n;
}

int fl_permits_give_(const struct fl_permits *permits, uint32_t me, uint32_t n)
{
	uint32_t at = (me & (FL_PEERS - 1)) % permits->n;

	if (n > 1 && count_own(permits, me) < n)
		return -EPERM;
	for (uint32_t i = 0; i < permits->n && n > 0; i++, at = at + 1 < permits->n ? at + 1 : 0) {
		if (fl_load_relaxed(&permits->words[at]) != me)
			continue;
		/* [holders.2] seq_cst; pairs with [holders.1] */
		fl_store_seq_cst(&permits->words[at], 0);
		n--;
	}
	return n == 0 ? 0 : -EPERM;
}

int fl_semaphore_init_shared_holders(fl_semaphore *semaphore, uint32_t permits)
{
	if (permits == 0 || permits > FL_SEMAPHORE_HOLDERS_MAX)
		return -EINVAL;
	*semaphore = (fl_semaphore){.fl_bound = FL_SEMAPHORE_HOLDERS + permits, .fl_guess = FL_SEMAPHORE_WAITERS};
	memset(semaphore + 1, 0, permits * sizeof(uint32_t));
	return 0;
}

uint32_t fl_semaphore_recovered(const fl_semaphore *semaphore)
{
	return fl_semaphore_has_holders(semaphore) ? fl_load_relaxed(&semaphore->fl_value) & FL_SEMAPHORE_PERMITS : 0;
}
