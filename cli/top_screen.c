/*
 * cli/top_screen.c - what `fairlead top` draws: a summary, the table, the threads of the selected object, the keys.
 */
#include "top.h"

#include <curses.h>
#include <string.h>

#define AROUND 5 /* lines beside those of the table: summary, headings, who holds, who waits, keys */

#define KIND 9
#define STATE 8
#define VALUE 7
#define RATE 6
#define WAIT 4
#define TIME 6
#define FIXED (KIND + STATE + VALUE + RATE + WAIT + 2 * TIME + 8)
#define NAME_LEAST 14

size_t top_room(void)
{
	return LINES > AROUND ? (size_t)(LINES - AROUND) : 0;
}

/* A line of text from the left, cut at the right, and the rest of it empty. */
static void put_line(int line, const char *text, attr_t look)
{
	if (line < 0 || line >= LINES)
		return;
	(void)attrset((int)look);
	mvprintw(line, 0, "%-*.*s", COLS, COLS, text);
	(void)attrset((int)A_NORMAL);
}

/* The summary. */

static void draw_summary(const struct top *top)
{
	char text[2 * STATES_TEXT], rate[STATES_TEXT];
	size_t waiting = 0, dead = 0;
	double waits = -1;

	for (size_t i = 0; i < top->shown.n_objects; i++) {
		const struct states_object *object = &top->shown.objects[i];

		waiting += object->state.n_waiters;
		for (uint32_t k = 0; k < object->state.n_holders; k++)
			dead += !object->state.holders[k].alive;
	}
	for (size_t i = 0; i < top->shown.n_segments; i++) {
		double more = states_waits(&top->shown, &top->shown.segments[i]);

		if (more >= 0)
			waits = waits < 0 ? more : waits + more;
	}
	states_number(waits, rate);
	if (top->trouble)
		snprintf(text, sizeof(text), "fairlead top: %s", top->trouble);
	else
		snprintf(text, sizeof(text),
			 "fairlead top: %zu segment%s, %zu objects, %zu waiting, %zu dead, %s waits/s%s",
			 top->shown.n_segments, top->shown.n_segments == 1 ? "" : "s", top->shown.n_objects, waiting,
			 dead, rate, top->paused ? "  [paused]" : "");
	put_line(0, text, A_BOLD);
}

/* The table. */

/* How wide the names are: those of half of what the other columns leave, or as wide as they have to be. */
static int name_width(const struct top *top)
{
	int widest = NAME_LEAST, most = (COLS - FIXED) / 2;

	for (size_t i = 0; i < top->n_rows; i++) {
		char name[STATES_TEXT];
		int width;

		states_name(top->rows[i], name);
		width = (int)strlen(name) + (top->asked.segment ? 0 : (int)strlen(top->rows[i]->segment) + 1);
		if (width > widest)
			widest = width;
	}
	return widest < most ? widest : most > NAME_LEAST ? most : NAME_LEAST;
}

static void draw_headings(int width)
{
	char text[2 * STATES_TEXT];

	snprintf(text, sizeof(text), "%-*s %-*s %-*s %*s %*s %*s %*s %*s %s", width, "OBJECT", KIND, "KIND", STATE,
		 "STATE", VALUE, "VALUE", RATE, "RATE", WAIT, "WAIT", TIME, "WAITED", TIME, "SEEN", "HOLDER");
	put_line(1, text, A_REVERSE);
}

/* A number a second, where it is counted; else at which part of the looks it was held. */
static void write_rate(const struct states *states, const struct states_object *object, char ret_text[STATES_TEXT])
{
	double rate = states_rate(states, object), busy = states_busy(object);

	if (busy >= 0) {
		states_share(busy, ret_text);
		return;
	}
	states_number(rate, ret_text);
	if (rate >= 0)
		snprintf(ret_text + strlen(ret_text), 3, "/s");
}

