/*
 * main.c - the model tests: every scenario under every schedule, and every planted mistake found.
 *
 *     model [--deep]                        all of them, as TAP
 *     model [--deep] SCENARIO...            only those
 *     model --list
 *     model SCENARIO --replay SCHEDULE      one schedule, step by step
 *     model SCENARIO --plant WHERE [--replay SCHEDULE]
 *                                           with a planted mistake, or with the order of a tag (lock.3) made relaxed
 *     model --orders                        makes each tagged order relaxed in turn, and says which scenario notices
 *
 * In order: programs that are wrong, each of which must be found out; the scenarios; whether all ordered
 * operations of the sources were reached; whether the search leaves nothing out that matters; the planted
 * mistakes.
 */
#include "planted.h"
#include "scenarios.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_STATES 30000000u
#define MOST_STATES_OF_PLANTED 400000u

static const struct model_scenario *const lists[] = {
	model_lock_scenarios,     model_condition_scenarios, model_signal_scenarios, model_round_scenarios,
	model_rwlock_scenarios,   model_frame_scenarios,     model_queue_scenarios,  model_future_scenarios,
	model_executor_scenarios, model_parallel_scenarios,  model_group_scenarios};
static const unsigned n_lists = sizeof(lists) / sizeof(lists[0]);

static unsigned n_tests, n_failed;
static struct model_result result;

static const struct model_scenario *find_scenario(const char *name)
{
	const struct model_scenario *scenario;
	unsigned i;

	for (i = 0; i < n_lists; i++)
		for (scenario = lists[i]; scenario->name; scenario++)
			if (strcmp(scenario->name, name) == 0)
				return scenario;
	return NULL;
}

static void say(bool good, const char *what, const char *name, const char *about)
{
	n_tests++;
	n_failed += !good;
	printf("%s %u - %s%s: %s\n", good ? "ok" : "not ok", n_tests, what, name, about);
	fflush(stdout);
}

/* How it failed, step by step. */
static void show_failure(const struct model_scenario *scenario, const char *plant)
{
	printf("# %s\n# replay: model %s%s%s%s --replay %s\n", result.failure, scenario->name,
	       plant ? " --plant '" : "", plant ? plant : "", plant ? "'" : "", result.schedule);
	model_memory_forget();
	model_replay(scenario, result.schedule, true);
	printf("#  => %s\n", model_failure.happened ? model_failure.text : "nothing wrong");
}

/* What went wrong, in the words of a replay: that knows the lines of plain accesses. */
static const char *finding(const struct model_scenario *scenario)
{
	if (!result.failed)
		return "found nothing";
	model_memory_forget();
	model_replay(scenario, result.schedule, false);
	return model_failure.happened ? model_failure.text : result.failure;
}

/* Programs that are wrong. */

static void test_broken(const struct model_broken *broken)
{
	const struct model_scenario *scenario = &broken->scenario;
	bool found;

	model_memory_forget();
	model_search_upwards(scenario, MOST_STATES_OF_PLANTED, &result);
	found = result.failed && strstr(result.failure, broken->finding) != NULL;
	say(found, "the model finds: ", scenario->name, scenario->about);
	printf("# with %u preemptions: %s\n", result.preemptions, finding(scenario));
}

/* Scenarios. */

/* Whether it did what it is there for: some depend on constants of the sources. */
static bool reaches_its_place(const struct model_scenario *scenario)
{
	struct model_site *site;
	char place[200];

	for (site = __start_model_sites; scenario->reaches && site < __stop_model_sites; site++)
		if (site->reached_now && model_place_of(site, place, sizeof(place)) &&
		    strcmp(place, scenario->reaches) == 0)
			return true;
	return !scenario->reaches;
}

static void forget_reached(void)
{
	struct model_site *site;

	for (site = __start_model_sites; site < __stop_model_sites; site++)
		site->reached_now = false;
}

