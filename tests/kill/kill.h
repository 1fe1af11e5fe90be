/*
 * kill.h - what an object under test is: something in shared memory that several processes use while they are killed.
 *
 * To put an object under it, write a file with an array of struct kill_object, ended by one without a name, and give
 * the array a line at the end of this file and in main.c. An object is a handful of functions over a piece of shared
 * memory, which is all zero when `init` gets it:
 *
 *     struct shared {
 *             pthread_mutex_t mutex;
 *             struct kill_guarded guarded;
 *     };
 *     static void operate(void *memory, struct kill_worker *worker)
 *     {
 *             struct shared *shared = memory;
 *
 *             pthread_mutex_lock(&shared->mutex);
 *             kill_guarded_use(&shared->guarded, worker);
 *             pthread_mutex_unlock(&shared->mutex);
 *     }
 *
 * The harness calls `operate` again and again in several processes, the workers, and each return counts as getting on.
 * It knows nothing of the object and rests on nothing of Fairlead: on fork, kill, ptrace, /proc and plain atomics
 * alone.
 *
 * Two kinds of invariants are ready-made. kill_guarded is data that only the holder of a lock may touch: two holders at
 * once, and updates that are gone, are found. kill_ledger numbers items that go through a queue: those that are lost,
 * doubled or never were put are found.
 */
#ifndef FAIRLEAD_TESTS_KILL_H
#define FAIRLEAD_TESTS_KILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KILL_MOST_WORKERS = 8, KILL_MOST_SITUATIONS = 6 };

/* A place in the crew, in shared memory. One process after the other has it; each is a generation. */
struct kill_worker {
	uint32_t index, role, generation;
	uint32_t killed;   /* the newest generation that was killed; */
	uint32_t deaths;   /* how many were */
	uint32_t known;    /* of how many kills of others this one has taken note */
	uint32_t steady;   /* each operation is the same: no dwelling */
	uint32_t inside;   /* it has been in kill_guarded_use */
	uint64_t progress; /* operations that ended, of all generations together */
	uint64_t updates;  /* the same, of kill_guarded_use */
	uint64_t random;
};

/* What the invariants came to. */
struct kill_verdict {
	/* Updates and items, beyond what a kill may leave undecided. Where somebody is stuck nothing counts as lost: it
	 * may still be there. */
	uint64_t lost, doubled;
	uint64_t broken; /* what must never be: two holders, half values, items that nobody put */
};

/* A situation in which a worker is killed before each of its instructions in turn, during one operation. */
struct kill_situation {
	const char *name;
	unsigned role; /* of the one that is killed */
	/* What another worker does before that operation begins, and when it sleeps (or was killed): it takes the lock
	 * and gives it back, say. NULL: there is no other one until the first was killed. */
	void (*before)(void *memory, struct kill_worker *other);
	void (*meanwhile)(void *memory, struct kill_worker *other);
	bool dies; /* instead of `meanwhile`, it is killed before that operation begins */
	/* Instead of all these the other one is an ordinary worker, which has gone to sleep in an operation of its own:
	 * before the first begins, or while the first is in kill_guarded_use. So there is somebody to be woken. */
	bool waits, queues;
};

enum kill_expectation {
	KILL_MAY_SURVIVE, /* a peer: whatever happens is what is printed */
	KILL_SURVIVES,    /* one of ours, or a control: anything else is a failure */
	KILL_GETS_STUCK,  /* a control: a harness that does not find it finds nothing; */
	KILL_GOES_WRONG,  /* the same: something is found that must never be, */
	KILL_LOSES_AND_DOUBLES,
};

