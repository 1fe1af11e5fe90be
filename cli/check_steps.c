/*
 * cli/check_steps.c - the interleaving, one column a thread.
 *
 * A row is a step: what the thread does stands in its column, the line of the source beside all columns, or below the
 * step where the terminal is too narrow for that; with more threads than columns fit, the thread's name stands in front
 * instead. Steps that nobody else could notice are folded into one row, and so is the middle of what is long.
 */
#define _GNU_SOURCE
#include "check_paint.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS 64
#define NUMBER 5 /* columns for the number of a step, with the blank behind it */
#define LEAST 12 /* of a thread's column */
#define MOST 34
#define SOURCE 48 /* least for the source beside the columns */
#define SOURCE_TEXT 500
#define SHORT 2 /* so many steps are not folded */
#define HEAD 12 /* steps shown of what is long: at its beginning */
#define TAIL 48 /* and at its end */

struct row {
	const json_t *event; /* NULL: the thread waits here, in the end */
	const json_t *wait;
	unsigned thread;
	size_t n; /* number; or, of a fold, how many steps */
	bool fold;
	char text[160];
};

struct table {
	const struct paper *paper;
	const json_t *report;
	struct row *rows;
	size_t n_rows;
	bool *shown;          /* of each event */
	unsigned column[256]; /* of a thread, and one */
	unsigned threads[COLUMNS];
	size_t widths[COLUMNS], n_columns;
	bool too_many, beside;
	size_t left; /* columns to the left of the source */
};

/* What a step is called. */

static void value_text(const json_t *value, char *to, size_t size)
{
	json_int_t number = json_integer_value(value);

	if (number > -1000000000 && number < 1000000000)
		snprintf(to, size, "%lld", (long long)number);
	else
		snprintf(to, size, "0x%llx", (unsigned long long)number);
}

static const struct {
	const char *op, *words;
} names[] = {
	{"start", "begins"},
	{"end", "ends"},
	{"trylock", "try to lock"},
	{"rdlock", "lock for reading"},
	{"wrlock", "lock for writing"},
	{"spinlock", "spin-lock"},
	{"wait", "wait for"},
	{"woken", "woken by"},
	{"sem_wait", "take from"},
	{"sem_post", "give to"},
	{"barrier", "arrive at"},
	{"barrier_leave", "leave"},
	{"once", "once"},
	{"once_done", "done:"},
	{"futex_wait", "futex wait"},
	{"futex_woken", "futex woken"},
	{"futex_wake", "futex wake"},
	{"rmw", "change"},
	{"cas", "compare-exchange"},
};

static const char *words_of(const char *op)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].op, op) == 0)
			return names[i].words;
	return op;
}

static bool is(const json_t *event, const char *op)
{
	return strcmp(paint_string(event, "op"), op) == 0;
}

static void add_values(const struct paper *paper, const json_t *event, char *to, size_t size)
{
	const json_t *value = json_object_get(event, "value"), *old = json_object_get(event, "old");
	char now[32], before[32];
	size_t n = strlen(to);

	if (!json_is_integer(value))
		return;
	value_text(value, now, sizeof(now));
	value_text(old, before, sizeof(before));
	if (is(event, "descriptor")) /* its number, and what came of it */
		snprintf(to + n, size - n, json_is_integer(old) ? " %s: %s" : " %s", now, before);
	else if (is(event, "signal") || is(event, "broadcast"))
		snprintf(to + n, size - n, json_integer_value(value) ? ": %s waits" : ": nobody waits", now);
	else if (json_is_integer(old))
		snprintf(to + n, size - n, ": %s %s %s", before, paper->arrow, now);
	else
		snprintf(to + n, size - n, is(event, "exit") ? " %s" : " = %s", now);
}

static void add_result(const json_t *event, char *to, size_t size)
{
	size_t n = strlen(to);
	json_int_t result = json_integer_value(json_object_get(event, "result"));

	if (json_is_true(json_object_get(event, "timed_out")))
		snprintf(to + n, size - n, ": timed out");
	else if (is(event, "cas") && json_is_integer(json_object_get(event, "result")))
		snprintf(to + n, size - n, ": fails");
	else if (result > 0)
		snprintf(to + n, size - n, ": %s",
			 strerrorname_np((int)result) ? strerrorname_np((int)result) : "fails");
}

static void step_text(const struct paper *paper, const json_t *event, char *to, size_t size)
{
	const char *object = paint_string(event, "object");

	snprintf(to, size, "%s%s%s", words_of(paint_string(event, "op")), *object ? " " : "", object);
	add_values(paper, event, to, size);
	add_result(event, to, size);
}

