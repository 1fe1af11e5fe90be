/*
 * sync/times_table.c - the table of times, as people read it: columns under their headings, the most waited-for lock
 * first.
 *
 * It is written in two passes: the first measures the columns, the second fills them. Places where threads waited
 * stand in the last column, one a line, with their share of the lock's waiting.
 */
#include "sync/times_table.h"

#include "sync/describe.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOCK, KIND, ACQUIRES, CONTENDED, WAITED, WAITED_MOST, HELD, HELD_MOST, N_COLUMNS };

#define CELL_SIZE 128
#define LINE_SIZE 1024 /* of a line's site */

struct line {
	char cells[N_COLUMNS][CELL_SIZE];
};

/* Collects what is to be written, and remembers the first error. */
struct output {
	int fd, error;
	struct fl_text text;
	char buffer[8192];
};

static const struct line heading = {
	{"lock", "kind", "acquires", "contended", "waited total", "waited max", "held total", "held max"}};

static void flush(struct output *output)
{
	const char *from = output->buffer;

	while (output->error == 0 && from < output->text.at) {
		ssize_t n = write(output->fd, from, (size_t)(output->text.at - from));

		if (n > 0)
			from += n;
		else if (n < 0 && errno != EINTR)
			output->error = -errno;
	}
	output->text = (struct fl_text){output->buffer, sizeof(output->buffer)};
}

/* 17 ns, 17.3 us, 17.3 ms, 17.30 s: four digits or so. */
static void write_duration(char cell[CELL_SIZE], uint64_t ns)
{
	if (ns < 10000)
		snprintf(cell, CELL_SIZE, "%" PRIu64 " ns", ns);
	else if (ns < 10000000)
		snprintf(cell, CELL_SIZE, "%.1f us", (double)ns / 1e3);
	else if (ns < UINT64_C(10000000000))
		snprintf(cell, CELL_SIZE, "%.1f ms", (double)ns / 1e6);
	else
		snprintf(cell, CELL_SIZE, "%.2f s", (double)ns / 1e9);
}

static void write_name(char cell[CELL_SIZE], const struct fl_times_row *row)
{
	if (row->lock && row->name[0])
		snprintf(cell, CELL_SIZE, "'%s' %p", row->name, row->lock);
	else if (row->lock)
		snprintf(cell, CELL_SIZE, "%p", row->lock);
	else if (row->name[0])
		snprintf(cell, CELL_SIZE, "'%s' (%" PRIu64 " ended)", row->name, row->figures.locks);
	else
		snprintf(cell, CELL_SIZE, "without a name (%" PRIu64 " ended)", row->figures.locks);
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole == 0 ? 0 : 100.0 * (double)part / (double)whole;
}

static void write_cells(struct line *line, const struct fl_times_row *row)
{
	static const char *const kinds[] = {"lock", "rlock", "read", "write"};
	const struct fl_figures *figures = &row->figures;

	write_name(line->cells[LOCK], row);
	snprintf(line->cells[KIND], CELL_SIZE, "%s", kinds[row->kind]);
	snprintf(line->cells[ACQUIRES], CELL_SIZE, "%" PRIu64, figures->acquires);
	snprintf(line->cells[CONTENDED], CELL_SIZE, "%.1f %%", percent(figures->contended, figures->acquires));
	write_duration(line->cells[WAITED], figures->waited.total);
	write_duration(line->cells[WAITED_MOST], figures->waited.most);
	write_duration(line->cells[HELD], figures->held.total);
	write_duration(line->cells[HELD_MOST], figures->held.most);
}

static void widen(int widths[N_COLUMNS], const struct line *line)
{
	int i;

	for (i = 0; i < N_COLUMNS; i++)
		if ((int)strlen(line->cells[i]) > widths[i])
			widths[i] = (int)strlen(line->cells[i]);
}

/* Words to the left, figures to the right. */
static void put_cells(struct output *output, const struct line *line, const int widths[N_COLUMNS])
{
	int i;

	if (output->text.left < 2 * N_COLUMNS * CELL_SIZE)
		flush(output);
	for (i = 0; i < N_COLUMNS; i++)
		fl_text_add_(&output->text, i < ACQUIRES ? "%s%-*s" : "%s%*s", i > 0 ? "  " : "", widths[i],
			     line->cells[i]);
}

static void put_sites(struct output *output, const struct fl_times_row *row, const int widths[N_COLUMNS])
{
	int i, j, indent = 0;

	for (i = 0; i < N_COLUMNS; i++)
		indent += widths[i] + 2;
	for (j = 0; j < FL_MOST_SITES && row->sites[j].site; j++) {
		if (output->text.left < LINE_SIZE)
			flush(output);
		if (j > 0)
			fl_text_add_(&output->text, "\n%*s", indent, "");
		fl_text_add_(&output->text, "%s%3.0f %% at ", j == 0 ? "  " : "",
			     percent(row->sites[j].waited, row->figures.waited.total));
		fl_text_site_(&output->text, row->sites[j].site);
	}
	fl_text_add_(&output->text, "\n");
}

static int by_waiting(const void *a_, const void *b_)
{
	const struct fl_figures *a = &((const struct fl_times_row *)a_)->figures;
	const struct fl_figures *b = &((const struct fl_times_row *)b_)->figures;

	if (a->waited.total != b->waited.total)
		return a->waited.total > b->waited.total ? -1 : 1;
	if (a->held.total != b->held.total)
		return a->held.total > b->held.total ? -1 : 1;
	return (a->acquires < b->acquires) - (a->acquires > b->acquires);
}

static void find_names(struct fl_times_row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (rows[i].lock)
			fl_name_get_(rows[i].lock, rows[i].name);
}

int fl_times_write_(int fd, struct fl_times_row *rows, size_t n)
{
	struct output output = {.fd = fd, .text = {output.buffer, sizeof(output.buffer)}};
	int widths[N_COLUMNS] = {0};
	struct line line = {0};
	size_t i;

	find_names(rows, n);
	qsort(rows, n, sizeof(*rows), by_waiting);
	widen(widths, &heading);
	for (i = 0; i < n; i++) {
		write_cells(&line, &rows[i]);
		widen(widths, &line);
	}
	fl_text_add_(&output.text, "fairlead: times of process %d, the most waited-for lock first:\n", (int)getpid());
	put_cells(&output, &heading, widths);
	fl_text_add_(&output.text, "  sites\n");
	for (i = 0; i < n; i++) {
		write_cells(&line, &rows[i]);
		put_cells(&output, &line, widths);
		put_sites(&output, &rows[i], widths);
	}
	fl_text_missed_(&output.text);
	flush(&output);
	return output.error;
}