static void test_scenario(const struct model_scenario *scenario, bool deep)
{
	unsigned bound = deep ? scenario->deep_bound : scenario->bound;
	char extent[60] = "every schedule";

	bool reaches;

	model_memory_forget();
	forget_reached();
	model_search(scenario, bound ? bound : MODEL_UNBOUNDED, MOST_STATES, &result);
	reaches = reaches_its_place(scenario);
	if (bound)
		snprintf(extent, sizeof(extent), "schedules of at most %u preemptions", bound);
	say(!result.failed && !result.limited && reaches, "", scenario->name, scenario->about);
	printf("# %s%s: %u executions, %u states, depth %u, %.2f s\n",
	       result.limited ? "GIVEN UP, too many states: " : "", extent, result.executions, result.states,
	       result.depth, result.seconds);
	if (!reaches)
		printf("# it did not come to what it is there for: %s\n", scenario->reaches);
	if (result.failed)
		show_failure(scenario, NULL);
}

/* The search leaves out what it takes to be the same. With everything taken for a step of its own, and threads
 * that do the same told apart, executions must end in the same ways. */
static void test_nothing_left_out(const char *name)
{
	const struct model_scenario *scenario = find_scenario(name);
	struct model_result all;

	model_memory_forget();
	model_search(scenario, MODEL_UNBOUNDED, MOST_STATES, &result);
	model_memory_forget();
	model_every_step = true;
	model_search(scenario, MODEL_UNBOUNDED, MOST_STATES, &all);
	model_every_step = false;
	say(result.n_ends > 0 && result.n_ends == all.n_ends && result.ends == all.ends, "nothing left out: ", name,
	    scenario->about);
	printf("# %u and %u states, %u and %u ends\n", result.states, all.states, result.n_ends, all.n_ends);
}

/* Planted mistakes. */

static void test_planted(const struct model_planted *planted)
{
	const struct model_scenario *scenario = find_scenario(planted->scenario);
	bool placed = scenario && model_plant(planted), caught = false;
	char name[200];

	result.failed = false;
	if (placed) {
		model_memory_forget();
		model_search_upwards(scenario, MOST_STATES_OF_PLANTED, &result);
		caught = result.failed && strstr(result.failure, planted->finding) != NULL;
	}
	snprintf(name, sizeof(name), "%s, %s", planted->scenario, planted->where);
	say(caught, "planted in ", name, planted->what);
	if (!placed)
		printf("# there is no such place in the sources any more: the list in planted_list.c is old\n");
	else if (!result.failed)
		printf("# not noticed\n");
	else
		printf("# caught with %u preemptions: %s\n# see it: model %s --plant '%s' --replay %s\n",
		       result.preemptions, finding(scenario), scenario->name, planted->where, result.schedule);
	model_unplant();
}

/* Whether everything was reached. */

/* Where only a forked child comes. */
static bool is_for_children(const struct model_site *site)
{
	static const char *const functions[] = {"inherit", "bury_runner", "set_right"};
	unsigned i;

	for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (strcmp(site->function, functions[i]) == 0)
			return true;
	return false;
}

static bool is_reached(const struct model_site *site)
{
	const struct model_site *other;

	for (other = __start_model_sites; other < __stop_model_sites; other++)
		if (other->reached && other->line == site->line && strcmp(other->file, site->file) == 0)
			return true;
	return false;
}

static void test_reached(void)
{
	const struct model_site *site;
	unsigned n = 0, missing = 0;

	for (site = __start_model_sites; site < __stop_model_sites; site++) {
		if (site->order == MODEL_RELAXED || !*model_tag_of(site) || is_for_children(site))
			continue;
		n++;
		if (is_reached(site))
			continue;
		printf("# not reached: [%s] %s:%u %s\n", model_tag_of(site), model_file_of(site), site->line,
		       site->function);
		missing++;
	}
	say(n > 0 && missing == 0, "", "reached",
	    "all ordered operations of the sources, but for those of a forked child");
}

/* The whole. */

