/*
 * cli/watch_places.c - what addresses are called: functions, files and lines (code.h), variables.
 *
 * The files are those that the process had mapped.
 *
 * A call site is the address that a call returns to, so its line is that of the byte before. Where the compiler has put
 * functions into their callers, one address is a place in each of them: all of these are told, the innermost first.
 * Where there is nothing about lines, there is the name of the function, or that of the file with an offset, which
 * addr2line takes.
 */
#include "code.h"
#include "watch.h"

#include <stdlib.h>
#include <string.h>

struct watch_places {
	Dwfl *dwfl;
	uint32_t n_modules; /* of the notes, that it has been told of */
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
		places->dwfl = code_open();
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

/* Where the places of one address go. */
struct stack {
	json_t *list;
	Dwfl_Module *module;
	uintptr_t address;
};

/* The name of a function; or of nothing, an offset in the file. To be freed. */
static char *function_at(const struct stack *stack, const char *function)
{
	GElf_Addr bias = 0;
	char text[32];

	if (!function && stack->module)
		function = dwfl_module_addrname(stack->module, stack->address);
	if (!function) {
		if (stack->module)
			dwfl_module_getelf(stack->module, &bias);
		snprintf(text, sizeof(text), "0x%lx", (unsigned long)(stack->address - bias));
		function = text;
	}
	return code_plain(function);
}

static void add_place(void *arg, const struct code_spot *spot)
{
	const struct stack *stack = arg;
	char *function = function_at(stack, spot->name);
	json_t *place = json_object();

	if (function)
		json_object_set_new(place, "function", watch_text(function));
	if (spot->file) {
		json_object_set_new(place, "file", watch_text(spot->file));
		json_object_set_new(place, "line", json_integer(spot->line));
	}
	if (stack->module)
		json_object_set_new(place, "module", watch_text(path_of(stack->module)));
	json_array_append_new(stack->list, place);
	free(function);
}

json_t *watch_stack(struct watch_process *process, const uintptr_t *frames, unsigned n)
{
	struct stack stack = {.list = json_array()};

	for (unsigned i = 0; i < n; i++) {
		if (frames[i] == 0)
			continue;
		stack.address = frames[i] - 1;
		stack.module = module_of(process, stack.address);
		code_spots(stack.module, stack.address, add_place, &stack);
	}
	return stack.list;
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
	plain = code_plain(name);
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
