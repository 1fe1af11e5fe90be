/*
 * main.c - Fairlead's algorithms under the checker: each scenario under every schedule, or as many as are asked for.
 *
 *     checked [--runs N] [--seed N] [--only every|many] [NAME...]
 *     checked --sites ... | --mutant ... | --alone NAME: see mutant.c
 *
 * Scenarios that end are run under every schedule (within their bound on preemptions); all of them are run under N
 * schedules that the checker draws, 250 unless more are asked for, and under as many in which loads may return old
 * values, as far as C11 lets them, and deadlines may pass at any time. Speaks TAP.
 */
#include "scenarios.h"

#include <errno.h>
#include <fairlead/explore.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOGETHER 8

const struct scenario *const scenario_lists[] = {lock_scenarios,   wait_scenarios,   queue_scenarios, run_scenarios,
						 thread_scenarios, frames_scenarios, value_scenarios, NULL};
static uint64_t runs = 250, seed = 1;
static const char *only = "both";
static unsigned n_tests, n_failed;

/* An executor asks how many processors it may use, which the library looks for in files. An execution that opens one
 * needs a process of its own, and takes ten times as long; so there are none. */
FILE *fopen(const char *path, const char *mode)
{
	(void)path;
	(void)mode;
	errno = ENOENT;
	return NULL;
}

struct part {
	void (*function)(void);
};

static void *begin(void *arg)
{
	((const struct part *)arg)->function();
	return NULL;
}

void together(void (*first)(void), ...)
{
	pthread_t thread[TOGETHER];
	struct part part[TOGETHER];
	unsigned n = 0;
	va_list list;

	va_start(list, first);
	for (void (*next)(void) = first; next != NULL && n < TOGETHER; next = va_arg(list, void (*)(void)))
		part[n++].function = next;
	va_end(list);
	for (unsigned i = 0; i < n; i++)
		pthread_create(&thread[i], NULL, begin, &part[i]);
	while (n > 0)
		pthread_join(thread[--n], NULL);
}

static void report(const struct scenario *scenario, const char *how, int error, const fl_check_result *result)
{
	printf("%s %u - %s: %s: %llu schedules%s\n", error == 0 ? "ok" : "not ok", ++n_tests, scenario->name, how,
	       (unsigned long long)result->schedules, result->cut_off != 0 ? ", some were cut off" : "");
	n_failed += error != 0;
	if (error != 0)
		printf("# %d %s: %s\n", error, fl_check_verdict_name(result->verdict), result->text);
	fflush(stdout);
}

static void run(const struct scenario *scenario)
{
	fl_check_options every = {.exhaustive = true, .preemptions = scenario->preemptions + 1};
	fl_check_options many = {.schedules = runs, .seed = seed};
	fl_check_result result = {0};
	int error;

	if (scenario->preemptions == EVERY)
		every.preemptions = 0;
	if (scenario->preemptions != MANY && strcmp(only, "many") != 0) {
		error = fl_check(scenario->function, NULL, &every, &result);
		if (error == 0 && !result.exhausted)
			error = 1;
		report(scenario, every.preemptions == 0 ? "every" : "every within the bound", error, &result);
	}
	if (strcmp(only, "every") == 0)
		return;
	error = fl_check(scenario->function, NULL, &many, &result);
	report(scenario, "many", error, &result);
	many.weak = true;
	many.any_timeouts = true;
	error = fl_check(scenario->function, NULL, &many, &result);
	report(scenario, "many, weak", error, &result);
}

static bool wanted(const struct scenario *scenario, int n, char **names)
{
	for (int i = 0; i < n; i++) {
		if (strncmp(names[i], scenario->name, strlen(names[i])) == 0)
			return true;
	}
	return n == 0;
}

int main(int argc, char **argv)
{
	int at = 1;

	if (argc > 1 &&
	    (strcmp(argv[1], "--sites") == 0 || strcmp(argv[1], "--mutant") == 0 || strcmp(argv[1], "--alone") == 0))
		return mutant_main(argc, argv);
	for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
		if (strcmp(argv[at], "--runs") == 0)
			runs = strtoull(argv[at + 1], NULL, 10);
		else if (strcmp(argv[at], "--seed") == 0)
			seed = strtoull(argv[at + 1], NULL, 10);
		else if (strcmp(argv[at], "--only") == 0)
			only = argv[at + 1];
		else
			return 2;
	}
	for (size_t i = 0; scenario_lists[i] != NULL; i++) {
		for (const struct scenario *scenario = scenario_lists[i]; scenario->name != NULL; scenario++) {
			if (wanted(scenario, argc - at, argv + at))
				run(scenario);
		}
	}
	printf("1..%u\n", n_tests);
	return n_failed != 0;
}
