/*
 * cli/write.c - writes a file under another name beside it, and renames it when all of it is on its way to the disk.
 *
 * That there is no file of that name yet is looked at before (to say so before a long wait) and made sure of by the
 * renaming itself, where the file system can do that. A signal that would end the process in the middle waits: else the
 * file under the other name would be left behind. A process that is killed leaves it, but no half file under its name.
 */
#define _GNU_SOURCE
#include "write.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int write_look(const char *path, bool replace)
{
	struct stat about;

	if (strcmp(path, "-") == 0 || lstat(path, &about) != 0)
		return 0; /* if it cannot be looked at for another reason, writing will say so */
	if (!S_ISREG(about.st_mode))
		return -EINVAL;
	return replace ? 0 : -EEXIST;
}

static int write_all(int fd, const char *data, size_t size)
{
	ssize_t n;

	while (size > 0) {
		n = write(fd, data, size);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

static int write_parts(int fd, const struct write_part *parts, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++)
		error = write_all(fd, parts[i].data, parts[i].size);
	return error;
}

/* The mode that a new file is to have. */
static mode_t mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

static int give_name(const char *temporary, const char *path, bool replace)
{
	int error;

	if (!replace) {
		if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EINVAL && errno != ENOSYS)
			return -errno;
	}
	/* The file system cannot do that in one step, or need not. */
	error = write_look(path, replace);
	if (error != 0)
		return error;
	return rename(temporary, path) == 0 ? 0 : -errno;
}

static int write_beside(char *temporary, const char *path, bool replace, const struct write_part *parts, size_t n)
{
	int fd = mkostemp(temporary, O_CLOEXEC), error;

	if (fd < 0)
		return -errno;
	error = write_parts(fd, parts, n);
	if (error == 0 && (fchmod(fd, mode()) != 0 || fsync(fd) != 0))
		error = -errno;
	if (close(fd) != 0 && error == 0)
		error = -errno;
	if (error == 0)
		error = give_name(temporary, path, replace);
	if (error != 0)
		unlink(temporary);
	return error;
}

static int write_named(const char *path, bool replace, const struct write_part *parts, size_t n)
{
	const char *name = strrchr(path, '/');
	char *temporary;
	int error;

	name = name ? name + 1 : path;
	if (asprintf(&temporary, "%.*s.%s.XXXXXX", (int)(name - path), path, name) < 0)
		return -ENOMEM;
	error = write_beside(temporary, path, replace, parts, n);
	free(temporary);
	return error;
}

int write_file(const char *path, bool replace, const struct write_part *parts, size_t n)
{
	sigset_t ends, before;
	int error = write_look(path, replace);

	if (error != 0)
		return error;
	if (strcmp(path, "-") == 0)
		return write_parts(STDOUT_FILENO, parts, n);
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &ends, &before);
	error = write_named(path, replace, parts, n);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}
