/*
 * watch.h - `fairlead watch`: what its parts have in common.
 *
 * A *process* here is one program that a process ran, from its first use of a lock on: after an exec there is another
 * one, with notes of its own (src/watch/notes.h). What is found is made into an object of JSON first, and into text
 * from that (watch_text.c), so that both say the same.
 */
#ifndef FAIRLEAD_CLI_WATCH_H
#define FAIRLEAD_CLI_WATCH_H

#include "command.h"

#include "watch/read.h"
#include <jansson.h>
#include <sys/types.h>

extern const struct option_row watch_rows[];
extern const char watch_about[];
int watch_command(int argc, char **argv);

struct watch_orders;
struct watch_holds;
struct watch_places;

struct watch_process {
	struct watch_process *next;
	struct watch_notes *notes;
	pid_t pid;
	void *deadlocks; /* those that were reported, as sums */
	struct watch_orders *orders;
	struct watch_holds *holds;
	struct watch_places *places;
};

/* Where what is found goes. */
struct watch_found {
	void (*take)(struct watch_found *found, json_t *finding); /* the finding is its */
};

/* Notes (watch_notes.c). Pointers of the process become ours; NULL if they point to nothing of that kind. */
const struct watch_chain *watch_chain_at(const struct watch_process *process, const void *pointer);
const struct watch_lock *watch_lock_at(const struct watch_process *process, const void *pointer);
uint32_t watch_life_at(const struct watch_process *process, const void *pointer);
uint32_t watch_least(uint32_t n, uint32_t most);
/* The chain without its last lock; NULL: that was its only one. */
const struct watch_chain *watch_parent(const struct watch_process *process, const struct watch_chain *chain);
/* Whether its lock is still the one that it was. */
bool watch_same(const struct watch_process *process, const struct watch_chain *chain);
/* The places of a chain's acquisition, as a number: its call site, and the callers of that as far as it takes to tell
 * wrappers of locks from each other. */
uint64_t watch_place(const struct watch_chain *chain);
/* Maps the notes that a descriptor is of, which stays the caller's. Returns 0 or a negative errno. */
int watch_process_open(int fd, pid_t pid, struct watch_process **ret_process);
void watch_process_close(struct watch_process *process);

/* Numbers that stand for something (watch_sums.c): with one more part; in the order that tsearch wants; whether one is
 * new to a tree, in which it then is. */
uint64_t watch_mixed(uint64_t sum, uint64_t with);
int watch_compare_sums(const void *a, const void *b);
bool watch_first_time(void **tree, uint64_t sum);

/* Orders (watch_order.c): reads the log as far as it goes, and says which circles there are. */
void watch_orders_read(struct watch_process *process, struct watch_found *found);
void watch_orders_close(struct watch_orders *orders);
/* Whether what was done in segment a was certainly before what was done in b, or after it (watch_before.c). */
bool watch_ordered(const struct watch_process *process, uint32_t a, uint32_t b);
uint32_t watch_life_of(const struct watch_process *process, uint32_t segment);

/* Deadlocks (watch_deadlock.c): says whether threads wait for each other now. */
void watch_deadlocks_look(struct watch_process *process, struct watch_found *found);

/* Figures (watch_table.c). The first is told of time passing. */
void watch_holds_look(struct watch_process *process);
void watch_holds_close(struct watch_holds *holds);
enum watch_sort { WATCH_BY_WAITED, WATCH_BY_HELD, WATCH_BY_LONGEST, WATCH_BY_ACQUIRED, WATCH_BY_CONTENDED };
struct watch_table {
	enum watch_sort sort;
	uint64_t limit;
	int64_t least; /* ns that a lock was waited for, or held, once */
};
json_t *watch_table(struct watch_process *process, const struct watch_table *wanted);

/* Names (watch_places.c): a stack is an array of {function, file, line, module}; of a call in the middle of others that
 * were compiled into one function, each has its own. */
json_t *watch_stack(struct watch_process *process, const uintptr_t *frames, unsigned n);
json_t *watch_function(struct watch_process *process, uintptr_t start);
/* The variable at an address: "cache", "cache+40"; NULL: it is in no module's data, or has no name. */
json_t *watch_variable(struct watch_process *process, uintptr_t address);
void watch_places_close(struct watch_places *places);

/* Parts of what is said (watch_describe.c). A text that is no UTF-8 becomes "?". */
json_t *watch_text(const char *text);
json_t *watch_describe_lock(struct watch_process *process, const struct watch_lock *lock);
json_t *watch_describe_thread(struct watch_process *process, uint32_t life);
/* What a thread holds, or waits for: a lock, how, and where. */
json_t *watch_describe_use(struct watch_process *process, const struct watch_chain *chain);
json_t *watch_describe_process(const struct watch_process *process);

/* Text (watch_text.c). */
void watch_print_finding(FILE *to, const json_t *finding);
void watch_print_table(FILE *to, const json_t *table);

/* The program (watch_program.c). Finds and looks at it. Returns 0, or an exit status and has said what is wrong. */
int watch_program_check(const char *path, const char *program);
/* Finds the library; returns 0, or -ENOENT and has said so. */
int watch_library_find(const char *path, char *ret_library, size_t size);

#endif
