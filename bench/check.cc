/*
 * bench/check.cc - what Fairlead's checks cost when they are on: the order of locks, and the times.
 *
 * Checks that were switched on stay on, so each round runs in a process of its own: this program again, asked with
 * --once for one round of one contestant, with FAIRLEAD_CHECK in its environment. What the checks cost when they are
 * off can only be seen beside a library that was built without them; that is what bench/compare-builds is for.
 */
#include "harness.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern "C" char **environ;

/* The environment with FAIRLEAD_CHECK set to `check`, or without it. */
static std::vector<std::string> environment_with(const char *check)
{
	std::vector<std::string> variables;

	for (char **variable = environ; *variable != nullptr; variable++)
		if (strncmp(*variable, "FAIRLEAD_CHECK=", 15) != 0)
			variables.emplace_back(*variable);
	if (check != nullptr)
		variables.push_back(std::string("FAIRLEAD_CHECK=") + check);
	return variables;
}

static std::vector<char *> as_pointers(std::vector<std::string> *strings)
{
	std::vector<char *> pointers;

	for (std::string &string : *strings)
		pointers.push_back(string.data());
	pointers.push_back(nullptr);
	return pointers;
}

/* Starts the program; its standard output goes to the pipe, and its table of times nowhere. */
static pid_t start_child(std::vector<std::string> arguments, const char *check, int to)
{
	std::vector<std::string> variables = environment_with(check);
	posix_spawn_file_actions_t actions;
	pid_t child = 0;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&child, "/proc/self/exe", &actions, nullptr, as_pointers(&arguments).data(),
			as_pointers(&variables).data()) != 0)
		bench_fail("check: cannot run this program again");
	posix_spawn_file_actions_destroy(&actions);
	return child;
}

static void measure_in_child(const char *bench, const char *check, double *ret_figures)
{
	std::vector<std::string> arguments = {"fairlead-bench", "--once", bench, "fairlead"};
	int ends[2], status = 0;

	if (bench_settings.quick)
		arguments.push_back("--quick");
	if (pipe2(ends, O_CLOEXEC) != 0)
		bench_fail("check: cannot make a pipe");
	pid_t child = start_child(arguments, check, ends[1]);
	FILE *output = fdopen(ends[0], "r");

	close(ends[1]);
	bool got = output != nullptr && fscanf(output, "%lf", ret_figures) == 1;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (!got || status != 0)
		bench_fail("check: try FAIRLEAD_CHECK=order,times fairlead-bench --once lock fairlead: that failed");
	fclose(output);
}

static const char lock[] = "lock", second[] = "lock-second";
static const char order[] = "order", times[] = "times", both[] = "order,times";

template <const char *bench, const char *check> static void measure(double *ret_figures)
{
	measure_in_child(bench, check, ret_figures);
}

template <const char *bench> static void measure_off(double *ret_figures)
{
	measure_in_child(bench, nullptr, ret_figures);
}

const struct bench bench_check[] = {
	{
		.cpus = 1,
		.metrics = {{
			.name = "check",
			.what = "acquire + release of a free lock, with checks off (fairlead) and on",
			.unit = "ns",
			.aims = {{BENCH_AIM_ADDS_AT_MOST, "fairlead, order on", 2}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, nullptr, measure_off<lock>},
				{"fairlead, order on", BENCH_VARIANT, nullptr, measure<lock, order>},
				{"fairlead, times on", BENCH_VARIANT, nullptr, measure<lock, times>},
				{"fairlead, both on", BENCH_VARIANT, nullptr, measure<lock, both>},
			},
	},
	{
		.cpus = 1,
		.metrics = {{
			.name = "check-second",
			.what = "the same by a thread that holds another lock",
			.unit = "ns",
			.aims = {{BENCH_AIM_ADDS_AT_MOST, "fairlead, order on", 2}},
		}},
		.contestants =
			{
				{"fairlead", BENCH_FAIRLEAD, nullptr, measure_off<second>},
				{"fairlead, order on", BENCH_VARIANT, nullptr, measure<second, order>},
				{"fairlead, times on", BENCH_VARIANT, nullptr, measure<second, times>},
				{"fairlead, both on", BENCH_VARIANT, nullptr, measure<second, both>},
			},
	},
	{},
};
