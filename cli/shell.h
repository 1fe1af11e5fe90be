/*
 * shell.h - what scripts share: `fairlead lock`, `semaphore`, `event`, `barrier` and `queue`, and what these have in
 * common.
 *
 * Each command has a file of its own, with a struct that begins with a struct shell, a table of options and its
 * function. It reads its words (shell_read), enters the segment with its object (shell_enter), does what it does
 * there, and leaves (shell_leave). One that holds something while a program runs says how that is found,
 * acquired and released, and shell_hold does the rest.
 */
#ifndef FAIRLEAD_CLI_SHELL_H
#define FAIRLEAD_CLI_SHELL_H

#include "command.h"

#include <fairlead/segment.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

extern const char lock_about[], semaphore_about[], event_about[], barrier_about[], queue_about[];
extern const struct option_row lock_rows[], semaphore_rows[], event_rows[], barrier_rows[], queue_rows[];
int lock_command(int argc, char **argv);
int semaphore_command(int argc, char **argv);
int event_command(int argc, char **argv);
int barrier_command(int argc, char **argv);
int queue_command(int argc, char **argv);

/* How they end. The others are the program's: its own, 128 and the signal that killed it, 126 and 127 (program.h). */
enum shell_status {
	SHELL_OK = 0,
	SHELL_NOT_SET = 1,      /* the event, which was asked for that */
	SHELL_GAVE_UP = 119,    /* items of the queue, after --tries */
	SHELL_OWNER_DIED = 120, /* and --fail-if-owner-died; or it cannot be recovered */
	SHELL_BROKEN = 121,     /* the barrier; or the queue is shut down */
	SHELL_USAGE = 122,      /* it was called in a wrong way, and has done nothing */
	SHELL_BUSY = 123,       /* with --try */
	SHELL_TIMED_OUT = 124,
	SHELL_FAILED = 125,
	SHELL_SIGNAL = 128, /* with its number added */
};

/* What a command was asked for, and what it has. */
struct shell {
	const char *path;  /* how it was called */
	const char *name;  /* of the object */
	char **program;    /* and its arguments; NULL: none */
	const char *where; /* the segment's name */
	const char *directory;
	bool timed, at_once;       /* --timeout, --try */
	fl_time timeout, deadline; /* what --timeout says; when that will be over */
	pid_t front;               /* the process whose death ends this one; 0: none */
	const struct shell_kind *kind;
	fl_segment *segment;
};

/* The options that they have in common. */
int shell_take_timeout(void *config, const char *value, char *why, size_t size);
int shell_take_try(void *config, const char *value, char *why, size_t size);
int shell_take_segment(void *config, const char *value, char *why, size_t size);
int shell_take_directory(void *config, const char *value, char *why, size_t size);
int shell_take_flag(bool *flag);

/* clang-format off */
#define SHELL_TIMEOUT_ROW \
	{"Waiting", "timeout", 'w', "DURATION", "wait for so long at most: 1.5 or 1.5s, 250ms, 2m, 1h; the status is " \
	 "124 if that was not enough", OPTION_ONCE, shell_take_timeout}
#define SHELL_TRY_ROW_OF(take) \
	{NULL, "try", 'n', NULL, "do not wait; the status is 123 if one would have to", OPTION_FLAG, take}
#define SHELL_TRY_ROW SHELL_TRY_ROW_OF(shell_take_try)
#define SHELL_WHERE_ROWS \
	{"Where", "segment", 0, "SEGMENT", "the segment that it is in (shell). Those whose names are shell, or begin " \
	 "with shell., belong to scripts, and keep what is in them whoever is killed", OPTION_ONCE, \
	 shell_take_segment}, \
	{NULL, "directory", 0, "DIRECTORY", "where the segments are (/dev/shm/fairlead-UID)", OPTION_ONCE, \
	 shell_take_directory}
/* clang-format on */

/* Reads the words of a command into what begins with a struct shell. From then on SIGINT and its like wait. Returns
 * true; or false, and everything was said, and the status is in *ret_status. */
bool shell_read(struct shell *shell, const char *command, int argc, char **argv, struct options *ret_options,
		int *ret_status);

/* The same for a command whose words depend on one of them: as that row has it. */
bool shell_read_as(struct shell *shell, const struct command *command, int argc, char **argv,
		   struct options *ret_options, int *ret_status);

/* Says what is wrong with how it was called. Returns SHELL_USAGE. */
int shell_wrong(const struct shell *shell, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Attaches to the segment, and finds the object: `find` returns as fl_segment_lock does. `process` is what others are
 * to see there, NULL the name of this command. SIGINT and its like cancel shell_signals_note() from then on. Returns
 * SHELL_OK; or has said why not, and is not attached. */
int shell_enter(struct shell *shell, const char *process, int (*find)(struct shell *shell));

/* Leaves the segment in order, where nothing must be held any more. Returns the status for what a call of the object
 * has returned, and says what is not the answer to a question; if a signal has cancelled it, ends by that. */
int shell_leave(struct shell *shell, int error);

/* Something to be held while a program runs. `acquire` returns as fl_lock_acquire_until does, and -EOWNERDEAD if it is
 * held and to be left as it is: then it is not released. */
struct shell_kind {
	int (*find)(struct shell *shell);
	int (*acquire)(struct shell *shell, fl_note *note);
	void (*release)(struct shell *shell);
};

/* Acquires, runs the program, releases. Returns the status. */
int shell_hold(struct shell *shell, const struct shell_kind *kind);

/* Looks whether the program can be run, and calls below(shell) in a process of its own, the holder (shell_hold.c), with
 * shell->front set. Returns the status that `below` returns there; here it is the front's. */
int shell_front(struct shell *shell, int (*below)(struct shell *shell));

/* The program (shell_program.c). Looks whether there is one that can be run: 0, or has said why not, and the status.
 * What it is called. */
int shell_program_look(const struct shell *shell);
const char *shell_program_name(const struct shell *shell);

/* Runs a program below the holder, with that descriptor as its standard input (-1: the holder's), passes signals on to
 * it, and waits for its end. Returns 0, and its status as waitpid has it; or it could not be run: a negative errno. */
int shell_program_run(char **program, int input, int *ret_status);
/* The status of a command for that of its program; ends this process if SIGINT ended that one. */
int shell_program_status(int status);
/* Says that the program could not be run, and why. Returns the status. */
int shell_program_say(const struct shell *shell, int error);
/* Kills all that is below the holder, and waits until nothing is left. */
void shell_program_kill_all(void);

#endif
