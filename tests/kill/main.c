/*
 * main.c - objects in shared memory whose users are killed; what may be asked of it: `usage`.
 *
 * Puts the named objects, or all that something is expected of, through both ways of killing: N kills at random
 * instants (400 unless told otherwise), and one before each instruction of an operation in each of the object's
 * situations.
 *
 * It speaks TAP. An object of Fairlead fails if anybody gets stuck or crashes, or an invariant does not hold; a control
 * that is to get stuck fails if it does not. Of a peer nothing is expected, so its lines are "ok" and say what
 * happened. With --json each line is an object instead, from which tests/kill/survival makes a table of all.
 *
 * The order of events is drawn from --seed, but not what the processes make of it: a run is not repeated exactly. What
 * a run of single steps finds is found again.
 */
#include "crew.h"

#include <fairlead/process.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One that is to get stuck gets so many times the kills: the chance that it does not is none. */
enum { MOST_NAMES = 64, PATIENT = 100 };

static const struct kill_object *const lists[] = {
	kill_frames, kill_locks,      kill_rlocks,  kill_conditions, kill_barriers, kill_rwlocks,
	kill_events, kill_semaphores, kill_values,  kill_arrays,     kill_onces,    kill_queues,
	kill_pools,  kill_pthreads,   kill_planted, kill_kernel,
#ifdef KILL_HAS_CK
	kill_rings,
#endif
#ifdef KILL_HAS_BOOST
	kill_boost,
#endif
};

static struct {
	const char *names[MOST_NAMES];
	unsigned n_names, tests, failures;
	uint64_t kills, runs, seed;
	bool random, steps, json, list, ours, help;
} wish = {.kills = 400, .runs = 1, .seed = 1, .random = true, .steps = true};

static const char usage[] =
	"kill [NAME...] [--kills N] [--runs N] [--seed N] [--random | --steps] [--ours] [--json] [--list]\n"
	"\n"
	"Kills processes that use the named objects in shared memory, or all of which something is expected.\n"
	"\n"
	"  --kills N  kills of a run at random instants: 400\n"
	"  --runs N   runs at random instants: 1\n"
	"  --seed N   what the first run draws its events from, each further one from the next: 1\n"
	"  --random   at random instants only\n"
	"  --steps    before each instruction only\n"
	"  --ours     Fairlead's objects too\n"
	"  --json     an object for each run, in place of TAP\n"
	"  --list     say which objects there are, and end\n"
	"\n"
	"Exits with 1 if a test failed, and with 2 if it was called in a way that it does not know.\n";

static const char *const ends[] = {"got on", "stuck", "crashed", "undecided"};

/* ---- what is printed ---- */

static bool is_ours(const struct kill_object *object)
{
	return strncmp(object->what, "Fairlead", 8) == 0;
}

static bool is_wrong(const struct kill_outcome *outcome)
{
	return outcome->verdict.lost || outcome->verdict.doubled || outcome->verdict.broken;
}

static bool is_as_expected(const struct kill_object *object, const struct kill_outcome *outcome)
{
	switch (object->expects) {
	case KILL_SURVIVES:
		return outcome->end == KILL_GOT_ON && !is_wrong(outcome);
	case KILL_GETS_STUCK:
		return outcome->end == KILL_STUCK;
	case KILL_GOES_WRONG:
		return outcome->verdict.broken > 0;
	case KILL_LOSES_AND_DOUBLES:
		return outcome->verdict.lost > 0 && outcome->verdict.doubled > 0;
	default:
		return true;
	}
}

static void say(const struct kill_object *object, const struct kill_outcome *outcome, const char *what)
{
	bool fine = is_as_expected(object, outcome);

	wish.failures += !fine;
	printf("%sok %u - %s: %s\n", fine ? "" : "not ", ++wish.tests, object->name, what);
	if (outcome->end != KILL_GOT_ON)
		printf("# %s: %s\n", ends[outcome->end], outcome->how);
	if (is_wrong(outcome))
		printf("# %" PRIu64 " lost, %" PRIu64 " doubled, %" PRIu64 " broken\n", outcome->verdict.lost,
		       outcome->verdict.doubled, outcome->verdict.broken);
	if (outcome->waits)
		printf("# survivors waited: p50 %.3f ms, p99 %.3f ms, at most %.3f ms\n",
		       (double)outcome->wait_median / 1e6, (double)outcome->wait_most_often / 1e6,
		       (double)outcome->wait_longest / 1e6);
}

