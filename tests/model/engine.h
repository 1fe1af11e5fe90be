/*
 * engine.h - what the parts of the model share: the state of an execution, what is known of the memory, and the
 * search.
 *
 *   fiber.c      threads as fibers: stacks that can be copied away and put back
 *   memory.c     which memory exists, which of it is shared, and what must be put back when the search goes back
 *   races.c      who knows of which access: release and acquire, data races
 *   operations.c atomics, sleeping and waking, the quick release, the clock: the steps that are scheduled
 *   plain.c      plain accesses, as the compiler reports them
 *   heap.c       malloc and free
 *   descriptor.c an eventfd
 *   state.c      an execution's state as one run of bytes: saved, restored, compared
 *   execution.c  one execution, step by step; a schedule written down, and replayed
 *   search.c     every schedule
 *   planted.c    mistakes on purpose
 *   base.c       what of src/base is replaced and needs no scheduling
 *   trace.c      the interleaving, for people
 *   main.c       the tests
 */
#ifndef FL_MODEL_ENGINE_H
#define FL_MODEL_ENGINE_H

#include "model.h"
#include "model_atomic.h"
#include <fairlead/time.h>
#include <setjmp.h>

/* Fibers. */

#define MODEL_STACK 32768u

struct model_fiber {
	jmp_buf at;
	char *low; /* below this nothing on its stack is in use */
};

/* Makes a fiber that will call body() when first run. */
void model_fiber_make(struct model_fiber *fiber, char *stack, size_t size, void (*body)(void));
/* Runs it until it calls model_fiber_leave; and clears what it left below its stack's end. */
void model_fiber_run(struct model_fiber *fiber, const char *stack);
void model_fiber_leave(struct model_fiber *fiber);

/* An execution. */

enum model_status {
	MODEL_NONE,    /* there is no such thread */
	MODEL_ABOUT,   /* stands before an operation that is a step of the schedule */
	MODEL_AWAITS,  /* the same, but not before `ready` says so */
	MODEL_SLEEPS,  /* in fl_word_wait_ */
	MODEL_RESUMES, /* woken, or not begun: will run, without a choice, to its next step */
	MODEL_RETURNED,
};

/* Choices of a step; of those that sleep, only what ends the sleep. */
enum { MODEL_AS_IS = 0, MODEL_OTHERWISE = 1, MODEL_STRAY = 2 };

struct model_thread {
	struct model_fiber fiber;
	uint8_t status, n_choices, choice;
	bool begun;               /* has made a step */
	bool in_quick, disturbed; /* between look and store of a quick release; a barrier came in between */
	const void *address;      /* of the operation, or of the word slept on */
	fl_time deadline;
	bool (*ready)(const struct model_thread *thread);
	uint64_t ready_for;
	const struct model_site *site;
};

#define MODEL_FREED 6 /* at most, of an execution */

/* All of it is put back when the search goes back. */
struct model_execution {
	struct model_thread threads[MODEL_THREADS];
	uint8_t sleepers[MODEL_THREADS]; /* in the order in which they came */
	uint8_t n_sleepers;
	uint8_t jumps, stray, faults; /* how many are left of each */
	uint8_t n_freed, n_blocks;    /* blocks: of the heap, and not freed */
	struct {
		const char *begin, *end;
	} freed[MODEL_FREED];
	char *heap;
};

extern struct model_execution model_now;
extern const struct model_scenario *model_scenario;
extern int model_running; /* which thread; -1: none, the model itself */
extern unsigned model_n_threads;
extern bool model_every_step; /* every operation is a step, and nothing is left out that would be the same */
extern bool model_replaying, model_tracing;
extern uint32_t model_operations[MODEL_THREADS]; /* how many each has done in its last transition */

#define model_self (&model_now.threads[model_running])

extern struct model_failure {
	bool happened;
	char text[400];
} model_failure;

/* Memory. */

enum model_access { MODEL_READS, MODEL_WRITES, MODEL_ATOMIC_READS, MODEL_ATOMIC_WRITES };

/* Eight bytes of memory, and what was learned of them. A `piece` is what is accessed as one; it begins at some byte and
 * ends where the next begins. */
struct model_word {
	uint8_t begins;     /* bit k: a piece begins at byte k */
	uint8_t scheduled;  /* bit k: threads reach that piece by atomics in no particular order: those are steps */
	uint8_t mixed;      /* bit k: and by plain accesses */
	uint8_t touched[8]; /* per piece: who reads it (bits 0-3), who writes it (bits 4-7) */
	int16_t piece[8];   /* its number if threads share it, else -1 */
	int16_t release[8]; /* the number of what was released to it, else -1 */
	int16_t cell;       /* its number among the words that are put back, else -1 */
};

extern char *model_arena; /* where the objects lie */

void model_memory_begin(void); /* once */
/* Before another scenario: nothing is learned yet, and all memory is as at the start of the program. */
void model_memory_forget(void);
/* Before another execution. */
void model_memory_reset(void);
void model_reset_thread(unsigned thread);

