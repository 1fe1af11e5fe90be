/*
 * check_symbols.h - what check_symbols.c and check_names.c share.
 */
#ifndef FAIRLEAD_CLI_CHECK_SYMBOLS_H
#define FAIRLEAD_CLI_CHECK_SYMBOLS_H

#include "check.h"

#include <elfutils/libdwfl.h>

struct check_symbols {
	const struct check_memory *memory;
	const char *program;
	Dwfl *dwfl;
	Dwfl_Module *modules[CHECK_MODULES]; /* those that were looked into */
	json_t *frames, *names, *sources;    /* what was found before: by address, by address, by file */
};

/* Returns the module of an address, or NULL. */
Dwfl_Module *check_symbols_load(struct check_symbols *symbols, uint64_t address);

#endif
