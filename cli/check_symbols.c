/*
 * cli/check_symbols.c - addresses of code: function, file, line, source text.
 *
 * elfutils' libdw reads the program's files. A module is looked into when the first address in it is asked for, since
 * most of a report lies in the program itself, and a report is to be there at once. Nothing is fetched over the
 * network: DEBUGINFOD_URLS is taken out of the environment before.
 *
 * Where a function was inlined, one address is a place in several: the innermost comes first, then where it was called.
 * An address that a call returns to belongs to the byte before it.
 */
#define _GNU_SOURCE
#include "check_symbols.h"

#include <ctype.h>
#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_SHOWN 300

static const Dwfl_Callbacks callbacks = {
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.find_elf = dwfl_build_id_find_elf,
};

struct check_symbols *check_symbols_open(const struct check_memory *memory, const char *program)
{
	struct check_symbols *symbols = calloc(1, sizeof(*symbols));

	if (!symbols)
		return NULL;
	unsetenv("DEBUGINFOD_URLS");
	symbols->memory = memory;
	symbols->program = program;
	symbols->dwfl = dwfl_begin(&callbacks);
	symbols->frames = json_object();
	symbols->names = json_object();
	symbols->sources = json_object();
	return symbols;
}

void check_symbols_close(struct check_symbols *symbols)
{
	if (!symbols)
		return;
	dwfl_end(symbols->dwfl);
	json_decref(symbols->frames);
	json_decref(symbols->names);
	json_decref(symbols->sources);
	free(symbols);
}

/* Modules. */

const struct check_module *check_symbols_module(const struct check_memory *memory, uint64_t address)
{
	for (uint32_t i = 0; i < memory->n_modules && i < CHECK_MODULES; i++)
		if (address >= memory->modules[i].from && address < memory->modules[i].to)
			return &memory->modules[i];
	return NULL;
}

Dwfl_Module *check_symbols_load(struct check_symbols *symbols, uint64_t address)
{
	const struct check_module *module = check_symbols_module(symbols->memory, address);
	const char *file;
	size_t i;

	if (!module || !symbols->dwfl)
		return NULL;
	i = (size_t)(module - symbols->memory->modules);
	file = module->name[0] ? module->name : symbols->program;
	if (!symbols->modules[i]) {
		dwfl_report_begin_add(symbols->dwfl);
		symbols->modules[i] = dwfl_report_elf(symbols->dwfl, file, file, -1, module->base, true);
		dwfl_report_end(symbols->dwfl, NULL, NULL);
	}
	return symbols->modules[i];
}

char *check_symbols_plain(const char *name)
{
	static char *(*demangle)(const char *name, char *buffer, size_t *size, int *status);
	static bool looked;
	char *plain = NULL;
	void *library;

	if (strncmp(name, "_Z", 2) != 0)
		return strdup(name);
	if (!looked) {
		looked = true;
		library = dlopen("libstdc++.so.6", RTLD_NOW);
		if (library)
			*(void **)&demangle = dlsym(library, "__cxa_demangle");
	}
	if (demangle)
		plain = demangle(name, NULL, NULL, NULL);
	return plain ? plain : strdup(name);
}

/* Source text. */

static json_t *read_lines(const char *file)
{
	FILE *from = fopen(file, "re");
	json_t *lines = json_array();
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	while (from && (length = getline(&line, &size, from)) >= 0) {
		char *start = line + strspn(line, " \t"), *end = line + length;

		while (end > start && isspace((unsigned char)end[-1]))
			end--;
		if (end - start > LINE_MAX_SHOWN)
			end = start + LINE_MAX_SHOWN;
		*end = 0;
		for (char *at = start; (at = strchr(at, '\t'));)
			*at = ' ';
		if (json_array_append_new(lines, json_string(start)) != 0)
			json_array_append_new(lines, json_null()); /* it is not UTF-8 */
	}
	free(line);
	if (from)
		fclose(from);
	return lines;
}

/* The text of a line, without what it is indented by; null if the file is not there. A new reference. */
static json_t *source_of(struct check_symbols *symbols, const char *file, int line)
{
	json_t *lines = json_object_get(symbols->sources, file), *text;

	if (!lines) {
		lines = read_lines(file);
		json_object_set_new(symbols->sources, file, lines);
	}
	text = line > 0 ? json_array_get(lines, (size_t)line - 1) : NULL;
	return text ? json_incref(text) : json_null();
}

/* Frames. */

struct spot {
	const char *file;
	int line, column;
};

static void add_frame(struct check_symbols *symbols, json_t *frames, const char *function, const struct spot *spot,
		      uint64_t pc)
{
	const struct check_module *module = check_symbols_module(symbols->memory, pc);
	char *plain = function ? check_symbols_plain(function) : NULL;
	json_t *frame = json_object();
	char hex[24];

	snprintf(hex, sizeof(hex), "0x%llx", (unsigned long long)pc);
	json_object_set_new(frame, "function", plain ? json_string(plain) : json_null());
	json_object_set_new(frame, "file", spot->file ? json_string(spot->file) : json_null());
	json_object_set_new(frame, "line", spot->line > 0 ? json_integer(spot->line) : json_null());
	json_object_set_new(frame, "column", spot->column > 0 ? json_integer(spot->column) : json_null());
	json_object_set_new(frame, "source", spot->file ? source_of(symbols, spot->file, spot->line) : json_null());
	json_object_set_new(frame, "module",
			    module ? json_string(module->name[0] ? module->name : symbols->program) : json_null());
	json_object_set_new(frame, "pc", json_string(hex));
	json_array_append_new(frames, frame);
	free(plain);
}

