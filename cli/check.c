/*
 * cli/check.c - `fairlead check`: is this program safe?
 *
 * It runs the program again and again, each time under another schedule of its threads, until one breaks it or the time
 * is over, and tells what it found. What was found can be replayed: the schedule goes into a file.
 */
#include "check.h"

#include "check_input.h"
#include "check_wish.h"
#include "command.h"
#include "values.h"
#include "write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

#define RUNS 100000
#define TIME INT64_C(10000000000)
#define STEPS 1000000
#define KEEP_GOING 200

const char check_about[] =
	"The program is run under many schedules of its threads, each decided by this command, until one makes it "
	"fail: an assertion, a crash, a deadlock, a data race, a use after free, misuse of a lock, or the wrong exit "
	"code or output. That one is shown step by step, and can be replayed. Data races are found in what was built "
	"with -fsanitize=thread ('fairlead cc' does so); without it, threads change at calls alone.";

struct config {
	struct check_common common;
	bool runs_given, time_given, races_given;
	const char *save;
	bool functions;
};

static int take_runs(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	config->runs_given = true;
	return values_count(value, 1, UINT64_MAX / 2, &config->common.wish.asked.runs, why, size);
}

static int take_time(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;
	fl_time time = 0;
	int error = values_duration(value, &time, why, size);

	config->time_given = true;
	config->common.wish.asked.time = time;
	return error;
}

static int take_exhaustive(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	(void)value, (void)why, (void)size;
	config->common.wish.asked.strategy = CHECK_EXHAUSTIVE;
	return 0;
}

static int take_seed(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	return values_count(value, 0, UINT64_MAX / 2, &config->common.wish.asked.seed, why, size);
}

static int take_jobs(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	return values_count(value, 1, CHECK_JOBS, &config->common.wish.jobs, why, size);
}

static int take_strategy(void *arg, const char *value, char *why, size_t size)
{
	static const char *const words[] = {"portfolio",  "random",     "pos",    "pct", "directed",
					    "reads-from", "exhaustive", "places", NULL};
	struct config *config = arg;
	uint32_t *strategy = &config->common.wish.asked.strategy;
	int error = check_take_word(value, words, strategy, why, size);

	if (error == 0 && *strategy == CHECK_REPLAY) /* which is none to ask for, and stands before it */
		*strategy = CHECK_PLACES;
	return error;
}

static int take_weak(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	(void)value, (void)why, (void)size;
	config->common.wish.asked.weak = 1;
	return 0;
}

static int take_timeouts(void *arg, const char *value, char *why, size_t size)
{
	static const char *const words[] = {"quiescent", "any", NULL};
	struct config *config = arg;

	return check_take_word(value, words, &config->common.wish.asked.timeouts, why, size);
}

static int take_races(void *arg, const char *value, char *why, size_t size)
{
	static const char *const words[] = {"fail", "note", "off", NULL};
	struct config *config = arg;

	config->races_given = true;
	return check_take_word(value, words, &config->common.wish.asked.races, why, size);
}

static int take_spurious(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	(void)value, (void)why, (void)size;
	config->common.wish.asked.spurious = 1;
	return 0;
}

static int take_steps(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	return values_count(value, 1, CHECK_STEPS_MAX, &config->common.wish.asked.steps, why, size);
}

static int take_preemptions(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;
	uint64_t n = 0;
	int error = values_count(value, 0, 1000, &n, why, size);

	config->common.wish.asked.preemptions = (uint32_t)n;
	config->common.wish.asked.strategy = CHECK_EXHAUSTIVE;
	return error;
}

static int take_expect_exit(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;
	uint64_t code = 0;
	int error;

	if (strcmp(value, "any") == 0) {
		config->common.wish.asked.exit_code = CHECK_ANY_EXIT;
		return 0;
	}
	error = values_count(value, 0, 255, &code, why, size);
	config->common.wish.asked.exit_code = (uint32_t)code;
	return error;
}

