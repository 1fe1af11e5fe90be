/*
 * cli/check_forms.c - the report in the forms that were asked for, and the status that the command ends with.
 *
 * Files are written whole or not at all (write.h). A check that has come upon what is not modelled has found nothing,
 * and has not seen what it was to see: it does not end like one in which all is well.
 */
#include "check_html.h"
#include "check_wish.h"
#include "command.h"
#include "write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int say(const char *path, const char *file, int error)
{
	if (error != 0)
		fprintf(stderr, "%s: %s: %s\n", path, file, strerror(-error));
	return error != 0 ? -EIO : 0;
}

static int write_text(const char *path, const char *file, const char *text, size_t size)
{
	const struct write_part parts[] = {{text, size}, {"", 0}};

	return say(path, file, text ? write_file(file, true, parts, 2) : -ENOMEM);
}

static int write_sarif(const char *path, const char *file, const json_t *json)
{
	json_t *sarif = check_sarif(json);
	char *text = sarif ? json_dumps(sarif, JSON_INDENT(2)) : NULL;
	int error = write_text(path, file, text, text ? strlen(text) : 0);

	free(text);
	json_decref(sarif);
	return error;
}

static int write_html(const char *path, const char *file, const json_t *json)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	int error = to ? check_html(to, json) : -ENOMEM;

	if (to)
		fclose(to);
	error = error != 0 ? say(path, file, error) : write_text(path, file, text, size);
	free(text);
	return error;
}

int check_write(const char *path, const json_t *json, const struct check_forms *forms)
{
	int error = 0;

	if (forms->json) {
		json_dumpf(json, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		check_text(stdout, json);
	}
	if (forms->sarif && write_sarif(path, forms->sarif, json) != 0)
		error = -EIO;
	if (forms->html && write_html(path, forms->html, json) != 0)
		error = -EIO;
	return error;
}

int check_tell(const char *path, const struct check_report *report, const struct check_forms *forms)
{
	const struct check_memory *memory = report->found->job->memory;
	json_t *json = check_json(report);
	int error = check_write(path, json, forms);

	json_decref(json);
	if (memory->failure.verdict != CHECK_NOTHING)
		return COMMAND_FAILED;
	return error != 0 || memory->said[0] || report->found->runs == 0 ? COMMAND_USAGE : COMMAND_OK;
}
