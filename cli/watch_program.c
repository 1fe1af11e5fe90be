/*
 * cli/watch_program.c - the program to be watched, and the library that watches it: where they are, and whether they
 * can go together.
 *
 * A library is loaded into a program by the loader, which a program that is statically linked does not have; which
 * does not listen to a user for a program that runs with other rights than his; and which needs a library for the same
 * machine. Such programs would run, and nothing would be watched: so they are refused here. Of a script its interpreter
 * is looked at. What is run by a program that is watched is found out by itself.
 */
#define _GNU_SOURCE
#include "watch.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LIBRARY "libfairlead-watch.so"

enum { CANNOT_RUN = 126, NOT_FOUND = 127 }; /* as shells have them */

/* The library. */

int watch_library_find(const char *path, char *ret_library, size_t size)
{
	static const char *const places[] = {"../src/watch/" LIBRARY, WATCH_DIRECTORY "/" LIBRARY};
	char self[PATH_MAX], *slash;
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[length > 0 ? length : 0] = 0;
	slash = strrchr(self, '/');
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
		int folder = places[i][0] == '/' ? 0 : (int)(slash + 1 - self);
		int n = snprintf(ret_library, size, "%.*s%s", folder, self, places[i]);

		if (n < 0 || (size_t)n >= size || access(ret_library, R_OK) != 0)
			continue;
		if (!strpbrk(ret_library, " :"))
			return 0;
		fprintf(stderr, "%s: %s: the loader takes no blanks and colons in the name of a library\n", path,
			ret_library);
		return -ENOENT;
	}
	fprintf(stderr, "%s: " LIBRARY " is not where it should be, beside %s\n", path, self);
	return -ENOENT;
}

/* Finding the program. */

static bool can_run(const char *file)
{
	struct stat about;

	return stat(file, &about) == 0 && S_ISREG(about.st_mode) && access(file, X_OK) == 0;
}

/* Looks for it as execvp does. Returns whether it found a file that can be run. */
static bool find(const char *program, char *ret_file, size_t size)
{
	const char *directory = getenv("PATH"), *end;

	snprintf(ret_file, size, "%s", program);
	if (strchr(program, '/'))
		return can_run(program);
	for (directory = directory ? directory : "/bin:/usr/bin"; *directory; directory = end + (*end == ':')) {
		end = strchrnul(directory, ':');
		snprintf(ret_file, size, "%.*s%s%s", (int)(end - directory), directory, end > directory ? "/" : "./",
			 program);
		if (can_run(ret_file))
			return true;
	}
	return false;
}

static int say_missing(const char *path, const char *program)
{
	struct stat about;

	if (!strchr(program, '/') || stat(program, &about) != 0) {
		fprintf(stderr, "%s: %s: there is no such program\n", path, program);
		return NOT_FOUND;
	}
	fprintf(stderr, "%s: %s: it cannot be run: %s\n", path, program,
		S_ISREG(about.st_mode) ? "it is not executable" : "it is no file");
	return CANNOT_RUN;
}

/* Looking at it. */

static bool has_other_rights(int fd)
{
	struct stat about;

	if (fstat(fd, &about) != 0)
		return false;
	return ((about.st_mode & S_ISUID) && about.st_uid != getuid()) ||
	       ((about.st_mode & S_ISGID) && about.st_gid != getgid()) ||
	       (getuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0);
}

static bool has_loader(int fd, const ElfW(Ehdr) * head)
{
	ElfW(Phdr) part;

	for (unsigned i = 0; i < head->e_phnum; i++)
		if (pread(fd, &part, sizeof(part), (off_t)(head->e_phoff + i * sizeof(part))) == sizeof(part) &&
		    part.p_type == PT_INTERP)
			return true;
	return false;
}

static bool same_machine(const ElfW(Ehdr) * head)
{
	ElfW(Ehdr) ours = {0};
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	bool same = fd < 0 || read(fd, &ours, sizeof(ours)) != sizeof(ours) ||
		    (ours.e_ident[EI_CLASS] == head->e_ident[EI_CLASS] && ours.e_machine == head->e_machine);

	if (fd >= 0)
		close(fd);
	return same;
}

/* Returns why a program cannot be watched, or NULL. */
static const char *look(int fd, const ElfW(Ehdr) * head)
{
	if (memcmp(head->e_ident, ELFMAG, SELFMAG) != 0)
		return NULL; /* whatever it is, the system says it */
	if (!same_machine(head))
		return "it is for another kind of machine, and cannot be watched";
	if (!has_loader(fd, head))
		return "it is statically linked, and cannot be watched: nothing can be loaded into it";
	if (has_other_rights(fd))
		return "it runs with rights of its own (setuid, setgid or capabilities), and cannot be watched: the "
		       "system loads nothing into it";
	return NULL;
}

/* The interpreter that a script names in its first line. */
static bool interpreter_of(const char *start, char *ret_file, size_t size)
{
	if (strncmp(start, "#!", 2) != 0)
		return false;
	start += 2 + strspn(start + 2, " \t");
	snprintf(ret_file, size, "%.*s", (int)strcspn(start, " \t\n"), start);
	return true;
}

int watch_program_check(const char *path, const char *program)
{
	union {
		ElfW(Ehdr) head;
		char text[PATH_MAX];
	} start = {0};
	char file[PATH_MAX], interpreter[PATH_MAX];
	const char *why = NULL;
	int fd;

	if (!find(program, file, sizeof(file)))
		return say_missing(path, program);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0; /* it may be run and not read */
	if (read(fd, &start, sizeof(start) - 1) > 0)
		why = look(fd, &start.head);
	close(fd);
	if (why) {
		fprintf(stderr, "%s: %s: %s\n", path, file, why);
		return CANNOT_RUN;
	}
	if (interpreter_of(start.text, interpreter, sizeof(interpreter)) && strcmp(interpreter, program) != 0)
		return watch_program_check(path, interpreter);
	return 0;
}