struct kill_object {
	const char *name; /* as it is called on the command line, */
	const char *what; /* and in the table */
	enum kill_expectation expects;
	size_t size;      /* of its memory */
	unsigned roles;   /* 0 or 1: all do the same. 2: those with an even index have role 0, the others role 1 */
	bool alone;       /* who is left gets on also before others take the place of the dead */
	bool drains;      /* role 1 takes what role 0 puts: at the end it goes on until nothing is left */
	unsigned workers; /* 0: 4 */
	/* In the harness: makes it; takes away what a name in the system remembers. Returns 0 or a negative errno. */
	int (*init)(void *memory);
	void (*fini)(void *memory);
	/* In a worker, first. */
	void (*start)(void *memory, struct kill_worker *worker);
	void (*operate)(void *memory, struct kill_worker *worker);
	/* In the harness, for one whose workers have processes of their own: one of those of this worker, which is
	 * killed instead of the worker itself; 0: it has none at the moment. All workers have to get on then. */
	int (*victim)(int worker, uint64_t random);
	/* In the harness, when all have ended: only reads. */
	void (*check)(const void *memory, struct kill_verdict *verdict);
	/* Ended by one without a name; with none, it is killed while it is alone. */
	struct kill_situation situations[KILL_MOST_SITUATIONS];
};

/* ---- for objects ---- */

/* How many workers there are; and the one with this index. */
unsigned kill_workers(void);
const struct kill_worker *kill_worker_at(unsigned index);

/* How many workers were killed, of all roles or of one. */
uint64_t kill_deaths(void);
uint64_t kill_deaths_of(unsigned role);

/* Whether workers offer the processor now and then, at present. */
bool kill_yields(void);

/* Stays where it is for a moment, so that it is often there that it is killed. */
void kill_dwell(struct kill_worker *worker);

/* Ends the worker with a message: something went wrong that no kill explains. Counts as a crash. */
void kill_fail(const char *what, int error) __attribute__((noreturn, cold));

/* What a lock guards. Whoever comes and finds another in there that lives, or half an update that no dead one left, has
 * found a broken lock. */
struct kill_guarded {
	uint64_t first, second;
	uint32_t holder, holder_generation;
	uint64_t overlaps;
};

void kill_guarded_use(struct kill_guarded *guarded, struct kill_worker *worker);
/* The same without an update: for a lock that others read under, too. */
void kill_guarded_look(struct kill_guarded *guarded);
void kill_guarded_check(const struct kill_guarded *guarded, struct kill_verdict *verdict);

/* What has gone into a queue, and what has come out. An item is a number that says who put it and as his how-manieth;
 * it is never 0. */
enum { KILL_LEDGER = 1 << 16, KILL_DOUBTS = 1 << 12 };

struct kill_ledger {
	struct {
		uint32_t begun, done; /* the last item that began to be put, and whose put returned */
		uint32_t n_doubts, spare;
		uint32_t doubts[KILL_DOUBTS]; /* those of killed producers that may be in the queue or not */
		uint32_t seen[KILL_LEDGER];   /* at [number % KILL_LEDGER]: the number that came out last */
	} of[KILL_MOST_WORKERS];
	uint64_t missing, doubled, strange;
};

/* The worker's next item; to be called before it puts it, and after. */
uint64_t kill_item_next(struct kill_ledger *ledger, struct kill_worker *worker);
void kill_item_put(struct kill_ledger *ledger, struct kill_worker *worker);
void kill_item_got(struct kill_ledger *ledger, uint64_t item);

/* How many items a killed consumer (role 1) may take with it, and how many may come again because of it. */
void kill_ledger_check(const struct kill_ledger *ledger, unsigned lost_each, unsigned doubled_each,
		       struct kill_verdict *verdict);

/* ---- the objects ---- */

extern const struct kill_object kill_arrays[], kill_barriers[], kill_boost[], kill_conditions[], kill_events[],
	kill_frames[], kill_kernel[], kill_locks[], kill_onces[], kill_planted[], kill_pools[], kill_pthreads[],
	kill_queues[], kill_rings[], kill_rlocks[], kill_rwlocks[], kill_semaphores[], kill_values[];

#ifdef __cplusplus
}
#endif

#endif
