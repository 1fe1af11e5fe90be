/*
 * cli/check_html.h - the report of `fairlead check` for a browser and for tools that collect findings.
 *
 * Both are made from the report as JSON (check_json.c), so that they say the same.
 */
#ifndef FAIRLEAD_CLI_CHECK_HTML_H
#define FAIRLEAD_CLI_CHECK_HTML_H

#include <jansson.h>
#include <stdio.h>

/* Writes the page. Returns 0, -ENOMEM, or -EIO: the file could not be written. */
int check_html(FILE *to, const json_t *report);

/* Returns the report as SARIF 2.1.0 (OASIS), a new reference, or NULL if there is no memory. */
json_t *check_sarif(const json_t *report);

#endif
