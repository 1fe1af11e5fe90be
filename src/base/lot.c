/*
 * base/lot.c - waiting in memory that processes share, without a queue.
 *
 * A peer's `state` is a status, in bits 0-2; ASLEEP, bit 3; and, from bit 4 on, a count that goes up each time that the
 * peer says that it waits. The thread itself says IDLE and WAITING; others turn, by a compare and swap,
 *
 *     WAITING  the thread waits for `key`
 *     MOVED    from WAITING: it waits for `then` now
 *     NUDGED   from WAITING or MOVED: there is something new, it is to look again
 *     WOKEN    from WAITING or MOVED: it has been chosen by who had something to give
 *
 * and then wake the word if it is ASLEEP. That the thread itself says, by a compare and swap, before it goes to sleep;
 * it stays until the thread says IDLE. The count makes sure that it is still the same wait whose key has been read.
 *
 * Who wakes looks at the set bits of `waiting`, and in the pages there for the lowest turn among those who wait for the
 * object, and live. With a thousand peers that is some work; but sleeping and being woken is far more, and nothing has
 * to be mended when anybody dies in the middle of it. Who wakes all of them asks for nobody's turn, and goes through
 * the pages once.
 *
 * Invariants:
 *   [O1] A page's bit in `waiting` is set before its state becomes WAITING, and cleared after it is IDLE. A bit without
 *        a wait is no harm, and is cleared with the page's next peer.
 *   [O2] `key`, `then` and `turn` are stored before the state becomes WAITING, and do not change while it is WAITING or
 *        MOVED with that count. So whoever swaps it, has read what belongs to it.
 *   [O3] Of "the state becomes WAITING, then the object is looked at" and "the object is changed, then the states are
 *        looked at" one at least sees the other: all four are seq_cst.
 *   [O4] A thread goes to sleep with the lives of all keepers that there are after its state became WAITING. Keepers
 *        change before all are nudged. So it sleeps on all that matter, or does not sleep. [E4]
 *   [O5] `key` and `then` are 0 before a wait's end looks at the object a last time: so who changes the object and then
 *        still finds it there is seen by that look (fl_lot_waits_).
 *   [O6] Whoever is woken by a death has everybody look (fl_lot_look_). If he dies before he has, the kernel wakes
 *        another one: each sleeps on `alarm`, too, a word that is always 0; and while he sleeps, and until everybody
 *        looks, it is what he tells the kernel that he is about to unlock. When a thread dies at that, and the word is
 *        0, one who sleeps on it is woken. If that one is dying as well, his own end is the next alarm; and the last
 *        one of those who die at once finds only living ones asleep.
 *   [O7] Who wakes all who wait for an object looks at each page once, after the object has changed. Whose page did not
 *        say then that it waits for it, or has changed before it could be turned, looks at the object after that [O3],
 *        or has been turned by somebody else.
 *   [O8] A thread goes to sleep only if its state is as it has left it, with ASLEEP. So who turns one without ASLEEP
 *        need not wake it: the thread sees that at the latest when it says ASLEEP. Who turns one with ASLEEP wakes the
 *        word; and if he dies before, who nudges finds ASLEEP still there, and wakes it.
 *   [O9] A thread that is stopped while it is asleep does not sleep on any word, and says ASLEEP. So who is to wake
 *        one, and wakes nobody by that, turns the next one, too. The one that was turned looks when it goes on: one too
 *        many may look, and none too few.
 *
 * What is never lost. Somebody changes an object and dies before he wakes anybody; somebody is woken and dies before he
 * makes use of it: both are deaths, after which everybody looks.
 *
 * What others may do to us. They may write anything to any page: then threads wait that should not, or look in vain.
 * Slots and bits are bounded by the number of pages, and nothing in a page is an address.
 */
#define _GNU_SOURCE
#include "base/lot.h"

#include "base/peer.h"
#include "base/spin.h"
#include "base/word.h"
#include <errno.h>
#include <time.h>

#define IDLE 0u
#define WAITING 1u
#define MOVED 2u
#define NUDGED 3u
#define WOKEN 4u
#define STATUS 7u
#define ASLEEP 8u
#define COUNT (~(STATUS | ASLEEP))
#define COUNT_ONE 16u

uint32_t fl_lot_idle_(uint32_t state)
{
	return (state & COUNT) + IDLE;
}

static uint64_t offset_of(const struct fl_lot_view *view, const void *object)
{
	return (uint64_t)((uintptr_t)object - (uintptr_t)view->from);
}

static uint32_t slot_of(const struct fl_lot_wait *wait)
{
	return wait->mine->number & (FL_PEERS - 1);
}

