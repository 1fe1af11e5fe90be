/*
 * cli/command.c - from words to a command.
 *
 * The words are `fairlead COMMAND ...` or `fairlead COMMAND COMMAND ...`; options stand behind them, but for --help and
 * --version, which may stand in a command's place.
 */
#include "command.h"

#include <stdint.h>
#include <string.h>

#define PATH_SIZE 200u

const struct command *command_find(const struct command *commands, const char *name)
{
	for (; commands && commands->name; commands++)
		if (strcmp(commands->name, name) == 0)
			return commands;
	return NULL;
}

const char *command_nearest(const struct command *commands, const char *name)
{
	const char *nearest = NULL;
	size_t least = SIZE_MAX, distance;

	for (; commands && commands->name; commands++) {
		distance = options_distance(name, commands->name);
		if (options_alike(name, commands->name) && distance < least) {
			least = distance;
			nearest = commands->name;
		}
	}
	return nearest;
}

static void visit(const struct command *commands, const char *before,
		  void (*each)(const char *path, const struct command *command, void *arg), void *arg)
{
	char path[PATH_SIZE];

	for (; commands->name; commands++) {
		snprintf(path, sizeof(path), "%s%s%s", before, *before ? " " : "", commands->name);
		if (commands->commands)
			visit(commands->commands, path, each, arg);
		else
			each(path, commands, arg);
	}
}

void command_each(const struct command *commands,
		  void (*each)(const char *path, const struct command *command, void *arg), void *arg)
{
	visit(commands, "", each, arg);
}

void command_help(FILE *to, const struct command *commands, const char *path, const char *about)
{
	size_t width = options_width(to), length;

	fprintf(to, "Usage: %s COMMAND ...\n\n", path);
	if (about) {
		options_wrap(to, about, 0, 0, width);
		fputc('\n', to);
	}
	fprintf(to, "Commands:\n");
	for (; commands->name; commands++) {
		length = (size_t)fprintf(to, "  %s", commands->name);
		options_wrap(to, commands->summary, length, 16, width);
	}
	fprintf(to, "\n'%s COMMAND --help' tells more of one.\n", path);
}

static int say_unknown(const struct command *commands, const char *path, const char *name)
{
	const char *nearest = command_nearest(commands, name);

	if (name[0] == '-')
		return options_wrong(path, "a command is expected, not %s", name);
	if (nearest)
		return options_wrong(path, "there is no command '%s'; did you mean '%s'?", name, nearest);
	return options_wrong(path, "there is no command '%s'", name);
}

/* Runs a command, or one of those that it stands for. argv[0] is its name. */
static int run(const struct command *command, const char *before, int argc, char **argv)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s %s", before, command->name);
	if (command->commands)
		return command_run(command->commands, path, command->about, argc, argv);
	argv[0] = path;
	return command->run(argc, argv);
}

int command_run(const struct command *commands, const char *path, const char *about, int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		command_help(stderr, commands, path, about);
		return COMMAND_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		command_help(stdout, commands, path, about);
		return COMMAND_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("fairlead " CLI_VERSION);
		return COMMAND_OK;
	}
	command = command_find(commands, argv[1]);
	if (command)
		return run(command, path, argc - 1, argv + 1);
	say_unknown(commands, path, argv[1]);
	return COMMAND_USAGE;
}
