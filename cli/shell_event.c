/*
 * cli/shell_event.c - `fairlead event`: sets, clears and waits for an Event in a segment.
 */
#include "shell.h"

#include "shell_signals.h"
#include <string.h>

struct event_command {
	struct shell shell;
	fl_event *event;
};

const char event_about[] =
	"An event is a flag that others wait for: set sets it and lets all go who wait, clear clears it, wait waits "
	"until it is set, and is-set has status 0 if it is and 1 if not. It is made when it is first named, and stays "
	"as it is when nobody uses it.";

const struct option_row event_rows[] = {
	SHELL_TIMEOUT_ROW,
	SHELL_WHERE_ROWS,
	{0},
};

static int find(struct shell *shell)
{
	return fl_segment_event(shell->segment, shell->name, &((struct event_command *)shell)->event);
}

/* Each leaves, and returns the status. */

static int set(struct event_command *command)
{
	fl_event_set(command->event);
	return shell_leave(&command->shell, 0);
}

static int clear(struct event_command *command)
{
	fl_event_clear(command->event);
	return shell_leave(&command->shell, 0);
}

static int is_set(struct event_command *command)
{
	bool set = fl_event_is_set(command->event);
	int status = shell_leave(&command->shell, 0);

	return status == SHELL_OK && !set ? SHELL_NOT_SET : status;
}

static int wait_for(struct event_command *command)
{
	struct shell *shell = &command->shell;

	return shell_leave(shell, fl_event_wait_until(command->event, shell->deadline, shell_signals_note()));
}

static const struct action {
	const char *name;
	int (*run)(struct event_command *command);
} actions[] = {{"set", set}, {"clear", clear}, {"wait", wait_for}, {"is-set", is_set}};

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return NULL;
}

static int run(struct event_command *command, const char *word)
{
	const struct action *action = find_action(word);
	struct shell *shell = &command->shell;
	int status;

	if (!action)
		return shell_wrong(shell, "'%s' is not set, clear, wait or is-set", word);
	if (shell->timed && action->run != wait_for)
		return shell_wrong(shell, "%s does not wait", word);
	status = shell_enter(shell, NULL, find);
	return status == SHELL_OK ? action->run(command) : status;
}

int event_command(int argc, char **argv)
{
	struct event_command command = {0};
	struct options options;
	int status;

	if (!shell_read(&command.shell, "event", argc, argv, &options, &status))
		return status;
	status = run(&command, options.arguments[1]);
	options_close(&options);
	return status;
}
