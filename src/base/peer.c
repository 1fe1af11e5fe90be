/*
 * base/peer.c - the pages of the threads that use shared objects, and how the kernel says that one has died.
 *
 * Life. The kernel keeps for each thread a list of words in its memory, the robust list. When the thread ends, however
 * it ends, the kernel goes through it, marks each word that holds the thread's id with OWNER_DIED, and wakes one of
 * those who sleep on it. A peer has one word in that list, `life` in its page: the thread's id, and always the bit that
 * says that somebody sleeps.
 *
 *     a peer lives if its page has its number, and a life that is not 0 and not OWNER_DIED
 *
 * What links a word into the list must not be shared (base/robust.c). So a thread maps its page a second time, with a
 * private page right behind it: `life` is at the end of the shared one, and the link in the private one.
 *
 * Keepers. Nobody can sleep on the lives of a thousand peers. Threads die by themselves only when their process does,
 * and then all of them; a thread that ends as it should says so. So of each process one living peer is the *keeper*,
 * and who sleeps, sleeps on the lives of all keepers but its own process's (base/lot.c).
 *
 * Invariants:
 *   [E1] A page changes hands under the view's lock (`enter`), and only if its peer does not live and the word `life`
 *        is no living thread's: a thread that has closed the segment, but has not ended, keeps its page.
 *   [E2] A new peer's page has life before it has the number; and before that it has no number. So at no time is the
 *        number of a dead one that of a living one, until 2^19 peers have had that page.
 *   [E3] Each process with a living peer has a living keeper, or one that has died and whose death wakes somebody, or
 *        somebody who was woken is on the way (fl_lot_look_): to a new keeper, or to none. A peer that can be seen
 *        before it is known that there is a keeper has somebody woken if it dies until then.
 *   [E4] Who changes a keeper has all who sleep look again after it, and who goes to sleep reads the keepers after it
 *        has said that it waits: so nobody sleeps with an old one.
 *   [E5] A process is found to have no living peer only if there was a moment at which it had none: its pages are
 *        looked at again if anybody has come meanwhile, who may have come to one that had been passed before another
 *        ended.
 *
 * What it cannot do. A thread that leaves by the bare system call exit, while its process lives, is seen to be dead by
 * who looks, but nobody is woken. When another thread than the first one of its process runs another program (exec),
 * the kernel gives it the first one's id before it goes through the list, and marks nothing: that this peer is dead is
 * only known when the next process attaches in that one's place (bury_former). A process that dumps its memory lives
 * until that is done. Of a machine that dies, nothing is left.
 *
 * Rejected: a lock per process on the segment's file (it tells whether a process lives, and wakes nobody); pidfds (each
 * process would have to be sent those of all others); a thread that watches (one more in each process, and it has to be
 * there after a fork); time-outs (a wait that polls).
 */
#define _GNU_SOURCE
#include "base/peer.h"

#include "base/fork.h"
#include "base/inner.h"
#include "base/robust.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

__thread struct fl_lot_tls fl_lot_tls_ __attribute__((tls_model("initial-exec")));

static struct fl_inner table; /* over the views and the lists of `mine` */
static struct fl_lot_view *views;
static pthread_key_t end_key;
static bool have_key;

/* Lives. */

static bool lives(uint32_t life)
{
	return (life & FUTEX_TID_MASK) != 0 && (life & FUTEX_OWNER_DIED) == 0;
}

/* The page of a number, if there can be one. */
static struct fl_peer *page_of(const struct fl_lot_view *view, uint32_t number)
{
	uint32_t slot = number & (FL_PEERS - 1), n = fl_load_relaxed(&view->lot->n_peers);

	return number != 0 && slot < n ? &view->peers[slot] : NULL;
}

/* If the life that is seen is already that of the page's next peer, the number is not the one asked for any more: that
 * was taken away before. [E2] */
uint32_t *fl_peer_life_(const struct fl_lot_view *view, uint32_t number, uint32_t *ret_life)
{
	struct fl_peer *page = page_of(view, number);

	if (!page)
		return NULL;
	/* [peer.1] acquire; pairs with [peer.2] */
	*ret_life = fl_load_acquire(&page->life);
	/* [peer.8] acquire; pairs with [peer.7] */
	return lives(*ret_life) && fl_load_acquire(&page->number) == number ? &page->life : NULL;
}

bool fl_lot_alive_(const struct fl_lot_view *view, uint32_t number)
{
	uint32_t life;

	return fl_peer_life_(view, number, &life) != NULL;
}

