/*
 * watch/chain.c - chains that are not known yet, releases in another order, and timing.
 *
 * A seat's chains are in a hash table by parent, lock and site. What was found is moved to the front of its bucket,
 * where the quick way looks; the table grows with the chains. All of it is the seat's alone (notes.h, [N1]), but for
 * the chains' place in the notes, and the locks.
 *
 * A chain that is stale is said in the log once more: the thread has come to another segment of its life, or the
 * lock to another incarnation. What goes on from there was said of what was held before: so its children become
 * stale, and theirs when they are come to. In a new segment all that goes on from the locks held, and from none, is
 * stale.
 *
 * A lock in the middle is released by going back to its parent, and from there along the locks behind it again, which
 * are no acquisitions now: these chains are WATCH_MOVED, and keep the frames of the acquisitions. The call site is a
 * part of what they are found by, but not the way by which they came about: a thread that goes hand over hand around a
 * ring of locks comes to the chains where it was before.
 *
 * `busy` marks what is done here: a signal handler that interrupts it, or an allocation of the C library's in it, is
 * not watched; nor is a handler that interrupts an acquisition. So a release may come for what was never noted; it
 * is ignored then. A release of a lock that another thread has noted makes a new incarnation of it: where locks are
 * handed from thread to thread, what is held says nothing about who waits for whom.
 */
#include "chain.h"

#include "lock.h"
#include "memory.h"
#include "stack.h"
#include "thread.h"

#define TIMED_FIRST 16u
#define FIRST_BUCKETS 64u
#define MOVED_MOST 256u /* locks behind one that is released in the middle */

/* Finding. */

static uint64_t site_of(const struct watch_chain *chain)
{
	return fl_load_relaxed(&chain->site) & ~WATCH_STALE;
}

static struct watch_chain **bucket_of(const struct watch_chain *parent, uintptr_t lock, uint64_t site)
{
	return &watch_me_->buckets[watch_bucket(parent, lock, site) & watch_me_->mask];
}

static bool is(const struct watch_chain *chain, uintptr_t lock, uint64_t site)
{
	return chain->parent == watch_me_->top && chain->address == lock && site_of(chain) == site;
}

static struct watch_chain *look(uintptr_t lock, uint64_t site)
{
	struct watch_chain **bucket = bucket_of(watch_me_->top, lock, site), *chain, *before = NULL;

	for (chain = *bucket; chain && !is(chain, lock, site); chain = chain->next)
		before = chain;
	if (chain && before) {
		before->next = chain->next;
		chain->next = *bucket;
		*bucket = chain;
	}
	return chain;
}

static void put(struct watch_chain *chain)
{
	struct watch_chain **bucket = bucket_of(chain->parent, chain->address, site_of(chain));

	chain->next = *bucket;
	*bucket = chain;
}

/* Returns as many buckets, each with the empty chain, where its list ends. */
static struct watch_chain **make_buckets(uint32_t n, struct watch_chain *root)
{
	struct watch_chain **buckets = watch_private_(n * sizeof(struct watch_chain *));

	for (uint32_t i = 0; buckets && i < n; i++)
		buckets[i] = root;
	return buckets;
}

bool watch_furnish_(struct watch_seat *seat)
{
	uint32_t place = watch_take_(&watch_notes_->n_chains, WATCH_CHAINS);

	if (place == UINT32_MAX)
		return false;
	seat->root = &watch_notes_->chains[place];
	seat->mask = FIRST_BUCKETS - 1;
	seat->buckets = make_buckets(FIRST_BUCKETS, seat->root);
	return seat->buckets != NULL;
}

static void grow(struct watch_seat *me)
{
	uint32_t n = me->mask + 1;
	struct watch_chain **old = me->buckets, **buckets = make_buckets(4 * n, me->root), *chain, *next;

	if (!buckets)
		return; /* longer ways, that is all */
	me->buckets = buckets;
	me->mask = 4 * n - 1;
	for (uint32_t i = 0; i < n; i++)
		for (chain = old[i]; chain != me->root; chain = next) {
			next = chain->next;
			put(chain);
		}
}

/* Puts a chain among those of its lock. */
static void tie(struct watch_lock *lock, struct watch_chain *chain)
{
	struct watch_chain *first = fl_load_relaxed(&lock->chains);

	do
		chain->same_lock = first;
	/* [tie.1] release; pairs with [tie.2] */
	while (!fl_cas_release(&lock->chains, &first, chain));
}

static struct watch_chain *make(struct watch_seat *me, struct watch_lock *lock, uint64_t site, unsigned mode)
{
	uint32_t place = watch_take_(&watch_notes_->n_chains, WATCH_CHAINS);
	struct watch_chain *chain, *parent = watch_me_->top;

	if (place == UINT32_MAX)
		return NULL;
	chain = &watch_notes_->chains[place];
	chain->parent = parent;
	chain->lock = lock;
	chain->address = lock->address;
	chain->site = site | WATCH_STALE;
	chain->mode = (uint8_t)mode;
	chain->left = chain->due = 1;
	chain->seat = (uint16_t)(me - watch_notes_->seats);
	chain->incarnation = fl_load_relaxed(&lock->incarnation);
	chain->sibling = parent->children;
	parent->children = chain;
	tie(lock, chain);
	if (++me->n_chains > me->mask)
		grow(me);
	put(chain);
	return chain;
}

