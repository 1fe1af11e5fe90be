/*
 * cli/shell_barrier.c - `fairlead barrier`: scripts wait for each other.
 */
#include "shell.h"

#include "shell_signals.h"
#include "values.h"
#include <stdio.h>

struct barrier_command {
	struct shell shell;
	fl_barrier *barrier;
	uint64_t parties;
	bool say_index, reset, abort;
};

const char barrier_about[] =
	"Waits until all --parties have come. Then they go on, and the barrier is there for the next round. If one "
	"gives up (--timeout, Ctrl-C) or is killed while it waits, the barrier is broken: the others end with status "
	"121, and so does whoever comes, until somebody calls --reset.";

static int take_parties(void *config, const char *value, char *why, size_t size)
{
	return values_count(value, 1, FL_SEGMENT_PROCESSES, &((struct barrier_command *)config)->parties, why, size);
}

static int take_index(void *config, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	return shell_take_flag(&((struct barrier_command *)config)->say_index);
}

static int take_reset(void *config, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	return shell_take_flag(&((struct barrier_command *)config)->reset);
}

static int take_abort(void *config, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	return shell_take_flag(&((struct barrier_command *)config)->abort);
}

const struct option_row barrier_rows[] = {
	{"Parties", "parties", 'p', "N", "how many make a round, 1 to 120; all have to say the same", OPTION_ONCE,
	 take_parties},
	{NULL, "index", 0, NULL,
	 "print which one of them this is, in order of arrival from 0: it may do what one has to do for all",
	 OPTION_FLAG, take_index},
	SHELL_TIMEOUT_ROW,
	{"Broken", "reset", 0, NULL, "do not wait, but make it whole and empty; who waits ends with status 121",
	 OPTION_FLAG, take_reset},
	{NULL, "abort", 0, NULL, "do not wait, but break it", OPTION_FLAG, take_abort},
	SHELL_WHERE_ROWS,
	{0},
};

static int find(struct shell *shell)
{
	struct barrier_command *command = (struct barrier_command *)shell;

	return fl_segment_barrier(shell->segment, shell->name, (uint32_t)command->parties, &command->barrier);
}

static int come(struct barrier_command *command)
{
	int index = fl_barrier_wait_until(command->barrier, command->shell.deadline, shell_signals_note());

	if (index >= 0 && command->say_index)
		printf("%d\n", index);
	return index < 0 ? index : 0;
}

static int act(struct barrier_command *command)
{
	if (!command->reset && !command->abort)
		return come(command);
	(command->reset ? fl_barrier_reset : fl_barrier_abort)(command->barrier);
	return 0;
}

static int run(struct barrier_command *command)
{
	struct shell *shell = &command->shell;
	bool waits = !command->reset && !command->abort;
	int status;

	if (command->parties == 0)
		return shell_wrong(shell, "--parties is missing");
	if ((command->reset && command->abort) || (!waits && (command->say_index || shell->timed)))
		return shell_wrong(shell, "--reset and --abort go with neither --index nor --timeout, nor together");
	status = shell_enter(shell, NULL, find);
	return status == SHELL_OK ? shell_leave(shell, act(command)) : status;
}

int barrier_command(int argc, char **argv)
{
	struct barrier_command command = {0};
	struct options options;
	int status;

	if (!shell_read(&command.shell, "barrier", argc, argv, &options, &status))
		return status;
	status = run(&command);
	options_close(&options);
	return status;
}
