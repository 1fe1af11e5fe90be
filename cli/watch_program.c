/*
 * cli/watch_program.c - whether a program can be watched (program.h), and the library that does it.
 *
 * Of a script its interpreter is looked at. What is run by a program that is watched is found out by itself.
 */
#define _GNU_SOURCE
#include "program.h"
#include "watch.h"

#include <string.h>
#include <unistd.h>

#define SCRIPTS_MOST 5 /* that start each other; the system starts no more either */

int watch_library_find(const char *path, char *ret_library, size_t size)
{
	static const char *const folders[] = {"../src/watch", WATCH_DIRECTORY, NULL};

	return program_library(path, folders, "libfairlead-watch.so", ret_library, size);
}

/* Returns why a program cannot be watched, or NULL. Of what is no ELF file the system says what it is. */
static const char *why_not(const struct program *program)
{
	if (!program->elf)
		return NULL;
	if (!program_is_ours(program))
		return "it is for another kind of machine, and cannot be watched";
	if (!program_is_dynamic(program))
		return "it is statically linked, and cannot be watched: nothing can be loaded into it";
	if (program_has_rights(program))
		return "it runs with rights of its own (setuid, setgid or capabilities), and cannot be watched: the "
		       "system loads nothing into it";
	return NULL;
}

/* The interpreter that a script names in its first line. */
static bool interpreter_of(const struct program *program, char *ret_file, size_t size)
{
	char start[PATH_MAX] = "";
	const char *from = start + 2;

	if (program->elf || program->fd < 0 || pread(program->fd, start, sizeof(start) - 1, 0) < 2 ||
	    strncmp(start, "#!", 2) != 0)
		return false;
	from += strspn(from, " \t");
	snprintf(ret_file, size, "%.*s", (int)strcspn(from, " \t\n"), from);
	return true;
}

/* Looks at one program. Of a script the name of its interpreter goes to `ret_next`, otherwise nothing. */
static int check(const char *path, const char *name, char *ret_next, size_t size)
{
	struct program program;
	const char *why;
	int status = program_open(path, name, &program);

	*ret_next = 0;
	if (status != 0)
		return status;
	why = why_not(&program);
	if (why)
		fprintf(stderr, "%s: %s: %s\n", path, program.file, why);
	else if (!interpreter_of(&program, ret_next, size))
		*ret_next = 0;
	program_close(&program);
	return why ? PROGRAM_CANNOT_RUN : 0;
}

int watch_program_check(const char *path, const char *name)
{
	char names[2][PATH_MAX];
	int status = 0;

	snprintf(names[0], sizeof(names[0]), "%s", name);
	for (int i = 0; i < SCRIPTS_MOST && status == 0 && *names[i % 2]; i++)
		status = check(path, names[i % 2], names[(i + 1) % 2], PATH_MAX);
	return status;
}