static void draw_row(const struct top *top, size_t row, int line, int width)
{
	const struct states_object *object = top->rows[row];
	char name[2 * STATES_TEXT], plain[STATES_TEXT], value[STATES_TEXT], rate[STATES_TEXT], waited[STATES_TEXT],
		seen[STATES_TEXT], holders[STATES_TEXT], text[8 * STATES_TEXT];

	states_name(object, plain);
	snprintf(name, sizeof(name), "%s%s%s", top->asked.segment ? "" : object->segment, top->asked.segment ? "" : "/",
		 plain);
	states_value(object, value);
	write_rate(&top->shown, object, rate);
	states_time(states_waited(object), waited);
	states_time(states_seen(&top->shown, object), seen);
	states_holders(object, holders);
	snprintf(text, sizeof(text), "%-*.*s %-*.*s %-*s %*s %*s %*u %*s %*s %s", width, width, name, KIND, KIND,
		 object->state.kind[0] ? object->state.kind : object->state.object.type, STATE, object->state.state,
		 VALUE, value, RATE, rate, WAIT, object->state.n_waiters, TIME, waited, TIME, seen, holders);
	put_line(line, text, row == top->selected ? A_STANDOUT : states_matters(object) ? A_BOLD : A_NORMAL);
}

static void draw_table(struct top *top)
{
	size_t room = top_room();
	int width = name_width(top);

	if (top->selected < top->first)
		top->first = top->selected;
	if (room > 0 && top->selected >= top->first + room)
		top->first = top->selected - room + 1;
	draw_headings(width);
	for (size_t i = 0; i < room; i++) {
		if (top->first + i < top->n_rows)
			draw_row(top, top->first + i, (int)i + 2, width);
		else
			put_line((int)i + 2, "", A_NORMAL);
	}
}

/* The threads of the selected object. */

static size_t add_thread(char *text, size_t size, size_t length, const fl_state_thread *thread, fl_time time)
{
	char who[STATES_TEXT], duration[STATES_TEXT];

	if (length >= size)
		return length;
	states_thread(thread, who);
	states_time(time, duration);
	return length + (size_t)snprintf(text + length, size - length, "%s %s %s %s", length > 0 ? ";" : "", who,
					 thread->role, duration);
}

static void draw_threads(const struct top *top)
{
	const struct states_object *object = top->selected < top->n_rows ? top->rows[top->selected] : NULL;
	char holders[4 * STATES_TEXT] = "", waiters[4 * STATES_TEXT] = "", line[4 * STATES_TEXT + 8];
	size_t length = 0;

	for (uint32_t i = 0; object && i < object->state.n_holders; i++)
		length = add_thread(holders, sizeof(holders), length, &object->state.holders[i],
				    top->shown.at - object->since[i]);
	length = 0;
	for (uint32_t i = 0; object && i < object->state.n_waiters; i++)
		length = add_thread(waiters, sizeof(waiters), length, &object->state.waiters[i],
				    object->state.waiters[i].waited);
	snprintf(line, sizeof(line), "holds:%s", holders[0] ? holders : " nobody");
	put_line(LINES - 3, line, A_NORMAL);
	snprintf(line, sizeof(line), "waits:%s", waiters[0] ? waiters : " nobody");
	put_line(LINES - 2, line, A_NORMAL);
}

static void draw_help(void)
{
	static const char *const lines[] = {
		"",
		"  q               quit",
		"  p, space        pause, go on",
		"  s               sort: by name, who waits, rate, how long a holder was seen",
		"  b               show all, or only what is held, waited for or broken",
		"  /               show only what has this text in its name, kind or state",
		"  up, down, page  select an object, whose threads stand below",
		"  h, ?            this",
		"",
		"  RATE    what is counted, by the second; or at how many looks it was held",
		"  WAITED  for how long the one that waits longest has waited",
		"  SEEN    for how long the same thread had it at each look, maybe several times",
		"",
		"  Any key goes on.",
	};
	size_t n = sizeof(lines) / sizeof(lines[0]);

	for (size_t i = 0; i + 2 < (size_t)LINES; i++)
		put_line((int)i + 1, i < n ? lines[i] : "", A_NORMAL);
}

static void draw_keys(const struct top *top)
{
	static const char *const sorts[TOP_SORTS] = {"name", "waiting", "rate", "seen"};
	char text[STATES_TEXT];

	if (top->typing)
		snprintf(text, sizeof(text), "/%s_", top->filter);
	else
		snprintf(text, sizeof(text), "q quit  p pause  s sort: %s  b %s  / filter%s%s  h help",
			 sorts[top->sort], top->asked.busy ? "all" : "busy", top->filter[0] ? ": " : "", top->filter);
	put_line(LINES - 1, text, A_REVERSE);
}

void top_draw(struct top *top)
{
	erase();
	draw_summary(top);
	if (top->help) {
		draw_help();
	} else {
		draw_table(top);
		draw_threads(top);
	}
	draw_keys(top);
	refresh();
}