static void wait_text(const json_t *thread, char *to, size_t size)
{
	const json_t *wait = json_object_get(thread, "waits_for");
	const json_t *holder = json_object_get(wait, "holder");
	const char *object = paint_string(wait, "object"), *op = paint_string(wait, "op"), *call = paint_call(thread);
	size_t n;

	if (*call) {
		snprintf(to, size, "waits in %s", call);
		return;
	}
	snprintf(to, size, "%s%s%s", strcmp(op, "woken") == 0 ? "waits for" : words_of(op), *object ? " " : "", object);
	n = strlen(to);
	if (json_is_integer(holder))
		snprintf(to + n, size - n, ": T%lld has it", (long long)json_integer_value(holder));
}

/* Which steps are shown. */

static bool is_silent(const json_t *event)
{
	return is(event, "start") || is(event, "end") || is(event, "choice");
}

/* What is asked of each step about all the others. */
struct others {
	json_t *users;    /* of each object the thread that uses it; false: several do, or one waits for it */
	size_t last[256]; /* step of a thread, and one */
};

static void note_user(json_t *users, const json_t *event)
{
	const char *object = paint_string(event, "object");
	json_t *user = json_object_get(users, object);
	json_int_t thread = paint_number(event, "thread");

	if (!user)
		json_object_set_new(users, object, json_integer(thread));
	else if (json_is_integer(user) && json_integer_value(user) != thread)
		json_object_set_new(users, object, json_false());
}

static void note_others(const json_t *report, const json_t *events, struct others *others)
{
	const json_t *threads = json_object_get(report, "threads"), *other;
	size_t i;

	others->users = json_object();
	for (i = 0; (other = json_array_get(events, i)); i++) {
		note_user(others->users, other);
		if (!is_silent(other))
			others->last[(size_t)paint_number(other, "thread") % 256] = i + 1;
	}
	for (i = 0; (other = json_array_get(threads, i)); i++)
		json_object_set_new(others->users, paint_string(json_object_get(other, "waits_for"), "object"),
				    json_false());
}

static bool is_shown(const struct others *others, const json_t *events, size_t i)
{
	const json_t *event = json_array_get(events, i);
	const char *object = paint_string(event, "object");

	if (is_silent(event))
		return false;
	if (is(event, "create") || is(event, "exit"))
		return true;
	if (*object && json_is_false(json_object_get(others->users, object)))
		return true;
	return others->last[(size_t)paint_number(event, "thread") % 256] == i + 1;
}

/* Of what is long, the middle goes. */
static void shorten(const json_t *events, bool *shown)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < json_array_size(events); i++)
		n += shown[i];
	for (size_t i = 0; n > HEAD + TAIL && i < json_array_size(events); i++) {
		at += shown[i];
		if (shown[i] && at > HEAD && at <= n - TAIL)
			shown[i] = false;
	}
}

/* How many steps from i on are folded, of those that there is something to say of. */
static size_t hidden_from(const json_t *events, const bool *shown, size_t i, size_t *ret_end)
{
	size_t n = 0;

	for (; i < json_array_size(events) && !shown[i]; i++)
		n += !is_silent(json_array_get(events, i));
	*ret_end = i;
	return n;
}

static void choose(struct table *table, const json_t *events)
{
	struct others others = {.users = NULL};
	size_t end;

	note_others(table->report, events, &others);
	for (size_t i = 0; i < json_array_size(events); i++)
		table->shown[i] = is_shown(&others, events, i);
	json_decref(others.users);
	for (size_t i = 0; i<json_array_size(events); i = end> i ? end : i + 1) {
		if (hidden_from(events, table->shown, i, &end) > SHORT)
			continue;
		for (size_t j = i; j < end; j++)
			table->shown[j] = !is_silent(json_array_get(events, j));
	}
	shorten(events, table->shown);
}

/* The rows. */

static void add_steps(struct table *table, const json_t *events)
{
	size_t end;

	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *event = json_array_get(events, i);
		struct row *row = &table->rows[table->n_rows];

		if (table->shown[i]) {
			*row = (struct row){.event = event,
					    .n = (size_t)paint_number(event, "n"),
					    .thread = (unsigned)paint_number(event, "thread") % 256};
			step_text(table->paper, event, row->text, sizeof(row->text));
			table->n_rows++;
			continue;
		}
		*row = (struct row){.fold = true, .n = hidden_from(events, table->shown, i, &end)};
		i = end - 1;
		table->n_rows += row->n > 0;
	}
}

