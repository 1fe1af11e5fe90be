/*
 * watch/notes.h - what libfairlead-watch.so notes in a process, and `fairlead watch` reads: memory that both have.
 *
 * The library notes, the command thinks. What is noted is enough to find out, from outside and afterwards, in which
 * orders locks were taken, who waits for whom now, and where the time went; so the watched process searches no graph,
 * writes no report, has no thread more than its own, and whatever becomes of it (exit, _exit, a signal), what it had
 * noted is there.
 *
 * The memory is a file without a name (memfd) that the process makes when it first uses a lock, maps at `base`, and
 * sends to the command (memory.c). It is far larger than what is used of it: pages that nobody touches cost nothing.
 * Pointers in it are the process's; who reads it checks each (the process may have written anything anywhere).
 *
 * chain     What a thread holds, in order: the chain without its last lock is its `parent`, and one without an address
 *           is empty. So a thread's whole state is one pointer, its `top`. To acquire is to go from the top to the
 *           child for this lock and this call site, to release is to go to the parent. All that is counted about an
 *           acquisition is counted in its chain, which therefore knows where, and under which other locks, it happened.
 * seat      The state of one thread; when that has ended, a later one gets it, with its chains.
 * life      One thread from its beginning to its end; never given to another.
 * segment   A part of a life between two events that order threads: to create one, and to join one. `previous` is the
 *           segment of the same life before it, `also` the one at which the creator was, or the joined thread ended.
 *           Numbers grow with time, so that a segment comes after both of these in number, too. They say which uses of
 *           locks can have been at the same time.
 * lock      An address at which there was a lock. When that is destroyed, initialised again or its memory is freed,
 *           its `incarnation` changes, and chains of before say nothing about the lock that is there then.
 * log       A ring of (chain, segment): this chain was gone along in this segment for the first time. What the command
 *           has read it puts back to 0. If it is full, what there was to say is counted as missed.
 *
 * Invariants:
 *   [N1] A seat, and its chains, are written by their own thread alone; others only read, but that who forgets a lock
 *        makes its chains stale. So counting needs no atomic instruction; words are whole, though what several of them
 *        say may be of different moments.
 *   [N2] A seat's top that is marked (WATCH_GOING) is one that the thread is about to go to: it acquires that lock,
 *        without a deadline, and holds those of the parent. When it has come there, the chain's count is one more. So
 *        whoever sees the same tops and counts in several seats, before and after looking at them all, has seen a state
 *        that they were in at one moment. It is so with `joins` and n_joins, too.
 *   [N3] A chain's lock is on the way from the top only while its thread holds it: it is put there after it was
 *        acquired and taken away before it is released; and its incarnation is then the lock's.
 *   [N4] A chain changes its incarnation only when the command has read the log up to what was said of it before.
 *
 * Rejected: a pipe of events, which a full pipe blocks, and a program that closes all descriptors ends; a thread in
 * the process that looks for deadlocks, which makes single-threaded programs have two; files in a folder, which need
 * a place with room that all users of it see, and somebody who removes them.
 */
#ifndef FL_WATCH_NOTES_H
#define FL_WATCH_NOTES_H

#include <stdint.h>

#define WATCH_VERSION 1u
#define WATCH_VARIABLE "FAIRLEAD_WATCH" /* the name, in the abstract namespace, of the command's socket */

#define WATCH_MODULES 1024u
#define WATCH_LIVES (1u << 18)
#define WATCH_SEGMENTS (1u << 21)
#define WATCH_SEATS 4096u
#define WATCH_LOCKS (1u << 19)
#define WATCH_CHAINS (1u << 20)
#define WATCH_LOG (1u << 20)
#define WATCH_FRAMES 13u
#define WATCH_BORN 6u
#define WATCH_PATH 256u
#define WATCH_NAME 16u

/* How a lock is acquired; part of a chain's identity. */
enum watch_mode {
	WATCH_READ = 1,   /* the read side of an rwlock */
	WATCH_TRY = 2,    /* does not wait, or not for ever: no deadlock begins with it */
	WATCH_MOVED = 4,  /* no acquisition: what is left of a chain when a lock in the middle was released */
	WATCH_PASSED = 8, /* a semaphore: nobody holds it */
};

