/*
 * shm/process_function.c - naming a function for another process that runs the same program.
 *
 * An address means nothing there, since each process has its modules elsewhere. So a function is its module (the
 * program itself, or a library, by what the loader calls it) and its place in there. In the other process the module
 * may be another one: a library that was installed anew has the same path, and other functions at the same places. To
 * call one of those would be the worst of all ends. So a print of the module goes along: a hash of its program headers,
 * with the places and sizes of all its parts, and of the linker's build id, if it has one. The program itself can't be
 * replaced, since /proc/self/exe is the file that runs, but is checked all the same.
 *
 * Rejected: symbols by dlsym (a static function has none; a stripped program has few); a table in which functions are
 * registered (one more thing to forget); path and size of the file (the parent may look at it when it has been replaced
 * already, and then both sides agree).
 */
#define _GNU_SOURCE
#include "shm/process.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#define HASH_BEGIN 0xcbf29ce484222325u
#define HASH_FACTOR 0x100000001b3u

/* FNV-1a. */
static uint64_t hash(uint64_t so_far, const void *data, size_t size)
{
	const unsigned char *byte = data;

	for (; size > 0; size--, byte++)
		so_far = (so_far ^ *byte) * HASH_FACTOR;
	return so_far;
}

/* Notes are aligned to 4 bytes. */
static size_t aligned(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

/* Adds the build id, if it is among these notes. */
static uint64_t hash_notes(uint64_t so_far, const char *notes, size_t size)
{
	const ElfW(Nhdr) * note;
	size_t length;

	for (; size >= sizeof(*note); notes += length, size -= length) {
		note = (const void *)notes;
		length = sizeof(*note) + aligned(note->n_namesz) + aligned(note->n_descsz);
		if (length > size)
			break;
		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(note + 1, "GNU", 4) == 0)
			return hash(so_far, notes + sizeof(*note) + 4, note->n_descsz);
	}
	return so_far;
}

static uint64_t print_of(const struct dl_phdr_info *module)
{
	uint64_t so_far = hash(HASH_BEGIN, module->dlpi_phdr, module->dlpi_phnum * sizeof(*module->dlpi_phdr));
	const ElfW(Phdr) * header;
	int i;

	for (i = 0; i < module->dlpi_phnum; i++) {
		header = &module->dlpi_phdr[i];
		if (header->p_type == PT_NOTE)
			so_far = hash_notes(so_far, (const char *)module->dlpi_addr + header->p_vaddr, header->p_memsz);
	}
	return so_far;
}

static uint64_t hash_path(const struct dl_phdr_info *module)
{
	return hash(HASH_BEGIN, module->dlpi_name, strlen(module->dlpi_name));
}

static bool has_code_at(const struct dl_phdr_info *module, uint64_t offset)
{
	const ElfW(Phdr) * header;
	int i;

	for (i = 0; i < module->dlpi_phnum; i++) {
		header = &module->dlpi_phdr[i];
		if (header->p_type == PT_LOAD && (header->p_flags & PF_X) && offset >= header->p_vaddr &&
		    offset - header->p_vaddr < header->p_memsz)
			return true;
	}
	return false;
}

/* What a walk over the modules looks for, and finds. */
struct search {
	const void *address;
	struct fl_process_function *function;
};

static int name_if_here(struct dl_phdr_info *module, size_t size, void *search_)
{
	const struct search *search = search_;
	struct fl_process_function *function = search->function;
	uint64_t offset = (uint64_t)(uintptr_t)search->address - module->dlpi_addr;
	size_t length = strlen(module->dlpi_name), room = sizeof(function->module) - 1;

	(void)size;
	if (!has_code_at(module, offset))
		return 0;
	*function =
		(struct fl_process_function){.offset = offset, .print = print_of(module), .path = hash_path(module)};
	snprintf(function->module, sizeof(function->module), "%s",
		 module->dlpi_name + (length > room ? length - room : 0));
	return 1;
}

int fl_process_name_function_(const void *address, struct fl_process_function *ret_function)
{
	return dl_iterate_phdr(name_if_here, &(struct search){address, ret_function}) == 1 ? 0 : -EINVAL;
}

/* Returns 1 with the address, or -ESTALE. */
static int find_if_here(struct dl_phdr_info *module, size_t size, void *search_)
{
	struct search *search = search_;
	const struct fl_process_function *function = search->function;

	(void)size;
	if (hash_path(module) != function->path)
		return 0;
	if (print_of(module) != function->print || !has_code_at(module, function->offset))
		return -ESTALE;
	search->address = (const void *)(uintptr_t)(module->dlpi_addr + function->offset);
	return 1;
}

int fl_process_find_function_(const struct fl_process_function *function, void **ret_address)
{
	struct fl_process_function copy = *function;
	struct search search = {.function = &copy};
	int found = dl_iterate_phdr(find_if_here, &search);

	if (found == 1)
		*ret_address = (void *)(uintptr_t)search.address;
	return found == 1 ? 0 : found == 0 ? -ENOENT : found;
}