char *model_stack_of(unsigned thread);
/* Where the structs begin that the thread has of its own. */
char *model_stack_end(unsigned thread);
/* Whose stack it is on, or -1. */
int model_on_stack(const volatile void *address);
/* Whether it is the running thread's own, and no other thread looks there. */
bool model_is_own(const volatile void *address);
/* NULL: no memory that is watched. */
struct model_word *model_word_of(const volatile void *address);

/* An access of the running thread that is about to happen: checked, and what it was learned from. */
void model_access(const volatile void *address, unsigned size, enum model_access kind, const struct model_site *site);
bool model_is_scheduled(const volatile void *address, unsigned size);
/* NULL: not shared. */
int16_t *model_release_of(const volatile void *address);
/* It will be written, by no access that is checked: it has only to be put back. */
void model_keep(const volatile void *address);

/* Something that makes what was explored so far worthless. */
void model_learned(void);
bool model_learned_something(bool forget);

/* Memory from the arena, of cache lines. */
void *model_allocate(size_t size);

/* A plain access of the code at `pc`. */
void model_plain(const volatile void *address, size_t size, enum model_access kind, const void *pc);

/* Words that are put back. */
struct model_cell {
	uint64_t *where, first; /* what was there before any thread wrote */
};
extern struct model_cell *model_cells;
extern unsigned model_n_cells;

/* Races. */

#define MODEL_PIECES 384
#define MODEL_RELEASES 40
#define MODEL_ROWS (MODEL_THREADS + MODEL_RELEASES)

extern struct model_knowledge {
	unsigned n_pieces, n_releases;            /* learned */
	uint16_t happened[MODEL_PIECES];          /* the last accesses to each piece: bit 4 * kind + thread */
	uint16_t known[MODEL_ROWS][MODEL_PIECES]; /* which of them each thread, and each release, comes after */
} model_knowledge;

/* Returns false if it is an atomic access that is not ordered with another one. Fails if it is a race. */
bool model_race_access(int16_t piece, enum model_access kind, const volatile void *address,
		       const struct model_site *site);
void model_race_acquire(int16_t release);
void model_race_release(int16_t *release, bool keep);
void model_race_forget(int16_t release);
void model_race_tidy(void);

/* States. */

struct model_bytes {
	char *bytes;
	size_t size, room;
};

void model_state_save(struct model_bytes *ret_state);
void model_state_restore(const struct model_bytes *state);
uint64_t model_state_hash(const struct model_bytes *state);
uint64_t model_objects_hash(void);

/* An execution under way. */

#define MODEL_NOBODY 255u
#define MODEL_UNBOUNDED 255u
#define MODEL_TRANSITIONS (3 * MODEL_THREADS)
#define MODEL_PATH 16384u

struct model_transition {
	uint8_t thread, choice;
};

struct model_stretch {
	struct model_transition transition;
	uint32_t operations;
};

extern struct model_progress {
	uint8_t last, preemptions; /* who made the last transition; how often one who could go on was not the next */
	uint32_t n_path;
	struct model_stretch path[MODEL_PATH];
} model_progress;

void model_begin_execution(void);
unsigned model_possible(unsigned bound, struct model_transition *ret_transitions);
void model_take(struct model_transition transition);
void model_end_execution(void);
void model_write_schedule(char *ret_text, size_t size);

/* Runs a scenario under one schedule. Returns false if that does not fit; otherwise model_failure says how it
 * went. */
bool model_replay(const struct model_scenario *scenario, const char *schedule, bool trace);

/* Searching. */

struct model_result {
	bool failed, limited; /* limited: too many states, not all were seen */
	uint32_t states, executions, depth, preemptions;
	uint32_t n_ends; /* in how many ways the objects' memory can end, */
	uint64_t ends;   /* and the sum of their hashes */
	double seconds;
	char failure[400];
	char schedule[4000];
};

/* Runs a scenario under all schedules of at most so many preemptions. */
void model_search(const struct model_scenario *scenario, unsigned most_preemptions, uint32_t most_states,
		  struct model_result *ret_result);
/* The same with 0, 1, 2, 3 and any number of preemptions, until it fails: so with as few as possible. */
void model_search_upwards(const struct model_scenario *scenario, uint32_t most_states, struct model_result *ret_result);

/* Faults. */

extern bool model_lose_wake;    /* one wake-up of a waiter is lost, whichever does most harm */
extern bool model_lose_barrier; /* fl_quick_barrier_ does nothing */
extern struct model_site model_quick_site;

/* The sites of the sources and scenarios, in the section that the linker made. */
extern struct model_site __start_model_sites[], __stop_model_sites[];

/* Trace. */

void model_trace(const struct model_site *site, const volatile void *address, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void model_trace_plain(const volatile void *address, const struct model_site *site);
const char *model_file_of(const struct model_site *site);
const char *model_describe(const volatile void *address); /* in one of a few static buffers */
void model_describe_threads(char *ret_text, size_t size);
const struct model_site *model_site_of_code(const void *pc, bool writes);
/* Finds out file and line of a site that model_site_of_code returned; others have them. */
void model_find_line(const struct model_site *site);
void model_names_forget(void);

#endif
