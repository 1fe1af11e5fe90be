/*
 * cli/options.c - reads a command line by the table of its command, over getopt_long.
 *
 * The words are walked over twice. The first time nothing is taken: wrong usage is found, --help is answered, and it is
 * noted which options are there. Then the file of --config is read, without what the command line has of the options
 * that are taken once. The second time the options are taken. So an option that is taken once is taken once, the
 * command line wins, and a command that is called in a wrong way has not begun to read anything.
 *
 * getopt_long knows a row by its number: the value of a long option is FIRST_LONG + its row. A letter is its own.
 */
#define _GNU_SOURCE
#include "options.h"

#include "command.h"
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LONG 256

static const struct option_row for_all[] = {
	{"Others", "config", 0, "FILE",
	 "read options from a file, too: lines of the form key = value, where a key is the "
	 "long name of an option; of a flag the value is yes or no. The command line wins",
	 OPTION_ONCE, NULL},
	{NULL, "help", 'h', NULL, "show this help", OPTION_FLAG, NULL},
	{NULL, "version", 0, NULL, "show the version", OPTION_FLAG, NULL},
};

/* How many arguments stand before that which is a PROGRAM; -1: none is. */
static int before_program(const struct command *command)
{
	const char *word = command->arguments ? command->arguments : "";

	for (int n = 0; *word; n++, word += strcspn(word, " "), word += *word == ' ')
		if (strncmp(word + (*word == '['), "PROGRAM", strlen("PROGRAM")) == 0)
			return n;
	return -1;
}

const struct option_row *options_row(const struct command *command, size_t i)
{
	size_t n = 0;

	while (command->rows && command->rows[n].name)
		n++;
	if (i < n)
		return &command->rows[i];
	return i - n < sizeof(for_all) / sizeof(for_all[0]) ? &for_all[i - n] : NULL;
}

