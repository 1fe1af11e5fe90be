/*
 * cli/help.c - `fairlead help`: for people the same as --help; with --options, the tables for programs.
 *
 * A test compares what --options prints with the man pages.
 */
#include "command.h"

#include <string.h>

struct help {
	bool options;
};

static int take_options(void *config, const char *value, char *why, size_t size)
{
	struct help *help = config;

	(void)value, (void)why, (void)size;
	help->options = true;
	return 0;
}

const struct option_row help_rows[] = {
	{"Form", "options", 0, NULL,
	 "a line for each option of the command: name, letter, argument, flag, once or many, heading, with tabs "
	 "between; without a command, a line for each command",
	 OPTION_FLAG, take_options},
	{0},
};

static void print_path(const char *path, const struct command *command, void *arg)
{
	(void)command, (void)arg;
	puts(path);
}

static int help_all(const struct help *help)
{
	if (help->options)
		command_each(command_all, print_path, NULL);
	else
		command_help(stdout, command_all, "fairlead", command_about);
	return COMMAND_OK;
}

static int say_unknown(const char *self, const struct command *commands, const char *name)
{
	const char *nearest = command_nearest(commands, name);

	if (nearest)
		options_wrong(self, "there is no command '%s'; did you mean '%s'?", name, nearest);
	else
		options_wrong(self, "there is no command '%s'", name);
	return COMMAND_USAGE;
}

static int help_one(const struct help *help, const struct command *command, const char *path)
{
	if (command->commands && help->options)
		command_each(command->commands, print_path, NULL);
	else if (command->commands)
		command_help(stdout, command->commands, path, command->about);
	else if (help->options)
		options_list(stdout, command);
	else
		options_help(stdout, command, path, options_width(stdout));
	return COMMAND_OK;
}

int help_command(int argc, char **argv)
{
	const struct command *commands = command_all, *command = NULL;
	struct help help = {0};
	struct options options;
	char path[200] = "fairlead";
	int error = options_read(command_find(command_all, "help"), argc, argv, &help, &options);

	if (error != 0)
		return options_status(error);
	options_close(&options); /* the arguments are the caller's, and no option has a value */
	for (int i = 0; i < options.n; i++) {
		command = command_find(commands, options.arguments[i]);
		if (!command)
			return say_unknown(argv[0], commands, options.arguments[i]);
		snprintf(path + strlen(path), sizeof(path) - strlen(path), " %s", command->name);
		commands = command->commands;
	}
	return command ? help_one(&help, command, path) : help_all(&help);
}
