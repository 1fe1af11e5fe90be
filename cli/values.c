/*
 * cli/values.c - reads numbers, durations, names and tokens, and says what is wrong with one that is none.
 *
 * Numbers are read by hand as far as strtoull and strtod take more than is meant: signs, blanks, hexadecimals,
 * infinity.
 */
#include "values.h"

#include <errno.h>
#include <fairlead/frames.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DIGITS "0123456789"

int values_count(const char *value, uint64_t least, uint64_t most, uint64_t *ret_count, char *why, size_t size)
{
	unsigned long long count;

	errno = 0;
	count = strtoull(value, NULL, 10);
	if (*value == 0 || value[strspn(value, DIGITS)] != 0)
		snprintf(why, size, "it is not a whole number");
	else if (errno != 0 || count < least || count > most)
		snprintf(why, size, "it must be from %llu to %llu", (unsigned long long)least,
			 (unsigned long long)most);
	else {
		*ret_count = count;
		return 0;
	}
	return -EINVAL;
}

static const struct {
	const char *name;
	double seconds;
} units[] = {{"", 1}, {"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"m", 60}, {"min", 60}, {"h", 3600}};

/* The seconds in one of a unit; 0 if there is no such unit. */
static double unit_of(const char *name)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(units[i].name, name) == 0)
			return units[i].seconds;
	return 0;
}

int values_duration(const char *value, fl_time *ret_duration, char *why, size_t size)
{
	size_t length = strspn(value, DIGITS ".");
	char *end;
	double number = strtod(value, &end), unit = unit_of(value + length);
	fl_time duration;

	if (length == 0 || end != value + length || unit == 0) {
		snprintf(why, size, "it is not a duration; write 1.5s, 250ms, 2m or 1h");
		return -EINVAL;
	}
	duration = fl_seconds(number * unit);
	if (duration <= 0 || duration == FL_FOREVER) {
		snprintf(why, size, "it is too %s", duration <= 0 ? "short" : "long");
		return -EINVAL;
	}
	*ret_duration = duration;
	return 0;
}

int values_channel(const char *value, char *why, size_t size)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	if (*value == 0 || strlen(value) >= FL_FRAMES_NAME)
		snprintf(why, size, "a channel's name has from 1 to %u letters", FL_FRAMES_NAME - 1);
	else if (*value == '.' || value[strspn(value, letters)] != 0)
		snprintf(why, size, "a channel's name is of A-Z a-z 0-9 . _ -, and begins with no dot");
	else
		return 0;
	return -EINVAL;
}

int values_token(const char *value, char *why, size_t size)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-";
	size_t length = strlen(value);

	if (length >= 8 && length < VALUES_TOKEN && value[strspn(value, letters)] == '\0')
		return 0;
	snprintf(why, size, "no good token: it has 8 to 128 of A-Z a-z 0-9 . _ ~ -");
	return -EINVAL;
}

int values_token_file(const char *value, char ret_token[VALUES_TOKEN], char *why, size_t size)
{
	FILE *file = fopen(value, "re");
	char line[VALUES_TOKEN + 2] = "";
	struct stat status;
	bool open_to_others;

	if (!file) {
		snprintf(why, size, "%s", strerror(errno));
		return -EINVAL;
	}
	open_to_others = fstat(fileno(file), &status) == 0 && (status.st_mode & 077) != 0;
	if (!open_to_others && !fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	if (open_to_others) {
		snprintf(why, size, "others may read it: chmod 600");
		return -EINVAL;
	}
	if (values_token(line, why, size) != 0)
		return -EINVAL;
	memcpy(ret_token, line, strlen(line) + 1);
	return 0;
}
