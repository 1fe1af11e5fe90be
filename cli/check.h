/*
 * check.h - what `fairlead check` and `fairlead replay` are made of.
 *
 *     check_target.c    the program: where it is, and whether it can be checked
 *     check_input.c     what it reads, the same each time
 *     check_run.c       runs it with the runtime (src/check) in front of it, and takes what that answers
 *     check_symbols.c   addresses of code: functions, files, lines; check_names.c: addresses of data
 *     check_json.c      the report as JSON, from which all other forms are made:
 *     check_text.c      for people, with check_steps.c for the interleaving and check_paint.c for colours
 *     check_save.c      replay files
 *
 * All that is found out about the program's addresses is found out here, from its files: nothing of it happens in the
 * process that is checked.
 */
#ifndef FAIRLEAD_CLI_CHECK_H
#define FAIRLEAD_CLI_CHECK_H

#include "check/result.h"
#include "options.h"

#include <jansson.h>
#include <limits.h>
#include <sys/types.h>

#define CHECK_JOBS 64u
#define CHECK_BUILD_ID 41u

extern const struct option_row check_rows[], replay_rows[];
extern const char check_about[], replay_about[], cc_about[];
int check_command(int argc, char **argv);
int replay_command(int argc, char **argv);
int cc_command(int argc, char **argv);
int cxx_command(int argc, char **argv);

/* The program. */
struct check_target {
	char **argv;                /* as it is called */
	char file[PATH_MAX];        /* that is run */
	char library[3 * PATH_MAX]; /* the runtime; behind a colon Fairlead, if the program needs it */
	char folder[PATH_MAX];      /* in which they are, with the runtime's other names */
	bool seen;                  /* it was built with -fsanitize=thread */
	bool needs_fairlead;
	bool has_fairlead;             /* within it, and not built to be seen */
	char build_id[CHECK_BUILD_ID]; /* hexadecimal digits; empty: it has none */
};

/* Finds the program, which is to be called with `argv`, and the runtime. Returns 0, or has said on standard error, as
 * `path`, why it cannot be checked, and returns -EINVAL. */
int check_find(const char *path, const char *program, char **argv, struct check_target *ret_target);

/* How it is to be run, beside what the runtime is asked. */
struct check_wish {
	struct check_asked asked;
	uint64_t jobs;
	const char *input;  /* file for standard input; NULL: none */
	const char *expect; /* file with the output that is right; NULL: none */
	bool show_output;
};

/* One process of the program, with the memory that it shares with the command. */
struct check_job {
	int fd, output, first_output, said;
	struct check_memory *memory;
	pid_t pid;
	int status;
	bool ended;
	bool late; /* its last run would not end, and was left */
};

/* What came of it. */
struct check_found {
	struct check_job *job; /* the one whose failure is told; the first, if there is none */
	struct check_job jobs[CHECK_JOBS];
	unsigned n_jobs;
	uint64_t runs, steps, races, cut_off, blocked; /* of all */
	double seconds;
	bool interrupted;
};

/* Runs it. `prepare`, if not NULL, fills in what is to be replayed. Returns 0; -EIO: the program could not be checked,
 * which has been said. */
int check_run(const char *path, const struct check_target *target, const struct check_wish *wish,
	      int (*prepare)(struct check_memory *memory, void *arg), void *arg, struct check_found *found);
/* Ends the use of what was found. */
void check_run_close(struct check_found *found);
/* Prepares a job's memory and descriptors; in the child: becomes the program. For those who run it by other means. */
int check_job_open(struct check_job *job, const struct check_wish *wish);
void check_job_environment(const struct check_target *target, const struct check_job *job);
/* Sets what a program needs to run with the checker's library in it, and under nobody's control. */
void check_environment(const struct check_target *target);

/* Symbols. `memory` says which file lies where. */
struct check_symbols;
struct check_symbols *check_symbols_open(const struct check_memory *memory, const char *program);
void check_symbols_close(struct check_symbols *symbols);
/* Returns the frames at an address, the innermost first: an array with one object, or more where functions were
 * inlined. `exact`: it is that of the instruction, and not the one that a call returns to. A new reference. */
json_t *check_symbols_frames(struct check_symbols *symbols, uint64_t pc, bool exact);
/* The same for all addresses of a place. */
json_t *check_symbols_stack(struct check_symbols *symbols, const struct check_place *place, bool exact);
/* Writes what lies at an address of data: "counter", "bank.account[3]", "stack of T1". */
void check_symbols_data(struct check_symbols *symbols, uint64_t address, char *to, size_t size);
/* Returns the module of an address, or NULL. */
const struct check_module *check_symbols_module(const struct check_memory *memory, uint64_t address);
/* Whether a module is one that the program's author has not written: the system's, or ours. */
bool check_symbols_is_systems(const char *file);

/* The report. */
struct check_report {
	const struct check_target *target;
	const struct check_wish *wish;
	const struct check_found *found;
	const char *replay; /* file; NULL: there is none */
};

json_t *check_json(const struct check_report *report);
const char *check_json_verdict(uint32_t verdict);
const char *check_json_kind(uint32_t kind);
const char *check_json_strategy(uint32_t strategy);
const char *check_json_engine(uint32_t engine);
/* Writes it for people. */
void check_text(FILE *to, const json_t *report);

/* Replay files. */
struct check_replay {
	char *program, *input;
	char **argv;
	char build_id[CHECK_BUILD_ID];
	struct check_wish wish;
	uint32_t verdict;
	char text[CHECK_TEXT];
	uint64_t run;
	struct check_spot {
		char *module;
		uint64_t offset;
	} where, *learned;
	size_t n_learned;
	uint8_t *schedule, *choices;
	uint64_t n_schedule, n_choices;
};

/* Writes one. Returns 0, or a negative errno. */
int check_save(const char *file, const struct check_report *report);
/* Reads one. Returns 0; -EINVAL: what is wrong with it is in `why`; another errno. */
int check_load(const char *file, struct check_replay *ret_replay, char *why, size_t size);
void check_unload(struct check_replay *replay);

#endif
