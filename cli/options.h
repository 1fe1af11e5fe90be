/*
 * options.h - the options of a command: one table, from which comes all that there is to say about them.
 *
 * A table is an array of rows that ends with a row without a name. From it come the reading of the command line and of
 * a file (--config), --help, the completion of the shell, and the list that a test compares with the man page. So an
 * option is described once.
 *
 *     static int take_count(void *config, const char *value, char *why, size_t size)
 *     {
 *             struct config *watch = config;
 *             return values_count(value, 1, UINT32_MAX, &watch->count, why, size);
 *     }
 *     static const struct option_row rows[] = {
 *             {"When to end", "count", 'n', "N", "after so many frames", OPTION_ONCE, take_count},
 *             {0},
 *     };
 *     ...
 *     error = options_read(&this_command, argc, argv, &config, &options);
 *     if (error != 0)
 *             return options_status(error);     // everything was said
 *     ... options.arguments[0] ...
 *     options_close(&options);
 *
 * The name of an option's argument says what completes it: FILE and DIRECTORY names of files, CHANNEL names of frame
 * channels, SEGMENT those of segments, LOCK, SEMAPHORE, EVENT, BARRIER and QUEUE those of what scripts share, and
 * one|two|three these words. It is so with the arguments of a command, too. If one of these is PROGRAM, the command's
 * options stand before it, and what stands behind it is that program's.
 *
 * The file of --config has lines `key = value`; a key is the long name of an option. A flag is `yes` or `no`. A line
 * that begins with # or ; is a comment. The command line wins: what stands there of an option that is taken once is not
 * taken from the file. Of one that is taken many times, those of the file come first.
 */
#ifndef FAIRLEAD_CLI_OPTIONS_H
#define FAIRLEAD_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct command;

enum option_how {
	OPTION_FLAG, /* without an argument */
	OPTION_ONCE, /* given twice it is refused */
	OPTION_MANY, /* each is taken, in their order */
};

#define OPTIONS_MAX 120u /* rows of a table, with those that all commands have */
#define OPTIONS_WHY 200u /* bytes for what is wrong with a value */

struct option_row {
	const char *heading; /* under which --help has it; NULL: that of the row before it */
	const char *name;
	char letter;       /* 0: none */
	const char *value; /* what its argument is called, NULL for a flag */
	const char *help;  /* what it does, with what is taken when it is not given */
	enum option_how how;
	/* Takes it. `value` is NULL for a flag, and lives until options_close. Returns 0, or -EINVAL and what is wrong
	 * with the value in `why`: a sentence without a full stop that begins in lower case. */
	int (*take)(void *config, const char *value, char *why, size_t size);
};

struct options_text {
	struct options_text *next;
	char text[];
};

/* What is left after the options: the arguments. */
struct options {
	char **arguments; /* ends with NULL */
	int n;
	struct options_text *kept; /* the values of the file */
};

/* Reads the command line of a command, and the file that it names. argv[0] is how the command is called. Returns 0, and
 * the options have been taken; otherwise everything has been said, and the status is options_status of it:
 * -ECANCELED: help, or the version, was asked for; -EINVAL: wrong usage. */
int options_read(const struct command *command, int argc, char **argv, void *config, struct options *ret_options);

/* Returns argument i of a command line, from 0 on, or NULL; what the words are is not looked at. For a command of which
 * one word says which others there may be: to be called before options_read. */
const char *options_argument(const struct command *command, int argc, char **argv, int i);

/* Ends the use of the values. */
void options_close(struct options *options);

/* The status of a program for what options_read returned. */
int options_status(int error);

/* Says on standard error what is wrong with how argv[0] was called, and how to get help. Returns -EINVAL. */
int options_wrong(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Returns row i of a command: its own, then those that all have; NULL after the last. */
const struct option_row *options_row(const struct command *command, size_t i);

/* Returns the row of that long name, or NULL. */
const struct option_row *options_find(const struct command *command, const char *name);

/* Returns the long name that is most like `name`, or NULL if none is. */
const char *options_nearest(const struct command *command, const char *name);

/* Returns how many letters have to be changed, added, left out or exchanged with the next one to make `a` into `b`;
 * names are compared up to their 63rd letter. */
size_t options_distance(const char *a, const char *b);

/* Returns whether `b` is so like `a` that it may have been meant. */
bool options_alike(const char *a, const char *b);

/* Writes the help of a command that is called by `path`, in lines of at most `width` columns. */
void options_help(FILE *to, const struct command *command, const char *path, size_t width);

/* Writes the table in a form for programs, a line an option: name, letter or -, argument or -, flag|once|many, heading;
 * tabs are between them. */
void options_list(FILE *to, const struct command *command);

/* Writes text in lines of at most `width` columns, each with an indent; `column` is where the first one begins. */
void options_wrap(FILE *to, const char *text, size_t column, size_t indent, size_t width);

/* Returns how wide lines to that file may be: the width of the terminal, or 80. */
size_t options_width(FILE *to);

/* Reads the file of --config, for a command that is called by `path`. `given` says of each row whether the command line
 * has it. The values are put in front of *kept, also on failure. Returns 0, or -EINVAL and says on standard error which
 * file, line and key is wrong. */
int options_read_file(const struct command *command, const char *path, const char *file, const bool *given,
		      void *config, struct options_text **kept);

#endif
