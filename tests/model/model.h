/*
 * model.h - what a scenario of the model tests is written with.
 *
 * A scenario is a small concurrent program over the real sources of src/: two to four threads that use an
 * object, and assertions. The model runs it under every schedule (or every schedule with at most so many
 * preemptions) and fails if in one of them
 *
 *   - an assertion fails, or the library reports a misuse;
 *   - nobody can run and not everybody has returned: a deadlock, which is what a lost wake-up comes to;
 *   - two threads touch plain memory, at least one of them writing, and no release and acquire order the two: a data
 *     race. Scenarios and sources are compiled so that every plain access is seen;
 *   - a thread touches another's stack below what is in use, or memory that was freed, or frees it twice;
 *   - from some point on, no schedule leads to the end: a livelock.
 *
 * Threads share only what lies in the memory that model_objects returns (zeroed before each execution), which
 * `setup` initialises. What is in static variables of the scenario's file must not change after `setup`.
 */
#ifndef FL_MODEL_H
#define FL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_THREADS 4 /* at most */

struct model_scenario {
	const char *name, *about;
	void (*setup)(void);
	void (*threads[MODEL_THREADS])(void);
	void (*finish)(void); /* when all have returned; may be NULL */
	unsigned bound;       /* how many preemptions at most; 0: all schedules */
	unsigned deep_bound;  /* the same with --deep */
	bool quick;           /* fl_quick_works_ */
	unsigned jumps;       /* how often the clock may jump, beyond MODEL_SOON, when it is read */
	unsigned stray;       /* how often a sleep may end for nothing, as by a signal */
	unsigned spins;       /* how often a spinning loop looks again */
	unsigned processors;  /* what fl_spin_processors_ says; 0 counts as 1 */
	const char *reaches;  /* an operation that it is there for: "sync/lock.c mark cas &lock->fl_word" */
};

/* Returns memory for the scenario's objects, at the same address in every execution. */
void *model_objects(size_t size);

/* Says what an address is called, for interleavings; in setup. */
#define model_name(p) model_name_as((p), sizeof(*(p)), #p)
void model_name_as(const void *address, size_t size, const char *name);

/* From here on nobody may touch it: for what the scenario has of objects; what the sources free by free() is seen. */
void model_free(const void *address, size_t size);

/* How many blocks the sources have allocated and not freed. */
unsigned model_blocks(void);

#define model_assert(condition) ((condition) ? (void)0 : model_fail_assertion(__FILE__, __LINE__, #condition))
void model_fail_assertion(const char *file, int line, const char *condition) __attribute__((noreturn));
void model_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Notes of the scenario itself, invisible to the sources: they order nothing and do not race. */
void model_note(uint32_t *note, uint32_t value);
uint32_t model_noted(const uint32_t *note);
void model_count(uint32_t *note);

/* A moment at which another thread may run. Between two such moments (every operation on shared memory is one)
 * a thread's notes are one step. */
void model_pause(void);

/* Blocks until that thread sleeps or has returned. Orders nothing. */
void model_await_asleep(unsigned thread);

/* Blocks until a note is at least so high. Orders nothing. */
void model_await_note(const uint32_t *note, uint32_t value);

/* Blocks until the eventfd is readable (there is one). Orders nothing. */
void model_await_readable(void);

/* A deadline that may pass at any moment. */
#define MODEL_SOON INT64_C(1010000000)
#define MODEL_LATER INT64_C(1020000000)

/* To be called by `finish`: nobody waits for this object. */
void model_assert_unwaited(const void *object);

#endif
