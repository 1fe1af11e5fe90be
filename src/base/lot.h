/*
 * base/lot.h - how threads of several processes wait for each other, and learn that one has died.
 *
 * In memory that processes share there can be no queue of waiting threads: whoever dies while he changes it leaves it
 * broken for all. So there is none. Each thread that uses shared objects is a *peer*: it has a page in the shared
 * memory (a segment, src/shm/), and what a thread waits for stands in its own page, written by itself. Who has
 * something to give looks through the pages of those who wait, and wakes whom he chooses.
 *
 * The pattern of a wait, and of a wake-up:
 *
 *     fl_lot_wait_begin_(&wait, mine, object);
 *     for (;;) {                                              change the object's state (seq_cst)
 *             fl_lot_wait_(&wait);                            fl_lot_wake_(view, object, 1);
 *             if (it can be had, or taken from the dead)
 *                     break;
 *             error = fl_lot_sleep_(&wait, deadline, ...);
 *             ...
 *     }
 *     news = fl_lot_wait_end_(&wait);
 *
 * A peer's number, 29 bits, is what objects hold to say whose they are: generation << FL_PEER_BITS | page. Whether that
 * thread lives, fl_lot_alive_() says, for certain and without a system call.
 *
 * Death. When a process dies, however that happens, one of those who sleep is woken by the kernel, and has all others
 * look again at what they wait for. To look again after a death is therefore all that an object has to do for those who
 * wait: a wake-up that the dead one owed, one that he was given and took along, what he held: whoever looks, sees it.
 */
#ifndef FL_BASE_LOT_H
#define FL_BASE_LOT_H

#include "base/atomic.h"
#include <fairlead/time.h>
#include <stddef.h>
#include <sys/types.h>

#define FL_PEER_BITS 10u
#define FL_PEERS (1u << FL_PEER_BITS) /* threads that use the shared objects of a segment at a time */
#define FL_PEER_SIZE 4096u
#define FL_PEER_MASK 0x1fffffffu
#define FL_LOT_PROCESSES 120u
#define FL_LOT_NOBODY UINT32_MAX /* `process` of a view that is not attached: a forked child's, before its first call */

/* A peer's page. All but `state` and `number` is written by its own thread. */
struct fl_peer {
	uint32_t number; /* whose page it is; 0: nobody's */
	uint32_t state;  /* the word that its thread sleeps on: see base/lot.c */
	uint64_t key;    /* the offset of what it waits for, */
	uint64_t then;   /* of what it waits for when it has been moved, */
	uint64_t turn;   /* and since when: who has the lowest is the first */
	uint32_t process;
	uint32_t last;    /* the number that the page had last */
	int32_t pid, tid; /* for people to read, as its thread has them */
	char name[16];
	uint64_t process_id; /* its process's: see struct fl_lot_view */
	int64_t since;       /* for people: when its last wait began, by CLOCK_MONOTONIC_COARSE, in nanoseconds */
	uint64_t died;       /* which of its last peers have died, and not left: see base/peer.c */
	uint8_t spare[FL_PEER_SIZE - 96];
	uint32_t life; /* the kernel's: see base/lot.c */
	uint32_t spare_at_end;
};

_Static_assert(sizeof(struct fl_peer) == FL_PEER_SIZE, "a page");

/* What all peers share. */
struct fl_lot {
	uint64_t turns;       /* how many waits have begun */
	uint32_t n_peers;     /* pages that have memory: the first ones */
	uint32_t n_processes; /* how many of `keepers` have been used: the first ones */
	uint64_t process_ids; /* how many have been given out */
	uint32_t alarm;       /* always 0; all who sleep do so on it, too: see base/lot.c */
	uint32_t settled;     /* how many peers have come */
	uint32_t spare[8];
	uint64_t waiting[FL_PEERS / 64];    /* pages of those who may be waiting */
	uint32_t keepers[FL_LOT_PROCESSES]; /* of each process, the number of the peer whose life stands for it; or 0 */
};

