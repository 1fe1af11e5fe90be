/*
 * cli/shell_semaphore.c - `fairlead semaphore`: a program runs while it has a permit; or permits as signals.
 *
 * With a program it is a semaphore with holders: the permits of those that died come back. A signal is sent by one
 * script and taken by another one, so that one is only a number. They are objects of different types: who uses a name
 * in both ways is told so.
 */
#include "shell.h"

#include "shell_signals.h"
#include "values.h"

struct semaphore_command {
	struct shell shell;
	fl_semaphore *semaphore;
	uint64_t permits, released;
	bool acquire;
};

const char semaphore_about[] =
	"With a program: takes one of the permits, runs the program, gives the permit back, and ends with the "
	"program's status. So at most so many run at a time as there are --permits, on which all have to agree. "
	"Whoever is killed, its permit comes back, and not before its program has ended. Without a program permits are "
	"signals: --release puts some there, --acquire takes one, in whichever script; there are none at first.";

static int take_permits(void *config, const char *value, char *why, size_t size)
{
	return values_count(value, 1, FL_SEMAPHORE_HOLDERS_MAX, &((struct semaphore_command *)config)->permits, why,
			    size);
}

static int take_release(void *config, const char *value, char *why, size_t size)
{
	return values_count(value, 1, FL_SEMAPHORE_MAX, &((struct semaphore_command *)config)->released, why, size);
}

static int take_acquire(void *config, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	return shell_take_flag(&((struct semaphore_command *)config)->acquire);
}

const struct option_row semaphore_rows[] = {
	{"Permits", "permits", 'p', "N", "how many programs may run at a time, 1 to 4096", OPTION_ONCE, take_permits},
	{NULL, "acquire", 0, NULL, "take a permit that another one releases, instead of running a program", OPTION_FLAG,
	 take_acquire},
	{NULL, "release", 0, "N", "release so many permits, instead of running a program", OPTION_ONCE, take_release},
	SHELL_TIMEOUT_ROW,
	SHELL_TRY_ROW,
	SHELL_WHERE_ROWS,
	{0},
};

/* Around a program. */

static int find(struct shell *shell)
{
	struct semaphore_command *command = (struct semaphore_command *)shell;

	return fl_segment_semaphore_holders(shell->segment, shell->name, (uint32_t)command->permits,
					    &command->semaphore);
}

static int acquire(struct shell *shell, fl_note *note)
{
	return fl_semaphore_acquire_until(((struct semaphore_command *)shell)->semaphore, shell->deadline, note);
}

static void release(struct shell *shell)
{
	fl_semaphore_release(((struct semaphore_command *)shell)->semaphore, 1);
}

/* As a signal. */

static int find_number(struct shell *shell)
{
	return fl_segment_semaphore(shell->segment, shell->name, 0, &((struct semaphore_command *)shell)->semaphore);
}

static int signal_it(struct semaphore_command *command)
{
	struct shell *shell = &command->shell;
	int status = shell_enter(shell, NULL, find_number), error;

	if (status != SHELL_OK)
		return status;
	error = command->acquire ? acquire(shell, shell_signals_note())
				 : fl_semaphore_release(command->semaphore, (uint32_t)command->released);
	return shell_leave(shell, error);
}

static int run(struct semaphore_command *command)
{
	static const struct shell_kind kind = {find, acquire, release};
	struct shell *shell = &command->shell;
	bool signal = command->acquire || command->released > 0;

	if ((shell->program != NULL) + command->acquire + (command->released > 0) != 1)
		return shell_wrong(shell, "there is to be one of PROGRAM, --acquire and --release");
	if (signal == (command->permits > 0))
		return shell_wrong(shell, signal ? "--permits is for a PROGRAM" : "a PROGRAM needs --permits");
	if (command->released > 0 && (shell->timed || shell->at_once))
		return shell_wrong(shell, "--release does not wait");
	return signal ? signal_it(command) : shell_hold(shell, &kind);
}

int semaphore_command(int argc, char **argv)
{
	struct semaphore_command command = {0};
	struct options options;
	int status;

	if (!shell_read(&command.shell, "semaphore", argc, argv, &options, &status))
		return status;
	status = run(&command);
	options_close(&options);
	return status;
}
