/*
 * cli/check_input.c - see check_input.h.
 *
 * A program is run many times, and each run has to see the same input, from its beginning: a file can be opened again,
 * while a pipe is used up by whoever reads it first. So of what is no file all is read once, into memory, which is a
 * file to the program. A replay may come on another day: then it is written to one beside the replay file.
 *
 * The command's own standard input is the program's if it is a file, a pipe or a socket. A terminal is not, for a
 * search is not to wait for somebody to type, unless that is asked for (--stdin -).
 */
#define _GNU_SOURCE
#include "check_input.h"

#include "write.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST ((size_t)256 << 20)
#define PATIENCE_MS 1000

static char name[PATH_MAX];   /* of the file that is the input */
static int read_here = -1;    /* what was read */
static size_t size_read_here; /* bytes */

static int refuse(const char *path, const char *from, const char *why, int error)
{
	fprintf(stderr, "%s: %s: %s\n", path, from, why);
	return error;
}

/* Whoever writes may take a while, or not know that it is waited for. */
static void say_if_it_takes_long(const char *path, int from)
{
	struct pollfd at = {.fd = from, .events = POLLIN};

	if (poll(&at, 1, PATIENCE_MS) == 0)
		fprintf(stderr,
			"%s: waits for the end of standard input, which the program gets in each run; with "
			"--stdin /dev/null it gets none\n",
			path);
}

static int copy(const char *path, const char *what, int from, int to)
{
	char buffer[65536];
	ssize_t n;

	say_if_it_takes_long(path, from);
	while ((n = read(from, buffer, sizeof(buffer))) > 0) {
		size_read_here += (size_t)n;
		if (size_read_here > MOST)
			return refuse(path, what, "it is longer than 256 MiB; put it into a file, and name that",
				      -EFBIG);
		if (write(to, buffer, (size_t)n) != n)
			return refuse(path, what, strerror(errno), -EIO);
	}
	return n < 0 ? refuse(path, what, strerror(errno), -EIO) : 0;
}

/* Reads it to its end. Of nothing there is no input. */
static int read_all(const char *path, const char *what, int from, struct check_wish *wish)
{
	int error;

	read_here = memfd_create("fairlead-stdin", MFD_CLOEXEC);
	if (read_here < 0)
		return refuse(path, what, strerror(errno), -errno);
	error = copy(path, what, from, read_here);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", read_here);
	wish->input = error == 0 && size_read_here > 0 ? name : NULL;
	return error;
}

static int take_named(const char *path, struct check_wish *wish)
{
	int fd = open(wish->input, O_RDONLY | O_CLOEXEC), error = 0;
	struct stat about;

	if (fd < 0 || fstat(fd, &about) != 0)
		error = refuse(path, wish->input, strerror(errno), -EINVAL);
	else if (!S_ISREG(about.st_mode))
		error = read_all(path, wish->input, fd, wish);
	if (fd >= 0)
		close(fd);
	return error;
}

/* A file from its beginning has a name, by which a replay finds it, too. */
static bool has_name(const struct stat *about)
{
	ssize_t n = readlink("/proc/self/fd/0", name, sizeof(name) - 1);
	struct stat named;

	name[n > 0 ? n : 0] = 0;
	return S_ISREG(about->st_mode) && lseek(STDIN_FILENO, 0, SEEK_CUR) == 0 && stat(name, &named) == 0 &&
	       named.st_dev == about->st_dev && named.st_ino == about->st_ino && access(name, R_OK) == 0;
}

static int take_own(const char *path, struct check_wish *wish)
{
	struct stat about;

	if (fstat(STDIN_FILENO, &about) != 0 || (S_ISCHR(about.st_mode) && !wish->input)) /* the terminal, /dev/null */
		return 0;
	if (about.st_size == 0 || !has_name(&about)) /* those of /proc have a content, and no size */
		return read_all(path, "standard input", STDIN_FILENO, wish);
	wish->input = name;
	return 0;
}

int check_input_take(const char *path, struct check_wish *wish)
{
	if (wish->input && strcmp(wish->input, "-") != 0)
		return take_named(path, wish);
	return take_own(path, wish);
}

int check_input_keep(struct check_wish *wish, const char *replay)
{
	struct write_part parts[] = {{NULL, size_read_here}, {"", 0}};
	char file[PATH_MAX];
	int error;

	if (read_here < 0 || !wish->input)
		return 0;
	if (snprintf(file, sizeof(file), "%s.stdin", replay) >= (int)sizeof(file))
		return -ENAMETOOLONG;
	parts[0].data = mmap(NULL, size_read_here, PROT_READ, MAP_SHARED, read_here, 0);
	if (parts[0].data == MAP_FAILED)
		return -errno;
	error = write_file(file, true, parts, 2);
	munmap((void *)(uintptr_t)parts[0].data, size_read_here);
	if (error == 0)
		memcpy(name, file, sizeof(name));
	return error;
}