/* Shared memory with a lot, as this process has it: a part of a segment. */
struct fl_lot_view {
	char *from; /* where it is mapped */
	size_t size;
	struct fl_lot *lot;
	struct fl_peer *peers;
	int fd;
	off_t peers_at;   /* in the file */
	uint32_t process; /* which this one is, below FL_LOT_PROCESSES; FL_LOT_NOBODY */
	/* What no other process that uses this memory ever has, whether it has the same pid or the same `process`. */
	uint64_t process_id;
	/* Takes the lock under which pages change hands, and gives it back. By the first the process is attached.
	 * Returns 0 or why not. */
	int (*enter)(struct fl_lot_view *view);
	void (*leave)(struct fl_lot_view *view);
	struct fl_lot_mine *mine; /* of all threads of this process */
	struct fl_lot_view *next;
};

/* A thread's own page. */
struct fl_lot_mine {
	struct fl_lot_view *view; /* NULL: it has been closed */
	struct fl_peer *peer;     /* mapped for this thread alone, and behind it a page that nobody else has */
	uint32_t number;
	struct fl_lot_tls *tls;          /* its thread's */
	struct robust_list_head *robust; /* and what the kernel goes through at its end */
	uint64_t length; /* how long the memory is known to be: the files of segments do not become shorter */
	uint16_t spin;   /* what base/spin.c has learned of this thread's waits: see fl_lot_spin_ */
	struct fl_lot_mine *next_of_thread, *next_of_view;
};

/* What the calling thread used last. */
struct fl_lot_tls {
	uintptr_t from;
	size_t size;
	uint32_t number;
	struct fl_lot_mine *mine;
	struct fl_lot_mine *first; /* of this thread */
};

extern __thread struct fl_lot_tls fl_lot_tls_ __attribute__((tls_model("initial-exec")));

/* What a page's state becomes while its thread does not wait: the count of its waits goes on. */
uint32_t fl_lot_idle_(uint32_t state);

/* Makes the view known: objects in it can be used from now on. The memory is all zero, or what others made of it. */
void fl_lot_open_(struct fl_lot_view *view);
/* Ends that. No thread of this process uses the memory any more. Under the lock of `enter`, if `leave` is to be seen
 * by others: their sleepers are told. */
void fl_lot_close_(struct fl_lot_view *view);

struct fl_lot_mine *fl_lot_mine_slow_(const void *object, int *ret_error);

/* The calling thread's page in the memory that the object is in. NULL: there is none; then *ret_error is
 * -EINVAL: the object is in no segment of this process;
 * -EUSERS: FL_PEERS threads, or FL_LOT_PROCESSES processes, are there already;
 * -ENOSYS: the kernel or the C library does not have what is needed;
 * -ENOMEM, -ENOSPC, -EPROTO: what the segment said. */
static inline struct fl_lot_mine *fl_lot_mine(const void *object, int *ret_error)
{
	if (fl_likely((uintptr_t)object - fl_lot_tls_.from < fl_lot_tls_.size))
		return fl_lot_tls_.mine;
	return fl_lot_mine_slow_(object, ret_error);
}

/* The memory that the object is in; NULL: it is in none that this process has open. For who only looks, or cannot have
 * a page and wakes nevertheless. */
const struct fl_lot_view *fl_lot_view_(const void *object);

/* The calling thread's number there; 0 if that has to be found out. */
static inline uint32_t fl_lot_number(const void *object)
{
	return fl_likely((uintptr_t)object - fl_lot_tls_.from < fl_lot_tls_.size) ? fl_lot_tls_.number : 0;
}

/* Whether the peer of that number lives. Any number may be asked for. */
bool fl_lot_alive_(const struct fl_lot_view *view, uint32_t number);