static void test_all(bool deep)
{
	static const char *const small[] = {"lock", "condition-lock", "event", "semaphore-order", "barrier-until",
					    "note"};
	const struct model_broken *broken;
	const struct model_scenario *scenario;
	const struct model_planted *planted;
	unsigned i;

	for (broken = model_broken; broken->finding; broken++)
		test_broken(broken);
	for (i = 0; i < n_lists; i++)
		for (scenario = lists[i]; scenario->name; scenario++)
			test_scenario(scenario, deep);
	test_reached();
	for (i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		test_nothing_left_out(small[i]);
	for (planted = model_planted; planted->scenario; planted++)
		test_planted(planted);
}

/* Makes the order of a tag relaxed, and looks for a scenario that notices. */
static void try_order(const char *tag)
{
	struct model_planted planted = {.mistake = MODEL_WEAKEN, .where = tag};
	const struct model_scenario *scenario;
	unsigned i;

	model_plant(&planted);
	for (i = 0; i < n_lists; i++)
		for (scenario = lists[i]; scenario->name; scenario++) {
			model_memory_forget();
			model_search(scenario, 2, MOST_STATES_OF_PLANTED, &result);
			if (!result.failed)
				continue;
			printf("%-34s %-20s %s\n", tag, scenario->name, finding(scenario));
			model_unplant();
			return;
		}
	printf("%-34s nobody notices\n", tag);
	model_unplant();
}

static void try_orders(void)
{
	static char done[128][80];
	struct model_site *site;
	unsigned n = 0, i;

	for (site = __start_model_sites; site < __stop_model_sites && n < 128; site++) {
		char *where = done[n];

		snprintf(where, sizeof(done[0]), "%s %s", model_tag_of(site), site->function);
		for (i = 0; i < n && strcmp(done[i], where) != 0; i++)
			;
		if (i < n || site->order == MODEL_RELAXED || where[0] == ' ' || is_for_children(site))
			continue;
		n++;
		try_order(where);
		fflush(stdout);
	}
}

static void list(void)
{
	const struct model_scenario *scenario;
	unsigned i;

	for (i = 0; i < n_lists; i++)
		for (scenario = lists[i]; scenario->name; scenario++)
			printf("%-24s %s\n", scenario->name, scenario->about);
}

/* Returns false if there is no such place. */
static bool plant_named(const char *scenario, const char *where)
{
	struct model_planted weaken = {.mistake = MODEL_WEAKEN, .where = where};
	const struct model_planted *planted;

	for (planted = model_planted; planted->scenario; planted++)
		if (strcmp(planted->scenario, scenario) == 0 && strcmp(planted->where, where) == 0)
			return model_plant(planted);
	return model_plant(&weaken);
}

static int run_one(const char *name, bool deep, const char *plant, const char *replay)
{
	const struct model_scenario *scenario = find_scenario(name);

	if (!scenario || (plant && !plant_named(name, plant))) {
		fprintf(stderr, "model: there is no %s %s\n", scenario ? "place" : "scenario", scenario ? plant : name);
		return 2;
	}
	if (!replay && !plant) {
		test_scenario(scenario, deep);
		return 0;
	}
	model_memory_forget();
	if (replay) {
		if (!model_replay(scenario, replay, true))
			printf("# the schedule does not fit the sources as they are\n");
		printf("#  => %s\n", model_failure.happened ? model_failure.text : "nothing wrong");
		return 0;
	}
	model_search_upwards(scenario, MOST_STATES, &result);
	if (result.failed)
		show_failure(scenario, plant);
	else
		printf("# not noticed\n");
	return 0;
}

int main(int argc, char **argv)
{
	const char *replay = NULL, *plant = NULL;
	int i, n_names = 0, status = 0;
	bool deep = false;

	model_memory_begin();
	for (i = 1; i < argc; i++)
		if (strcmp(argv[i], "--deep") == 0)
			deep = true;
		else if (strcmp(argv[i], "--replay") == 0 && i + 1 < argc)
			replay = argv[++i];
		else if (strcmp(argv[i], "--plant") == 0 && i + 1 < argc)
			plant = argv[++i];
		else if (strcmp(argv[i], "--list") == 0)
			return list(), 0;
		else if (strcmp(argv[i], "--orders") == 0)
			return try_orders(), 0;
		else
			argv[1 + n_names++] = argv[i]; /* argv[0] is by what lines are found (trace.c) */
	if (n_names == 0)
		test_all(deep);
	for (i = 0; i < n_names && status == 0; i++)
		status = run_one(argv[1 + i], deep, plant, replay);
	if (n_tests > 0)
		printf("1..%u\n", n_tests);
	return status ? status : n_failed > 0;
}