/* Waiting. */

/* For people to read, so some milliseconds do not matter, and it is the clock that costs least. */
static int64_t roughly_now(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return FL_SECONDS(now.tv_sec) + now.tv_nsec;
}

void fl_lot_wait_begin_(struct fl_lot_wait *wait, struct fl_lot_mine *mine, const void *object, const void *then)
{
	const struct fl_lot_view *view = mine->view;

	*wait = (struct fl_lot_wait){
		.mine = mine,
		.key = offset_of(view, object),
		.then = then ? offset_of(view, then) : 0,
		.turn = fl_add_relaxed(&view->lot->turns, 1),
	};
	fl_store_relaxed(&mine->peer->since, roughly_now());
	fl_or_relaxed(&view->lot->waiting[slot_of(wait) / 64], UINT64_C(1) << slot_of(wait) % 64);
}

void fl_lot_wait_(struct fl_lot_wait *wait)
{
	struct fl_peer *peer = wait->mine->peer;
	uint32_t count = fl_load_relaxed(&peer->state) & COUNT;

	fl_store_relaxed(&peer->state, count + IDLE);
	fl_store_relaxed(&peer->key, wait->key);
	fl_store_relaxed(&peer->then, wait->then);
	fl_store_relaxed(&peer->turn, wait->turn);
	/* [lot.1] seq_cst; pairs with [lot.2], [lot.3] */
	fl_store_seq_cst(&peer->state, count + COUNT_ONE + WAITING);
}

enum fl_lot_news fl_lot_unwait_(struct fl_lot_wait *wait)
{
	struct fl_peer *peer = wait->mine->peer;
	uint32_t state = fl_load_relaxed(&peer->state);

	/* [lot.4] acquire; pairs with [lot.3] */
	while (!fl_cas_acquire(&peer->state, &state, (state & COUNT) + IDLE))
		;
	switch (state & STATUS) {
	case NUDGED:
		return FL_LOT_LOOK;
	case MOVED:
		return FL_LOT_MOVED;
	case WOKEN:
		return FL_LOT_WOKEN;
	default:
		return FL_LOT_NOTHING;
	}
}

enum fl_lot_news fl_lot_wait_end_(struct fl_lot_wait *wait)
{
	enum fl_lot_news news = fl_lot_unwait_(wait);

	/* [lot.5] seq_cst; pairs with [lot.6] */
	fl_store_seq_cst(&wait->mine->peer->key, 0);
	/* [lot.5] seq_cst; pairs with [lot.6] */
	fl_store_seq_cst(&wait->mine->peer->then, 0);
	fl_and_relaxed(&wait->mine->view->lot->waiting[slot_of(wait) / 64], ~(UINT64_C(1) << slot_of(wait) % 64));
	return news;
}

/* Whether nobody has told it to look. */
static bool waits(uint32_t state)
{
	return (state & STATUS) == WAITING || (state & STATUS) == MOVED;
}

bool fl_lot_spin_(struct fl_lot_wait *wait, fl_time deadline)
{
	const struct fl_peer *peer = wait->mine->peer;
	struct fl_spin spin;
	bool turned = false;

	for (fl_spin_begin_(&spin, &wait->mine->spin, deadline, FL_SPIN_ELSEWHERE); !turned && fl_spin_again_(&spin);)
		turned = !waits(fl_load_relaxed(&peer->state));
	fl_spin_end_(&spin, turned);
	return turned;
}

/* Adds the lives of all keepers but this process's own. Returns false if one of them is dead. */
static bool add_keepers(const struct fl_lot_view *view, struct fl_word_case *words, unsigned *n)
{
	uint32_t n_processes = fl_peer_processes(view);

	for (uint32_t process = 0; process < n_processes; process++) {
		/* [peer.4] seq_cst; pairs with [peer.3] */
		uint32_t keeper = fl_load_seq_cst(&view->lot->keepers[process]), life = 0, *word;

		if (keeper == 0 || process == view->process)
			continue;
		word = fl_peer_life_(view, keeper, &life);
		if (!word)
			return false;
		words[(*n)++] = (struct fl_word_case){word, life, FL_WORD_SHARED};
	}
	return true;
}