static int take_expect_output(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	config->common.wish.expect = value;
	config->common.wish.asked.same_output = CHECK_SAME_GIVEN;
	return check_hash_file(value, &config->common.wish.asked.output, why, size);
}

static int take_same_output(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	(void)value, (void)why, (void)size;
	if (config->common.wish.asked.same_output == CHECK_SAME_NO)
		config->common.wish.asked.same_output = CHECK_SAME_FIRST;
	return 0;
}

static int take_stdin(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	config->common.wish.input = value;
	if (strcmp(value, "-") == 0 || access(value, R_OK) == 0)
		return 0;
	snprintf(why, size, "%s", strerror(errno));
	return -EINVAL;
}

static int take_no_minimise(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	(void)value, (void)why, (void)size;
	config->common.wish.asked.minimise = 0;
	return 0;
}

static int take_functions(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	(void)value, (void)why, (void)size;
	config->functions = true;
	return 0;
}

static int take_save(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	(void)why, (void)size;
	config->save = value;
	return 0;
}

const struct option_row check_rows[] = {
	{"How much", "runs", 'n', "N", "at most so many schedules (default 100000, or no limit with --time)",
	 OPTION_ONCE, take_runs},
	{NULL, "time", 't', "DURATION", "at most so long (default 10s, or no limit with --runs)", OPTION_ONCE,
	 take_time},
	{NULL, "exhaustive", 0, NULL,
	 "every schedule, but for those that differ in the order of independent steps alone; there is no limit unless "
	 "it is given",
	 OPTION_FLAG, take_exhaustive},
	{NULL, "preemptions", 0, "N", "the same, with at most so many preemptions in a schedule", OPTION_ONCE,
	 take_preemptions},
	{NULL, "jobs", 'j', "N", "in so many processes at a time (default 1)", OPTION_ONCE, take_jobs},
	{NULL, "steps", 0, "N", "of a run, after which it is cut off (default 1000000)", OPTION_ONCE, take_steps},
	{"Which schedules", "strategy", 0, "portfolio|random|pos|pct|directed|reads-from|exhaustive|places",
	 "how they are chosen (default portfolio: the others by turns)", OPTION_ONCE, take_strategy},
	{NULL, "seed", 's', "N", "of the choices (default 1); the same seed makes the same ones", OPTION_ONCE,
	 take_seed},
	{NULL, "weak", 0, NULL, "loads of atomics may return older values, as C11 allows", OPTION_FLAG, take_weak},
	{NULL, "timeouts", 0, "quiescent|any",
	 "timed waits give up when nothing else can run (quiescent, the default), or at any time", OPTION_ONCE,
	 take_timeouts},
	{NULL, "spurious", 0, NULL, "condition variables may wake up without a reason", OPTION_FLAG, take_spurious},
	{NULL, "engine", 0, "auto|snapshot|process|kernel",
	 "what runs are made in: one process whose memory is put back, a process a run, the same with kernel threads "
	 "(default auto: the first that the program allows)",
	 OPTION_ONCE, check_take_engine},
	{"What is a failure", "races", 0, "fail|note|off",
	 "data races are failures (the default), are counted, or are of no interest", OPTION_ONCE, take_races},
	{NULL, "expect-exit", 0, "CODE", "the program ends with that code (default 0), or any", OPTION_ONCE,
	 take_expect_exit},
	{NULL, "expect-output", 0, "FILE", "it writes to standard output what is in the file", OPTION_ONCE,
	 take_expect_output},
	{NULL, "same-output", 0, NULL, "it always writes to standard output what it wrote in the first run",
	 OPTION_FLAG, take_same_output},
	{"The program", "stdin", 0, "FILE",
	 "is its standard input in each run; - is the command's own (default: that, unless it is a terminal)",
	 OPTION_ONCE, take_stdin},
	{NULL, "show-output", 0, NULL,
	 "let it write to the terminal, in every run (default: what it writes is dropped)", OPTION_FLAG,
	 check_take_show_output},
	{NULL, "functions", 0, NULL,
	 "run it once, as it is: it checks functions of its own by fl_check, and ends as it likes", OPTION_FLAG,
	 take_functions},
	CHECK_FORM_ROWS,
	{NULL, "no-minimise", 0, NULL, "show the interleaving that was found, and do not look for a shorter one",
	 OPTION_FLAG, take_no_minimise},
	{NULL, "save", 0, "FILE", "write the replay file there (default ./fairlead-check.PROGRAM.replay)", OPTION_ONCE,
	 take_save},
	{0},
};