enum watch_kind { WATCH_MUTEX = 1, WATCH_RWLOCK, WATCH_SPIN, WATCH_SEMAPHORE };

struct watch_module {
	uintptr_t start, end, bias;
	char path[WATCH_PATH]; /* empty: the program itself */
	uint32_t ready;
};

struct watch_life {
	uintptr_t handle; /* pthread_t or thrd_t */
	uintptr_t start;  /* its first function; 0: not known */
	void *argument;
	int32_t tid;
	uint32_t segment; /* the latest one of it */
	uint32_t also;    /* the segment in which it was created; 0: not known */
	uint32_t joined;
	char name[WATCH_NAME];
	uint32_t n_frames;
	uintptr_t frames[WATCH_BORN]; /* where it is joined */
};

struct watch_segment {
	uint32_t life, previous, also;
};

struct watch_lock {
	uintptr_t address;
	uint32_t incarnation;
	uint32_t next;    /* in its bucket: an index + 1 */
	uint32_t born_in; /* the incarnation that `born` is of */
	uint8_t kind;     /* enum watch_kind */
	uint8_t initialised;
	uint8_t n_born;
	struct watch_chain *chains; /* to it */
	uintptr_t born[WATCH_BORN]; /* where it was initialised, or else first used */
};

struct watch_chain {
	/* One cache line with all that is needed to go there and back. */
	struct watch_chain *parent;
	uintptr_t address;  /* of the lock; 0: this is an empty chain */
	uint64_t site;      /* where, how, and whether it is stale: chain.h */
	uint64_t left, due; /* acquisitions until one is timed, and how many it will be then */
	int64_t since;      /* when it was acquired, if this time is timed; otherwise 0 */
	struct watch_lock *lock;
	uint32_t incarnation;
	uint16_t seat;
	uint8_t mode, n_frames;

	struct watch_chain *next;               /* in its bucket */
	struct watch_chain *children, *sibling; /* those that go on from here */
	struct watch_chain *same_lock;          /* the next one of its lock, in any seat */
	uint64_t logged;                        /* the place of the latest entry in the log, + 1 */
	uint64_t contended;                     /* acquisitions that waited */
	int64_t waited, waited_most;
	uint64_t timed; /* acquisitions whose hold was timed */
	int64_t held, held_most;
	uintptr_t frames[WATCH_FRAMES]; /* the call site, its caller and so on, the first time */
};

struct watch_seat {
	struct watch_chain *top; /* with WATCH_GOING in its lowest bit */
	struct watch_chain **buckets;
	uint32_t mask; /* how many buckets there are, less one */
	uint32_t life; /* 0: nobody's */
	uint32_t busy; /* inside the library: what signal handlers and allocators do now is not watched */
	uint32_t taken;
	uint32_t n_chains;
	uint32_t segment;
	struct watch_chain *root; /* its empty chain */
	struct watch_life *joins; /* the end of this life is waited for, without a deadline */
	uint64_t n_joins;
};

#define WATCH_GOING ((uintptr_t)1)

/* An entry of the log: a chain's index + 1, and a segment. */
#define WATCH_ENTRY(chain, segment) ((uint64_t)((chain) + 1u) << 32 | (segment))

struct watch_notes {
	uint32_t version;
	uint64_t size;               /* of this struct */
	struct watch_notes *base;    /* where the process has it */
	uint64_t n_logged, n_read;   /* of the log */
	uint64_t n_missed;           /* what could not be noted */
	uint32_t n_modules, n_lives; /* these may exceed what there is room for */
	uint32_t n_segments, n_locks;
	uint32_t n_chains, n_seats;
	char program[WATCH_PATH];
	struct watch_module modules[WATCH_MODULES];
	_Alignas(64) struct watch_seat seats[WATCH_SEATS];
	_Alignas(64) struct watch_lock locks[WATCH_LOCKS];
	_Alignas(64) struct watch_chain chains[WATCH_CHAINS];
	struct watch_life lives[WATCH_LIVES];
	struct watch_segment segments[WATCH_SEGMENTS];
	uint64_t log[WATCH_LOG];
};

_Static_assert(sizeof(struct watch_chain) == 256, "chains do not share cache lines");

/* What a process says to the command, with the notes' descriptor beside it if error is 0. */
struct watch_message {
	uint32_t version;
	int32_t error; /* why it is not watched: an errno */
};

#endif