static int sleep_on(struct fl_lot_wait *wait, fl_time deadline)
{
	const struct fl_lot_view *view = wait->mine->view;
	struct fl_peer *peer = wait->mine->peer;
	struct fl_word_case words[FL_LOT_PROCESSES + 3];
	unsigned n, own;
	uint32_t state;
	int result;

	/* [lot.4] acquire; pairs with [lot.3] */
	while (waits(state = fl_load_acquire(&peer->state))) {
		if (!(state & ASLEEP) && !fl_cas_relaxed(&peer->state, &state, state | ASLEEP))
			continue; /* [O8] */
		n = 0;
		words[n++] = (struct fl_word_case){&peer->state, state | ASLEEP, FL_WORD_SHARED};
		if (wait->also)
			words[n++] = (struct fl_word_case){wait->also, wait->also_value, FL_WORD_PRIVATE};
		own = n;
		words[n++] =
			(struct fl_word_case){&view->lot->alarm, fl_load_relaxed(&view->lot->alarm), FL_WORD_SHARED};
		if (!add_keepers(view, words, &n)) {
			fl_lot_look_(view);
			continue;
		}
		result = fl_word_wait_any_(words, n, deadline);
		if (result >= (int)own)
			fl_lot_look_(view);
		else if (result == -ETIMEDOUT || result == -ENOSYS)
			return result;
		if (wait->also && fl_load_relaxed(wait->also) != wait->also_value)
			break;
	}
	return 0;
}

int fl_lot_sleep_(struct fl_lot_wait *wait, fl_time deadline)
{
	int result;

	fl_peer_leave_alarm_(wait->mine, true); /* [O6] */
	result = sleep_on(wait, deadline);
	fl_peer_leave_alarm_(wait->mine, false);
	return result;
}

/* Waking. */

/* Wakes the page's thread if it is asleep, as its state was. Returns whether it hears that: who says that he is asleep,
 * and is not, is stopped, or just about to fall asleep or to wake up. [O9] */
static bool wake_page(struct fl_peer *page, uint32_t state)
{
	return !(state & ASLEEP) || fl_word_wake_(&page->state, 1, FL_WORD_SHARED) > 0;
}

/* What has become of a page that was to be turned. */
enum turned {
	CHANGED, /* it does not wait any more, or not as it did */
	UNHEARD, /* it is turned, and perhaps stopped */
	TURNED,
};

/* Turns the state of a page that waits, and wakes it if it is to look. */
static enum turned turn(struct fl_peer *page, uint32_t state, uint32_t status)
{
	uint32_t now = state;

	/* [lot.3] seq_cst; pairs with [lot.1], [lot.4] */
	while (!fl_cas_seq_cst(&page->state, &now, (now & ~STATUS) | status))
		if (now != (state | ASLEEP))
			return CHANGED;
	return status == MOVED || wake_page(page, now) ? TURNED : UNHEARD;
}

/* Has it look, if it waits; also wakes one that is turned already, by somebody who may have died before he could.
 * Returns false if it was turned by this call, and does not hear it. */
static bool nudge(struct fl_peer *page)
{
	/* [lot.2] seq_cst; pairs with [lot.1] */
	uint32_t state = fl_load_seq_cst(&page->state);

	/* [lot.3] seq_cst; pairs with [lot.1], [lot.4] */
	while (waits(state) && !fl_cas_seq_cst(&page->state, &state, (state & ~STATUS) | NUDGED))
		;
	return wake_page(page, state) || !waits(state);
}

static bool alive_in(const struct fl_lot_view *view, uint32_t slot)
{
	uint32_t number = fl_load_relaxed(&view->peers[slot].number);

	return (number & (FL_PEERS - 1)) == slot && fl_lot_alive_(view, number);
}

/* The next page from `slot` on whose bit is set; FL_PEERS: there is none. */
static uint32_t next_waiting(const struct fl_lot_view *view, uint32_t slot)
{
	uint32_t n = fl_load_relaxed(&view->lot->n_peers);

	while (slot < FL_PEERS && slot < n) {
		/* [lot.2] seq_cst; pairs with [lot.1] */
		uint64_t bits = fl_load_seq_cst(&view->lot->waiting[slot / 64]) >> slot % 64;

		if (bits != 0) {
			slot += (uint32_t)__builtin_ctzll(bits);
			return slot < n ? slot : FL_PEERS;
		}
		slot = (slot / 64 + 1) * 64;
	}
	return FL_PEERS;
}

/* Whether that page's thread waits for `key`. */
static bool waits_for(const struct fl_peer *page, uint64_t key, uint32_t *ret_state)
{
	/* [lot.2] seq_cst; pairs with [lot.1] */
	*ret_state = fl_load_seq_cst(&page->state);
	switch (*ret_state & STATUS) {
	case WAITING:
		return fl_load_relaxed(&page->key) == key;
	case MOVED:
		return fl_load_relaxed(&page->then) == key;
	default:
		return false;
	}
}

