/*
 * cli/code.c - see code.h.
 *
 * Nothing is fetched over the network: DEBUGINFOD_URLS, by which libdw would, is taken out of the environment.
 *
 * Where a function was inlined, one address is a place in several: from the innermost on outwards, as they were put
 * into each other, not as they were written.
 */
#define _GNU_SOURCE
#include "code.h"

#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

Dwfl *code_open(void)
{
	static const Dwfl_Callbacks callbacks = {
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.find_elf = dwfl_build_id_find_elf,
	};

	unsetenv("DEBUGINFOD_URLS");
	return dwfl_begin(&callbacks);
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
static void caller_of(Dwarf_Die *cu, Dwarf_Die *inlined, struct code_spot *ret_spot)
{
	Dwarf_Word file = number_of(inlined, DW_AT_call_file);
	Dwarf_Files *files;
	size_t n;

	*ret_spot = (struct code_spot){.line = (int)number_of(inlined, DW_AT_call_line),
				       .column = (int)number_of(inlined, DW_AT_call_column)};
	if (dwarf_getsrcfiles(cu, &files, &n) == 0 && file < n)
		ret_spot->file = dwarf_filesrc(files, file, NULL, NULL);
}

static void name(Dwarf_Die *die, struct code_spot *spot)
{
	Dwarf_Attribute attribute;

	spot->name = dwarf_diename(die);
	spot->function = spot->name;
	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute))
		spot->function = dwarf_formstring(&attribute);
}

/* Returns whether the address is in a function that is known. */
static bool walk(Dwarf_Die *cu, Dwarf_Addr at, struct code_spot spot,
		 void (*each)(void *arg, const struct code_spot *spot), void *arg)
{
	Dwarf_Die *scopes = NULL, *chain = NULL;
	int n = dwarf_getscopes(cu, at, &scopes);
	bool any = false;

	n = n > 0 ? dwarf_getscopes_die(&scopes[0], &chain) : 0;
	for (int i = 0; i < n; i++) {
		int tag = dwarf_tag(&chain[i]);

		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		name(&chain[i], &spot);
		each(arg, &spot);
		any = true;
		if (tag == DW_TAG_subprogram)
			break;
		caller_of(cu, &chain[i], &spot);
	}
	free(scopes);
	free(chain);
	return any;
}

void code_spots(Dwfl_Module *module, Dwarf_Addr address, void (*each)(void *arg, const struct code_spot *spot),
		void *arg)
{
	Dwfl_Line *line = module ? dwfl_module_getsrc(module, address) : NULL;
	struct code_spot spot = {.function = NULL};
	Dwarf_Addr bias = 0;
	Dwarf_Die *cu = module ? dwfl_module_addrdie(module, address, &bias) : NULL;

	if (line)
		spot.file = dwfl_lineinfo(line, NULL, &spot.line, &spot.column, NULL, NULL);
	if (!cu || !walk(cu, address - bias, spot, each, arg))
		each(arg, &spot);
}

char *code_plain(const char *name)
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
