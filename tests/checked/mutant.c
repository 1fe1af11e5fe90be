/*
 * mutant.c - mutants of Fairlead's sources: the library with a memory order weakened, or a wake-up lost, at one place.
 *
 *     checked --sites [OPTION...] NAME...
 *     checked --mutant KIND:BECOMES:ADDRESS,... [OPTION...] NAME...
 *
 * Nothing is compiled for a mutant: the checker's runtime is told the return addresses of the calls that are to behave
 * otherwise (src/check/site.h). mutants.py knows which addresses are one place in the sources; it starts this program,
 * and this program's lines are for it, with tabs between words:
 *
 *     scenario NAME passed|failed SCHEDULES NANOSECONDS VERDICT TEXT
 *     site ADDRESS KIND ORDER TIMES          of the scenario above; addresses count from where the library begins
 *
 * With --mutant, the first scenario that fails is the last one.
 *
 *     checked --alone NAME
 *
 * runs a scenario once and without the checker, for `fairlead check build/tests/checked/checked --alone NAME`, which
 * shows how it fails.
 *
 *     --runs N         schedules of each scenario
 *     --seed N
 *     --weak           loads may return old values
 *     --exhaustive     one after the other, within the scenario's bound on preemptions, instead of drawn ones
 *     --through A-B,…  functions that wake on behalf of those that call them
 */
#define _GNU_SOURCE
#include "scenarios.h"

#include "check/result.h"
#include <dlfcn.h>
#include <fairlead/explore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define STEPS 20000u
#define STALE 8u /* a thread that looks, says that it will sleep, and looks again reads some words so often */
#define SECONDS_MOST 60

int fairlead_check_function(void (*function)(void *), void *arg, struct check_memory *answer);

static struct check_asked asked = {
	.version = CHECK_VERSION,
	.seed = 1,
	.runs = 1000,
	.stride = 1,
	.steps = STEPS,
	.time = SECONDS_MOST * INT64_C(1000000000),
	.strategy = CHECK_PORTFOLIO,
	.timeouts = CHECK_ANY,
	.stale = STALE,
	.mutant = {.sites = 1},
};
static uint64_t library;

static uint64_t find_library(void)
{
	Dl_info info;

	if (!dladdr(dlsym(RTLD_DEFAULT, "fl_after"), &info)) {
		fprintf(stderr, "checked: the library is not there\n");
		exit(2);
	}
	return (uint64_t)(uintptr_t)info.dli_fbase;
}

static bool is_of_library(uint64_t pc)
{
	Dl_info info;

	return dladdr((const void *)(uintptr_t)pc, &info) && (uint64_t)(uintptr_t)info.dli_fbase == library;
}

static void read_mutant(const char *text)
{
	struct check_mutant *mutant = &asked.mutant;
	char *at;

	mutant->kind = (uint32_t)strtoul(text, &at, 10);
	mutant->becomes = (uint32_t)strtoul(at + 1, &at, 10);
	for (mutant->n = 0; (*at == ':' || *at == ',') && mutant->n < CHECK_MUTANT; mutant->n++)
		mutant->pc[mutant->n] = library + strtoull(at + 1, &at, 16);
	if (*at) {
		fprintf(stderr, "checked: a mutant of more than %u places\n", CHECK_MUTANT);
		exit(2);
	}
}

static void read_through(const char *text)
{
	struct check_mutant *mutant = &asked.mutant;

	for (unsigned i = 0; i < CHECK_THROUGH && *text; i++) {
		char *at;

		mutant->through_from[i] = library + strtoull(text, &at, 16);
		mutant->through_to[i] = library + strtoull(at + 1, &at, 16);
		text = *at ? at + 1 : at;
	}
}

static void print_sites(const struct check_memory *memory)
{
	for (unsigned i = 0; i < CHECK_SITES; i++) {
		const struct check_site *site = &memory->sites[i];

		if (site->pc != 0 && is_of_library(site->pc))
			printf("site\t%llx\t%u\t%u\t%u\n", (unsigned long long)(site->pc - library), site->kind,
			       site->order, site->times);
	}
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* Returns whether the scenario fails. */
static bool fails(const struct scenario *scenario)
{
	struct check_memory *memory =
		mmap(NULL, CHECK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int64_t began = now();
	bool failed;
	int error;

	if (memory == MAP_FAILED)
		exit(2);
	memory->asked = asked;
	memory->asked.preemptions = scenario->preemptions < EVERY ? scenario->preemptions : UINT32_MAX;
	error = fairlead_check_function(scenario->function, NULL, memory);
	if (error != 0 || memory->said[0]) {
		fprintf(stderr, "checked: %s: error %d, %s\n", scenario->name, error, memory->said);
		exit(2);
	}
	failed = memory->failure.verdict != CHECK_NOTHING;
	printf("scenario\t%s\t%s\t%llu\t%lld\t%s\t%s\n", scenario->name, failed ? "failed" : "passed",
	       (unsigned long long)(failed ? memory->to_failure : memory->runs), (long long)(now() - began),
	       fl_check_verdict_name((int)memory->failure.verdict), memory->failure.text);
	if (asked.mutant.n == 0)
		print_sites(memory);
	fflush(stdout);
	munmap(memory, CHECK_SIZE);
	return failed;
}

static const struct scenario *find_scenario(const char *name)
{
	for (size_t i = 0; scenario_lists[i] != NULL; i++) {
		for (const struct scenario *scenario = scenario_lists[i]; scenario->name != NULL; scenario++) {
			if (strcmp(scenario->name, name) == 0)
				return scenario;
		}
	}
	fprintf(stderr, "checked: there is no scenario %s\n", name);
	exit(2);
}

static bool is_option(const char *option, const char *value)
{
	if (strcmp(option, "--mutant") == 0)
		read_mutant(value);
	else if (strcmp(option, "--runs") == 0)
		asked.runs = strtoull(value, NULL, 10);
	else if (strcmp(option, "--seed") == 0)
		asked.seed = strtoull(value, NULL, 10);
	else if (strcmp(option, "--through") == 0)
		read_through(value);
	else
		return false;
	return true;
}

static bool is_flag(const char *option)
{
	if (strcmp(option, "--weak") == 0)
		asked.weak = 1;
	else if (strcmp(option, "--exhaustive") == 0)
		asked.strategy = CHECK_EXHAUSTIVE;
	else
		return strcmp(option, "--sites") == 0;
	return true;
}

int mutant_main(int argc, char **argv)
{
	int at = 1;

	if (strcmp(argv[1], "--alone") == 0 && argc == 3) {
		find_scenario(argv[2])->function(NULL);
		return 0;
	}
	library = find_library();
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (is_flag(argv[at]))
			continue;
		if (at + 1 == argc || !is_option(argv[at], argv[at + 1]))
			return 2;
		at++;
	}
	for (; at < argc; at++) {
		if (fails(find_scenario(argv[at])) && asked.mutant.n > 0)
			return 0;
	}
	return 0;
}
