/*
 * cli/top.c - `fairlead top`: what `fairlead ps` shows, live.
 *
 * It looks every 50 ms, and draws what came of it every second: what is counted by the second, at which part of the
 * looks something was held, for how long a holder was there at each look. Those who are looked at notice
 * nothing of it.
 */
#include "top.h"

#include "command.h"
#include <curses.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STEP FL_MS(50)
#define ESCAPE 27
#define CONTROL_L 12

const char top_about[] =
	"Shows what 'fairlead ps' shows, live: which shared objects are held, by whom, who waits and for how long, and "
	"how often what is counted happens. It looks from outside, while programs run, and neither stops nor slows "
	"them. Keys are listed when h is typed.";

const struct option_row top_rows[] = {
	{"Where", "directory", 0, "DIRECTORY", "where the names are (default /dev/shm/fairlead-UID)", OPTION_ONCE,
	 ps_take_directory},
	{"What", "busy", 0, NULL, "only what is held, waited for or broken, to begin with", OPTION_FLAG, ps_take_busy},
	{NULL, "interval", 'i', "DURATION", "draw so often (default 1s)", OPTION_ONCE, ps_take_interval},
	{0},
};

/* Looking. */

/* One more look. Returns 0, or what ends the program. */
static int look(struct top *top)
{
	bool anew = top->now.at == 0;
	struct states states;
	int error = states_look(&states, top->asked.directory, top->asked.segment);

	top->trouble = error == -ENOENT ? "the segment is gone" : NULL;
	if (error != 0 && error != -ENOENT) {
		states_free(&states);
		return error;
	}
	states_follow(&states, anew ? &top->shown : &top->now, anew);
	states_free(&top->now);
	top->now = states;
	return 0;
}

/* Ends the period: what was found is shown. */
static int show(struct top *top)
{
	int error = top_show(top, &top->now);

	if (error == 0)
		top->now = (struct states){0};
	return error;
}

/* Keys. */

static void type(struct top *top, int key)
{
	size_t length = strlen(top->filter);

	if (key == '\r' || key == '\n' || key == KEY_ENTER) {
		top->typing = false;
	} else if (key == ESCAPE) {
		top->typing = false;
		top->filter[0] = 0;
	} else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && length > 0) {
		top->filter[length - 1] = 0;
	} else if (key >= ' ' && key <= '~' && length + 1 < sizeof(top->filter)) {
		top->filter[length] = (char)key;
		top->filter[length + 1] = 0;
	}
}

static void move_by(struct top *top, size_t n, bool down)
{
	if (down)
		top->selected = top->selected + n < top->n_rows ? top->selected + n
				: top->n_rows > 0               ? top->n_rows - 1
								: 0;
	else
		top->selected = top->selected > n ? top->selected - n : 0;
}

static void press(struct top *top, int key)
{
	switch (key) {
	case 'p':
	case ' ':
		top->paused = !top->paused;
		break;
	case 's':
		top->sort = (enum top_sort)((top->sort + 1) % TOP_SORTS);
		break;
	case 'b':
		top->asked.busy = !top->asked.busy;
		break;
	case '/':
		top->typing = true;
		break;
	case ESCAPE:
		top->filter[0] = 0;
		break;
	case 'h':
	case '?':
		top->help = true;
		break;
	case KEY_UP:
	case KEY_DOWN:
		move_by(top, 1, key == KEY_DOWN);
		break;
	case KEY_PPAGE:
	case KEY_NPAGE:
		move_by(top, top_room(), key == KEY_NPAGE);
		break;
	case CONTROL_L:
		clearok(stdscr, TRUE);
		break;
	default: /* KEY_RESIZE is drawn, as all are */
		break;
	}
}

/* Returns 0; -ECANCELED: it is to end; -ENOMEM. */
static int take_key(struct top *top, int key)
{
	int error;

	if (key == 'q' && !top->typing)
		return -ECANCELED;
	if (top->typing)
		type(top, key);
	else if (top->help && key != KEY_RESIZE)
		top->help = false;
	else
		press(top, key);
	error = top_sort(top);
	if (error == 0)
		top_draw(top);
	return error;
}

/* All in turn. */

static int tick(struct top *top, fl_time *next_show)
{
	int error = look(top);

	if (error != 0 || top->now.at < *next_show)
		return error;
	*next_show = fl_time_add(top->now.at, top->asked.interval);
	error = show(top);
	if (error == 0)
		top_draw(top);
	return error;
}

static int watch(struct top *top)
{
	fl_time next_look = fl_after(STEP), next_show = fl_after(top->asked.interval);
	int error = 0;

	top_draw(top);
	while (error == 0) {
		int key = top_terminal_key(next_look);

		if (key < 0)
			return -ECANCELED;
		if (key > 0)
			error = take_key(top, key);
		if (error != 0 || fl_now() < next_look)
			continue;
		next_look = fl_after(STEP);
		if (!top->paused)
			error = tick(top, &next_show);
	}
	return error;
}

/* The first look is made before the terminal is taken, so that what is wrong is said where it stays. */
static int run(struct top *top)
{
	int error = states_look(&top->now, top->asked.directory, top->asked.segment);

	if (error == 0)
		error = show(top);
	if (error != 0)
		return ps_failed(&top->asked, error);
	if (top_terminal_open(top->asked.path) != 0)
		return COMMAND_FAILED;
	error = watch(top);
	top_terminal_close();
	return error == -ECANCELED ? COMMAND_OK : ps_failed(&top->asked, error);
}

int top_command(int argc, char **argv)
{
	struct top top = {.asked = {.path = argv[0], .interval = FL_SECONDS(1)}};
	struct options options;
	int error = options_read(command_find(command_all, "top"), argc, argv, &top.asked, &options), status;

	if (error != 0)
		return options_status(error);
	top.asked.segment = options.n > 0 ? options.arguments[0] : NULL;
	status = run(&top);
	states_free(&top.shown);
	states_free(&top.now);
	free((void *)top.rows);
	options_close(&options);
	return status;
}