static Dwarf_Word number_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	Dwarf_Word number = 0;

	if (dwarf_attr(die, name, &attribute))
		dwarf_formudata(&attribute, &number);
	return number;
}

/* Where an inlined function was called. */
static void caller_of(Dwarf_Die *cu, Dwarf_Die *inlined, struct spot *ret_spot)
{
	Dwarf_Files *files;
	size_t n;

	*ret_spot = (struct spot){.line = (int)number_of(inlined, DW_AT_call_line),
				  .column = (int)number_of(inlined, DW_AT_call_column)};
	if (dwarf_getsrcfiles(cu, &files, &n) == 0)
		ret_spot->file = dwarf_filesrc(files, number_of(inlined, DW_AT_call_file), NULL, NULL);
}

static const char *name_of(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	const char *name = NULL;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute))
		name = dwarf_formstring(&attribute);
	return name ? name : dwarf_diename(die);
}

/* Adds a frame for each function that the address is in. Returns whether there was one. */
static bool add_functions(struct check_symbols *symbols, json_t *frames, Dwarf_Die *cu, Dwarf_Addr at, struct spot spot,
			  uint64_t pc)
{
	Dwarf_Die *scopes = NULL, *chain = NULL;
	int n = dwarf_getscopes(cu, at, &scopes), i;
	bool any = false;

	n = n > 0 ? dwarf_getscopes_die(&scopes[0], &chain) : 0;
	for (i = 0; i < n; i++) {
		int tag = dwarf_tag(&chain[i]);

		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		add_frame(symbols, frames, name_of(&chain[i]), &spot, pc);
		any = true;
		if (tag == DW_TAG_subprogram)
			break;
		caller_of(cu, &chain[i], &spot);
	}
	free(scopes);
	free(chain);
	return any;
}

static void find_frames(struct check_symbols *symbols, json_t *frames, uint64_t pc, uint64_t at)
{
	Dwfl_Module *module = check_symbols_load(symbols, pc);
	Dwfl_Line *line = module ? dwfl_module_getsrc(module, at) : NULL;
	struct spot spot = {.file = NULL};
	Dwarf_Addr bias = 0;
	Dwarf_Die *cu = module ? dwfl_module_addrdie(module, at, &bias) : NULL;

	if (line)
		spot.file = dwfl_lineinfo(line, NULL, &spot.line, &spot.column, NULL, NULL);
	if (cu && add_functions(symbols, frames, cu, at - bias, spot, pc))
		return;
	add_frame(symbols, frames, module ? dwfl_module_addrname(module, at) : NULL, &spot, pc);
}

json_t *check_symbols_frames(struct check_symbols *symbols, uint64_t pc, bool exact)
{
	char key[32];
	json_t *frames;

	snprintf(key, sizeof(key), "%llx%s", (unsigned long long)pc, exact ? "=" : "");
	frames = json_object_get(symbols->frames, key);
	if (!frames) {
		frames = json_array();
		find_frames(symbols, frames, pc, exact ? pc : pc - 1);
		json_object_set_new(symbols->frames, key, frames);
	}
	return json_incref(frames);
}

/* What lies between main, or a thread's routine, and the beginning says nothing. */
static bool is_beginning(const char *function)
{
	static const char *const names[] = {"__libc_start_main",
					    "__libc_start_main_impl",
					    "__libc_start_call_main",
					    "_start",
					    "start_thread",
					    "clone3",
					    "__clone3"};

	for (size_t i = 0; function && i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(function, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* Whether an address is in the runtime, whatever name that was loaded by. */
static bool is_runtime(const struct check_symbols *symbols, uint64_t pc)
{
	const struct check_module *module = check_symbols_module(symbols->memory, pc);

	return module && (strstr(module->name, "/libtsan.so.2") || strstr(module->name, "/libclang_rt.tsan"));
}

json_t *check_symbols_stack(struct check_symbols *symbols, const struct check_place *place, bool exact)
{
	json_t *stack = json_array(), *frames, *frame;
	size_t i;

	for (unsigned n = 0; n < CHECK_FRAMES && place->pc[n] != 0; n++) {
		if (is_runtime(symbols, place->pc[n]))
			continue;
		frames = check_symbols_frames(symbols, place->pc[n], exact && n == 0);
		for (i = 0; (frame = json_array_get(frames, i)); i++)
			if (!is_beginning(json_string_value(json_object_get(frame, "function"))))
				json_array_append(stack, frame);
		json_decref(frames);
	}
	return stack;
}
