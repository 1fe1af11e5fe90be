/*
 * cli/replay.c - `fairlead replay`: the execution that 'fairlead check' has found, again, to the step.
 *
 * Everything it depends on is in the file (check_save.c). It is the same failure if it is of the same kind at the same
 * place of the program. A program that was built anew since may well take other steps: that is said first.
 */
#include "replay.h"

#include "check_wish.h"
#include "command.h"
#include "values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char replay_about[] =
	"FILE is what 'fairlead check' has written. The program runs once, under the schedule in it, and the report "
	"says whether it fails in the same way.";

struct config {
	struct check_common common; /* of whose wish the engine and the output are taken */
	uint64_t before;
	bool gdb;
};

static int take_gdb(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	(void)value, (void)why, (void)size;
	config->gdb = true;
	return 0;
}

static int take_before(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	config->gdb = true;
	return values_count(value, 1, CHECK_STEPS_MAX, &config->before, why, size);
}

const struct option_row replay_rows[] = {
	{"How", "engine", 0, "auto|snapshot|process|kernel",
	 "what it runs on: fibers whose memory is put back, fibers in a process of its own (the default), "
	 "kernel threads",
	 OPTION_ONCE, check_take_engine},
	{NULL, "show-output", 0, NULL, "let the program write to the terminal", OPTION_FLAG, check_take_show_output},
	{"In a debugger", "gdb", 0, NULL,
	 "run it in gdb, on kernel threads, and stop before the last step of the schedule, and where it fails",
	 OPTION_FLAG, take_gdb},
	{NULL, "before", 0, "STEP", "the same, and stop before the step that has this number in the report",
	 OPTION_ONCE, take_before},
	CHECK_FORM_ROWS,
	{0},
};

/* Returns the number of a module's name in the memory, or CHECK_MODULES. */
static uint32_t name_of(struct check_memory *memory, const char *module, uint32_t *n)
{
	uint32_t i = 0;

	while (i < *n && strcmp(memory->learned_name[i], module) != 0)
		i++;
	if (i == *n && i < CHECK_MODULES && strlen(module) < sizeof(memory->learned_name[0])) {
		memcpy(memory->learned_name[i], module, strlen(module) + 1);
		++*n;
	}
	return i;
}

int replay_prepare(struct check_memory *memory, void *arg)
{
	const struct check_replay *replay = arg;
	uint32_t n = 0, name;

	for (size_t i = 0; i < replay->n_learned; i++) {
		name = name_of(memory, replay->learned[i].module, &n);
		if (name == n)
			continue;
		memory->learned[memory->n_learned] = replay->learned[i].offset;
		memory->learned_module[memory->n_learned++] = (uint8_t)name;
	}
	memory->learned_relative = 1;
	memory->failed_run = replay->run;
	memory->failed_strategy = CHECK_REPLAY;
	memory->n_schedule = replay->n_schedule;
	memory->n_choices = replay->n_choices;
	memcpy(memory->schedule, replay->schedule, replay->n_schedule);
	memcpy(memory->choices, replay->choices, replay->n_choices);
	return 0;
}

/* Whether it fails as the file says. */
static bool is_same(const struct check_memory *memory, const struct check_replay *replay)
{
	const struct check_module *module = check_symbols_module(memory, memory->failure.pc[0]);

	if (memory->failure.verdict != replay->verdict || memory->diverged)
		return false;
	if (!module || !replay->where.module)
		return !module && !replay->where.module;
	return strcmp(module->name, replay->where.module) == 0 &&
	       memory->failure.pc[0] - module->base == replay->where.offset;
}

static void say_difference(FILE *to, const struct check_memory *memory, const struct check_replay *replay)
{
	fprintf(to, "Not the failure of the file, which is: %s%s%s.\n", check_json_verdict(replay->verdict),
		strcmp(replay->text, "-") == 0 ? "" : ", ", strcmp(replay->text, "-") == 0 ? "" : replay->text);
	if (memory->diverged)
		fprintf(to, "The program has taken other steps than the schedule has, which does not fit any more.\n");
}

static int tell(const char *path, const struct check_report *report, const struct check_replay *replay,
		const struct check_forms *forms)
{
	const struct check_memory *memory = report->found->job->memory;
	bool same = is_same(memory, replay);
	json_t *json = check_json(report);
	int error;

	json_object_set_new(json, "same", json_boolean(same));
	json_object_set_new(json, "expected", json_string(check_json_verdict(replay->verdict)));
	json_object_set_new(json, "diverged", json_boolean(memory->diverged));
	error = check_write(path, json, forms);
	json_decref(json);
	if (!forms->json && same)
		puts("The same failure as in the file.");
	else if (!forms->json)
		say_difference(stdout, memory, replay);
	return error != 0 ? COMMAND_USAGE : same ? COMMAND_OK : COMMAND_FAILED;
}

/* What the file says, and what the command line says beside it. */
static void complete(struct check_replay *replay, const struct config *config)
{
	struct check_asked *asked = &replay->wish.asked;

	replay->wish.jobs = 1;
	replay->wish.input = replay->input;
	replay->wish.show_output = config->common.wish.show_output;
	asked->strategy = CHECK_REPLAY;
	asked->engine = config->common.wish.asked.engine;
	asked->stride = 1;
	asked->preemptions = UINT32_MAX;
	asked->trace = 1;
}

static void say_if_rebuilt(const char *path, const struct check_target *target, const struct check_replay *replay)
{
	if (strcmp(target->build_id, replay->build_id) != 0)
		fprintf(stderr, "%s: %s was built anew since the file was written\n", path, target->file);
}

static int replay_all(const char *path, const struct config *config, struct check_replay *replay)
{
	struct check_target *target = calloc(1, sizeof(*target));
	struct check_found *found = calloc(1, sizeof(*found));
	const struct check_report report = {target, &replay->wish, found, NULL};
	int status = COMMAND_USAGE;

	complete(replay, config);
	if (target && found && check_find(path, replay->program, replay->argv, target) == 0) {
		say_if_rebuilt(path, target, replay);
		if (config->gdb)
			replay_gdb(path, target, replay, config->before);
		else if (check_run(path, target, &replay->wish, replay_prepare, replay, found) == 0)
			status = tell(path, &report, replay, &config->common.forms);
		check_run_close(found);
	}
	free(target);
	free(found);
	return status;
}

int replay_command(int argc, char **argv)
{
	struct config config = {.gdb = false};
	struct check_replay *replay = calloc(1, sizeof(*replay));
	struct options options;
	char why[200] = "";
	int error = options_read(command_find(command_all, "replay"), argc, argv, &config, &options);
	int status = options_status(error);

	if (error == 0 && replay) {
		error = check_load(options.arguments[0], replay, why, sizeof(why));
		if (error != 0)
			fprintf(stderr, "%s: %s: %s\n", argv[0], options.arguments[0],
				error == -EINVAL ? why : strerror(-error));
		status = error != 0 ? COMMAND_USAGE : replay_all(argv[0], &config, replay);
		check_unload(replay);
		options_close(&options);
	}
	free(replay);
	return status;
}
