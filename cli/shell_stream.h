/*
 * shell_stream.h - items on standard input and output, for commands that a signal ends in order: see shell_signals.h.
 */
#ifndef FAIRLEAD_CLI_SHELL_STREAM_H
#define FAIRLEAD_CLI_SHELL_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#define SHELL_STREAM_WHOLE (-1) /* instead of a byte that ends an item: all that comes is one, and be it nothing */
#define SHELL_STREAM_RAW (-1)   /* nothing is written behind an item */

/* Standard input. All zero is its beginning. */
struct shell_input {
	char *data;
	size_t room, begin, end; /* what was read and not given out is from `begin` to `end` */
	bool ended, given;
};

/* The next item that ends with the byte `last`, or with the input, of up to `most` bytes; it stays until the next call.
 * Returns 1, and the item; 0: there are no more;
 * -EMSGSIZE: it has more bytes than that, *ret_size of them at least;
 * -ECANCELED: a signal; -ENOMEM; or what the system said. */
int shell_input_next(struct shell_input *input, int last, size_t most, const char **ret_data, size_t *ret_size);

/* Ends the use of it. */
void shell_input_close(struct shell_input *input);

/* Writes an item and the byte `last` to standard output. Returns 0; -ECANCELED: a signal, and a part may have been
 * written; or what the system said. */
int shell_output(const char *data, size_t size, int last);

#endif
