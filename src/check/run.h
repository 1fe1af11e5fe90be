/*
 * check/run.h - one execution of the program: its threads, what each is about to do, and who goes on.
 *
 * The program's threads run one at a time. Before each operation that another thread could notice, a thread declares it
 * (`sched_point`) and stops; the scheduler picks one of the threads whose operation is possible now, and that one does
 * what it declared and goes on to its next declaration. So a schedule is a list of threads, one for each step, and it
 * says all about an execution.
 *
 * [run.1] A thread that is not running has a declared operation, or has ended.
 * [run.2] A thread is in `enabled` if and only if its declared operation is possible: operations that may have to wait
 *         have a `ready` function, which is asked again whenever the object changes (`run_changed`).
 * [run.3] What an execution does depends on nothing but the program, the schedule and the choices: no address that
 *         differs from process to process, no clock, no state of an earlier run, save the places that were learned.
 * [run.4] All of this lies in memory that is shared between the processes of one check and outlives each.
 */
#ifndef FAIRLEAD_CHECK_RUN_H
#define FAIRLEAD_CHECK_RUN_H

#include "fiber.h"
#include "result.h"

#define THREADS CHECK_THREADS
#define RUN_BEGINS INT64_C(1700000000000000000) /* virtual time at the beginning of each execution */
#define MASK_WORDS (THREADS / 64)

struct mask {
	uint64_t word[MASK_WORDS];
};

struct thread;
struct object;
struct place;

/* What may end a wait before it gets what it waits for. */
enum {
	WAIT_CANCEL = 1, /* a request to cancel the thread */
	WAIT_SIGNAL = 2, /* a signal's handler, unless it was installed with SA_RESTART */
	WAIT_ALWAYS = 4  /* any signal's handler */
};
/* What did. */
enum wake { WAKE_READY, WAKE_LATE, WAKE_CANCELLED, WAKE_SIGNAL };

/* What others have sent to a thread and it has not seen. */
enum { DUE_CANCEL = 1, DUE_SIGNAL = 2 };

#define AIMED_AT_ALL UINT16_MAX

struct operation {
	uint8_t kind; /* enum check_kind */
	uint8_t size;
	bool writes;         /* two operations on one object depend on each other unless neither writes */
	bool timed;          /* gives up at `deadline` */
	bool total;          /* --weak: in the total order of seq_cst */
	uint8_t how;         /* WAIT_CANCEL and its like: what else ends it */
	uint16_t by, target; /* the thread, and the one at which it is aimed, counted from 1; 0: at none */
	uintptr_t object;
	uintptr_t from, end; /* of memory: these bytes, and `object` is the word that they begin in; otherwise 0 */
	uintptr_t also;      /* another object that it changes, or 0 */
	uintptr_t pc;
	bool (*ready)(struct thread *thread);
	int64_t deadline;
};

#define KEYS 128u

struct cleanup {
	struct cleanup *next;
	void (*call)(void *);
	void *arg;
};

/* What a thread has read since somebody wrote (sched.c). */
struct round {
	uint64_t step, way, last; /* where it began; a hash of the steps since then, and of those of the round before */
	uint32_t length, steps;   /* until another step is waited for; how many are left */
};

struct thread {
	unsigned id;
	bool used, finished, joined, detached, timed_out, woken, spinning;
	bool cancel_pending, cancel_off, cancel_async, exiting;
	uint8_t due;
	struct operation op;
	uint64_t asked_at; /* the step that made its operation possible, from 1; or that made the thread */
	struct fiber fiber;
	uint32_t word; /* kernel threads: 1 when it is its turn */
	struct mask *wait_mask;

	uint32_t *clock;                /* vector clock: what it knows of each thread */
	uint32_t *released, *acquiring; /* for fences: what a later store gives on, what a later fence takes */

	uint64_t priority;
	struct place *place; /* of the declared operation (places.h) */
	uint32_t spins, spin_limit;
	uint64_t spin_writes;
	struct round round;

	void *(*routine)(void *);
	void *arg, *result;
	unsigned creator;
	unsigned slot;     /* of its stack */
	void *wait_arg[2]; /* for `ready` */
	struct object *waits_on;
	struct thread *next_waiter;
	struct cleanup *at_exit; /* of thread_local objects, the newest first */
	void *keys[KEYS];        /* values, and of which making of the key they are */
	uint32_t key_age[KEYS];
	uint64_t unwinding[8];     /* the exception that unwinds the stack at its end */
	uint64_t blocked, awaited; /* signals; those that it waits for */
	struct sent *sent;         /* to it, and not handled */
	void *alt_stack;           /* for handlers of faults */
	size_t alt_size;
	void *handlers;            /* cleanup handlers of C, the newest first */
	struct check_event *event; /* of the step that it does, while a run is written down */
};

struct run {
	struct thread *current;
	struct mask live, enabled, guarded;
	unsigned n_threads, n_live, n_spinning;
	uint64_t number; /* of the run; tells memory of this run from that of earlier ones */
	uint64_t steps, limit, writes, accesses;
	int64_t now; /* virtual nanoseconds */
	bool active, finished, cut_off, racy, pruned, diverged;
	bool trace;
	uint64_t n_choices;
	uint64_t raced_at; /* steps when it raced first; 0: it has not */
	int exit_code;
	uint64_t random;                 /* state of the program's random numbers (entropy.c) */
	struct named *named;             /* semaphores (semaphore_named.c) */
	struct sigaction *actions;       /* what the program does with signals (signal.c); NULL: as before main */
	struct sent *sent;               /* signals to the process that everybody blocks */
	struct descriptors *descriptors; /* descriptor.c; NULL: none was used */
	int64_t alarm, alarm_every;      /* virtual time; 0: none */
	uint32_t *fences;                /* --weak: what was known at seq_cst fences */
	uint64_t lost_wakes;             /* by a site that was changed (site.c) */
	struct check_failure failure;
	struct check_failure race; /* the first one of this run */
	unsigned n_raced;
	uintptr_t raced[64]; /* places of races that the next execution stops at */
	struct thread thread[THREADS];
};