const struct option_row *options_find(const struct command *command, const char *name)
{
	const struct option_row *row;

	for (size_t i = 0; (row = options_row(command, i)); i++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

const char *options_nearest(const struct command *command, const char *name)
{
	const struct option_row *row;
	const char *nearest = NULL;
	size_t least = SIZE_MAX, distance;

	for (size_t i = 0; (row = options_row(command, i)); i++) {
		distance = options_distance(name, row->name);
		if (options_alike(name, row->name) && distance < least) {
			least = distance;
			nearest = row->name;
		}
	}
	return nearest;
}

int options_wrong(const char *path, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: ", path);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\nTry '%s --help'.\n", path);
	return -EINVAL;
}

int options_status(int error)
{
	return error == 0 || error == -ECANCELED ? COMMAND_OK : COMMAND_USAGE;
}

struct reading {
	const struct command *command;
	int argc;
	char **argv;
	void *config;
	const char *file; /* of --config */
	bool given[OPTIONS_MAX];
};

/* What getopt_long is told of a table. */
struct known {
	struct option longs[OPTIONS_MAX + 1];
	char letters[2 * OPTIONS_MAX + 3]; /* the first one is for `end_of_words` */
};

static void tell(const struct command *command, struct known *ret_known)
{
	const struct option_row *row;
	char *letter = ret_known->letters;
	size_t i;

	*letter++ = '-'; /* each argument is told in its place */
	*letter++ = ':'; /* an argument that is missing is told from an option that there is not */
	for (i = 0; (row = options_row(command, i)); i++) {
		assert(i < OPTIONS_MAX);
		ret_known->longs[i] = (struct option){row->name, row->value ? required_argument : no_argument, NULL,
						      FIRST_LONG + (int)i};
		if (row->letter)
			*letter++ = row->letter;
		if (row->letter && row->value)
			*letter++ = ':';
	}
	ret_known->longs[i] = (struct option){0};
	*letter = 0;
}

/* The row of what getopt_long has returned. */
static size_t row_of(const struct command *command, int found)
{
	const struct option_row *row;
	size_t i;

	if (found >= FIRST_LONG)
		return (size_t)found - FIRST_LONG;
	for (i = 0; (row = options_row(command, i)) && row->letter != (char)found; i++)
		;
	return i;
}

/* A word that begins several names: says which. */
static int say_which(const struct reading *reading, const char *start)
{
	const struct option_row *row;
	char names[200] = "";
	size_t length = 0;

	for (size_t i = 0; (row = options_row(reading->command, i)); i++)
		if (strncmp(row->name, start, strlen(start)) == 0 && length < sizeof(names))
			length += (size_t)snprintf(names + length, sizeof(names) - length, "%s--%s",
						   length ? " or " : "", row->name);
	if (length == 0)
		return 0;
	return options_wrong(reading->argv[0], "--%s could be %s", start, names);
}

static int say_unknown(const struct reading *reading, const char *word)
{
	char name[64];
	const char *nearest;

	if (strncmp(word, "--", 2) != 0)
		return options_wrong(reading->argv[0], "there is no option -%c", optopt);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	if (say_which(reading, name) != 0)
		return -EINVAL;
	nearest = options_nearest(reading->command, name);
	if (nearest)
		return options_wrong(reading->argv[0], "there is no option --%s; did you mean --%s?", name, nearest);
	return options_wrong(reading->argv[0], "there is no option --%s", name);
}

/* What getopt_long has not understood. */
static int say_what_is_wrong(const struct reading *reading, int found)
{
	const struct option_row *row;

	if (found == '?' && optopt < FIRST_LONG)
		return say_unknown(reading, optopt ? "-" : reading->argv[optind - 1]);
	row = options_row(reading->command, row_of(reading->command, optopt));
	if (found == '?')
		return options_wrong(reading->argv[0], "--%s takes no argument", row->name);
	return options_wrong(reading->argv[0], "--%s needs an argument: %s", row->name, row->value);
}

/* Where the words end that are the command's own: at its program, or at the end of all. What they are is not looked at
 * here. */
static int end_of_words(const struct reading *reading, const struct known *known)
{
	int before = before_program(reading->command), found;

	if (before < 0)
		return reading->argc;
	optind = 0; /* glibc's getopt begins anew */
	while ((found = getopt_long(reading->argc, reading->argv, known->letters, known->longs, NULL)) != -1)
		if (found == 1 && before-- == 0)
			return optind - 1;
	return reading->argc;
}

const char *options_argument(const struct command *command, int argc, char **argv, int i)
{
	struct known known;
	int found;

	tell(command, &known);
	opterr = 0;
	optind = 0;
	while ((found = getopt_long(argc, argv, known.letters, known.longs, NULL)) != -1)
		if (found == 1 && i-- == 0)
			return optarg;
	return i < argc - optind ? argv[optind + i] : NULL;
}

/* Calls each(reading, row, value) for the options of the command line, until it does not return 0. */
static int walk(struct reading *reading, int (*each)(struct reading *reading, size_t i, const char *value))
{
	struct known known;
	int found, end, error = 0;

	tell(reading->command, &known);
	opterr = 0;
	end = end_of_words(reading, &known);
	optind = 0;
	while (error == 0) {
		found = getopt_long(end, reading->argv, known.letters + 1, known.longs, NULL);
		if (found == -1)
			break;
		if (found == '?' || found == ':')
			error = say_what_is_wrong(reading, found);
		else
			error = each(reading, row_of(reading->command, found), optarg);
	}
	return error;
}

/* The options that all commands have. Returns -ECANCELED if there is no more to do. */
static int answer(struct reading *reading, const struct option_row *row, const char *value)
{
	if (strcmp(row->name, "config") == 0) {
		reading->file = value;
		return 0;
	}
	if (strcmp(row->name, "help") == 0)
		options_help(stdout, reading->command, reading->argv[0], options_width(stdout));
	else
		puts("fairlead " CLI_VERSION);
	return -ECANCELED;
}

static int look(struct reading *reading, size_t i, const char *value)
{
	const struct option_row *row = options_row(reading->command, i);

	if (reading->given[i] && row->how == OPTION_ONCE)
		return options_wrong(reading->argv[0], "--%s is given twice", row->name);
	reading->given[i] = true;
	return row->take ? 0 : answer(reading, row, value);
}

static int take(struct reading *reading, size_t i, const char *value)
{
	const struct option_row *row = options_row(reading->command, i);
	char why[OPTIONS_WHY] = "it is wrong";

	if (!row->take || row->take(reading->config, value, why, sizeof(why)) == 0)
		return 0;
	if (!value)
		return options_wrong(reading->argv[0], "--%s: %s", row->name, why);
	return options_wrong(reading->argv[0], "--%s %s: %s", row->name, value, why);
}

/* Whether there are as many arguments as the usage line has words. */
static int count_arguments(const struct reading *reading, int n)
{
	const char *word = reading->command->arguments ? reading->command->arguments : "";
	size_t length;

	for (; *word; word += length + (word[length] == ' ')) {
		length = strcspn(word, " ");
		if (n == 0 && *word != '[')
			return options_wrong(reading->argv[0], "%.*s is missing", (int)length, word);
		if (memmem(word, length, "...", 3))
			return 0;
		n -= n > 0;
	}
	if (n > 0)
		return options_wrong(reading->argv[0], "'%s' is one argument too many",
				     reading->argv[reading->argc - n]);
	return 0;
}

int options_read(const struct command *command, int argc, char **argv, void *config, struct options *ret_options)
{
	struct reading reading = {.command = command, .argc = argc, .argv = argv, .config = config};
	struct options options = {0};
	int error = walk(&reading, look), first = optind;

	if (error == 0)
		error = count_arguments(&reading, argc - first);
	if (error == 0 && reading.file)
		error = options_read_file(command, argv[0], reading.file, reading.given, config, &options.kept);
	if (error == 0)
		error = walk(&reading, take);
	if (error != 0) {
		options_close(&options);
		return error;
	}
	options.arguments = argv + first;
	options.n = argc - first;
	*ret_options = options;
	return 0;
}

void options_close(struct options *options)
{
	struct options_text *text;

	while ((text = options->kept)) {
		options->kept = text->next;
		free(text);
	}
}
