/*
 * command.h - what a command of the tool is: a row in a table, with the table of its options.
 *
 * `run` is called with its words after its name, and with argv[0] being how it is called ("fairlead frames watch"),
 * which is what its messages begin with. It returns the status of the program: COMMAND_OK, COMMAND_FAILED,
 * COMMAND_USAGE.
 *
 * A command that only stands for others (`fairlead frames` for `fairlead frames watch`) has a table of those instead of
 * `run`. Tables of commands end with a row that has no name.
 */
#ifndef FAIRLEAD_CLI_COMMAND_H
#define FAIRLEAD_CLI_COMMAND_H

#include "options.h"

enum command_status {
	COMMAND_OK = 0,
	COMMAND_FAILED = 1,
	COMMAND_USAGE = 2, /* it was called in a wrong way, and has done nothing */
};

struct command {
	const char *name;
	const char *summary; /* a line, without a full stop */
	int (*run)(int argc, char **argv);
	const struct option_row *rows; /* NULL: it has only the options that all have */
	const char *arguments;         /* as the usage line has them: "CHANNEL FILE", "[NAME]", "NAME..."; NULL: none */
	const char *about;             /* a paragraph for its --help; may be NULL */
	const struct command *commands; /* those that it stands for */
};

/* The commands of the tool, and what it is (main.c). */
extern const struct command command_all[];
extern const char command_about[];

/* Returns the row of that name, or NULL. `commands` may be NULL. */
const struct command *command_find(const struct command *commands, const char *name);

/* Returns the name that is most like `name`, or NULL if none is. */
const char *command_nearest(const struct command *commands, const char *name);

/* Calls each(path, command, arg) for all commands that can be run, with how they are called ("frames watch"), in their
 * order. */
void command_each(const struct command *commands,
		  void (*each)(const char *path, const struct command *command, void *arg), void *arg);

/* Writes the list of commands that are called by `path` and their name. */
void command_help(FILE *to, const struct command *commands, const char *path, const char *about);

/* `fairlead help` (help.c) and `fairlead completion` (completion.c). */
extern const struct option_row help_rows[];
int help_command(int argc, char **argv);
int completion_command(int argc, char **argv);

/* Finds the command of argv[1] and runs it; answers --help, and what is none. `path` is how one gets here: "fairlead",
 * "fairlead frames". Returns the status of the program. */
int command_run(const struct command *commands, const char *path, const char *about, int argc, char **argv);

#endif