/* What is taken when it is not given. */
static void complete(struct config *config)
{
	struct check_asked *asked = &config->common.wish.asked;
	bool exhaustive = asked->strategy == CHECK_EXHAUSTIVE;

	if (!config->runs_given && !config->time_given && !exhaustive) {
		asked->runs = RUNS;
		asked->time = TIME;
	}
}

static int save(const char *path, struct config *config, struct check_report *report, char *file, size_t size)
{
	const char *program = strrchr(report->target->argv[0], '/');
	int error;

	if (config->save)
		snprintf(file, size, "%s", config->save);
	else
		snprintf(file, size, "./fairlead-check.%s.replay", program ? program + 1 : report->target->argv[0]);
	error = check_input_keep(&config->common.wish, file);
	if (error == 0)
		error = check_save(file, report);
	if (error == 0)
		report->replay = file;
	else
		fprintf(stderr, "%s: %s: %s\n", path, file, strerror(-error));
	return error;
}

/* The program takes this one's place, with the library in it that fl_check looks for. */
static int run_functions(const char *path, const struct check_target *target)
{
	check_environment(target);
	personality(ADDR_NO_RANDOMIZE);
	execv(target->file, target->argv);
	fprintf(stderr, "%s: %s: %s\n", path, target->file, strerror(errno));
	return COMMAND_USAGE;
}

static int check(const char *path, struct config *config, char **argv)
{
	struct check_target *target = calloc(1, sizeof(*target));
	struct check_found *found = calloc(1, sizeof(*found));
	struct check_report report = {target, &config->common.wish, found, NULL};
	char file[PATH_MAX];
	int status = COMMAND_USAGE;
	bool ready = target && found && check_find(path, argv[0], argv, target) == 0;

	if (ready && !target->seen && !config->races_given)
		config->common.wish.asked.races = CHECK_RACES_OFF; /* what orders its threads may not be seen */
	if (ready && config->functions)
		status = run_functions(path, target);
	else if (ready && check_input_take(path, &config->common.wish) == 0 &&
		 check_run(path, target, &config->common.wish, NULL, NULL, found) == 0) {
		if (found->job->memory->failure.verdict != CHECK_NOTHING)
			save(path, config, &report, file, sizeof(file));
		status = check_tell(path, &report, &config->common.forms);
		check_run_close(found);
	}
	free(target);
	free(found);
	return status;
}

int check_command(int argc, char **argv)
{
	struct config config = {.common.wish = {.asked = {.seed = 1,
							  .stride = 1,
							  .steps = STEPS,
							  .preemptions = UINT32_MAX,
							  .minimise = 1,
							  .keep_going = KEEP_GOING},
						.jobs = 1}};
	struct options options;
	int error = options_read(command_find(command_all, "check"), argc, argv, &config, &options), status;

	if (error != 0)
		return options_status(error);
	complete(&config);
	if (config.common.wish.asked.strategy == CHECK_EXHAUSTIVE && config.common.wish.jobs > 1)
		status = options_status(options_wrong(argv[0], "--exhaustive is made in one process: not with --jobs"));
	else
		status = check(argv[0], &config, options.arguments);
	options_close(&options);
	return status;
}