/* An earlier incarnation's chain may be taken if the command knows what was said of it ([N4]). */
static bool fits(struct watch_chain *chain)
{
	uint32_t incarnation = fl_load_relaxed(&chain->lock->incarnation);

	if (chain->incarnation == incarnation)
		return true;
	/* [log.5] acquire; pairs with [log.2] */
	if (chain->logged > fl_load_acquire(&watch_notes_->n_read))
		return false;
	fl_store_relaxed(&chain->incarnation, incarnation);
	return true;
}

static struct watch_chain *find_or_make(struct watch_seat *me, struct watch_lock *lock, unsigned mode,
					const void *where, bool *ret_made)
{
	uint64_t site = watch_site(where, mode);
	struct watch_chain *chain = look(lock->address, site);

	*ret_made = !chain || !fits(chain);
	return *ret_made ? make(me, lock, site, mode) : chain;
}

static void make_children_stale(const struct watch_chain *chain)
{
	for (struct watch_chain *child = chain->children; child; child = child->sibling)
		watch_stale_(child);
}

void watch_stale_(struct watch_chain *chain)
{
	fl_store_relaxed(&chain->site, fl_load_relaxed(&chain->site) | WATCH_STALE);
}

void watch_all_stale_(const struct watch_seat *me)
{
	const struct watch_chain *chain;

	for (chain = watch_held(me); chain->address != 0; chain = chain->parent)
		make_children_stale(chain);
	make_children_stale(me->root);
}

/* Returns whether a chain was stale; it is not now, and its children are. */
static bool refresh(struct watch_chain *chain)
{
	if (!(fl_load_relaxed(&chain->site) & WATCH_STALE))
		return false;
	fl_store_relaxed(&chain->site, site_of(chain));
	make_children_stale(chain);
	return true;
}

static struct watch_chain *find(struct watch_seat *me, const void *address, unsigned mode, enum watch_kind kind,
				const void *site)
{
	struct watch_lock *lock = watch_lock_(address, kind);
	struct watch_chain *chain;
	bool made;

	if (!lock)
		return NULL;
	chain = find_or_make(me, lock, mode, site, &made);
	if (!chain)
		return NULL;
	if (made)
		chain->n_frames = watch_stack_(chain->frames, WATCH_FRAMES, watch_address(chain->site));
	watch_lock_used_(lock, chain);
	if (refresh(chain))
		watch_log_(chain, me->segment);
	return chain;
}

struct watch_chain *watch_find_(const void *lock, unsigned mode, enum watch_kind kind, const void *site)
{
	struct watch_seat *me = watch_seat_();
	struct watch_chain *chain;

	if (!me || me->busy || ((uintptr_t)me->top & WATCH_GOING))
		return NULL;
	watch_begin(me);
	chain = find(me, lock, mode, kind, site);
	watch_end(me);
	return chain;
}

/* Timing. */

void watch_time_(struct watch_chain *chain)
{
	uint64_t distance = 1;

	if (chain->due >= TIMED_FIRST)
		distance = 64 + ((uint32_t)(chain->site ^ chain->due) * UINT32_C(0x9e3779b1) >> 26);
	fl_store_relaxed(&chain->due, chain->due + distance);
	fl_store_relaxed(&chain->left, distance);
	chain->since = watch_now();
}

static void end_timing(struct watch_chain *chain)
{
	int64_t held = watch_now() - chain->since;

	chain->since = 0;
	chain->timed++;
	chain->held += held;
	if (held > chain->held_most)
		chain->held_most = held;
}

/* Moving. */

/* Goes on from the top along a lock that is held already. */
static void move(struct watch_seat *me, struct watch_lock *lock, unsigned mode, const struct watch_chain *from,
		 const void *site)
{
	bool made;
	struct watch_chain *chain = find_or_make(me, lock, mode | WATCH_MOVED, site, &made);

	if (!chain)
		return;
	if (made && from) {
		chain->n_frames = from->n_frames;
		for (unsigned i = 0; i < from->n_frames; i++)
			chain->frames[i] = from->frames[i];
	} else if (made) {
		chain->frames[0] = watch_address(chain->site);
		chain->n_frames = 1;
	}
	refresh(chain);
	chain->since = from ? from->since : 0;
	fl_store_relaxed(&me->top, chain);
}

void watch_inherit_(const void *lock, unsigned mode, enum watch_kind kind, const void *site)
{
	struct watch_lock *noted = watch_lock_(lock, kind);

	if (noted)
		move(watch_me_, noted, mode & ~(unsigned)WATCH_MOVED, NULL, site);
}

static void leave_middle(struct watch_seat *me, struct watch_chain *chain)
{
	struct watch_chain *behind[MOVED_MOST], *each;
	unsigned n = 0;

	for (each = watch_me_->top; each != chain; each = each->parent)
		if (n < MOVED_MOST)
			behind[n++] = each;
	watch_back(me, chain);
	if (chain->since != 0)
		end_timing(chain);
	while (n > 0) {
		each = behind[--n];
		move(me, each->lock, each->mode & ~(unsigned)WATCH_MOVED, each, (const void *)each->frames[0]);
		each->since = 0;
	}
}

void watch_leave_(const void *lock)
{
	struct watch_seat *me = watch_seat_(); /* a forked child, perhaps, which held it */
	struct watch_chain *chain;

	if (!me || me->busy || ((uintptr_t)me->top & WATCH_GOING))
		return;
	chain = me->top;
	while (chain->address != 0 && chain->address != (uintptr_t)lock)
		chain = chain->parent;
	watch_begin(me);
	if (chain->address != 0)
		leave_middle(me, chain);
	else
		watch_lock_forget_(lock);
	watch_end(me);
}
