/*
 * top.h - `fairlead top`: what its files need of each other.
 */
#ifndef FAIRLEAD_CLI_TOP_H
#define FAIRLEAD_CLI_TOP_H

#include "ps.h"

extern const char top_about[];
extern const struct option_row top_rows[];
int top_command(int argc, char **argv);

enum top_sort { TOP_NAME, TOP_WAITING, TOP_RATE, TOP_SEEN, TOP_SORTS };

struct top {
	struct ps asked;
	struct states shown; /* the end of a period, which is on the screen */
	struct states now;   /* the last look of the one that has begun; without one, it has not */
	enum top_sort sort;
	bool paused, help, typing;
	char filter[64];
	const char *trouble;               /* why there is nothing to see, or NULL */
	const struct states_object **rows; /* of `shown`, those that are to be seen, in their order */
	size_t n_rows, first, selected;
};

/* ---- top_rows.c ---- */

/* Finds the rows anew; the selected object stays the selected one. Returns 0 or -ENOMEM. */
int top_sort(struct top *top);
/* Forgets what was shown, and shows that. */
int top_show(struct top *top, const struct states *states);

/* ---- top_screen.c ---- */

void top_draw(struct top *top);
/* How many rows there is room for. */
size_t top_room(void);

/* ---- top_terminal.c ---- */

/* Takes the terminal. It is given back at the end, and before a signal ends the program. Returns 0; -ENOTTY: it is
 * none, or not known; that has been said. */
int top_terminal_open(const char *path);
void top_terminal_close(void);

/* Waits for a key until that time. Returns it as ncurses does; 0: there is none; -EIO: the terminal is gone. */
int top_terminal_key(fl_time until);

#endif
