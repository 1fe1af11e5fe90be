/*
 * check_wish.h - what `fairlead check` and `fairlead replay` share of their options and of how they end.
 */
#ifndef FAIRLEAD_CLI_CHECK_WISH_H
#define FAIRLEAD_CLI_CHECK_WISH_H

#include "check.h"

/* What a run has to write. */
int check_hash_file(const char *file, struct check_output *ret_output, char *why, size_t size);

/* In which forms the report is written, beside text or instead of it. */
struct check_forms {
	bool json;
	const char *sarif, *html; /* files; NULL: not in that form */
};

/* What both are asked; what they are configured with begins with it. */
struct check_common {
	struct check_wish wish;
	struct check_forms forms;
};

/* Take options that both have (check_options.c). `arg` is a struct check_common. */
int check_take_engine(void *arg, const char *value, char *why, size_t size);
int check_take_show_output(void *arg, const char *value, char *why, size_t size);
int check_take_json(void *arg, const char *value, char *why, size_t size);
int check_take_html(void *arg, const char *value, char *why, size_t size);
int check_take_sarif(void *arg, const char *value, char *why, size_t size);
/* One of several words, in the order of an enum; NULL ends them. */
int check_take_word(const char *value, const char *const *words, uint32_t *ret_word, char *why, size_t size);

#define CHECK_FORM_ROWS \
	{"The report", "json", 0, NULL, "write it as JSON", OPTION_FLAG, check_take_json}, \
		{NULL, \
		 "html", \
		 0, \
		 "FILE", \
		 "write it as a page, too, in which one can step through the interleaving", \
		 OPTION_ONCE, \
		 check_take_html}, \
	{ \
		NULL, "sarif", 0, "FILE", "write it as SARIF 2.1.0, too, for editors and forges", OPTION_ONCE, \
			check_take_sarif \
	}

/* Writes the report. Returns the status of the command. */
int check_tell(const char *path, const struct check_report *report, const struct check_forms *forms);
/* The same, made before: returns 0, or has said what could not be written, and returns -EIO. */
int check_write(const char *path, const json_t *json, const struct check_forms *forms);

#endif
