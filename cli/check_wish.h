/*
 * check_wish.h - what `fairlead check` and `fairlead replay` share of their options and of how they end.
 */
#ifndef FAIRLEAD_CLI_CHECK_WISH_H
#define FAIRLEAD_CLI_CHECK_WISH_H

#include "check.h"

/* Takes --engine. `arg` begins with a struct check_wish. */
int check_take_engine(void *arg, const char *value, char *why, size_t size);
/* What a run has to write. */
int check_hash_file(const char *file, struct check_output *ret_output, char *why, size_t size);

/* In which forms the report is written, beside text or instead of it. */
struct check_forms {
	bool json;
	const char *sarif, *html; /* files; NULL: not in that form */
};

/* Writes the report. Returns the status of the command. */
int check_tell(const char *path, const struct check_report *report, const struct check_forms *forms);
/* The same, made before: returns 0, or has said what could not be written, and returns -EIO. */
int check_write(const char *path, const json_t *json, const struct check_forms *forms);

#endif
