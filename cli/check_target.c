/*
 * cli/check_target.c - the program that is to be checked: whether it can be, and the libraries for it.
 *
 * The runtime gets into the program by the loader (LD_PRELOAD), and sees what the compiler calls for each access to
 * memory (-fsanitize=thread), and all calls of threads, locks and the like. So a program is refused which the loader
 * does not load, or which has a runtime of its own inside: it would run, and nothing would be seen. Each message says
 * what to do. One that calls nothing for its accesses is checked as far as its calls go.
 *
 * A program that needs Fairlead gets the one that lies beside the runtime, in which everything is seen. In one that has
 * it linked into it, no operation of Fairlead's is seen, which is told.
 */
#define _GNU_SOURCE
#include "check.h"
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUNTIME "libtsan.so.2"
#define FAIRLEAD "libfairlead.so.0"

/* What the file says of itself. */
struct look {
	bool calls, defines, needs_fairlead, has_fairlead;
};

static int refuse(const char *path, const char *program, const char *why)
{
	fprintf(stderr, "%s: %s: %s\n", path, program, why);
	return -EINVAL;
}

static void look_at_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct look *look)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t n = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
	const char *name;
	GElf_Sym symbol;

	for (size_t i = 0; i < n && gelf_getsym(data, (int)i, &symbol); i++) {
		name = elf_strptr(elf, header->sh_link, symbol.st_name);
		if (name && symbol.st_shndx != SHN_UNDEF && strcmp(name, "fl_lock_acquire") == 0)
			look->has_fairlead = true;
		if (!name || strncmp(name, "__tsan_", strlen("__tsan_")) != 0)
			continue;
		if (symbol.st_shndx == SHN_UNDEF)
			look->calls = true;
		else if (strcmp(name, "__tsan_init") == 0) /* not __tsan_default_options, which is the program's */
			look->defines = true;
	}
}

static void look_at_needs(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct look *look)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t n = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
	const char *name;
	GElf_Dyn entry;

	for (size_t i = 0; i < n && gelf_getdyn(data, (int)i, &entry); i++) {
		name = entry.d_tag == DT_NEEDED ? elf_strptr(elf, header->sh_link, entry.d_un.d_val) : NULL;
		look->needs_fairlead = look->needs_fairlead || (name && strcmp(name, FAIRLEAD) == 0);
	}
}

static void look_at(Elf *elf, struct look *look)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header))
			continue;
		if (header.sh_type == SHT_DYNSYM || header.sh_type == SHT_SYMTAB)
			look_at_symbols(elf, section, &header, look);
		if (header.sh_type == SHT_DYNAMIC)
			look_at_needs(elf, section, &header, look);
	}
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

static const char *why_not(const struct program *program, const struct look *look)
{
	if (program->header.e_ident[EI_CLASS] != ELFCLASS64)
		return "it is a 32-bit program; only programs for x86-64 can be checked";
	if (program->header.e_machine != EM_X86_64)
		return "it is not for x86-64; only such programs can be checked";
	if (program->header.e_type != ET_EXEC && program->header.e_type != ET_DYN)
		return "it is not a program, but an object file";
	if (!program_is_dynamic(program))
		return "it is statically linked, so the checker cannot get into it; link it without -static";
	if (look->defines)
		return "it has the sanitizer's runtime linked into it; link it with -shared-libsan (clang) or without "
		       "-static-libtsan (gcc), or build it with 'fairlead cc'";
	if (program_has_rights(program))
		return "it runs with rights of its own (setuid, setgid or capabilities), so the system loads nothing "
		       "into it; check a copy";
	return NULL;
}

static int look_at_file(const char *path, const struct program *program, struct check_target *target)
{
	struct look look = {0};
	const char *why;

	if (program->fd < 0)
		return refuse(path, target->argv[0], "it may be run, but not be read");
	if (!program->elf)
		return refuse(path, target->argv[0],
			      "it is not an ELF program; of a script, name the program that it starts (for libtool's: "
			      ".libs/NAME)");
	look_at(program->elf, &look);
	take_build_id(program->elf, target->build_id);
	target->seen = look.calls;
	target->needs_fairlead = look.needs_fairlead;
	target->has_fairlead = look.has_fairlead && !look.calls;
	why = why_not(program, &look);
	return why ? refuse(path, target->argv[0], why) : 0;
}

/* The runtime is beside the command, in the build tree or where it is installed; so is Fairlead, unless the compiler of
 * this build has no -fsanitize=thread. */
static int find_libraries(const char *path, struct check_target *target)
{
	static const char *const folders[] = {"../src/check", CHECK_DIRECTORY, NULL};
	char runtime[PATH_MAX], fairlead[PATH_MAX + sizeof(FAIRLEAD)];

	if (program_library(path, folders, RUNTIME, runtime, sizeof(runtime)) != 0)
		return -EINVAL;
	snprintf(target->folder, sizeof(target->folder), "%.*s", (int)(strrchr(runtime, '/') - runtime), runtime);
	snprintf(fairlead, sizeof(fairlead), "%s/" FAIRLEAD, target->folder);
	if (!target->needs_fairlead || access(fairlead, R_OK) != 0)
		*fairlead = 0;
	snprintf(target->library, sizeof(target->library), "%s%s%s", runtime, *fairlead ? ":" : "", fairlead);
	return 0;
}

int check_find(const char *path, const char *name, char **argv, struct check_target *ret_target)
{
	struct program program;
	int error;

	ret_target->argv = argv;
	if (program_open(path, name, &program) != 0)
		return -EINVAL;
	memcpy(ret_target->file, program.file, sizeof(ret_target->file));
	error = look_at_file(path, &program, ret_target);
	program_close(&program);
	return error != 0 ? error : find_libraries(path, ret_target);
}
