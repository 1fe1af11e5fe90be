/*
 * ps.h - `fairlead ps` and `fairlead top`.
 */
#ifndef FAIRLEAD_CLI_PS_H
#define FAIRLEAD_CLI_PS_H

#include "options.h"
#include "states.h"

extern const char ps_about[];
extern const struct option_row ps_rows[];
int ps_command(int argc, char **argv);

/* What a command was asked for. */
struct ps {
	const char *path;      /* how it was called */
	const char *directory; /* NULL: the user's own */
	const char *segment;   /* NULL: all */
	fl_time interval;      /* 0: one look */
	bool busy, json;
};

/* Options that both have. */
int ps_take_directory(void *config, const char *value, char *why, size_t size);
int ps_take_interval(void *config, const char *value, char *why, size_t size);
int ps_take_busy(void *config, const char *value, char *why, size_t size);

/* Says why a look failed. Returns the status of the program. */
int ps_failed(const struct ps *asked, int error);

/* Whether that object was asked for. */
static inline bool ps_shows(const struct ps *asked, const struct states_object *object)
{
	return !asked->busy || states_matters(object);
}

/* Prints what was seen (ps_print.c). */
void ps_print(const struct ps *asked, const struct states *states);
void ps_print_json(const struct ps *asked, const struct states *states);

#endif