void fl_lot_about_(const struct fl_lot_view *view, uint32_t number, struct fl_lot_about *ret_about)
{
	const struct fl_peer *page = page_of(view, number);

	memset(ret_about, 0, sizeof(*ret_about));
	if (!page || fl_load_relaxed(&page->number) != number)
		return;
	ret_about->pid = fl_load_relaxed(&page->pid);
	ret_about->tid = fl_load_relaxed(&page->tid);
	memcpy(ret_about->name, page->name, sizeof(ret_about->name) - 1);
}

void fl_peer_leave_alarm_(const struct fl_lot_mine *mine, bool leave)
{
	fl_robust_wake_(mine->robust, leave ? &mine->view->lot->alarm : NULL);
}

/* Whether the page is that of a living peer of that process: it is if it has the same peer before and after. */
static bool lives_for(const struct fl_lot_view *view, uint32_t slot, uint64_t process_id, uint32_t *ret_number)
{
	/* [peer.8] acquire; pairs with [peer.7] */
	*ret_number = fl_load_acquire(&view->peers[slot].number);
	if ((*ret_number & (FL_PEERS - 1)) != slot || !fl_lot_alive_(view, *ret_number))
		return false;
	/* [peer.1] acquire; pairs with [peer.2] */
	return fl_load_acquire(&view->peers[slot].process_id) == process_id && fl_lot_alive_(view, *ret_number);
}

uint32_t fl_lot_living_(const struct fl_lot_view *view, uint64_t process_id)
{
	uint32_t settled, n, number = 0;

	do {
		/* [peer.10] acquire; pairs with [peer.9] */
		settled = fl_load_acquire(&view->lot->settled);
		n = fl_load_relaxed(&view->lot->n_peers);
		for (uint32_t slot = 0; slot < n && slot < FL_PEERS; slot++)
			if (lives_for(view, slot, process_id, &number))
				return number;
	} while (fl_load_relaxed(&view->lot->settled) != settled);
	return 0;
}

/* Keepers. */

/* A living peer of that process, other than `except`; 0: there is none. */
static uint32_t another(const struct fl_lot_view *view, uint32_t process, uint32_t except)
{
	uint32_t n = fl_load_relaxed(&view->lot->n_peers);

	for (uint32_t slot = 0; slot < n && slot < FL_PEERS; slot++) {
		/* [peer.5] seq_cst; pairs with [peer.6] */
		uint32_t number = fl_load_seq_cst(&view->peers[slot].number);

		if (number != except && fl_load_relaxed(&view->peers[slot].process) == process &&
		    (number & (FL_PEERS - 1)) == slot && fl_lot_alive_(view, number))
			return number;
	}
	return 0;
}

void fl_lot_look_(const struct fl_lot_view *view)
{
	uint32_t n_processes = fl_peer_processes(view);

	for (uint32_t process = 0; process < n_processes; process++) {
		uint32_t keeper = fl_load_relaxed(&view->lot->keepers[process]);

		if (keeper != 0 && !fl_lot_alive_(view, keeper))
			/* [peer.3] seq_cst; pairs with [peer.4] */
			fl_cas_seq_cst(&view->lot->keepers[process], &keeper, another(view, process, keeper));
	}
	fl_lot_nudge_(view);
}

/* Pages. */

