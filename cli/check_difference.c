/*
 * cli/check_difference.c - where the output of a run departs from that of the first run, or from a file: the first line
 * that is not the same.
 */
#include "check_report.h"
#include "check_wish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOWN 120

struct output {
	char *text;
	size_t size;
};

static struct output read_descriptor(int fd)
{
	struct output output = {NULL, 0};
	struct stat about;
	ssize_t n;

	if (fstat(fd, &about) != 0)
		return output;
	output.text = malloc((size_t)about.st_size + 1);
	while (output.text && output.size < (size_t)about.st_size &&
	       (n = pread(fd, output.text + output.size, (size_t)about.st_size - output.size, (off_t)output.size)) > 0)
		output.size += (size_t)n;
	return output;
}

static struct output read_right(const struct check_report *report)
{
	struct output output;
	FILE *from;

	if (!report->wish->expect)
		return read_descriptor(report->found->job->first_output);
	from = fopen(report->wish->expect, "re");
	if (!from)
		return (struct output){NULL, 0};
	output = read_descriptor(fileno(from));
	fclose(from);
	return output;
}

static int length_of_line(const struct output *output, size_t at)
{
	const char *end = at < output->size ? memchr(output->text + at, '\n', output->size - at) : NULL;
	size_t length =
		end ? (size_t)(end - output->text) - at : output->size - (at < output->size ? at : output->size);

	return length > SHOWN ? SHOWN : (int)length;
}

int check_hash_file(const char *file, struct check_output *ret_output, char *why, size_t size)
{
	FILE *from = fopen(file, "re");
	int c;

	if (!from) {
		snprintf(why, size, "%s", strerror(errno));
		return -EINVAL;
	}
	*ret_output = (struct check_output){0, UINT64_C(0xcbf29ce484222325)};
	while ((c = getc(from)) != EOF) {
		ret_output->hash = (ret_output->hash ^ (uint64_t)c) * UINT64_C(0x100000001b3);
		ret_output->size++;
	}
	fclose(from);
	return 0;
}

bool check_difference(const struct check_report *report, char to[CHECK_DIFFERENCE])
{
	struct output wrong = read_descriptor(report->found->job->output), right = read_right(report);
	size_t at = 0, line = 1, start = 0;
	bool known = wrong.text && right.text && (right.size > 0 || report->wish->expect);

	if (known) {
		for (; at < wrong.size && at < right.size && wrong.text[at] == right.text[at]; at++)
			if (wrong.text[at] == '\n') {
				line++;
				start = at + 1;
			}
		snprintf(to, CHECK_DIFFERENCE, "line %zu of the output is \"%.*s\", and should be \"%.*s\"", line,
			 length_of_line(&wrong, start), wrong.text + start, length_of_line(&right, start),
			 right.text + start);
	}
	free(wrong.text);
	free(right.text);
	return known;
}
