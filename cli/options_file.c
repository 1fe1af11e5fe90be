/*
 * cli/options_file.c - the file of --config, over inih: a key is the long name of an option.
 *
 * inih reads a line at a time through a function of ours, which counts the lines, so that a message can name the one
 * that is wrong: the library as it is packaged does not tell. That function also takes away the blanks a line begins
 * with, which would make it the continuation of the line before, and refuses what inih would cut in two: it takes lines
 * of up to 198 bytes. After the first mistake it says that the file is at its end.
 *
 * There are no sections: a file is for one command.
 */
#include "options.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct reading_file {
	const struct command *command;
	const char *path, *name;
	const bool *given; /* on the command line */
	bool had[OPTIONS_MAX];
	void *config;
	struct options_text **kept;
	FILE *file;
	int line;
	bool wrong;
};

__attribute__((format(printf, 2, 3))) static int say_line(struct reading_file *reading, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: %s, line %d: ", reading->path, reading->name, reading->line);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	reading->wrong = true;
	return 0; /* what inih takes for a mistake */
}

/* As fgets, for inih. */
static char *read_line(char *line, int size, void *stream)
{
	struct reading_file *reading = stream;
	size_t length, blanks;

	if (reading->wrong || !fgets(line, size, reading->file))
		return NULL;
	reading->line++;
	length = strlen(line);
	if (length + 1 == (size_t)size && line[length - 1] != '\n') {
		say_line(reading, "it has over %d bytes", size - 2);
		return NULL;
	}
	blanks = strspn(line, " \t");
	memmove(line, line + blanks, length + 1 - blanks);
	return line;
}

static const char *keep(struct reading_file *reading, const char *value)
{
	size_t size = strlen(value) + 1;
	struct options_text *text = malloc(sizeof(*text) + size);

	if (!text)
		return NULL;
	memcpy(text->text, value, size);
	text->next = *reading->kept;
	*reading->kept = text;
	return text->text;
}

static size_t find_row(const struct command *command, const char *key)
{
	const struct option_row *row;
	size_t i;

	for (i = 0; (row = options_row(command, i)) && (!row->take || strcmp(row->name, key) != 0); i++)
		;
	return i;
}

/* Returns 1, as inih wants it, if the value was taken or need not be. */
static int take(struct reading_file *reading, const struct option_row *row, const char *value)
{
	char why[OPTIONS_WHY] = "it is wrong";
	const char *kept = NULL;

	if (row->how == OPTION_FLAG && strcmp(value, "no") == 0)
		return 1;
	if (row->how == OPTION_FLAG && strcmp(value, "yes") != 0)
		return say_line(reading, "%s = %s: it is yes or no", row->name, value);
	if (row->how != OPTION_FLAG) {
		kept = keep(reading, value);
		if (!kept)
			return say_line(reading, "%s: no memory is left", row->name);
	}
	if (row->take(reading->config, kept, why, sizeof(why)) != 0)
		return say_line(reading, "%s = %s: %s", row->name, value, why);
	return 1;
}

static int take_line(void *user, const char *section, const char *key, const char *value)
{
	struct reading_file *reading = user;
	size_t i = find_row(reading->command, key);
	const struct option_row *row = options_row(reading->command, i);
	const char *nearest;

	if (reading->wrong)
		return 0;
	if (*section)
		return say_line(reading, "%s: there are no sections; [%s] is one", key, section);
	if (!row) {
		nearest = options_nearest(reading->command, key);
		return nearest && options_row(reading->command, find_row(reading->command, nearest))
			       ? say_line(reading, "there is no key %s; did you mean %s?", key, nearest)
			       : say_line(reading, "there is no key %s", key);
	}
	if (row->how != OPTION_MANY && reading->had[i])
		return say_line(reading, "%s is there twice", key);
	reading->had[i] = true;
	return row->how != OPTION_MANY && reading->given[i] ? 1 : take(reading, row, value);
}

int options_read_file(const struct command *command, const char *path, const char *file, const bool *given,
		      void *config, struct options_text **kept)
{
	struct reading_file reading = {
		.command = command, .path = path, .name = file, .given = given, .config = config, .kept = kept};
	int line;

	reading.file = fopen(file, "re");
	if (!reading.file) {
		fprintf(stderr, "%s: %s: %s\n", path, file, strerror(errno));
		return -EINVAL;
	}
	line = ini_parse_stream(read_line, &reading, take_line, &reading);
	if (ferror(reading.file) && !reading.wrong) {
		fprintf(stderr, "%s: %s: it cannot be read\n", path, file);
		reading.wrong = true;
	}
	fclose(reading.file);
	if (line != 0 && !reading.wrong) {
		reading.line = line;
		say_line(&reading, "it is not of the form key = value");
	}
	return reading.wrong ? -EINVAL : 0;
}