/* Whether the peer of that number has died, and has not left as it should. Known until its page has had 45 others. */
bool fl_lot_died_(const struct fl_lot_view *view, uint32_t number);

/* The number of a living peer of the process with that id; 0: it has none, and is as dead. Any id may be asked for. */
uint32_t fl_lot_living_(const struct fl_lot_view *view, uint64_t process_id);

/* Who a peer is or was, as far as its page still tells. */
struct fl_lot_about {
	pid_t pid, tid; /* 0: not known any more */
	char name[16];
};
void fl_lot_about_(const struct fl_lot_view *view, uint32_t number, struct fl_lot_about *ret_about);

/* A wait under way. */
struct fl_lot_wait {
	struct fl_lot_mine *mine;
	uint64_t key, then;
	uint64_t turn;
	uint32_t *also; /* a private word that ends a sleep when it is not also_value any more; or NULL */
	uint32_t also_value;
};

/* `then`: what it may be moved to, or NULL. */
void fl_lot_wait_begin_(struct fl_lot_wait *wait, struct fl_lot_mine *mine, const void *object, const void *then);
/* Says that the thread waits: what is stored in the object from now on wakes it. Look at the object then. */
void fl_lot_wait_(struct fl_lot_wait *wait);
/* For who has nothing else to look at: looks for a moment whether there is reason to look again, before it sleeps
 * (base/spin.h). Whether it pays is learned by each thread. Returns whether there is. */
bool fl_lot_spin_(struct fl_lot_wait *wait, fl_time deadline);
/* Sleeps until there is reason to look again. Returns 0; -ETIMEDOUT; -ENOSYS: this kernel cannot. */
int fl_lot_sleep_(struct fl_lot_wait *wait, fl_time deadline);
/* What has become of a wait since the thread last said that it waits. */
enum fl_lot_news {
	FL_LOT_NOTHING,
	FL_LOT_LOOK,  /* somebody has died, or has come, or the like */
	FL_LOT_MOVED, /* it waits for `then` */
	FL_LOT_WOKEN, /* by who had something to give. If the thread has no use for that, it has to wake another one */
};
/* Says that the thread does not wait any more, or not until it says so again. */
enum fl_lot_news fl_lot_unwait_(struct fl_lot_wait *wait);
/* The same at the very end. */
enum fl_lot_news fl_lot_wait_end_(struct fl_lot_wait *wait);

/* One that waits, as it was found. */
struct fl_lot_waiter {
	uint32_t number;
	uint64_t key;  /* the offset of what it waits for, */
	uint64_t turn; /* and since when, */
	int64_t since; /* as its page says */
};
/* Finds all who wait, for whatever it is, and live; there is room for FL_PEERS. Changes nothing, and is for people to
 * read: they may have gone on meanwhile. Returns how many there are. */
uint32_t fl_lot_waiters_(const struct fl_lot_view *view, struct fl_lot_waiter *ret_waiters);

/* Wakes the first n of those who wait for the object, and hear it: who is stopped is woken, too, but counts as nobody.
 * With n = FL_PEERS or more all of them, in no order. Returns how many there were. */
uint32_t fl_lot_wake_(const struct fl_lot_view *view, const void *object, uint32_t n);
/* The number of the first of those who wait for the object; 0: nobody does. */
uint32_t fl_lot_first_(const struct fl_lot_view *view, const void *object);
/* Whether that one lives, and waits for the object, or may be moved to it: then it is going to look at it once more
 * before it goes away. */
bool fl_lot_waits_(const struct fl_lot_view *view, uint32_t number, const void *object);
/* Has it look again, if it waits. Returns false if it was asleep, and does not hear that: then it may be stopped. */
bool fl_lot_rouse_(const struct fl_lot_view *view, uint32_t number);
/* As fl_lot_wake_, but they wait for what they have named as `then` from now on. */
uint32_t fl_lot_move_(const struct fl_lot_view *view, const void *object, uint32_t n);

#endif
