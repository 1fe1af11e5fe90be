/*
 * check/result.h - what the checker is asked and what it answers: the memory that it shares with the command.
 *
 * The command makes a memory file of CHECK_SIZE bytes, fills in `asked` and starts the program with the runtime
 * preloaded and the number of the file's descriptor in FAIRLEAD_CHECK_FD. The runtime fills in the rest. Whatever ends
 * the program, the memory stays.
 *
 * Addresses are those of the process that ran; `modules` say which file lies where. All of its processes have the same
 * layout, for the command starts the program without randomisation.
 */
#ifndef FAIRLEAD_CHECK_RESULT_H
#define FAIRLEAD_CHECK_RESULT_H

#include <stdint.h>

#define CHECK_VERSION 1u
#define CHECK_VARIABLE "FAIRLEAD_CHECK_FD"

#define CHECK_THREADS 256u
#define CHECK_STEPS_MAX (1u << 24) /* scheduling points of a run that can be written down */
#define CHECK_TRACE_MAX (1u << 16) /* events of the run that is shown */
#define CHECK_FRAMES 16u
#define CHECK_MODULES 64u
#define CHECK_TEXT 512u
#define CHECK_LEARNED 4096u
#define CHECK_SITES 4096u
#define CHECK_THROUGH 8u
#define CHECK_MUTANT 512u
#define CHECK_FOREVER INT64_MAX
/* Where the program's heap lies. */
#define CHECK_HEAP UINT64_C(0x20000000)
#define CHECK_HEAP_SIZE (UINT64_C(1) << 30)

enum check_verdict {
	CHECK_NOTHING,   /* no failure */
	CHECK_ASSERTION, /* assert() failed */
	CHECK_ABORT,     /* abort(), an exception that nobody caught */
	CHECK_CRASH,     /* SIGSEGV and its like */
	CHECK_DEADLOCK,  /* threads wait for each other, or for what nobody will do */
	CHECK_LIVELOCK,  /* threads run for ever and get nowhere */
	CHECK_HANG,      /* a thread runs without reaching a scheduling point */
	CHECK_RACE,      /* accesses to plain memory that nothing orders */
	CHECK_USE_AFTER_FREE,
	CHECK_DOUBLE_FREE,
	CHECK_MISUSE, /* a call that its documentation forbids */
	CHECK_EXIT,   /* exit code other than expected */
	CHECK_OUTPUT, /* output other than expected */
	CHECK_VERDICTS
};

enum check_engine { CHECK_AUTO, CHECK_SNAPSHOT, CHECK_PROCESS, CHECK_KERNEL };

enum check_strategy {
	CHECK_PORTFOLIO,  /* the others by turns; mostly POS, once nothing new shows */
	CHECK_RANDOM,     /* each thread that can go on, with the same probability */
	CHECK_POS,        /* partial order sampling (Yuan, Yang, Gu: CAV 2018) */
	CHECK_PCT,        /* probabilistic concurrency testing (Burckhardt and others: ASPLOS 2010) */
	CHECK_DIRECTED,   /* brings threads to accesses that race, and then tries both orders (Sen: PLDI 2008) */
	CHECK_READS_FROM, /* looks for reads of writes that were not read yet (Wolff and others: ASPLOS 2024) */
	CHECK_EXHAUSTIVE, /* every schedule, but for those that differ in the order of independent steps alone */
	CHECK_REPLAY,     /* the schedule that is given */
	CHECK_PLACES,     /* holds threads at one place, another one in each run */
	CHECK_STRATEGIES
};

enum check_races { CHECK_RACES_FAIL, CHECK_RACES_NOTE, CHECK_RACES_OFF };
/* CHECK_ANY_STEP: CHECK_ANY of an exhaustive search, which makes a step of it. The runtime sets it; a replay has it. */
enum check_timeouts { CHECK_QUIESCENT, CHECK_ANY, CHECK_ANY_STEP };

