/*
 * cli/check_symbols.c - addresses of code: function, file, line, source text.
 *
 * A module is looked into (code.h) when the first address in it is asked for, since most of a report lies in the
 * program itself, and a report is to be there at once.
 *
 * Where a function was inlined, one address is a place in several: the innermost comes first, then where it was called.
 * An address that a call returns to belongs to the byte before it.
 */
#define _GNU_SOURCE
#include "check_symbols.h"
#include "code.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_SHOWN 300

struct check_symbols *check_symbols_open(const struct check_memory *memory, const char *program)
{
	struct check_symbols *symbols = calloc(1, sizeof(*symbols));

	if (!symbols)
		return NULL;
	symbols->memory = memory;
	symbols->program = program;
	symbols->dwfl = code_open();
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

/* Where the frames of one address go. */
struct frames {
	struct check_symbols *symbols;
	Dwfl_Module *module;
	uint64_t pc, at;
	json_t *list;
};

/* Whether the program's author has written it: what he includes of the system is not his either. */
static bool is_own(const struct check_module *module, const char *file)
{
	return file && strncmp(file, "/usr/", strlen("/usr/")) != 0 && module &&
	       !check_symbols_is_systems(module->name);
}

static void add_frame(void *arg, const struct code_spot *spot)
{
	struct frames *frames = arg;
	struct check_symbols *symbols = frames->symbols;
	const struct check_module *module = check_symbols_module(symbols->memory, frames->pc);
	const char *function = spot->function;
	json_t *frame = json_object();
	char *plain, hex[24];

	if (!function && frames->module)
		function = dwfl_module_addrname(frames->module, frames->at);
	plain = function ? code_plain(function) : NULL;
	snprintf(hex, sizeof(hex), "0x%llx", (unsigned long long)frames->pc);
	json_object_set_new(frame, "function", plain ? json_string(plain) : json_null());
	json_object_set_new(frame, "file", spot->file ? json_string(spot->file) : json_null());
	json_object_set_new(frame, "line", spot->line > 0 ? json_integer(spot->line) : json_null());
	json_object_set_new(frame, "column", spot->column > 0 ? json_integer(spot->column) : json_null());
	json_object_set_new(frame, "source", spot->file ? source_of(symbols, spot->file, spot->line) : json_null());
	json_object_set_new(frame, "module",
			    module ? json_string(module->name[0] ? module->name : symbols->program) : json_null());
	json_object_set_new(frame, "pc", json_string(hex));
	json_object_set_new(frame, "own", json_boolean(is_own(module, spot->file)));
	json_array_append_new(frames->list, frame);
	free(plain);
}

json_t *check_symbols_frames(struct check_symbols *symbols, uint64_t pc, bool exact)
{
	struct frames frames = {.symbols = symbols, .pc = pc, .at = exact ? pc : pc - 1};
	char key[32];

	snprintf(key, sizeof(key), "%llx%s", (unsigned long long)pc, exact ? "=" : "");
	frames.list = json_object_get(symbols->frames, key);
	if (!frames.list) {
		frames.list = json_array();
		frames.module = check_symbols_load(symbols, pc);
		code_spots(frames.module, frames.at, add_frame, &frames);
		json_object_set_new(symbols->frames, key, frames.list);
	}
	return json_incref(frames.list);
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

static bool is_runtime(const struct check_module *module)
{
	return module && (strstr(module->name, "/libtsan.so.2") || strstr(module->name, "/libclang_rt.tsan"));
}

bool check_symbols_is_systems(const char *file)
{
	static const char *const begins[] = {"/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/", "linux-vdso"};
	static const char *const ours[] = {"/libtsan.so.2", "/libclang_rt.tsan", "/libfairlead.so.0"};

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (strncmp(file, begins[i], strlen(begins[i])) == 0)
			return true;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strstr(file, ours[i]))
			return true;
	return false;
}

json_t *check_symbols_stack(struct check_symbols *symbols, const struct check_place *place, bool exact)
{
	json_t *stack = json_array(), *frames, *frame;
	size_t i;

	for (unsigned n = 0; n < CHECK_FRAMES && place->pc[n] != 0; n++) {
		if (is_runtime(check_symbols_module(symbols->memory, place->pc[n])))
			continue;
		frames = check_symbols_frames(symbols, place->pc[n], exact && n == 0);
		for (i = 0; (frame = json_array_get(frames, i)); i++)
			if (!is_beginning(json_string_value(json_object_get(frame, "function"))))
				json_array_append(stack, frame);
		json_decref(frames);
	}
	return stack;
}
