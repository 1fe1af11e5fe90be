/*
 * cli/shell_queue_items.c - puts items and gets them.
 *
 * What is got is this process's until it has been written out, and only then done: if it cannot be written, or the
 * command is killed, it is handed out again. So it may be seen twice, and is never lost.
 */
#include "shell_queue.h"

#include "shell_signals.h"
#include "shell_stream.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static int last_byte(const struct queue_command *command)
{
	return command->given & QUEUE_NULL ? 0 : '\n';
}

/* Putting. */

static int put_one(struct queue_command *command, const char *data, size_t size)
{
	fl_shared_queue_item item;
	int error;

	if (fl_note_is_cancelled(shell_signals_note()))
		return -ECANCELED;
	if (size > command->most)
		return -EMSGSIZE;
	error = fl_shared_queue_reserve_until(command->queue, &item, queue_deadline(command), shell_signals_note());
	if (error != 0)
		return error;
	memcpy(item.data, &command->priority, command->head);
	memcpy((char *)item.data + command->head, data, size);
	item.size = command->head + size;
	return fl_shared_queue_commit(command->queue, &item);
}

static int say_too_large(struct queue_command *command, uint64_t before, const char *least, size_t size)
{
	queue_say(command, "item %llu has %s%zu bytes, and this queue takes %zu (--item-size)",
		  (unsigned long long)before + 1, least, size, command->most);
	return queue_fail(command, SHELL_FAILED);
}

static int put_texts(struct queue_command *command, uint64_t *put)
{
	size_t size = 0;
	int error = 0;

	for (char **text = command->texts; *text && error == 0; text++) {
		size = strlen(*text);
		error = put_one(command, *text, size);
		*put += error == 0;
	}
	return error == -EMSGSIZE ? say_too_large(command, *put, "", size) : error;
}

static int say_not_read(struct queue_command *command, int error)
{
	if (error == 0 || error == -ECANCELED)
		return error;
	fprintf(stderr, "%s: standard input: %s\n", command->shell.path, strerror(-error));
	return queue_fail(command, SHELL_FAILED);
}

static int put_input(struct queue_command *command, uint64_t *put)
{
	int last = command->given & QUEUE_WHOLE ? SHELL_STREAM_WHOLE : last_byte(command);
	struct shell_input input = {0};
	const char *data = NULL;
	size_t size = 0;
	int error = 0, more = 0;

	while (error == 0 && (more = shell_input_next(&input, last, command->most, &data, &size)) == 1) {
		error = put_one(command, data, size);
		*put += error == 0;
	}
	shell_input_close(&input);
	if (error == 0 && more == -EMSGSIZE)
		return say_too_large(command, *put, "at least ", size);
	return error == 0 ? say_not_read(command, more) : error;
}

int queue_put(struct queue_command *command)
{
	uint64_t put = 0;
	int error;

	error = command->texts ? put_texts(command, &put) : put_input(command, &put);
	if (error == -EPIPE)
		queue_say(command, "it is shut down");
	if (error != 0 && put > 0)
		queue_say(command, "%llu items were put before that", (unsigned long long)put);
	return error;
}

/* Getting. */

int queue_take(struct queue_command *command, fl_shared_queue_item *ret_item)
{
	if (fl_note_is_cancelled(shell_signals_note()))
		return -ECANCELED;
	return fl_shared_queue_peek_until(command->queue, ret_item, queue_deadline(command), shell_signals_note());
}

/* Who reads what is written may have gone: then this ends as others do in a pipe. */
static int say_not_written(struct queue_command *command, int error)
{
	if (error == -ECANCELED)
		return error;
	if (error == -EPIPE)
		return queue_fail(command, SHELL_SIGNAL + SIGPIPE);
	fprintf(stderr, "%s: standard output: %s\n", command->shell.path, strerror(-error));
	return queue_fail(command, SHELL_FAILED);
}

static int hand_out(struct queue_command *command, const fl_shared_queue_item *item)
{
	int last = command->given & QUEUE_RAW ? SHELL_STREAM_RAW : last_byte(command), error;

	error = shell_output((const char *)item->data + command->head, item->size - command->head, last);
	if (error == 0)
		return fl_shared_queue_task_done(command->queue, item);
	fl_shared_queue_give_back(command->queue, item);
	return say_not_written(command, error);
}

int queue_get(struct queue_command *command)
{
	uint64_t left = command->given & QUEUE_ALL ? UINT64_MAX : command->count;
	fl_shared_queue_item item;
	int error = 0;

	signal(SIGPIPE, SIG_IGN);
	for (; left > 0 && error == 0; left--) {
		error = queue_take(command, &item);
		if (error == 0)
			error = hand_out(command, &item);
	}
	return error == -EPIPE && (command->given & QUEUE_ALL) ? 0 : error;
}
