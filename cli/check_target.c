/*
 * cli/check_target.c - the program that is to be checked: where it is, whether it can be, and the runtime for it.
 *
 * The runtime gets into the program by the loader (LD_PRELOAD), and sees what the compiler calls for each access to
 * memory (-fsanitize=thread). So a program is refused which the loader does not load, which calls nothing of the kind,
 * or which has a runtime of its own inside: it would run, and nothing would be seen. Each message says what to do.
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIBRARY "libtsan.so.2"

/* What the file says of itself. */
struct look {
	bool dynamic, calls, defines, needs_libtsan, shared;
};

static int refuse(const char *path, const char *program, const char *why)
{
	fprintf(stderr, "%s: %s: %s\n", path, program, why);
	return -EINVAL;
}

static bool can_run(const char *file)
{
	struct stat about;

	return stat(file, &about) == 0 && S_ISREG(about.st_mode) && access(file, X_OK) == 0;
}

/* As a shell finds it. Returns whether there is one. */
static bool find(const char *program, char *ret_file, size_t size)
{
	const char *at = getenv("PATH");

	snprintf(ret_file, size, "%s", program);
	if (strchr(program, '/') || !at)
		return can_run(program);
	for (const char *end; *at; at = end + (*end == ':')) {
		end = strchrnul(at, ':');
		snprintf(ret_file, size, "%.*s/%s", (int)(end - at), at, program);
		if (can_run(ret_file))
			return true;
	}
	return false;
}

static int say_missing(const char *path, const char *program)
{
	struct stat about;

	if (stat(program, &about) != 0)
		return refuse(path, program, "there is no such program");
	if (!strchr(program, '/'))
		return refuse(path, program, "it is not on the PATH; write ./ in front of it");
	return refuse(path, program, S_ISREG(about.st_mode) ? "it is not executable" : "it is no file");
}

static void look_at_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct look *look)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t n = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
	const char *name;
	GElf_Sym symbol;

	for (size_t i = 0; i < n && gelf_getsym(data, (int)i, &symbol); i++) {
		name = elf_strptr(elf, header->sh_link, symbol.st_name);
		if (!name || strncmp(name, "__tsan_", strlen("__tsan_")) != 0)
			continue;
		if (symbol.st_shndx == SHN_UNDEF)
			look->calls = true;
		else
			look->defines = true;
	}
}

static void look_at(Elf *elf, struct look *look)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Phdr segment;
	size_t n = 0;

	elf_getphdrnum(elf, &n);
	for (size_t i = 0; i < n && gelf_getphdr(elf, (int)i, &segment); i++)
		look->dynamic = look->dynamic || segment.p_type == PT_INTERP;
	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) && (header.sh_type == SHT_DYNSYM || header.sh_type == SHT_SYMTAB))
			look_at_symbols(elf, section, &header, look);
}

static void take_build_id(Elf *elf, char ret_id[CHECK_BUILD_ID])
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Nhdr note;
	size_t name, bytes, at;
	Elf_Data *data;

	ret_id[0] = 0;
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_NOTE)
			continue;
		data = elf_getdata(section, NULL);
		at = 0;
		while (data && (at = gelf_getnote(data, at, &note, &name, &bytes)) > 0) {
			if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof("GNU"))
				continue;
			for (size_t i = 0; i < note.n_descsz && i < (CHECK_BUILD_ID - 1) / 2; i++)
				snprintf(ret_id + 2 * i, 3, "%02x", ((unsigned char *)data->d_buf)[bytes + i]);
		}
	}
}

#define HOW " Build it with 'fairlead cc' or 'fairlead c++' in place of the compiler, or with -g -fsanitize=thread"

static const char *why_not(const GElf_Ehdr *header, const struct look *look)
{
	if (header->e_ident[EI_CLASS] != ELFCLASS64)
		return "it is a 32-bit program; only programs for x86-64 can be checked";
	if (header->e_machine != EM_X86_64)
		return "it is not for x86-64; only such programs can be checked";
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return "it is not a program, but an object file";
	if (!look->dynamic)
		return "it is statically linked, so the checker cannot get into it; link it without -static";
	if (look->defines)
		return "it has the sanitizer's runtime linked into it; link it with -shared-libsan (clang) or without "
		       "-static-libtsan (gcc), or build it with 'fairlead cc'";
	if (!look->calls)
		return "it was not built for being checked: it says nothing of its accesses to memory." HOW;
	return NULL;
}

static int look_at_file(const char *path, int fd, struct check_target *target)
{
	struct look look = {0};
	const char *why = NULL;
	GElf_Ehdr header;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header)) {
		why = "it is not an ELF program; of a script, name the program that it starts (for libtool's: "
		      ".libs/NAME)";
	} else {
		look_at(elf, &look);
		take_build_id(elf, target->build_id);
		why = why_not(&header, &look);
	}
	elf_end(elf);
	return why ? refuse(path, target->argv[0], why) : 0;
}

/* The runtime is beside the command, in the build tree or where it is installed. */
static int find_library(const char *path, struct check_target *target)
{
	static const char *const places[] = {"../src/check", CHECK_DIRECTORY};
	char self[PATH_MAX], folder[2 * PATH_MAX + 2], *slash;
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[length > 0 ? length : 0] = 0;
	slash = strrchr(self, '/');
	if (slash)
		*slash = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(folder, sizeof(folder), "%s%s%s", places[i][0] == '/' ? "" : self,
			 places[i][0] == '/' ? "" : "/", places[i]);
		if (!realpath(folder, target->folder) || strlen(target->folder) + sizeof(LIBRARY) >= PATH_MAX)
			continue;
		length = (ssize_t)strlen(target->folder);
		memcpy(target->library, target->folder, (size_t)length);
		memcpy(target->library + length, "/" LIBRARY, sizeof("/" LIBRARY));
		if (access(target->library, R_OK) != 0)
			continue;
		if (!strpbrk(target->library, " :"))
			return 0;
		return refuse(path, target->library, "the loader takes no blanks and colons in the name of a library");
	}
	fprintf(stderr, "%s: " LIBRARY " is not where it should be, in %s/%s\n", path, self, places[1]);
	return -EINVAL;
}

int check_find(const char *path, const char *program, char **argv, struct check_target *ret_target)
{
	int fd, error;

	ret_target->argv = argv;
	if (!find(program, ret_target->file, sizeof(ret_target->file)))
		return say_missing(path, program);
	fd = open(ret_target->file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return refuse(path, program, strerror(errno));
	error = look_at_file(path, fd, ret_target);
	close(fd);
	return error != 0 ? error : find_library(path, ret_target);
}
