/*
 * values.h - what options are given: numbers, durations, names of channels.
 *
 * Each returns 0, or -EINVAL and what is wrong in `why`, as a row of options.h wants it. Nothing may follow a value.
 */
#ifndef FAIRLEAD_CLI_VALUES_H
#define FAIRLEAD_CLI_VALUES_H

#include <fairlead/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A whole number from `least` to `most`. */
int values_count(const char *value, uint64_t least, uint64_t most, uint64_t *ret_count, char *why, size_t size);

/* A duration of more than 0: 1.5 or 1.5s, 250ms, 2m, 1h. */
int values_duration(const char *value, fl_time *ret_duration, char *why, size_t size);

/* The token in the first line of a file that nobody else may read: 8 to 128 characters that need no escaping in an
 * address or a cookie. */
#define VALUES_TOKEN 129u
int values_token(const char *value, char *why, size_t size);
int values_token_file(const char *value, char ret_token[VALUES_TOKEN], char *why, size_t size);

/* Whether a name can be that of a channel; what is wrong otherwise. */
int values_channel(const char *value, char *why, size_t size);

#endif
