/*
 * cli/shell_stream.c - see shell_stream.h.
 *
 * The signals that end a command are taken by a thread, so they interrupt no read or write. What may block is waited
 * for together with them (shell_signals_await) before it is done. A write that follows is of no more bytes than a pipe
 * has room for when it is ready, PIPE_BUF, and so does not block either; and an item of up to so many is not mixed up
 * with those of others who write to the same pipe.
 */
#include "shell_stream.h"

#include "shell_signals.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 65536u /* bytes of a read */

/* What is only for now: it was not ready, after all. */
static bool is_passing(int error)
{
	return error == EINTR || error == EAGAIN;
}

/* Makes room for a block behind what is there. */
static int make_room(struct shell_input *input)
{
	size_t kept = input->end - input->begin, room = 2 * kept + BLOCK;
	char *data;

	if (input->begin > 0) {
		memmove(input->data, input->data + input->begin, kept);
		input->begin = 0;
		input->end = kept;
	}
	if (input->room - input->end >= BLOCK)
		return 0;
	data = realloc(input->data, room);
	if (!data)
		return -ENOMEM;
	input->data = data;
	input->room = room;
	return 0;
}

static int read_more(struct shell_input *input)
{
	int error = make_room(input);
	ssize_t n;

	if (error == 0)
		error = shell_signals_await(STDIN_FILENO, POLLIN);
	if (error != 0)
		return error;
	n = read(STDIN_FILENO, input->data + input->end, BLOCK);
	if (n < 0)
		return is_passing(errno) ? 0 : -errno;
	input->ended = n == 0;
	input->end += (size_t)n;
	return 0;
}

/* How many bytes the next item has; `looked` are known not to end it. false: its end has not been read yet. */
static bool measure(const struct shell_input *input, int last, size_t looked, size_t *ret_size)
{
	const char *at = input->data + input->begin, *end = NULL;

	*ret_size = input->end - input->begin;
	if (last != SHELL_STREAM_WHOLE && *ret_size > looked)
		end = memchr(at + looked, last, *ret_size - looked);
	if (end)
		*ret_size = (size_t)(end - at);
	return end || input->ended;
}

int shell_input_next(struct shell_input *input, int last, size_t most, const char **ret_data, size_t *ret_size)
{
	size_t looked = 0, size = 0;
	int error;

	while (!measure(input, last, looked, &size) && size <= most) {
		looked = size;
		error = read_more(input);
		if (error != 0)
			return error;
	}
	*ret_size = size;
	if (size > most)
		return -EMSGSIZE;
	if (size == 0 && input->begin == input->end && (last != SHELL_STREAM_WHOLE || input->given))
		return 0;
	input->given = true;
	*ret_data = input->data + input->begin;
	input->begin += size;
	input->begin += input->begin < input->end; /* what has ended it */
	return 1;
}

void shell_input_close(struct shell_input *input)
{
	free(input->data);
	*input = (struct shell_input){0};
}

static int write_some(const char *data, size_t size, size_t *done)
{
	int error = shell_signals_await(STDOUT_FILENO, POLLOUT);
	ssize_t n;

	if (error != 0)
		return error;
	n = write(STDOUT_FILENO, data, size);
	if (n < 0)
		return is_passing(errno) ? 0 : -errno;
	*done += (size_t)n;
	return 0;
}

int shell_output(const char *data, size_t size, int last)
{
	size_t total = size + (last != SHELL_STREAM_RAW), done = 0;
	char part[PIPE_BUF];
	int error = 0;

	while (error == 0 && done < total) {
		size_t n = total - done < sizeof(part) ? total - done : sizeof(part);
		size_t of_item = size - done < n ? size - done : n;

		memcpy(part, data + done, of_item);
		if (of_item < n)
			part[of_item] = (char)last;
		error = write_some(part, n, &done);
	}
	return error;
}