/* What is done at a scheduling point. */
enum check_kind {
	CHECK_START,
	CHECK_END,
	CHECK_CREATE,
	CHECK_JOIN,
	CHECK_DETACH,
	CHECK_READ,
	CHECK_WRITE,
	CHECK_LOAD,
	CHECK_STORE,
	CHECK_RMW,
	CHECK_CAS,
	CHECK_FENCE,
	CHECK_LOCK,
	CHECK_TRYLOCK,
	CHECK_UNLOCK,
	CHECK_RDLOCK,
	CHECK_WRLOCK,
	CHECK_SPINLOCK,
	CHECK_WAIT,
	CHECK_WOKEN,
	CHECK_SIGNAL,
	CHECK_BROADCAST,
	CHECK_SEM_WAIT,
	CHECK_SEM_POST,
	CHECK_BARRIER,
	CHECK_BARRIER_LEAVE,
	CHECK_ONCE,
	CHECK_ONCE_DONE,
	CHECK_FUTEX_WAIT,
	CHECK_FUTEX_WOKEN,
	CHECK_FUTEX_WAKE,
	CHECK_YIELD,
	CHECK_SLEEP,
	CHECK_PROCESS_EXIT,
	CHECK_CANCEL,
	CHECK_DESTROY,
	CHECK_INIT,
	CHECK_DESCRIPTOR,
	CHECK_KILL,
	CHECK_CHOICE,
	CHECK_SIGMASK, /* what is done with signals changes, or is looked at */
	CHECK_HANDLER, /* a signal's handler begins, in front of what the thread was about to do */
	CHECK_KINDS
};

enum {
	CHECK_TIMED_OUT = 1,
	CHECK_CANCELLED = 2,
	CHECK_FAILED = 4,
	CHECK_BLOCKED = 8,
	CHECK_VALUE = 16,
	CHECK_OLD = 32
};

enum check_same { CHECK_SAME_NO, CHECK_SAME_FIRST, CHECK_SAME_GIVEN };

/* Sites of the program (site.h): what orders memory, or wakes somebody. */
enum check_site_kind {
	CHECK_SITE_LOAD,
	CHECK_SITE_STORE,
	CHECK_SITE_CHANGE,  /* a read-modify-write */
	CHECK_SITE_COMPARE, /* a compare and exchange that succeeds */
	CHECK_SITE_FAILED,  /* one that fails */
	CHECK_SITE_FENCE,
	CHECK_SITE_WAKE, /* a futex's, or a write to an eventfd */
	CHECK_SITE_KINDS
};
/* What becomes of a wake-up: all are lost there; the first one in each execution is. */
enum { CHECK_LOSE_ALL, CHECK_LOSE_FIRST };

struct check_site {
	uint64_t pc;    /* return address; 0: the entry is free */
	uint32_t times; /* that executions came by */
	uint8_t kind;   /* enum check_site_kind */
	uint8_t order;  /* as the program has it; numbers as in __ATOMIC_ACQUIRE and its like */
	uint8_t mutant; /* 1: it is one of those that are changed */
};

/* What the tests of tests ask for: note sites, and change these. */
struct check_mutant {
	uint32_t sites;   /* 1: note them */
	uint32_t kind;    /* of those that are changed */
	uint32_t becomes; /* an order; or what becomes of a wake-up */
	uint32_t n;
	uint64_t pc[CHECK_MUTANT];
	uint64_t through_from[CHECK_THROUGH], through_to[CHECK_THROUGH]; /* functions that wake for others */
};

/* What a run wrote to standard output. */
struct check_output {
	uint64_t size, hash; /* 64-bit FNV-1a */
};

struct check_asked {
	uint32_t version;
	uint32_t engine;
	uint32_t strategy;
	uint32_t races;
	uint32_t timeouts;
	uint32_t weak;
	uint32_t trace;       /* write down the events of the run (with CHECK_REPLAY) */
	uint32_t exit_code;   /* the one that is right; CHECK_ANY_EXIT: every one */
	uint32_t same_output; /* enum check_same; standard output is a file then, emptied before each run */
	uint32_t stop_before; /* for a debugger: one run in this process, with SIGTRAP in front of this step; 0: none */
	uint32_t quiet;  /* 1: standard error goes where standard output goes, as soon as the runtime is in place */
	uint32_t rewind; /* 1: standard input is read from its beginning in each run */
	int32_t first_output;       /* CHECK_SAME_FIRST: descriptor of a file for what the first run wrote */
	struct check_output output; /* CHECK_SAME_GIVEN: what is to be written */
	uint64_t seed;
	uint64_t runs;        /* 0: no limit */
	uint64_t first;       /* number of the first run: its seed, and that of those that follow, comes from it */
	uint64_t stride;      /* from a run's number to the next */
	int64_t time;         /* nanoseconds; 0: no limit */
	uint64_t steps;       /* of a run, before it is cut off */
	uint32_t preemptions; /* CHECK_EXHAUSTIVE: at most so many; UINT32_MAX: any number */
	uint32_t spurious;    /* condition variables may wake without a reason */
	uint32_t minimise;
	uint32_t keep_going;        /* races: runs to go on after the first one, to see what it leads to */
	uint32_t count_failures;    /* do not end with the first failure, but count them; show the first one */
	uint32_t stale;             /* weak: the same old value so often in a row at most; 0: 3 times */
	struct check_mutant mutant; /* site.h */
};
#define CHECK_ANY_EXIT UINT32_MAX

