/*
 * cli/program.c - see program.h.
 *
 * A library is loaded into a program by the loader, which a program that is statically linked does not have; which does
 * not listen to a user for a program that runs with other rights than his; and which needs a library for the same
 * machine. Such programs would run, and nothing would be seen of them: so the commands look before.
 */
#define _GNU_SOURCE
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Finding it. */

static bool can_run(const char *file)
{
	struct stat about;

	return stat(file, &about) == 0 && S_ISREG(about.st_mode) && access(file, X_OK) == 0;
}

/* An empty part of PATH is the folder that one is in. */
bool program_find(const char *name, char *ret_file, size_t size)
{
	const char *at = getenv("PATH"), *end;

	snprintf(ret_file, size, "%s", name);
	if (strchr(name, '/'))
		return can_run(name);
	for (at = at ? at : "/bin:/usr/bin";; at = end + 1) {
		end = strchrnul(at, ':');
		snprintf(ret_file, size, "%.*s%s%s", (int)(end - at), at, end > at ? "/" : "./", name);
		if (can_run(ret_file))
			return true;
		if (*end == 0)
			return false;
	}
}

static int say_missing(const char *path, const char *name)
{
	bool named = strchr(name, '/') != NULL;
	struct stat about;

	if (stat(name, &about) != 0 || (!named && !S_ISREG(about.st_mode))) {
		fprintf(stderr, "%s: %s: there is no such program\n", path, name);
		return PROGRAM_NOT_FOUND;
	}
	fprintf(stderr, "%s: %s: %s\n", path, name,
		!named                   ? "it is not on the PATH; write ./ in front of it"
		: S_ISREG(about.st_mode) ? "it cannot be run: it is not executable"
					 : "it cannot be run: it is no file");
	return named ? PROGRAM_CANNOT_RUN : PROGRAM_NOT_FOUND;
}

int program_open(const char *path, const char *name, struct program *ret_program)
{
	memset(ret_program, 0, sizeof(*ret_program));
	ret_program->fd = -1;
	if (!program_find(name, ret_program->file, sizeof(ret_program->file)))
		return say_missing(path, name);
	ret_program->fd = open(ret_program->file, O_RDONLY | O_CLOEXEC);
	if (ret_program->fd < 0)
		return 0;
	elf_version(EV_CURRENT);
	ret_program->elf = elf_begin(ret_program->fd, ELF_C_READ_MMAP, NULL);
	if (ret_program->elf &&
	    (elf_kind(ret_program->elf) != ELF_K_ELF || !gelf_getehdr(ret_program->elf, &ret_program->header))) {
		elf_end(ret_program->elf);
		ret_program->elf = NULL;
	}
	return 0;
}

void program_close(struct program *program)
{
	elf_end(program->elf);
	if (program->fd >= 0)
		close(program->fd);
	program->elf = NULL;
	program->fd = -1;
}

/* Looking at it. */

bool program_is_dynamic(const struct program *program)
{
	GElf_Phdr segment;
	size_t n = 0;

	elf_getphdrnum(program->elf, &n);
	for (size_t i = 0; i < n; i++)
		if (gelf_getphdr(program->elf, (int)i, &segment) && segment.p_type == PT_INTERP)
			return true;
	return false;
}

bool program_is_ours(const struct program *program)
{
	struct program self;
	bool same;

	if (program_open("", "/proc/self/exe", &self) != 0 || !self.elf)
		return true;
	same = self.header.e_ident[EI_CLASS] == program->header.e_ident[EI_CLASS] &&
	       self.header.e_machine == program->header.e_machine;
	program_close(&self);
	return same;
}

bool program_has_rights(const struct program *program)
{
	struct stat about;

	if (fstat(program->fd, &about) != 0)
		return false;
	return ((about.st_mode & S_ISUID) && about.st_uid != getuid()) ||
	       ((about.st_mode & S_ISGID) && about.st_gid != getgid()) ||
	       (getuid() != 0 && fgetxattr(program->fd, "security.capability", NULL, 0) > 0);
}

/* The library. */

int program_library(const char *path, const char *const *folders, const char *name, char *ret_library, size_t size)
{
	char self[PATH_MAX], file[2 * PATH_MAX + 64], *slash;
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[length > 0 ? length : 0] = 0;
	slash = strrchr(self, '/');
	if (slash)
		*slash = 0;
	for (; *folders; folders++) {
		char real[PATH_MAX];

		snprintf(file, sizeof(file), "%s%s%s", **folders == '/' ? "" : self, **folders == '/' ? "" : "/",
			 *folders);
		if (!realpath(file, real) || (size_t)snprintf(ret_library, size, "%s/%s", real, name) >= size ||
		    access(ret_library, R_OK) != 0)
			continue;
		if (!strpbrk(ret_library, " :"))
			return 0;
		fprintf(stderr, "%s: %s: the loader takes no blanks and colons in the name of a library\n", path,
			ret_library);
		return -ENOENT;
	}
	fprintf(stderr, "%s: %s is not where it should be, beside %s/\n", path, name, self);
	return -ENOENT;
}
