/*
 * cli/shell_queue_work.c - runs a program for each item.
 *
 * A holder has the item while its program runs, below a front that may be killed: as with a lock (cli/shell_hold.c).
 * The item is done when the program has ended with 0. In all other cases it is handed out again:
 *
 *     the program fails              it is given back, or, when --tries says so, given up
 *     it cannot be run               it is given back, and the command ends: other items would fare no better
 *     a signal ends the command      it is given back, when the program has ended
 *     the front is killed            the holder leaves with it when nothing of the program is left, which the queue
 *                                    takes for a death: so it counts for --deliveries
 *     the holder is killed           the same, but what the program has started goes on
 *
 * What the program reads is a copy in memory of its own. A pipe would have to be written to while the program is waited
 * for, and what is in the segment is for the next one when this one is done.
 *
 * What was left behind by programs before is killed, too, when the front is: it has become the holder's, and nothing
 * tells it from what this program has left.
 */
#define _GNU_SOURCE
#include "shell_queue.h"

#include "program.h"
#include "shell_signals.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct work {
	struct queue_command *command;
	fl_shared_queue_item item;
	const char *data; /* as scripts see it */
	size_t size;
};

/* What the program gets. */

static int set_number(const char *name, long long number)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", number);
	return setenv(name, text, 1) == 0 ? 0 : -errno;
}

static int set_environment(const struct work *work)
{
	int error = set_number("FAIRLEAD_NUMBER", (long long)work->item.number);
	int64_t priority;

	if (error == 0)
		error = set_number("FAIRLEAD_DELIVERIES", work->item.deliveries);
	unsetenv("FAIRLEAD_PRIORITY");
	if (error != 0 || work->command->head == 0)
		return error;
	memcpy(&priority, work->item.data, sizeof(priority));
	return set_number("FAIRLEAD_PRIORITY", priority);
}

static int write_all(int fd, const char *data, size_t size)
{
	ssize_t n;

	for (; size > 0; data += n, size -= (size_t)n) {
		n = write(fd, data, size);
		if (n < 0)
			return -errno;
	}
	return lseek(fd, 0, SEEK_SET) == 0 ? 0 : -errno;
}

/* With the item as its input. */
static int run_with_input(const struct work *work, int *ret_status)
{
	int fd = memfd_create("item", MFD_CLOEXEC), error;

	if (fd < 0)
		return -errno;
	error = write_all(fd, work->data, work->size);
	if (error == 0)
		error = shell_program_run(work->command->shell.program, fd, ret_status);
	close(fd);
	return error;
}

/* With the item in the place of {}. */
static int run_with_argument(const struct work *work, size_t n, int *ret_status)
{
	char **program = work->command->shell.program, **words = calloc(n + 1, sizeof(*words));
	char *text = malloc(work->size + 1);
	int error = words && text ? 0 : -ENOMEM;

	if (error == 0 && memchr(work->data, 0, work->size))
		error = -EILSEQ;
	if (error == 0) {
		memcpy(text, work->data, work->size);
		text[work->size] = 0;
		for (size_t i = 0; i < n; i++)
			words[i] = i > 0 && strcmp(program[i], "{}") == 0 ? text : program[i];
		error = shell_program_run(words, -1, ret_status);
	}
	free(text);
	free(words);
	return error;
}

static int run(const struct work *work, int *ret_status)
{
	char **program = work->command->shell.program;
	int error = set_environment(work);
	bool as_argument = false;
	size_t n = 1;

	for (; program[n]; n++)
		as_argument = as_argument || strcmp(program[n], "{}") == 0;
	if (error != 0)
		return error;
	return as_argument ? run_with_argument(work, n, ret_status) : run_with_input(work, ret_status);
}

/* What becomes of the item. */

/* What is wrong with it, that no program can be run with it; NULL: it is not the item. */
static const char *complain(int error)
{
	return error == -EILSEQ  ? "it has a zero byte, as no argument can"
	       : error == -E2BIG ? "it is too large for an argument"
				 : NULL;
}

static void explain(char why[80], int status)
{
	if (WIFSIGNALED(status))
		snprintf(why, 80, "the program was ended by signal %d", WTERMSIG(status));
	else
		snprintf(why, 80, "the program's status is %d", WEXITSTATUS(status));
}

/* With `status` the command ends, if it does. */
static int fail(struct work *work, const char *why, int status)
{
	struct queue_command *command = work->command;
	bool last = command->tries > 0 && work->item.deliveries >= command->tries;

	queue_say(command, "item %llu, handed out %u times: %s; it is %s", (unsigned long long)work->item.number,
		  work->item.deliveries, why, last ? "given up" : "given back");
	command->given_up += last;
	if (last)
		return fl_shared_queue_task_done(command->queue, &work->item);
	fl_shared_queue_give_back(command->queue, &work->item);
	return command->tries > 0 ? 0 : queue_fail(command, status);
}

static int fail_by_program(struct work *work, int status)
{
	char why[80];

	explain(why, status);
	if (!WIFSIGNALED(status))
		return fail(work, why, WEXITSTATUS(status));
	if (work->command->tries == 0)
		work->command->ended_by = WTERMSIG(status);
	return fail(work, why, SHELL_SIGNAL + WTERMSIG(status));
}

static int work_on(struct work *work)
{
	struct queue_command *command = work->command;
	int status = 0, error = run(work, &status);

	shell_signals_settle();
	if (shell_signals_orphaned())
		shell_program_kill_all();
	if (error == 0 && status == 0)
		return fl_shared_queue_task_done(command->queue, &work->item);
	if (shell_signals_orphaned())
		return queue_fail(command, SHELL_SIGNAL + SIGKILL);
	if (error == 0 && !fl_note_is_cancelled(shell_signals_note()))
		return fail_by_program(work, status);
	if (complain(error))
		return fail(work, complain(error), PROGRAM_CANNOT_RUN);
	fl_shared_queue_give_back(command->queue, &work->item);
	return error == 0 ? -ECANCELED : queue_fail(command, shell_program_say(&command->shell, error));
}

/* The holder. */

static int work_on_all(struct queue_command *command)
{
	struct work work = {.command = command};
	int error;

	do {
		error = queue_take(command, &work.item);
		if (error == 0) {
			work.data = (const char *)work.item.data + command->head;
			work.size = work.item.size - command->head;
			error = work_on(&work);
		}
	} while (error == 0 && shell_signals_again());
	return error == 0 ? -ECANCELED : error;
}

static int below(struct shell *shell)
{
	struct queue_command *command = (struct queue_command *)shell;
	int status = shell_enter(shell, shell_program_name(shell), queue_find), error;

	if (status != SHELL_OK)
		return status;
	error = work_on_all(command);
	status = queue_leave(command, error == -EPIPE ? 0 : error);
	if (command->given_up > 0)
		queue_say(command, "%llu items were given up", (unsigned long long)command->given_up);
	if (command->given_up > 0 && (status == SHELL_OK || status == SHELL_BUSY || status == SHELL_TIMED_OUT))
		return SHELL_GAVE_UP;
	return error == -EIO && command->ended_by == SIGINT ? shell_signals_die_by(SIGINT) : status;
}

int queue_work(struct queue_command *command)
{
	command->shell.program = command->texts;
	return shell_front(&command->shell, below);
}
