/*
 * write.h - a whole file or none.
 */
#ifndef FAIRLEAD_CLI_WRITE_H
#define FAIRLEAD_CLI_WRITE_H

#include <stdbool.h>
#include <stddef.h>

/* What is written, one after the other. */
struct write_part {
	const void *data;
	size_t size;
};

/* Tells whether a file can be written there: 0; -EEXIST: there is one, and it is not to be replaced; -EINVAL: there is
 * something that is no file. */
int write_look(const char *path, bool replace);

/* Writes a file under another name, and then gives it its own. The path - is standard output. Until it returns, SIGINT,
 * SIGTERM and SIGHUP wait. Returns 0, as write_look, or what the system said; then nothing has changed. */
int write_file(const char *path, bool replace, const struct write_part *parts, size_t n);

#endif
