/*
 * cli/ps.c - `fairlead ps`: what the objects in segments are doing, once.
 *
 * It looks from outside (states.c): whoever uses an object is not stopped, not slowed down, and does not notice. With
 * --interval it looks again and again for so long, and then also knows what takes time to know.
 */
#include "ps.h"

#include "command.h"
#include "values.h"
#include <errno.h>
#include <time.h>

#define STEP FL_MS(20)

const char ps_about[] =
	"Shows what the objects are doing that processes of this user share in segments: each with its kind, name and "
	"state, who holds it, how many threads wait and for how long, and who died with it. It looks from outside, "
	"while programs run, and neither stops nor slows them. With the name of a segment it shows its threads, too.";

int ps_take_directory(void *config, const char *value, char *why, size_t size)
{
	struct ps *asked = config;

	(void)why, (void)size;
	asked->directory = value;
	return 0;
}

int ps_take_interval(void *config, const char *value, char *why, size_t size)
{
	struct ps *asked = config;

	return values_duration(value, &asked->interval, why, size);
}

int ps_take_busy(void *config, const char *value, char *why, size_t size)
{
	struct ps *asked = config;

	(void)value, (void)why, (void)size;
	asked->busy = true;
	return 0;
}

static int take_json(void *config, const char *value, char *why, size_t size)
{
	struct ps *asked = config;

	(void)value, (void)why, (void)size;
	asked->json = true;
	return 0;
}

const struct option_row ps_rows[] = {
	{"Where", "directory", 0, "DIRECTORY", "where the names are (default /dev/shm/fairlead-UID)", OPTION_ONCE,
	 ps_take_directory},
	{"What", "busy", 0, NULL, "only what is held, waited for or broken", OPTION_FLAG, ps_take_busy},
	{NULL, "interval", 'i', "DURATION",
	 "look every 20 ms for so long, and show rates, and for how long a holder was seen", OPTION_ONCE,
	 ps_take_interval},
	{"Form", "json", 0, NULL, "one document of JSON", OPTION_FLAG, take_json},
	{0},
};

int ps_failed(const struct ps *asked, int error)
{
	if (error == -ENOENT && asked->segment)
		fprintf(stderr, "%s: there is no segment '%s'\n", asked->path, asked->segment);
	else
		fprintf(stderr, "%s: %s\n", asked->path, error == -ENOMEM ? "no memory" : fl_segment_why());
	return COMMAND_FAILED;
}

static void sleep_until(fl_time when)
{
	struct timespec at = {.tv_sec = when / FL_SECONDS(1), .tv_nsec = when % FL_SECONDS(1)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

/* Looks again until the interval is over. */
static int look_on(const struct ps *asked, struct states *states)
{
	fl_time end = fl_time_add(states->at, asked->interval);
	int error = 0;

	while (error == 0 && states->at < end) {
		fl_time next = fl_time_add(states->at, STEP);
		struct states now;

		sleep_until(next < end ? next : end);
		error = states_look(&now, asked->directory, asked->segment);
		states_follow(&now, states, false);
		states_free(states);
		*states = now;
	}
	return error;
}

/* A segment that was asked for by its name has to be whole. */
static int whole(const struct ps *asked, const struct states *states)
{
	const struct segments_one *one;

	if (!asked->segment)
		return COMMAND_OK;
	one = &states->segments[0].one;
	if (one->info.error == 0)
		return COMMAND_OK;
	fprintf(stderr, "%s: '%s': %s\n", asked->path, one->info.name, one->reason);
	return COMMAND_FAILED;
}

static int run(const struct ps *asked)
{
	struct states states;
	int error = states_look(&states, asked->directory, asked->segment), status;

	if (error == 0 && asked->interval > 0)
		error = look_on(asked, &states);
	if (error != 0) {
		status = ps_failed(asked, error);
	} else {
		if (asked->json)
			ps_print_json(asked, &states);
		else
			ps_print(asked, &states);
		status = whole(asked, &states);
	}
	states_free(&states);
	return status;
}

int ps_command(int argc, char **argv)
{
	struct ps asked = {.path = argv[0]};
	struct options options;
	int error = options_read(command_find(command_all, "ps"), argc, argv, &asked, &options), status;

	if (error != 0)
		return options_status(error);
	asked.segment = options.n > 0 ? options.arguments[0] : NULL;
	status = run(&asked);
	options_close(&options);
	return status;
}
