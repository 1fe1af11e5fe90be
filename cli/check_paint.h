/*
 * check_paint.h - what the text of a report is written with: colours, columns, places in the source.
 */
#ifndef FAIRLEAD_CLI_CHECK_PAINT_H
#define FAIRLEAD_CLI_CHECK_PAINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum paint { PLAIN, BOLD, DIM, RED, GREEN, YELLOW, PAINT_THREAD };

struct paper {
	FILE *to;
	size_t width;
	bool colour;
	const char *bar, *arrow, *dots, *more; /* drawn as the locale allows */
};

/* Returns what a report on that file is written with: colours on a terminal only, and not if NO_COLOR is set. */
struct paper paint_paper(FILE *to);
/* From here on text has that colour; PAINT_THREAD + i is that of thread i. */
void paint(const struct paper *paper, unsigned how);
/* Writes text, at most `width` columns of it, and blanks up to there if `fill`. Returns how many columns. */
size_t paint_text(const struct paper *paper, const char *text, size_t width, bool fill);
void paint_blanks(const struct paper *paper, size_t n);
/* Returns how many columns the text takes. */
size_t paint_columns(const char *text);

/* Returns the frame of a stack that says most to the program's author: the innermost that is not of the system's
 * headers and has a line. NULL if there is none at all. */
const json_t *paint_frame(const json_t *stack);
/* Of a thread that waits for a word in the middle of a library's function: returns which one the program's author has
 * called, for the word says nothing to him. "": it is not so. */
const char *paint_call(const json_t *thread);
/* Writes "count.c:4" for a frame, or the name of its function or module. */
void paint_place(const json_t *frame, char *to, size_t size);
/* Writes a stack, a line a frame; without those of the system's headers and libraries. */
void paint_stack(const struct paper *paper, const json_t *stack, size_t indent);

const char *paint_string(const json_t *json, const char *key);
json_int_t paint_number(const json_t *json, const char *key);
/* Returns whether the failure is that threads wait. */
bool paint_is_stuck(const json_t *report);
/* Writes a number with blanks between groups of three digits. */
void paint_grouped(json_int_t number, char *to, size_t size);

/* check_steps.c: the interleaving. */
void paint_steps(const struct paper *paper, const json_t *report);

#endif
