/*
 * code.h - what addresses of code are called: functions, files and lines, by elfutils' libdw.
 */
#ifndef FAIRLEAD_CLI_CODE_H
#define FAIRLEAD_CLI_CODE_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>

/* One function that an address is in. */
struct code_spot {
	const char *function; /* as the linker knows it; NULL: not known */
	const char *name;     /* as it was written, by itself; NULL: not known */
	const char *file;     /* NULL: not known */
	int line, column;
};

/* Returns an object to which files can be reported, with what belongs to them under /usr/lib/debug; or NULL. */
Dwfl *code_open(void);
/* Calls each() for every function that the address is in: of those that the compiler has put into each other the
 * innermost first, each but that with where the one before it was called. At least once. */
void code_spots(Dwfl_Module *module, Dwarf_Addr address, void (*each)(void *arg, const struct code_spot *spot),
		void *arg);
/* Returns a name as C++ programmers know it, if the C++ library is there to tell; to be freed. */
char *code_plain(const char *name);

#endif