static void add_waits(struct table *table)
{
	const json_t *thread, *wait;
	size_t i;

	for (i = 0; (thread = json_array_get(json_object_get(table->report, "threads"), i)); i++) {
		struct row *row = &table->rows[table->n_rows];

		wait = json_object_get(thread, "waits_for");
		if (!json_is_object(wait))
			continue;
		*row = (struct row){.wait = thread, .thread = (unsigned)i % 256};
		wait_text(thread, row->text, sizeof(row->text));
		table->n_rows++;
	}
}

/* What the thread does that fails. */
static void add_end(struct table *table)
{
	static const struct {
		const char *verdict, *text;
	} ends[] = {
		{"assertion", "assertion fails"},
		{"abort", "aborts"},
		{"crash", "crashes"},
		{"use-after-free", "uses freed memory"},
		{"double-free", "frees again"},
		{"misuse", "misuse"},
		{"hang", "hangs"},
	};
	const char *verdict = paint_string(table->report, "verdict");
	unsigned thread = (unsigned)paint_number(table->report, "thread") % 256;
	struct row *row = &table->rows[table->n_rows];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (strcmp(ends[i].verdict, verdict) != 0)
			continue;
		*row = (struct row){.wait = json_array_get(json_object_get(table->report, "threads"), thread),
				    .thread = thread};
		snprintf(row->text, sizeof(row->text), "%s", ends[i].text);
		table->n_rows++;
	}
}

/* The columns. */

static void take_column(struct table *table, const struct row *row)
{
	size_t width = paint_columns(row->text) + 2;
	unsigned at = table->column[row->thread];

	if (row->fold || table->too_many)
		return;
	if (at == 0) {
		if (table->n_columns == COLUMNS) {
			table->too_many = true;
			return;
		}
		table->threads[table->n_columns] = row->thread;
		table->widths[table->n_columns] = LEAST;
		table->column[row->thread] = at = (unsigned)++table->n_columns;
	}
	width = width > MOST ? MOST : width;
	if (width > table->widths[at - 1])
		table->widths[at - 1] = width;
}

static int by_number(const void *a, const void *b)
{
	return (int)*(const unsigned *)a - (int)*(const unsigned *)b;
}

/* Columns in the order of the threads' numbers. */
static void order_columns(struct table *table)
{
	size_t widths[256];

	for (size_t i = 0; i < table->n_columns; i++)
		widths[table->threads[i]] = table->widths[i];
	qsort(table->threads, table->n_columns, sizeof(table->threads[0]), by_number);
	for (size_t i = 0; i < table->n_columns; i++) {
		table->widths[i] = widths[table->threads[i]];
		table->column[table->threads[i]] = (unsigned)i + 1;
	}
}

static void lay_out(struct table *table)
{
	size_t left = NUMBER, widest = 0;

	for (size_t i = 0; i < table->n_rows; i++) {
		take_column(table, &table->rows[i]);
		if (paint_columns(table->rows[i].text) > widest)
			widest = paint_columns(table->rows[i].text);
	}
	order_columns(table);
	for (size_t i = 0; i < table->n_columns; i++)
		left += table->widths[i];
	table->too_many = table->too_many || left > table->paper->width;
	if (table->too_many)
		left = NUMBER + 6 + (widest > MOST ? MOST : widest) + 2;
	table->left = left;
	table->beside = left + SOURCE <= table->paper->width;
}

/* Writing. */

/* What a thread is called beside its number: its function; or, of one that a library began, where it was made. */
static void name_thread(const json_t *report, unsigned i, char *to, size_t size)
{
	const json_t *thread = json_array_get(json_object_get(report, "threads"), i);
	const json_t *start = json_object_get(thread, "start"),
		     *made = paint_frame(json_object_get(thread, "created_at"));

	if (i > 0 && !*paint_string(start, "file") && made)
		paint_place(made, to, size);
	else
		snprintf(to, size, "%s", paint_string(start, "function"));
}

static void write_head(const struct table *table)
{
	char head[160], name[120];

	fputc('\n', table->paper->to);
	if (table->too_many)
		return;
	paint_blanks(table->paper, NUMBER);
	for (size_t i = 0; i < table->n_columns; i++) {
		name_thread(table->report, table->threads[i], name, sizeof(name));
		snprintf(head, sizeof(head), "T%u %s", table->threads[i], name);
		paint(table->paper, BOLD);
		paint(table->paper, PAINT_THREAD + table->threads[i]);
		paint_text(table->paper, head, table->widths[i] - 1, i + 1 < table->n_columns);
		paint(table->paper, PLAIN);
		paint_blanks(table->paper, i + 1 < table->n_columns);
	}
	fputc('\n', table->paper->to);
}

