/*
 * check_report.h - what the files share that make a report.
 */
#ifndef FAIRLEAD_CLI_CHECK_REPORT_H
#define FAIRLEAD_CLI_CHECK_REPORT_H

#include "check.h"

#define CHECK_DIFFERENCE 600u

/* Writes where the output of the failing run departs from the one that is right. Returns whether it is known. */
bool check_difference(const struct check_report *report, char to[CHECK_DIFFERENCE]);

/* Text that is not ours as JSON. A new reference. */
json_t *check_json_text(const char *text);

#endif
