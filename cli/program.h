/*
 * program.h - a program that a command runs with a library of ours in it, and where that library is.
 */
#ifndef FAIRLEAD_CLI_PROGRAM_H
#define FAIRLEAD_CLI_PROGRAM_H

#include <gelf.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum { PROGRAM_CANNOT_RUN = 126, PROGRAM_NOT_FOUND = 127 }; /* as shells have them */

struct program {
	char file[PATH_MAX]; /* that is run */
	int fd;              /* -1: it may be run and not read */
	Elf *elf;            /* NULL: it is no ELF file, or cannot be read */
	GElf_Ehdr header;
};

/* Finds a program as execvp does. Returns whether there is a file that can be run. */
bool program_find(const char *name, char *ret_file, size_t size);
/* The same, and opens it. Returns 0; or has said on standard error, as `path`, what is wrong, and returns one of the
 * two above. */
int program_open(const char *path, const char *name, struct program *ret_program);
void program_close(struct program *program);

/* Of an ELF file: whether the loader loads it, and with it a library; whether it is for this machine; whether it runs
 * with rights of its own, so that the system loads nothing into it. */
bool program_is_dynamic(const struct program *program);
bool program_is_ours(const struct program *program);
bool program_has_rights(const struct program *program);

/* Finds a library: beside the command, in the first of `folders` that has it, each relative to the command's own or
 * absolute; NULL ends them. Writes its full name. Returns 0, or -ENOENT and has said why. */
int program_library(const char *path, const char *const *folders, const char *name, char *ret_library, size_t size);

#endif