struct check_place {
	uint64_t pc[CHECK_FRAMES]; /* return addresses, the innermost first; 0 ends them */
};

/* One scheduling point of the run that is shown. */
struct check_event {
	uint16_t thread;
	uint8_t kind; /* enum check_kind */
	uint8_t size; /* of memory */
	uint32_t flags;
	uint64_t object; /* its address */
	uint64_t value;  /* read or written; what else it is about: a mutex, a thread */
	uint64_t old;    /* what was there before */
	int64_t result;  /* of a call */
	struct check_place place;
};

/* A thread of the failing run, as it stood in the end. */
struct check_thread {
	uint8_t used, finished, waits, detached;
	uint8_t kind; /* of what it waits for */
	uint8_t timed;
	uint16_t creator;
	uint64_t object;  /* that it waits for */
	int32_t holder;   /* thread that holds that; -1: none known */
	uint32_t lost;    /* signals to that which nobody waited for */
	uint64_t routine; /* where it began */
	uint64_t stack_from, stack_to;
	struct check_place place;      /* where it is */
	struct check_place held_place; /* where the holder acquired it */
	uint16_t lost_thread;
	struct check_place lost_place; /* of the last of these signals */
};

/* One of two accesses that race, or the free() of what was used after it. */
struct check_access {
	uint64_t address;
	uint16_t thread;
	uint8_t size, write, atomic, freed;
	uint32_t epoch;
	struct check_place place;
};

/* The block of the heap that the failure is about. */
struct check_block {
	uint64_t address, size;
	uint16_t thread, freed_by;
	uint8_t known, freed;
	struct check_place place, freed_place; /* where it was allocated, and freed */
};

struct check_failure {
	uint32_t verdict;
	uint32_t thread;
	uint64_t pc[2]; /* with the verdict, what tells it from others */
	uint64_t object;
	int64_t code; /* signal, exit code */
	struct check_access access[2];
	char text[CHECK_TEXT];
};

struct check_module {
	uint64_t base, from, to;
	uint32_t instrumented;
	char name[244];
};

struct check_memory {
	struct check_asked asked;

	/* While it runs. */
	uint32_t ready;  /* 1: the runtime is in place; 2: it has ended its work */
	uint32_t stop;   /* set by the command: end soon */
	uint32_t engine; /* in use */
	uint32_t instrumented;
	uint64_t runs, steps, cut_off, blocked, races, unconfirmed;
	uint64_t progress;            /* changes with each step */
	int64_t began, first_failure; /* monotonic */
	uint64_t failures;            /* executions that failed, if asked to count them */
	uint64_t minimised_from, replays;
	uint64_t to_failure; /* runs to the first failure, itself included; 0: none */
	uint32_t diverged;   /* 1: a replay has come to a step that its schedule does not have */
	uint32_t exhausted;  /* 1: every schedule was seen */
	uint32_t preemptions_most;
	char unsafe[64];                  /* why there is a process a run */
	char bounds[CHECK_TEXT];          /* what the executions that were seen leave out */
	char said[CHECK_TEXT];            /* what is not modelled and was met */
	char died[CHECK_TEXT];            /* why the runtime gave up */
	struct check_output first_output; /* of the first run: CHECK_SAME_FIRST */

	struct check_failure failure;
	struct check_block block;
	uint64_t failed_run;
	uint32_t failed_strategy;
	uint32_t n_modules;
	struct check_module modules[CHECK_MODULES];

	uint32_t n_sites;
	struct check_site sites[CHECK_SITES]; /* by their hash */

	/* Places of plain memory that are scheduling points. For a replay they are given as offsets in modules. */
	uint32_t n_learned, learned_relative;
	uint64_t learned[CHECK_LEARNED];
	uint8_t learned_module[CHECK_LEARNED]; /* of learned_relative: which name */
	char learned_name[CHECK_MODULES][244];

	/* The schedule of the failure: the thread of each step; and of each other choice, what was taken. */
	uint64_t n_schedule, n_choices;
	uint32_t n_threads, n_events;
	struct check_thread threads[CHECK_THREADS];
	uint8_t schedule[CHECK_STEPS_MAX];
	uint8_t choices[CHECK_STEPS_MAX];
	struct check_event events[CHECK_TRACE_MAX];
};

#define CHECK_SIZE sizeof(struct check_memory)

#endif
