/*
 * cli/check_html.c - the report of `fairlead check` as a page that can be looked at and stepped through.
 *
 * The page is one file that needs no others: cli/report/report.html, with its style, its script and the report as JSON
 * put in where it says @STYLE@, @SCRIPT@ and @REPORT@. In a script element "</" would end the element, and "<!--"
 * change what ends it, so every "<" of the JSON is written as \u003c, which is the same to a reader of JSON.
 */
#include "check_html.h"

#include "hub/page/page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

extern const struct page_file report_files[];
extern const size_t n_report_files;

static const struct page_file *file_of(const char *path)
{
	for (size_t i = 0; i < n_report_files; i++) {
		if (strcmp(report_files[i].path, path) == 0)
			return &report_files[i];
	}
	return NULL;
}

static void put_json(FILE *to, const char *json)
{
	for (const char *at = json; *at != 0; at++) {
		if (*at == '<')
			fputs("\\u003c", to);
		else
			putc(*at, to);
	}
}

/* Writes what stands for a mark of the page, and returns how long the mark is; 0: it is none. */
static size_t put_mark(FILE *to, const char *at, size_t left, const char *json)
{
	static const char *const marks[] = {"@STYLE@", "@SCRIPT@", "@REPORT@"};
	static const char *const paths[] = {"/report.css", "/report.js", NULL};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		size_t n = strlen(marks[i]);
		const struct page_file *file = paths[i] != NULL ? file_of(paths[i]) : NULL;

		if (left < n || memcmp(at, marks[i], n) != 0)
			continue;
		if (file != NULL)
			fwrite(file->data, 1, file->size, to);
		else
			put_json(to, json);
		return n;
	}
	return 0;
}

int check_html(FILE *to, const json_t *report)
{
	const struct page_file *page = file_of("/report.html");
	char *json = json_dumps(report, JSON_COMPACT);

	if (json == NULL || page == NULL) {
		free(json);
		return -ENOMEM;
	}
	for (size_t at = 0; at < page->size;) {
		size_t n = put_mark(to, (const char *)page->data + at, page->size - at, json);

		if (n == 0)
			putc(page->data[at++], to);
		at += n;
	}
	free(json);
	return ferror(to) != 0 ? -EIO : 0;
}