static void print_json(const struct kill_object *object, const struct kill_outcome *outcome, const char *way,
		       const char *where)
{
	printf("{\"object\": \"%s\", \"what\": \"%s\", \"ours\": %s, \"way\": \"%s\", \"where\": \"%s\", "
	       "\"end\": \"%s\", \"how\": \"%s\", \"kills\": %" PRIu64 ", \"steps\": %" PRIu64 ", \"stuck\": %" PRIu64
	       ", \"wrong\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"doubled\": %" PRIu64 ", \"broken\": %" PRIu64
	       ", \"waits\": %" PRIu64 ", \"p50_us\": %.1f, \"p99_us\": %.1f, \"longest_us\": %.1f}\n",
	       object->name, object->what, is_ours(object) ? "true" : "false", way, where, ends[outcome->end],
	       outcome->how, outcome->kills, outcome->steps, outcome->stuck, outcome->broken, outcome->verdict.lost,
	       outcome->verdict.doubled, outcome->verdict.broken, outcome->waits, (double)outcome->wait_median / 1e3,
	       (double)outcome->wait_most_often / 1e3, (double)outcome->wait_longest / 1e3);
}

/* ---- what is done ---- */

static void run_random(const struct kill_object *object, uint64_t run)
{
	bool patient = object->expects == KILL_GETS_STUCK && !wish.json;
	struct kill_outcome outcome =
		kill_at_random(object, patient ? wish.kills * PATIENT : wish.kills, wish.seed + run);
	char what[128];

	if (wish.json) {
		print_json(object, &outcome, "random", "");
		return;
	}
	snprintf(what, sizeof(what), "%" PRIu64 " kills at random instants%s", outcome.kills,
		 outcome.end == KILL_STUCK ? ", and the next one it does not survive" : "");
	say(object, &outcome, what);
}

static void run_situation(const struct kill_object *object, const struct kill_situation *situation)
{
	struct kill_outcome outcome = kill_each_step(object, situation);
	char what[128];

	if (wish.json) {
		print_json(object, &outcome, "steps", situation->name);
		return;
	}
	snprintf(what, sizeof(what), "killed at each of %" PRIu64 " instants (%s): %" PRIu64 " times stuck",
		 outcome.steps, situation->name, outcome.stuck);
	say(object, &outcome, what);
}

static void run_object(const struct kill_object *object)
{
	for (uint64_t run = 0; wish.random && run < wish.runs; run++)
		run_random(object, run);
	for (unsigned i = 0; wish.steps && i < KILL_MOST_SITUATIONS && object->situations[i].name; i++)
		run_situation(object, &object->situations[i]);
	fflush(stdout);
}

static bool is_wished(const struct kill_object *object)
{
	for (unsigned i = 0; i < wish.n_names; i++)
		if (strcmp(wish.names[i], object->name) == 0)
			return true;
	if (wish.ours && is_ours(object))
		return true;
	return wish.n_names == 0 && !wish.ours && (object->expects != KILL_MAY_SURVIVE || wish.json || wish.list);
}

static unsigned run_all(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (const struct kill_object *object = lists[i]; object->name; object++) {
			if (!is_wished(object))
				continue;
			n++;
			if (wish.list)
				printf("%-16s %s\n", object->name, object->what);
			else
				run_object(object);
		}
	return n;
}

/* ---- what is asked ---- */

static bool read_number(const char *text, uint64_t *ret_number)
{
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	*ret_number = strtoull(text, &end, 10);
	return *end == 0;
}

/* Reads an argument, and the one after it if it takes one. Returns how many it has read; 0: neither is known. */
static int read_argument(char **argument)
{
	static const struct {
		const char *name;
		uint64_t *number;
	} numbers[] = {{"--kills", &wish.kills}, {"--runs", &wish.runs}, {"--seed", &wish.seed}};
	static const struct {
		const char *name;
		bool *flag, value;
	} flags[] = {{"--random", &wish.steps, false}, {"--steps", &wish.random, false}, {"--json", &wish.json, true},
		     {"--ours", &wish.ours, true},     {"--list", &wish.list, true},     {"--help", &wish.help, true}};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(argument[0], numbers[i].name) == 0)
			return read_number(argument[1], numbers[i].number) ? 2 : 0;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(argument[0], flags[i].name) == 0) {
			*flags[i].flag = flags[i].value;
			return 1;
		}
	if (argument[0][0] == '-' || wish.n_names == MOST_NAMES)
		return 0;
	wish.names[wish.n_names++] = argument[0];
	return 1;
}

int main(int n, char **arguments)
{
	int read;
	unsigned found;

	fl_process_begin(); /* for processes that an object's workers start */
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < n; i += read) {
		read = read_argument(&arguments[i]);
		if (read == 0) {
			fprintf(stderr, "kill: what is %s? --help says what there is\n", arguments[i]);
			return 2;
		}
	}
	if (wish.help)
		return fputs(usage, stdout) < 0;
	found = run_all();
	if (found < wish.n_names || found == 0) {
		fprintf(stderr, "kill: not all of these are here; --list says what there is\n");
		return 2;
	}
	if (!wish.json && !wish.list)
		printf("1..%u\n", wish.tests);
	return wish.failures > 0;
}
