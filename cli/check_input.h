/*
 * check_input.h - what a program that is checked reads from its standard input: the same in each run.
 */
#ifndef FAIRLEAD_CLI_CHECK_INPUT_H
#define FAIRLEAD_CLI_CHECK_INPUT_H

#include "check.h"

/* Finds out what that is, from --stdin (wish->input) and the command's own; what can be read once alone is read here,
 * to its end. Returns 0, or has said on standard error, as `path`, why it cannot be, and returns a negative errno. */
int check_input_take(const char *path, struct check_wish *wish);
/* For replays: what was read here is written beside their file, and is the input from then on. Returns 0 or a negative
 * errno. */
int check_input_keep(struct check_wish *wish, const char *replay);

#endif