/* The page of who waits longest for `key`. */
static struct fl_peer *find_first(const struct fl_lot_view *view, uint64_t key, uint32_t *ret_state)
{
	struct fl_peer *best = NULL;
	uint64_t best_turn = 0;

	for (uint32_t slot = next_waiting(view, 0); slot < FL_PEERS; slot = next_waiting(view, slot + 1)) {
		struct fl_peer *page = &view->peers[slot];
		uint64_t turn = fl_load_relaxed(&page->turn);
		uint32_t state;

		if (!waits_for(page, key, &state) || (best && turn >= best_turn) || !alive_in(view, slot))
			continue;
		best = page;
		best_turn = turn;
		*ret_state = state;
	}
	return best;
}

/* Gives the first one who waits for the key, and hears it, that status. Returns false if nobody does. */
static bool turn_first(const struct fl_lot_view *view, uint64_t key, uint32_t status)
{
	struct fl_peer *page;
	uint32_t state = 0;

	do
		page = find_first(view, key, &state);
	while (page && turn(page, state, status) != TURNED);
	return page != NULL;
}

/* The same for all who wait for it. [O7] */
static uint32_t turn_all(const struct fl_lot_view *view, uint64_t key, uint32_t status)
{
	uint32_t turned = 0, state;

	for (uint32_t slot = next_waiting(view, 0); slot < FL_PEERS; slot = next_waiting(view, slot + 1))
		if (waits_for(&view->peers[slot], key, &state) && alive_in(view, slot) &&
		    turn(&view->peers[slot], state, status) != CHANGED)
			turned++;
	return turned;
}

static uint32_t turn_some(const struct fl_lot_view *view, const void *object, uint32_t n, uint32_t status)
{
	uint64_t key = offset_of(view, object);
	uint32_t turned = 0;

	if (n >= FL_PEERS)
		return turn_all(view, key, status);
	while (turned < n && turn_first(view, key, status))
		turned++;
	return turned;
}

uint32_t fl_lot_wake_(const struct fl_lot_view *view, const void *object, uint32_t n)
{
	return turn_some(view, object, n, WOKEN);
}

uint32_t fl_lot_move_(const struct fl_lot_view *view, const void *object, uint32_t n)
{
	return turn_some(view, object, n, MOVED);
}

uint32_t fl_lot_first_(const struct fl_lot_view *view, const void *object)
{
	uint32_t state = 0;
	const struct fl_peer *page = find_first(view, offset_of(view, object), &state);

	return page ? fl_load_relaxed(&page->number) : 0;
}

bool fl_lot_waits_(const struct fl_lot_view *view, uint32_t number, const void *object)
{
	uint32_t slot = number & (FL_PEERS - 1);
	uint64_t key = offset_of(view, object);

	if (!fl_lot_alive_(view, number))
		return false;
	/* [lot.6] seq_cst; pairs with [lot.5] */
	if (fl_load_seq_cst(&view->peers[slot].key) == key)
		return true;
	/* [lot.6] seq_cst; pairs with [lot.5] */
	return fl_load_seq_cst(&view->peers[slot].then) == key;
}

bool fl_lot_rouse_(const struct fl_lot_view *view, uint32_t number)
{
	uint32_t slot = number & (FL_PEERS - 1);

	return slot < fl_load_relaxed(&view->lot->n_peers) && nudge(&view->peers[slot]);
}

void fl_lot_nudge_(const struct fl_lot_view *view)
{
	for (uint32_t slot = next_waiting(view, 0); slot < FL_PEERS; slot = next_waiting(view, slot + 1))
		(void)nudge(&view->peers[slot]);
}

/* Looking. */

/* What that page's thread waits for: from the first time that it says so to the wait's end its `key` is not 0, also
 * while it looks at the object again. */
static bool see_wait(const struct fl_peer *page, struct fl_lot_waiter *ret_waiter)
{
	uint64_t key = fl_load_relaxed(&page->key), then = fl_load_relaxed(&page->then);

	*ret_waiter = (struct fl_lot_waiter){
		.number = fl_load_relaxed(&page->number),
		.key = (fl_load_relaxed(&page->state) & STATUS) == MOVED ? then : key,
		.turn = fl_load_relaxed(&page->turn),
		.since = fl_load_relaxed(&page->since),
	};
	return key != 0;
}

uint32_t fl_lot_waiters_(const struct fl_lot_view *view, struct fl_lot_waiter *ret_waiters)
{
	uint32_t n = 0;

	for (uint32_t slot = next_waiting(view, 0); slot < FL_PEERS; slot = next_waiting(view, slot + 1))
		if (see_wait(&view->peers[slot], &ret_waiters[n]) && alive_in(view, slot))
			n++;
	return n;
}
