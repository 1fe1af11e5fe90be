/*
 * states.h - what the objects in segments are doing, as `fairlead ps` and `fairlead top` know it: one look at all of
 * them, and what follows from looking again and again.
 *
 *     struct states before = {0}, now;
 *
 *     error = states_look(&before, directory, NULL);
 *     ...
 *     error = states_look(&now, directory, NULL);
 *     states_follow(&now, &before, false);      // rates, and since when a holder has been seen
 *     states_free(&before);
 */
#ifndef FAIRLEAD_CLI_STATES_H
#define FAIRLEAD_CLI_STATES_H

#include "segments.h"

#include <fairlead/segment.h>
#include <fairlead/state.h>
#include <fairlead/time.h>
#include <stdbool.h>

/* A segment, with how often threads had to wait in it. */
struct states_segment {
	struct segments_one one; /* with an error if it could not be looked at */
	uint64_t waits, waits_then;
	fl_time at, then; /* when it was the one, and the other: the beginning of the period */
};

/* An object, or a part of one. */
struct states_object {
	char segment[FL_SEGMENT_NAME];
	int64_t made; /* the segment: another one may have its name by now */
	fl_state state;
	fl_state_thread *threads; /* the holders, then the waiters */
	fl_time *since;           /* of each holder: since when it has been seen at each look */
	uint64_t count_then;
	fl_time at, then;
	unsigned looks, busy; /* in this period; and how often it was held */
};

/* A look. */
struct states {
	fl_time at;
	struct states_segment *segments;
	struct states_object *objects; /* by segment, name and part */
	size_t n_segments, n_objects;
	size_t room_segments, room_objects;
};

/* Looks at all segments of a directory (NULL: the user's own), or at that one. Returns 0; -ENOENT: there is none of
 * that name; -ENOMEM; or as fl_segment_list. Whatever it returns, it is to be freed. */
int states_look(struct states *states, const char *directory, const char *segment);
void states_free(struct states *states);

/* Continues from the look before: with that one's period; or with a new one, which begins with that look. */
void states_follow(struct states *now, const struct states *before, bool anew);

/* A second's share of what was counted in the period; less than 0: it is not known. */
double states_rate(const struct states *states, const struct states_object *object);
double states_waits(const struct states *states, const struct states_segment *segment);
/* At which part of the looks of the period it was held, of 1; less than 0: such a thing is not held. */
double states_busy(const struct states_object *object);
/* For how long one of its holders has been seen at each look, at most; of who waits, the longest wait. In nanoseconds;
 * less than 0: there is none. */
fl_time states_seen(const struct states *states, const struct states_object *object);
fl_time states_waited(const struct states_object *object);

/* Whether somebody holds it or waits for it, or something is wrong with it. */
bool states_matters(const struct states_object *object);

#define STATES_TEXT 256u

/* How things are written: "shop", "ready/lock"; "2/3"; "3.2s"; "dead till(4711/4712) x2". */
void states_name(const struct states_object *object, char ret_text[STATES_TEXT]);
void states_value(const struct states_object *object, char ret_text[STATES_TEXT]);
void states_time(fl_time duration, char ret_text[STATES_TEXT]);
void states_number(double number, char ret_text[STATES_TEXT]);
void states_share(double share, char ret_text[STATES_TEXT]);
void states_thread(const fl_state_thread *thread, char ret_text[STATES_TEXT]);
/* All holders, as far as there is room. */
void states_holders(const struct states_object *object, char ret_text[STATES_TEXT]);

#endif
