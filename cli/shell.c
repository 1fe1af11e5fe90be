/*
 * cli/shell.c - what the commands for scripts have in common: their words, their segment, their status.
 *
 * A segment whose processes all died is stale, and who opens it makes a new one in its place: nobody knows what they
 * were about to do to the data in it. In a segment of scripts there is no such data, but locks, events and their like,
 * which know themselves who died. So such a one is attached to whatever has become of the others. It has to be: the
 * next one to come to a lock is to be told that its holder was killed, and an event stays set when the last one who
 * waited for it is killed. Its name tells it from the segments of programs, which have theirs made anew as always.
 *
 * That holds as long as the machine lives. When that dies, nobody is left to say that a thread has died; a segment on a
 * disk would then have locks that are held for ever. So it has to be in memory, or it is made anew, too.
 */
#include "shell.h"

#include "shell_signals.h"
#include "values.h"
#include <errno.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#define OWN "shell"

/* Words. */

int shell_take_timeout(void *config, const char *value, char *why, size_t size)
{
	struct shell *shell = config;
	int error = values_duration(value, &shell->timeout, why, size);

	if (error != 0)
		return error;
	shell->timed = true;
	shell->deadline = fl_after(shell->timeout);
	return 0;
}

int shell_take_flag(bool *flag)
{
	*flag = true;
	return 0;
}

int shell_take_try(void *config, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	return shell_take_flag(&((struct shell *)config)->at_once);
}

int shell_take_segment(void *config, const char *value, char *why, size_t size)
{
	(void)why, (void)size;
	((struct shell *)config)->where = value;
	return 0;
}

int shell_take_directory(void *config, const char *value, char *why, size_t size)
{
	(void)why, (void)size;
	((struct shell *)config)->directory = value;
	return 0;
}

int shell_wrong(const struct shell *shell, const char *format, ...)
{
	char what[OPTIONS_WHY];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	options_wrong(shell->path, "%s", what);
	return SHELL_USAGE;
}

bool shell_read(struct shell *shell, const char *command, int argc, char **argv, struct options *ret_options,
		int *ret_status)
{
	return shell_read_as(shell, command_find(command_all, command), argc, argv, ret_options, ret_status);
}

bool shell_read_as(struct shell *shell, const struct command *command, int argc, char **argv,
		   struct options *ret_options, int *ret_status)
{
	int error;

	shell->path = argv[0];
	shell->where = OWN;
	shell->deadline = FL_FOREVER;
	error = options_read(command, argc, argv, shell, ret_options);
	if (error != 0) {
		*ret_status = options_status(error) == COMMAND_OK ? SHELL_OK : SHELL_USAGE;
		return false;
	}
	if (shell->timed && shell->at_once) {
		options_close(ret_options);
		*ret_status = shell_wrong(shell, "--timeout and --try exclude each other");
		return false;
	}
	if (shell->at_once)
		shell->deadline = 0;
	shell->name = ret_options->arguments[0];
	shell->program = ret_options->n > 1 ? ret_options->arguments + 1 : NULL;
	shell_signals_block();
	return true;
}

/* The segment. */

static bool is_own(const char *name)
{
	return strncmp(name, OWN, strlen(OWN)) == 0 && (name[strlen(OWN)] == 0 || name[strlen(OWN)] == '.');
}

static bool is_in_memory(const char *directory)
{
	struct statfs about;

	return !directory || (statfs(directory, &about) == 0 && about.f_type == TMPFS_MAGIC);
}

static int open_segment(struct shell *shell, const char *process)
{
	const fl_segment_options options = {
		.flags = is_own(shell->where) && is_in_memory(shell->directory) ? FL_SEGMENT_STALE : 0,
		.directory = shell->directory,
		.process = process,
	};

	return fl_segment_open(&shell->segment, shell->where, &options);
}

/* Says why it could not be entered. Returns the status. */
static int say_why(const struct shell *shell, int error, bool is_there)
{
	if (error == -EINVAL)
		return shell_wrong(shell, "%s", fl_segment_why());
	if (error == -EPROTO && is_there)
		fprintf(stderr, "%s: %s: this is used for something else: %s\n", shell->path, shell->name,
			fl_segment_why());
	else
		fprintf(stderr, "%s: %s\n", shell->path, fl_segment_why());
	return SHELL_FAILED;
}

int shell_enter(struct shell *shell, const char *process, int (*find)(struct shell *shell))
{
	int error = shell_signals_begin(shell->front), status;

	if (error == -ESRCH)
		return SHELL_FAILED; /* there is nobody to be told */
	if (error != 0)
		return shell_leave(shell, error);
	error = open_segment(shell, process);
	if (error == 0)
		error = find(shell);
	if (error >= 0)
		return SHELL_OK;
	status = say_why(shell, error, shell->segment != NULL);
	shell->segment = fl_segment_close(shell->segment);
	return status;
}

/* What it comes to. */

/* Says what the library has returned, if it is not the answer to a question. */
static void say(const struct shell *shell, int error)
{
	const char *what = error == -ENOTRECOVERABLE ? "somebody died holding it, and another one gave it up as lost"
			   : error == -EPIPE         ? "it is broken"
			   : error == -EOVERFLOW     ? "there would be more permits than there can be"
			   : error == -ENOSYS        ? "this needs Linux 5.16 or newer"
			   : error == -EPROTO        ? "it is damaged"
			   : error == -EUSERS        ? "more threads use the segment than may"
						     : strerror(-error);

	fprintf(stderr, "%s: %s: %s\n", shell->path, shell->name, what);
}

int shell_leave(struct shell *shell, int error)
{
	shell->segment = fl_segment_close(shell->segment);
	switch (error) {
	case 0:
		return SHELL_OK;
	case -ECANCELED:
		return shell_signals_die();
	case -ETIMEDOUT:
		return shell->at_once ? SHELL_BUSY : SHELL_TIMED_OUT;
	default:
		say(shell, error);
		return error == -ENOTRECOVERABLE ? SHELL_OWNER_DIED : error == -EPIPE ? SHELL_BROKEN : SHELL_FAILED;
	}
}
