/*
 * cli/check_paint.c - see check_paint.h.
 *
 * Lines and arrows are drawn where the locale's characters are UTF-8, with letters and dashes elsewhere. Text is cut by
 * characters; each is taken for one column, which holds for what stands in sources, but for a few scripts.
 */
#define _GNU_SOURCE
#include "check_paint.h"

#include "options.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM_FUNCTION 28
#define ROOM_PLACE 30
#define LEAST_SOURCE 12

static bool has_utf8(void)
{
	static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	const char *value = NULL;

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]) && (!value || !*value); i++)
		value = getenv(variables[i]);
	return value && (strcasestr(value, "utf-8") || strcasestr(value, "utf8"));
}

struct paper paint_paper(FILE *to)
{
	const char *off = getenv("NO_COLOR");
	struct paper paper = {
		.to = to, .width = options_width(to), .bar = "|", .arrow = "->", .dots = ".", .more = "~"};

	paper.colour = isatty(fileno(to)) && !(off && *off);
	if (has_utf8()) {
		paper.bar = "│";
		paper.arrow = "→";
		paper.dots = "⋮";
		paper.more = "…";
	}
	return paper;
}

void paint(const struct paper *paper, unsigned how)
{
	static const char *const codes[] = {"0", "1", "2", "1;31", "1;32", "33"};
	static const char *const threads[] = {"36", "33", "35", "34", "32", "31"};

	if (!paper->colour)
		return;
	if (how < PAINT_THREAD)
		fprintf(paper->to, "\033[%sm", codes[how]);
	else
		fprintf(paper->to, "\033[%sm", threads[(how - PAINT_THREAD) % 6]);
}

static bool begins_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

size_t paint_columns(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += begins_character(*text);
	return n;
}

void paint_blanks(const struct paper *paper, size_t n)
{
	fprintf(paper->to, "%*s", (int)n, "");
}

size_t paint_text(const struct paper *paper, const char *text, size_t width, bool fill)
{
	size_t columns = paint_columns(text), cut = columns > width ? paint_columns(paper->more) : 0, n = 0;
	const char *at = text;

	if (cut > width)
		return 0;
	while (*at && (!begins_character(*at) || n < (cut ? width - cut : columns))) {
		n += begins_character(*at);
		fputc(*at++, paper->to);
	}
	if (cut) {
		fputs(paper->more, paper->to);
		n += cut;
	}
	if (fill && n < width) {
		paint_blanks(paper, width - n);
		n = width;
	}
	return n;
}

/* JSON. */

const char *paint_string(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

json_int_t paint_number(const json_t *json, const char *key)
{
	return json_integer_value(json_object_get(json, key));
}

bool paint_is_stuck(const json_t *report)
{
	const char *verdict = paint_string(report, "verdict");

	return strcmp(verdict, "deadlock") == 0 || strcmp(verdict, "livelock") == 0 || strcmp(verdict, "hang") == 0;
}

void paint_grouped(json_int_t number, char *to, size_t size)
{
	char digits[32];
	int length = snprintf(digits, sizeof(digits), "%lld", (long long)number);
	size_t n = 0;

	for (int i = 0; i < length && n + 2 < size; i++) {
		if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-' && length > 4)
			to[n++] = ' ';
		to[n++] = digits[i];
	}
	to[n] = 0;
}

/* Places. */

/* Whether the program's author has written it. */
static bool is_own(const json_t *frame)
{
	return json_is_true(json_object_get(frame, "own"));
}

const json_t *paint_frame(const json_t *stack)
{
	const json_t *frame, *any = NULL;
	size_t i;

	for (i = 0; (frame = json_array_get(stack, i)); i++) {
		if (is_own(frame))
			return frame;
		if (!any && *paint_string(frame, "file"))
			any = frame;
	}
	return any ? any : json_array_get(stack, 0);
}

const char *paint_call(const json_t *thread)
{
	const json_t *stack = json_object_get(thread, "stack"), *frame;
	const char *call = "";
	size_t i;

	if (strcmp(paint_string(json_object_get(thread, "waits_for"), "op"), "futex_woken") != 0)
		return "";
	for (i = 0; (frame = json_array_get(stack, i)); i++) {
		if (is_own(frame))
			return call;
		call = paint_string(frame, "function");
	}
	return "";
}

/* A file's name as it is called from here, if it is below, or its last part. */
static const char *short_name(const char *file)
{
	static char here[4096];
	size_t length;
	const char *slash = strrchr(file, '/');

	if (!here[0] && !getcwd(here, sizeof(here)))
		return file;
	length = strlen(here);
	if (strncmp(file, here, length) == 0 && file[length] == '/')
		return file + length + 1;
	return slash ? slash + 1 : file;
}

void paint_place(const json_t *frame, char *to, size_t size)
{
	const char *file = paint_string(frame, "file"), *module = paint_string(frame, "module");

	if (*file)
		snprintf(to, size, "%s:%lld", short_name(file), (long long)paint_number(frame, "line"));
	else if (*module)
		snprintf(to, size, "%s", short_name(module));
	else
		snprintf(to, size, "%s", paint_string(frame, "pc"));
}

/* The frames that the program's author has written; all of them, if there are none. To be released. */
static json_t *own_frames(const json_t *stack)
{
	json_t *own = json_array(), *frame;
	size_t i;

	for (i = 0; (frame = json_array_get(stack, i)); i++)
		if (is_own(frame))
			json_array_append(own, frame);
	if (json_array_size(own) > 0)
		return own;
	json_decref(own);
	return json_incref((json_t *)(uintptr_t)stack);
}

/* The widest of what stands in a column of a stack. */
static size_t widest(const json_t *stack, bool place, size_t most)
{
	size_t i, n = 0;
	const json_t *frame;
	char text[200];

	for (i = 0; (frame = json_array_get(stack, i)); i++) {
		snprintf(text, sizeof(text), "%s", paint_string(frame, "function"));
		if (place)
			paint_place(frame, text, sizeof(text));
		if (paint_columns(text) > n)
			n = paint_columns(text);
	}
	return n > most ? most : n;
}

static void write_frames(const struct paper *paper, const json_t *stack, size_t indent)
{
	size_t functions = widest(stack, false, ROOM_FUNCTION), places = widest(stack, true, ROOM_PLACE), i;
	size_t used = indent + functions + 2 + places + 2, room = used < paper->width ? paper->width - used : 0;
	const json_t *frame;
	char place[200];

	for (i = 0; (frame = json_array_get(stack, i)); i++) {
		const char *function = paint_string(frame, "function"), *source = paint_string(frame, "source");

		paint_place(frame, place, sizeof(place));
		paint_blanks(paper, indent);
		paint_text(paper, *function ? function : "?", functions, true);
		paint(paper, DIM);
		fputs("  ", paper->to);
		paint_text(paper, place, places, *source && room >= LEAST_SOURCE);
		if (*source && room >= LEAST_SOURCE) {
			fputs("  ", paper->to);
			paint_text(paper, source, room, false);
		}
		paint(paper, PLAIN);
		fputc('\n', paper->to);
	}
}

void paint_stack(const struct paper *paper, const json_t *stack, size_t indent)
{
	json_t *own = own_frames(stack);

	write_frames(paper, own, indent);
	json_decref(own);
}