/* The bars of the columns in [from, to), and blanks between them. */
static void write_bars(const struct table *table, size_t from, size_t to)
{
	paint(table->paper, DIM);
	for (size_t i = from; i < to; i++) {
		fputs(table->paper->bar, table->paper->to);
		if (table->beside || i + 1 < table->n_columns)
			paint_blanks(table->paper, table->widths[i] - 1);
	}
	paint(table->paper, PLAIN);
}

static void write_step(const struct table *table, const struct row *row)
{
	const struct paper *paper = table->paper;
	size_t column = table->column[row->thread] - 1, used;
	char name[12];
	bool fill;

	if (table->too_many) {
		snprintf(name, sizeof(name), "T%u", row->thread);
		paint(paper, PAINT_THREAD + row->thread);
		paint_text(paper, name, 6, true);
		paint_text(paper, row->text, table->left - NUMBER - 6, table->beside);
	} else {
		write_bars(table, 0, column);
		paint(paper, row->event ? PAINT_THREAD + row->thread : RED);
		fill = table->beside || column + 1 < table->n_columns;
		used = paint_text(paper, row->text, table->widths[column] - 1, fill);
		paint(paper, PLAIN);
		paint_blanks(paper, fill ? table->widths[column] - used : 0);
		write_bars(table, column + 1, table->n_columns);
	}
	paint(paper, PLAIN);
}

/* Where the step is in the source. */
static void place_of(const struct row *row, const char **ret_source, char *place, size_t size)
{
	const json_t *frame = paint_frame(json_object_get(row->event ? row->event : row->wait, "stack"));

	*place = 0;
	*ret_source = "";
	if (!frame)
		return;
	paint_place(frame, place, size);
	*ret_source = paint_string(frame, "source");
}

/* Writes it, unless it is what was written `before`: one line may be several steps. */
static void write_source(const struct table *table, const struct row *row, char before[SOURCE_TEXT])
{
	const struct paper *paper = table->paper;
	char place[120], text[SOURCE_TEXT];
	const char *source;
	size_t indent = NUMBER, length;

	place_of(row, &source, place, sizeof(place));
	snprintf(text, sizeof(text), "%s%s%s", place, *source ? "  " : "", source);
	length = paint_columns(text);
	if (length == 0 || strcmp(text, before) == 0) {
		fputc('\n', paper->to);
		return;
	}
	snprintf(before, SOURCE_TEXT, "%s", text);
	if (!table->beside) {
		for (size_t i = 0; !table->too_many && i + 1 < table->column[row->thread]; i++)
			indent += table->widths[i];
		if (indent + length > paper->width)
			indent = length + NUMBER < paper->width ? paper->width - length : NUMBER;
		fputc('\n', paper->to);
		paint_blanks(paper, indent);
	}
	paint(paper, DIM);
	paint_text(paper, text, paper->width - (table->beside ? table->left : indent), false);
	paint(paper, PLAIN);
	fputc('\n', paper->to);
}

static void write_fold(const struct table *table, const struct row *row)
{
	paint(table->paper, DIM);
	fprintf(table->paper->to, "%*s %s %zu steps\n", NUMBER - 2, "", table->paper->dots, row->n);
	paint(table->paper, PLAIN);
}

static void write_rows(const struct table *table)
{
	char before[SOURCE_TEXT] = "";

	for (size_t i = 0; i < table->n_rows; i++) {
		const struct row *row = &table->rows[i];

		if (row->fold) {
			write_fold(table, row);
			continue;
		}
		paint(table->paper, DIM);
		if (row->event)
			fprintf(table->paper->to, "%*zu ", NUMBER - 1, row->n);
		else
			paint_blanks(table->paper, NUMBER);
		paint(table->paper, PLAIN);
		write_step(table, row);
		write_source(table, row, before);
	}
}

void paint_steps(const struct paper *paper, const json_t *report)
{
	const json_t *events = json_object_get(report, "events");
	size_t n = json_array_size(events) + json_array_size(json_object_get(report, "threads"));
	struct table *table = calloc(1, sizeof(*table));

	if (!table || json_array_size(events) == 0) {
		free(table);
		return;
	}
	table->paper = paper;
	table->report = report;
	table->rows = calloc(n + 2, sizeof(*table->rows));
	table->shown = calloc(n + 1, sizeof(*table->shown));
	if (table->rows && table->shown) {
		choose(table, events);
		add_steps(table, events);
		add_end(table);
		if (paint_is_stuck(report))
			add_waits(table);
		lay_out(table);
		if (table->n_rows > 0)
			write_head(table);
		write_rows(table);
	}
	free(table->rows);
	free(table->shown);
	free(table);
}
