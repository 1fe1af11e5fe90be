/*
 * cli/watch_places.c - what addresses are called: functions, files and lines, variables.
 *
 * elfutils' libdw reads the files that the process had mapped, and what belongs to them under /usr/lib/debug. It would
 * fetch more over the network if DEBUGINFOD_URLS said so; watch.c takes that out of its own environment.
 *
 * A call site is the address that a call returns to, so its line is that of the byte before. Where the compiler has put
 * functions into their callers, one address is a place in each of them: all of these are told, the innermost first.
 * Where there is nothing about lines, there is the name of the function, or that of the file with an offset, which
 * addr2line takes.
 */
#define _GNU_SOURCE
#include "watch.h"

#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

#define MOST_INLINED 16

struct watch_places {
	Dwfl *dwfl;
	uint32_t n_modules; /* of the notes, that it has been told of */
};

static const Dwfl_Callbacks callbacks = {
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.find_elf = dwfl_build_id_find_elf,
};

/* Modules. */

static void tell(Dwfl *dwfl, const struct watch_process *process, const struct watch_module *module)
{
	char path[WATCH_PATH];

	memcpy(path, module->path[0] ? module->path : process->notes->program, sizeof(path));
	path[sizeof(path) - 1] = 0;
	dwfl_report_elf(dwfl, path, path, -1, module->bias, true);
}

/* Returns the library's object, told of all modules that there are by now. */
static Dwfl *dwfl_of(struct watch_process *process)
{
	struct watch_places *places = process->places;
	uint32_t n = watch_least(fl_load_relaxed(&process->notes->n_modules), WATCH_MODULES);

	if (!places) {
		places = process->places = calloc(1, sizeof(*places));
		if (!places)
			return NULL;
		places->dwfl = dwfl_begin(&callbacks);
	}
	if (!places->dwfl || places->n_modules == n)
		return places->dwfl;
	dwfl_report_begin_add(places->dwfl);
	while (places->n_modules < n && watch_read_module(&process->notes->modules[places->n_modules]))
		tell(places->dwfl, process, &process->notes->modules[places->n_modules++]);
	dwfl_report_end(places->dwfl, NULL, NULL);
	return places->dwfl;
}

static Dwfl_Module *module_of(struct watch_process *process, uintptr_t address)
{
	Dwfl *dwfl = dwfl_of(process);

	return dwfl ? dwfl_addrmodule(dwfl, address) : NULL;
}

static const char *path_of(Dwfl_Module *module)
{
	return dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
}

/* Functions. */

/* A name as C++ programmers know it, if the C++ library is there to tell; to be freed. */
static char *plain_name(const char *name)
{
	static char *(*demangle)(const char *name, char *buffer, size_t *size, int *status);
	static bool looked;
	char *plain = NULL;
	void *library;

	if (!looked && strncmp(name, "_Z", 2) == 0) {
		looked = true;
		library = dlopen("libstdc++.so.6", RTLD_NOW);
		if (library)
			*(void **)&demangle = dlsym(library, "__cxa_demangle");
	}
	if (demangle && strncmp(name, "_Z", 2) == 0)
		plain = demangle(name, NULL, NULL, NULL);
	return plain ? plain : strdup(name);
}

static void add_place(json_t *stack, const char *function, const char *file, int line, Dwfl_Module *module)
{
	char *plain = function ? plain_name(function) : NULL;
	json_t *place = json_object();

	if (plain)
		json_object_set_new(place, "function", watch_text(plain));
	if (file) {
		json_object_set_new(place, "file", watch_text(file));
		json_object_set_new(place, "line", json_integer(line));
	}
	if (module)
		json_object_set_new(place, "module", watch_text(path_of(module)));
	json_array_append_new(stack, place);
	free(plain);
}

