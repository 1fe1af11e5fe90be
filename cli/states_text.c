/*
 * cli/states_text.c - how the states of objects are written, for people. What is not known is a dash.
 */
#include "states.h"

#include <string.h>

#define HOLDERS_SHOWN 3u

void states_name(const struct states_object *object, char ret_text[STATES_TEXT])
{
	snprintf(ret_text, STATES_TEXT, "%s%s%s", object->state.object.name, object->state.part[0] ? "/" : "",
		 object->state.part);
}

void states_value(const struct states_object *object, char ret_text[STATES_TEXT])
{
	const fl_state *state = &object->state;

	if (!state->unit[0])
		snprintf(ret_text, STATES_TEXT, "-");
	else if (state->most == 0)
		snprintf(ret_text, STATES_TEXT, "%llu", (unsigned long long)state->value);
	else
		snprintf(ret_text, STATES_TEXT, "%llu/%llu", (unsigned long long)state->value,
			 (unsigned long long)state->most);
}

void states_time(fl_time duration, char ret_text[STATES_TEXT])
{
	double seconds = (double)duration / 1e9;

	if (duration < 0)
		snprintf(ret_text, STATES_TEXT, "-");
	else if (seconds < 99.95)
		snprintf(ret_text, STATES_TEXT, "%.1fs", seconds);
	else if (seconds < 6000)
		snprintf(ret_text, STATES_TEXT, "%.0fm", seconds / 60);
	else if (seconds < 48 * 3600)
		snprintf(ret_text, STATES_TEXT, "%.0fh", seconds / 3600);
	else
		snprintf(ret_text, STATES_TEXT, "%.0fd", seconds / (24 * 3600));
}

void states_number(double number, char ret_text[STATES_TEXT])
{
	if (number < 0)
		snprintf(ret_text, STATES_TEXT, "-");
	else if (number < 9.95)
		snprintf(ret_text, STATES_TEXT, "%.1f", number);
	else if (number < 9999.5)
		snprintf(ret_text, STATES_TEXT, "%.0f", number);
	else if (number < 9999.5e3)
		snprintf(ret_text, STATES_TEXT, "%.0fk", number / 1e3);
	else
		snprintf(ret_text, STATES_TEXT, "%.0fM", number / 1e6);
}

void states_share(double share, char ret_text[STATES_TEXT])
{
	if (share < 0)
		snprintf(ret_text, STATES_TEXT, "-");
	else
		snprintf(ret_text, STATES_TEXT, "%.0f%%", share * 100);
}

void states_thread(const fl_state_thread *thread, char ret_text[STATES_TEXT])
{
	char who[64], times[16] = "";

	if (thread->pid == 0)
		snprintf(who, sizeof(who), "?");
	else if (thread->pid == thread->tid)
		snprintf(who, sizeof(who), "%s(%d)", thread->name, (int)thread->pid);
	else
		snprintf(who, sizeof(who), "%s(%d/%d)", thread->name, (int)thread->pid, (int)thread->tid);
	if (thread->times > 1)
		snprintf(times, sizeof(times), " x%u", thread->times);
	snprintf(ret_text, STATES_TEXT, "%s%s%s", thread->alive ? "" : "dead ", who, times);
}

void states_holders(const struct states_object *object, char ret_text[STATES_TEXT])
{
	const fl_state *state = &object->state;
	size_t length = 0;

	snprintf(ret_text, STATES_TEXT, "-");
	for (uint32_t i = 0; i < state->n_holders && length < STATES_TEXT; i++) {
		char one[STATES_TEXT];

		if (i == HOLDERS_SHOWN) {
			snprintf(ret_text + length, STATES_TEXT - length, ", %u more", state->n_holders - i);
			return;
		}
		states_thread(&state->holders[i], one);
		length += (size_t)snprintf(ret_text + length, STATES_TEXT - length, "%s%s%s%s", i > 0 ? ", " : "", one,
					   strcmp(state->holders[i].role, "next") == 0 ? " " : "",
					   strcmp(state->holders[i].role, "next") == 0 ? "next" : "");
	}
}
