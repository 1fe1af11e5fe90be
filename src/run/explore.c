/*
 * run/explore.c - fl_check: asks the checker's library, if the program runs with it.
 *
 * That library (src/check/) is not one that this one is linked with: it takes the place of the sanitizer's, by being
 * loaded first. Whether it is there is seen by whether its function is.
 *
 * What is asked and answered lies in memory that both know (check/result.h), shared because the runs are processes.
 */
#define _GNU_SOURCE
#include "check/result.h"

#include <dlfcn.h>
#include <errno.h>
#include <fairlead/explore.h>
#include <stdio.h>
#include <sys/mman.h>

#define SCHEDULES 10000u
#define STEPS 100000u
#define KEEP_GOING 200u

typedef int check_function(void (*function)(void *), void *arg, struct check_memory *answer);

/* Returns the checker's function, or NULL. A weak reference would not do: in a program that has this library in it, the
 * linker settles that nobody has the function. */
static check_function *checker(void)
{
	union {
		void *object;
		check_function *function;
	} found = {.object = dlsym(RTLD_DEFAULT, "fairlead_check_function")};

	return found.function;
}

static void ask(struct check_asked *asked, const fl_check_options *options)
{
	asked->version = CHECK_VERSION;
	asked->seed = options->seed;
	asked->runs = options->schedules != 0 || options->exhaustive ? options->schedules : SCHEDULES;
	asked->stride = 1;
	asked->time = options->duration;
	asked->steps = options->steps != 0 ? options->steps : STEPS;
	asked->preemptions = options->preemptions != 0 ? options->preemptions - 1 : UINT32_MAX;
	asked->strategy = options->exhaustive ? CHECK_EXHAUSTIVE : CHECK_PORTFOLIO;
	asked->weak = options->weak;
	asked->timeouts = options->any_timeouts ? CHECK_ANY : CHECK_QUIESCENT;
	asked->races = options->ignore_races ? CHECK_RACES_OFF : CHECK_RACES_FAIL;
	asked->spurious = options->spurious;
	asked->minimise = 1;
	asked->keep_going = KEEP_GOING;
}

static void answer(const struct check_memory *memory, fl_check_result *ret_result)
{
	const char *text = memory->said[0] != 0 ? memory->said : memory->failure.text;

	*ret_result = (fl_check_result){.verdict = (int)memory->failure.verdict,
					.exhausted = memory->exhausted != 0,
					.schedules = memory->to_failure != 0 ? memory->to_failure : memory->runs,
					.cut_off = memory->cut_off};
	snprintf(ret_result->text, sizeof(ret_result->text), "%s", text);
}

int fl_check(void (*function)(void *), void *arg, const fl_check_options *options, fl_check_result *ret_result)
{
	static const fl_check_options defaults;
	check_function *run = checker();
	struct check_memory *memory;
	int error;

	if (run == NULL)
		return -ENOSYS;
	memory = mmap(NULL, CHECK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	ask(&memory->asked, options != NULL ? options : &defaults);
	error = run(function, arg, memory);
	if (error == 0 && memory->said[0] != 0)
		error = -EOPNOTSUPP;
	else if (error == 0)
		error = memory->failure.verdict != CHECK_NOTHING;
	if (error >= 0 || error == -EOPNOTSUPP) {
		if (ret_result != NULL)
			answer(memory, ret_result);
	}
	munmap(memory, CHECK_SIZE);
	return error;
}

const char *fl_check_verdict_name(int verdict)
{
	static const char *const names[] = {
		"nothing",   "assertion",      "abort",       "crash",  "deadlock",  "livelock", "hang",
		"data race", "use after free", "double free", "misuse", "exit code", "output",
	};

	return verdict >= 0 && (size_t)verdict < sizeof(names) / sizeof(names[0]) ? names[verdict] : "unknown";
}