static int map_page(const struct fl_lot_view *view, uint32_t slot, struct fl_peer **ret_peer)
{
	void *at = mmap(NULL, 2 * FL_PEER_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return -ENOMEM;
	if (mmap(at, FL_PEER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, view->fd,
		 view->peers_at + (off_t)slot * FL_PEER_SIZE) == MAP_FAILED) {
		munmap(at, 2 * FL_PEER_SIZE);
		return -ENOMEM;
	}
	*ret_peer = at;
	return 0;
}

/* Under the view's lock: a page that may be taken. One that a peer left as it should is taken rather than one of a dead
 * peer, which still tells who that was. */
static int find_page(const struct fl_lot_view *view, uint32_t *ret_slot)
{
	uint32_t n = fl_load_relaxed(&view->lot->n_peers), dead = FL_PEERS;
	int error;

	for (uint32_t slot = 0; slot < n && slot < FL_PEERS; slot++) {
		if (lives(fl_load_relaxed(&view->peers[slot].life)))
			continue;
		if (fl_load_relaxed(&view->peers[slot].number) == 0) {
			*ret_slot = slot;
			return 0;
		}
		if (dead == FL_PEERS)
			dead = slot;
	}
	*ret_slot = dead;
	if (dead < FL_PEERS && n >= 64)
		return 0;
	if (n >= FL_PEERS)
		return dead < FL_PEERS ? 0 : -EUSERS;
	do
		error = posix_fallocate(view->fd, view->peers_at + (off_t)n * FL_PEER_SIZE, FL_PEER_SIZE);
	while (error == EINTR);
	if (error != 0)
		return dead < FL_PEERS ? 0 : error == EFBIG ? -ENOSPC : -error;
	*ret_slot = n;
	fl_store_relaxed(&view->lot->n_peers, n + 1);
	return 0;
}

/* What a page keeps in `died`: in bits 0-44, the newest one in bit 0, whether its last peers were dead when their page
 * was taken, and above them the generation of the newest. */
#define DIED 45u
#define GENERATIONS (FL_PEER_MASK >> FL_PEER_BITS)

/* Under the view's lock, before the number of a page's last peer is taken away. */
static void keep_death(struct fl_peer *peer)
{
	uint32_t last = fl_load_relaxed(&peer->last) >> FL_PEER_BITS;
	uint64_t died = fl_load_relaxed(&peer->died), newest = died >> DIED;

	if (newest == last) /* by one that was killed at that */
		return;
	died = (died << 1 | (fl_load_relaxed(&peer->number) != 0)) & ((UINT64_C(1) << DIED) - 1);
	fl_store_relaxed(&peer->died, (uint64_t)last << DIED | died);
}

bool fl_lot_died_(const struct fl_lot_view *view, uint32_t number)
{
	const struct fl_peer *page = page_of(view, number);
	uint64_t died;
	uint32_t age;

	if (!page || fl_lot_alive_(view, number))
		return false;
	/* Only now: one that leaves as it should takes its number away before its life. [peer.8] acquire; pairs with
	 * [peer.7] */
	if (fl_load_acquire(&page->number) == number)
		return true;
	died = fl_load_relaxed(&page->died);
	age = ((uint32_t)(died >> DIED) - (number >> FL_PEER_BITS)) & GENERATIONS;
	return age < DIED && (died >> age & 1);
}

static uint32_t next_number(uint32_t last, uint32_t slot)
{
	uint32_t number = ((last >> FL_PEER_BITS) + 1) << FL_PEER_BITS | slot;

	number &= FL_PEER_MASK;
	/* All ones is no number: objects use it to say something else. */
	return number >> FL_PEER_BITS != 0 && number != FL_PEER_MASK ? number : 1u << FL_PEER_BITS | slot;
}

/* Under the view's lock: what is left of the process that had this one's place before, and has not got it any more, is
 * dead, whatever its pages say: see exec, above. */
static void bury_former(const struct fl_lot_view *view)
{
	uint32_t n = fl_load_relaxed(&view->lot->n_peers);

	for (uint32_t slot = 0; slot < n && slot < FL_PEERS; slot++) {
		struct fl_peer *page = &view->peers[slot];

		if (fl_load_relaxed(&page->number) != 0 && fl_load_relaxed(&page->process) == view->process &&
		    fl_load_relaxed(&page->process_id) != view->process_id)
			fl_or_relaxed(&page->life, FUTEX_OWNER_DIED);
	}
}

/* Whether the process has one. If that one is about to end, and does not see the number that the caller has just
 * stored, then this sees that it ends. [E3] */
static bool is_kept(const struct fl_lot_view *view)
{
	uint32_t keeper = fl_load_relaxed(&view->lot->keepers[view->process]);
	const struct fl_peer *page = page_of(view, keeper);

	/* [peer.6] seq_cst; pairs with [peer.5] */
	return page && fl_load_seq_cst(&page->number) == keeper && fl_lot_alive_(view, keeper);
}

/* Under the view's lock: sees to it that this process has a keeper. [E3] */
static void keep(const struct fl_lot_view *view, uint32_t number)
{
	uint32_t *keeper = &view->lot->keepers[view->process];

	bury_former(view);
	if (is_kept(view))
		return;
	if (fl_load_relaxed(&view->lot->n_processes) <= view->process)
		/* [peer.3] seq_cst; pairs with [peer.4] */
		fl_store_seq_cst(&view->lot->n_processes, view->process + 1);
	/* [peer.3] seq_cst; pairs with [peer.4] */
	fl_store_seq_cst(keeper, number);
	fl_lot_nudge_(view);
}

/* Under the view's lock: makes the page this thread's. [E2] */
static int settle(struct fl_lot_view *view, struct fl_lot_mine *mine, uint32_t slot)
{
	struct fl_peer *peer = mine->peer;
	int32_t tid = (int32_t)syscall(SYS_gettid);

	mine->robust = fl_robust_find_(&peer->life, peer + 1, FL_PEER_SIZE);
	if (!mine->robust)
		return -ENOSYS;
	keep_death(peer);
	/* [peer.7] release; pairs with [peer.8] */
	fl_store_release(&peer->number, 0);
	fl_signal_fence();
	/* The count goes on: who is about to turn the state of the one before does not turn this one's. */
	fl_store_relaxed(&peer->state, fl_lot_idle_(fl_load_relaxed(&peer->state)));
	fl_store_relaxed(&peer->key, 0);
	fl_store_relaxed(&peer->then, 0);
	fl_and_relaxed(&view->lot->waiting[slot / 64], ~(UINT64_C(1) << slot % 64));
	mine->number = next_number(fl_load_relaxed(&peer->last), slot);
	fl_store_relaxed(&peer->last, mine->number);
	fl_store_relaxed(&peer->process, view->process);
	fl_store_relaxed(&peer->process_id, view->process_id);
	fl_store_relaxed(&peer->pid, getpid());
	fl_store_relaxed(&peer->tid, tid);
	prctl(PR_GET_NAME, peer->name);
	fl_robust_add_(mine->robust, &peer->life, (uint32_t)tid);
	fl_robust_wake_(mine->robust, &view->lot->alarm); /* until there is a keeper [E3] */
	/* [peer.5] seq_cst; pairs with [peer.6] */
	fl_store_seq_cst(&peer->number, mine->number);
	/* [peer.9] release; pairs with [peer.10] */
	fl_store_release(&view->lot->settled, fl_load_relaxed(&view->lot->settled) + 1);
	keep(view, mine->number);
	fl_robust_wake_(mine->robust, NULL);
	return 0;
}

/* Takes a page for the calling thread. */
static int claim(struct fl_lot_view *view, struct fl_lot_mine *mine)
{
	uint32_t slot = 0;
	int error = view->enter(view);

	if (error != 0)
		return error;
	error = view->process < FL_LOT_PROCESSES ? find_page(view, &slot) : -EUSERS;
	if (error == 0)
		error = map_page(view, slot, &mine->peer);
	if (error == 0) {
		error = settle(view, mine, slot);
		if (error != 0)
			munmap(mine->peer, 2 * FL_PEER_SIZE);
	}
	view->leave(view);
	return error;
}

/* The thread's page is nobody's from now on. Others may wait for what it holds. */
static void retire(struct fl_lot_mine *mine, struct fl_lot_view *view)
{
	uint32_t keeper = mine->number, process = fl_load_relaxed(&mine->peer->process);

	/* [peer.6] seq_cst; pairs with [peer.5] */
	fl_store_seq_cst(&mine->peer->number, 0);
	if (process < FL_LOT_PROCESSES && fl_load_relaxed(&view->lot->keepers[process]) == keeper)
		/* [peer.3] seq_cst; pairs with [peer.4] */
		fl_cas_seq_cst(&view->lot->keepers[process], &keeper, another(view, process, keeper));
	fl_lot_nudge_(view);
}

/* By its own thread. */
static void unmap_page(struct fl_lot_mine *mine)
{
	fl_robust_remove_(mine->robust, &mine->peer->life);
	munmap(mine->peer, 2 * FL_PEER_SIZE);
	free(mine);
}

/* Threads. */

static void part(struct fl_lot_mine *mine)
{
	struct fl_lot_mine **at = &mine->view->mine;

	while (*at != mine)
		at = &(*at)->next_of_view;
	*at = mine->next_of_view;
}

static void end_of_thread(void *first)
{
	struct fl_lot_mine *mine = first, *next;

	fl_inner_acquire(&table);
	fl_lot_tls_ = (struct fl_lot_tls){0};
	for (; mine; mine = next) {
		next = mine->next_of_thread;
		if (mine->view) {
			retire(mine, mine->view);
			part(mine);
		}
		unmap_page(mine);
	}
	fl_inner_release(&table);
}

/* Forgets the pages whose segment this process has closed. */
static void sweep(void)
{
	struct fl_lot_mine **at = &fl_lot_tls_.first, *mine;

	while ((mine = *at) != NULL) {
		if (mine->view) {
			at = &mine->next_of_thread;
			continue;
		}
		*at = mine->next_of_thread;
		unmap_page(mine);
	}
	if (have_key)
		pthread_setspecific(end_key, fl_lot_tls_.first);
}

static void use(struct fl_lot_mine *mine)
{
	fl_store_relaxed(&fl_lot_tls_.from, (uintptr_t)mine->view->from);
	fl_store_relaxed(&fl_lot_tls_.size, mine->view->size);
	fl_lot_tls_.number = mine->number;
	fl_lot_tls_.mine = mine;
}

static struct fl_lot_view *view_of(const void *object)
{
	struct fl_lot_view *view = views;

	while (view && (uintptr_t)object - (uintptr_t)view->from >= view->size)
		view = view->next;
	return view;
}

static struct fl_lot_mine *mine_in(const struct fl_lot_view *view)
{
	struct fl_lot_mine *mine = fl_lot_tls_.first;

	while (mine && mine->view != view)
		mine = mine->next_of_thread;
	return mine;
}

/* A thread's first use of the view. Its end is noticed by the destructor of a key; without that, what it leaves is as
 * what a dead one leaves. */
static int make_mine(struct fl_lot_view *view, struct fl_lot_mine **ret_mine)
{
	struct fl_lot_mine *mine = calloc(1, sizeof(*mine));
	int error;

	if (!mine)
		return -ENOMEM;
	error = claim(view, mine);
	if (error != 0) {
		free(mine);
		return error;
	}
	fl_inner_acquire(&table);
	mine->view = view;
	mine->tls = &fl_lot_tls_;
	mine->next_of_view = view->mine;
	view->mine = mine;
	mine->next_of_thread = fl_lot_tls_.first;
	fl_lot_tls_.first = mine;
	if (have_key)
		pthread_setspecific(end_key, mine);
	fl_inner_release(&table);
	*ret_mine = mine;
	return 0;
}

struct fl_lot_mine *fl_lot_mine_slow_(const void *object, int *ret_error)
{
	struct fl_lot_mine *mine = NULL;
	struct fl_lot_view *view;

	fl_inner_acquire(&table);
	sweep();
	view = view_of(object);
	mine = view ? mine_in(view) : NULL;
	fl_inner_release(&table);
	*ret_error = -EINVAL;
	if (view && !mine) {
		*ret_error = make_mine(view, &mine);
		if (*ret_error != 0)
			return NULL;
	}
	if (mine)
		use(mine);
	return mine;
}

/* Views. */

const struct fl_lot_view *fl_lot_view_(const void *object)
{
	const struct fl_lot_view *view;

	fl_inner_acquire(&table);
	view = view_of(object);
	fl_inner_release(&table);
	return view;
}

void fl_lot_open_(struct fl_lot_view *view)
{
	fl_inner_acquire(&table);
	if (!have_key && pthread_key_create(&end_key, end_of_thread) == 0)
		have_key = true;
	view->next = views;
	views = view;
	fl_inner_release(&table);
}

void fl_lot_close_(struct fl_lot_view *view)
{
	struct fl_lot_view **at = &views;

	fl_inner_acquire(&table);
	while (*at != view)
		at = &(*at)->next;
	*at = view->next;
	for (struct fl_lot_mine *mine = view->mine; mine; mine = mine->next_of_view) {
		retire(mine, view);
		mine->view = NULL;
		if (fl_load_relaxed(&mine->tls->from) == (uintptr_t)view->from)
			fl_store_relaxed(&mine->tls->size, 0);
	}
	fl_inner_release(&table);
}

/* A forked child has none of the parent's pages: its first call takes one of its own. Those of other threads stay
 * mapped, and do no harm. */
static void in_child(void)
{
	struct fl_lot_mine *mine, *next;

	table = (struct fl_inner){0};
	for (mine = fl_lot_tls_.first; mine; mine = next) {
		next = mine->next_of_thread;
		munmap(mine->peer, 2 * FL_PEER_SIZE);
	}
	fl_lot_tls_ = (struct fl_lot_tls){0};
	if (have_key)
		pthread_setspecific(end_key, NULL);
	for (struct fl_lot_view *view = views; view; view = view->next) {
		for (mine = view->mine; mine; mine = next) {
			next = mine->next_of_view;
			free(mine);
		}
		view->mine = NULL;
		view->process = FL_LOT_NOBODY;
	}
}

static __attribute__((constructor)) void begin(void)
{
	fl_fork_register_(in_child);
}