/* Everything that the processes of a check share, with the memory of result.h. */
extern HIDDEN struct run *run;
extern HIDDEN struct check_memory *memory;

static inline struct thread *self(void)
{
	return run->current;
}

static inline void mask_set(struct mask *mask, unsigned i)
{
	mask->word[i / 64] |= UINT64_C(1) << (i % 64);
}

static inline void mask_clear(struct mask *mask, unsigned i)
{
	mask->word[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

static inline bool mask_has(const struct mask *mask, unsigned i)
{
	return (mask->word[i / 64] >> (i % 64)) & 1;
}

static inline bool mask_empty(const struct mask *mask)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < MASK_WORDS && i * 64 < run->n_threads; i++)
		any |= mask->word[i];
	return any == 0;
}

static inline unsigned mask_count(const struct mask *mask)
{
	unsigned n = 0;

	for (unsigned i = 0; i * 64 < run->n_threads; i++)
		n += (unsigned)__builtin_popcountll(mask->word[i]);
	return n;
}

/* for_mask (i, mask) { ... }: for each thread's number in it, as it is now. */
#define for_mask(i, mask) \
	for (unsigned i##_w = 0; i##_w * 64 < run->n_threads; i##_w++) \
		for (uint64_t i##_b = (mask)->word[i##_w], i = 0; \
		     i##_b != 0 && (i = i##_w * 64 + (unsigned)__builtin_ctzll(i##_b), true); i##_b &= i##_b - 1)

/* Returns whether the program runs under control now. Otherwise calls have their plain effect: before main, and in the
 * checker itself. */
static inline bool controlled(void)
{
	return run != NULL && run->active;
}

/* Begins an execution with its first thread, which is the caller's choice to switch to. */
HIDDEN void run_begin(void);
/* Adds a thread that is about to run routine(arg). Returns NULL if there are too many. */
HIDDEN struct thread *run_add(void *(*routine)(void *), void *arg, size_t stack);
/* The first thread is the one that runs; it is about to be switched to. */
HIDDEN void run_first(void);
/* A new thread has been switched to for the first time: its first step. */
HIDDEN void run_arrive(void);
/* The end of the thread that runs: never returns. */
HIDDEN NO_RETURN void run_leave(void);
/* Ends the execution: never returns. */
HIDDEN NO_RETURN void run_end(void);
/* The object has changed: asks those again whose operation is on it. */
HIDDEN void run_changed(uintptr_t object);
/* The same, for one thread. */
HIDDEN void run_ask(struct thread *thread);
/* Something has been sent to the thread: if that ends what it waits for, it may go on. */
HIDDEN void run_interrupt(struct thread *thread);

/* Declares an operation and returns when the thread has been picked to do it. */
HIDDEN void sched_point(uint8_t kind, uintptr_t object, bool writes, uintptr_t pc);
/* The same for one that changes what another thread does next, whatever that has declared; NULL: any thread. */
HIDDEN void sched_point_at(uint8_t kind, struct thread *target, uintptr_t pc);
/* The same for one that changes two objects. */
HIDDEN void sched_point_with(uint8_t kind, uintptr_t object, uintptr_t also, uintptr_t pc);
/* The same for an access to memory. */
HIDDEN void sched_memory(uint8_t kind, uintptr_t address, size_t size, bool writes, uintptr_t pc);
/* The same for an atomic operation of C11, or a fence (size 0). */
HIDDEN void sched_atomic(uint8_t kind, uintptr_t address, size_t size, bool writes, bool total, uintptr_t pc);
/* The same for one that may have to wait: until ready(self()) holds. */
HIDDEN void sched_wait(uint8_t kind, uintptr_t object, bool (*ready)(struct thread *), uintptr_t pc);
/* The same, but at `deadline` (virtual time) at the latest. Returns whether that came first. */
HIDDEN bool sched_wait_until(uint8_t kind, uintptr_t object, bool (*ready)(struct thread *), int64_t deadline,
			     uintptr_t pc);
/* The same, but other things may end it, too: `how`. Handlers of signals have run when it returns. */
HIDDEN enum wake sched_wait_for(uint8_t kind, uintptr_t object, bool (*ready)(struct thread *), int64_t deadline,
				uint8_t how, uintptr_t pc);
/* The running thread has read what others may write, and got no further; or has got further. Finds loops that wait. */
HIDDEN void sched_fruitless(void);
HIDDEN void sched_progress(void);
/* Returns a number below n, of which 0 is the plain one: what the kernel, or time, could decide. */
HIDDEN unsigned sched_choose(unsigned n);
/* Returns whether something happens that is rare. */
HIDDEN bool sched_rarely(void);

/* Details of the step that runs, for the report. */
HIDDEN void trace_object(uintptr_t address);
HIDDEN void trace_value(uint64_t value, uint64_t old, uint32_t flags);
HIDDEN void trace_result(int64_t result);

/* Ends the run with a failure. */
HIDDEN NO_RETURN void fail(enum check_verdict verdict, uintptr_t pc, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Something was met that bounds what a search that ends can say, which is written down once; the search goes on. */
HIDDEN void run_bound(const char *what);
/* Something was met that is not modelled: ends the whole check, and says so. */
HIDDEN NO_RETURN void not_modelled(const char *what);

#define CALLER ((uintptr_t)__builtin_return_address(0))

#endif