/* The file and line at which an inlined function was called. */
static void caller_of(Dwarf_Die *cu, Dwarf_Die *inlined, const char **ret_file, int *ret_line)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file = 0, line = 0;
	Dwarf_Files *files;
	size_t n;

	*ret_file = NULL;
	*ret_line = 0;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) != 0 ||
	    dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) != 0)
		return;
	if (dwarf_getsrcfiles(cu, &files, &n) == 0 && file < n)
		*ret_file = dwarf_filesrc(files, file, NULL, NULL);
	*ret_line = (int)line;
}

/* Adds the functions that were put into each other there. Returns whether there were any. */
static bool add_scopes(json_t *stack, Dwfl_Module *module, uintptr_t address, const char *file, int line)
{
	Dwarf_Die *scopes = NULL, *chain = NULL, *cu;
	Dwarf_Addr bias;
	int n, added = 0;

	cu = dwfl_module_addrdie(module, address, &bias);
	n = cu ? dwarf_getscopes(cu, address - bias, &scopes) : 0;
	/* From the innermost on outwards as they were put into each other, not as they were written. */
	n = n > 0 ? dwarf_getscopes_die(&scopes[0], &chain) : 0;
	for (int i = 0; i < n && added < MOST_INLINED; i++) {
		int tag = dwarf_tag(&chain[i]);

		if (tag != DW_TAG_subprogram && tag != DW_TAG_inlined_subroutine)
			continue;
		add_place(stack, dwarf_diename(&chain[i]), file, line, module);
		added++;
		if (tag == DW_TAG_subprogram)
			break;
		caller_of(cu, &chain[i], &file, &line);
	}
	free(scopes);
	free(chain);
	return added > 0;
}

static void add_frame(struct watch_process *process, json_t *stack, uintptr_t frame)
{
	uintptr_t address = frame - 1;
	Dwfl_Module *module = module_of(process, address);
	Dwfl_Line *source = module ? dwfl_module_getsrc(module, address) : NULL;
	const char *file = NULL, *name;
	GElf_Addr bias = 0;
	GElf_Off offset;
	GElf_Sym symbol;
	char text[32];
	int line = 0;

	if (source)
		file = dwfl_lineinfo(source, NULL, &line, NULL, NULL, NULL);
	if (module && file && add_scopes(stack, module, address, file, line))
		return;
	name = module ? dwfl_module_addrinfo(module, address, &offset, &symbol, NULL, NULL, NULL) : NULL;
	if (!name) {
		if (module)
			dwfl_module_getelf(module, &bias);
		snprintf(text, sizeof(text), "0x%lx", (unsigned long)(address - bias));
		name = text;
	}
	add_place(stack, name, file, line, module);
}

json_t *watch_stack(struct watch_process *process, const uintptr_t *frames, unsigned n)
{
	json_t *stack = json_array();

	for (unsigned i = 0; i < n; i++)
		if (frames[i] != 0)
			add_frame(process, stack, frames[i]);
	return stack;
}

static json_t *symbol_at(struct watch_process *process, uintptr_t address)
{
	Dwfl_Module *module = module_of(process, address);
	GElf_Off offset = 0;
	GElf_Sym symbol;
	const char *name;
	json_t *said;
	char *plain;

	name = module ? dwfl_module_addrinfo(module, address, &offset, &symbol, NULL, NULL, NULL) : NULL;
	if (!name)
		return NULL;
	plain = plain_name(name);
	said = offset == 0 ? watch_text(plain) : json_sprintf("%s+%lu", plain, (unsigned long)offset);
	free(plain);
	return said;
}

json_t *watch_function(struct watch_process *process, uintptr_t start)
{
	json_t *name = symbol_at(process, start);

	return name ? name : json_sprintf("0x%lx", (unsigned long)start);
}

json_t *watch_variable(struct watch_process *process, uintptr_t address)
{
	return symbol_at(process, address);
}

void watch_places_close(struct watch_places *places)
{
	if (!places)
		return;
	if (places->dwfl)
		dwfl_end(places->dwfl);
	free(places);
}
