/*
 * cli/check_save.c - replay files: all that an execution depends on, as text.
 *
 *     fairlead-replay 1
 *     program /home/ann/count         the file; argument, as it was called, a line each; its build id
 *     ...                             what was asked; the failure
 *     where 0x1302 -                  where it failed: offset, module (- is the program)
 *     learned 0x11e1 -                places of plain memory that are scheduling points: offset, module
 *     schedule 0*3 2*2 1*3 2 0*2      which thread takes how many steps
 *     choices 0*4 1                   what else was decided
 *     end 9f3c0c1b87d1a27b            a sum of all before it
 *
 * Blanks and what cannot be seen are written as %20. A file that was cut off or changed has not the right sum; one of
 * another version says so in its first line. A number that is out of its range is refused like a wrong sum: the file
 * may come from anywhere.
 */
#define _GNU_SOURCE
#include "check.h"
#include "write.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define VERSION 1
#define MAGIC "fairlead-replay "
#define FILE_MAX ((size_t)256 << 20)

static uint64_t sum_of(const char *text, size_t size)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	return sum;
}

/* Writing. */

static void put_word(FILE *to, const char *key, const char *text)
{
	fprintf(to, "%s ", key);
	for (; *text; text++)
		fprintf(to, isgraph((unsigned char)*text) && *text != '%' ? "%c" : "%%%02x", (unsigned char)*text);
	fputc('\n', to);
}

static void put_number(FILE *to, const char *key, uint64_t number)
{
	fprintf(to, "%s %llu\n", key, (unsigned long long)number);
}

static void put_runs(FILE *to, const char *key, const uint8_t *numbers, uint64_t n)
{
	uint64_t i, same;

	fputs(key, to);
	for (i = 0; i < n; i += same) {
		for (same = 1; i + same < n && numbers[i + same] == numbers[i]; same++)
			;
		fprintf(to, same > 1 ? " %u*%llu" : " %u", numbers[i], (unsigned long long)same);
	}
	fputc('\n', to);
}

static void put_spot(FILE *to, const struct check_memory *memory, const char *key, uint64_t address)
{
	const struct check_module *module = check_symbols_module(memory, address);

	if (!module)
		return;
	fprintf(to, "%s 0x%llx", key, (unsigned long long)(address - module->base));
	put_word(to, "", module->name[0] ? module->name : "-");
}

static void put_program(FILE *to, const struct check_report *report)
{
	const struct check_target *target = report->target;
	char full[PATH_MAX];

	put_word(to, "program", realpath(target->file, full) ? full : target->file);
	for (char **argument = target->argv; *argument; argument++)
		put_word(to, "argument", *argument);
	if (target->build_id[0])
		put_word(to, "build-id", target->build_id);
	if (report->wish->input)
		put_word(to, "stdin", realpath(report->wish->input, full) ? full : report->wish->input);
}

static void put_asked(FILE *to, const struct check_memory *memory)
{
	const struct check_asked *asked = &memory->asked;

	put_number(to, "seed", asked->seed);
	put_number(to, "weak", asked->weak);
	put_number(to, "timeouts", asked->timeouts);
	put_number(to, "spurious", asked->spurious);
	put_number(to, "races", asked->races);
	put_number(to, "steps", asked->steps);
	put_number(to, "exit-code", asked->exit_code);
	put_number(to, "same-output", asked->same_output);
	put_number(to, "output-size", asked->output.size);
	put_number(to, "output-hash", asked->output.hash);
}

static void put_all(FILE *to, const struct check_report *report)
{
	const struct check_memory *memory = report->found->job->memory;

	fprintf(to, MAGIC "%d\n", VERSION);
	put_program(to, report);
	put_asked(to, memory);
	put_number(to, "run", memory->failed_run);
	put_number(to, "verdict", memory->failure.verdict);
	put_word(to, "text", memory->failure.text[0] ? memory->failure.text : "-");
	put_spot(to, memory, "where", memory->failure.pc[0]);
	for (uint32_t i = 0; i < memory->n_learned && i < CHECK_LEARNED; i++)
		put_spot(to, memory, "learned", memory->learned[i]);
	put_runs(to, "schedule", memory->schedule, memory->n_schedule);
	put_runs(to, "choices", memory->choices, memory->n_choices);
}

int check_save(const char *file, const struct check_report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	struct write_part parts[2];
	char end[40];
	int error;

	if (!to)
		return -ENOMEM;
	put_all(to, report);
	if (fclose(to) != 0)
		return -ENOMEM;
	parts[0] = (struct write_part){text, size};
	parts[1] = (struct write_part){
		end, (size_t)snprintf(end, sizeof(end), "end %016llx\n", (unsigned long long)sum_of(text, size))};
	error = write_file(file, true, parts, 2);
	free(text);
	return error;
}

/* Reading. */

struct reading {
	struct check_replay *replay;
	size_t n_arguments;
};

static char *word_of(const char *text)
{
	char *word = malloc(strlen(text) + 1), *to = word;
	unsigned byte;

	for (; word && *text; text++) {
		if (*text == '%' && sscanf(text + 1, "%2x", &byte) == 1) {
			*to++ = (char)byte;
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	if (to)
		*to = 0;
	return word;
}

static bool take_number(const char *text, uint64_t most, uint64_t *ret_number)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(text, &end, 0);
	if (!isdigit((unsigned char)*text) || *end || errno != 0 || number > most)
		return false;
	*ret_number = number;
	return true;
}

static bool take_runs(const char *text, unsigned most, uint8_t **ret_numbers, uint64_t *ret_n)
{
	uint8_t *numbers = malloc(CHECK_STEPS_MAX);
	uint64_t n = 0;
	bool good = numbers && !*ret_numbers;

	while (good && *text) {
		char *end;
		unsigned long long number = strtoull(text, &end, 10), same = 1;

		good = end > text && isdigit((unsigned char)*text) && number < most;
		if (good && *end == '*')
			same = strtoull(end + 1, &end, 10);
		good = good && (*end == ' ' || *end == 0) && same > 0 && same <= CHECK_STEPS_MAX - n;
		if (good)
			memset(numbers + n, (int)number, same);
		n += same;
		text = end + (*end == ' ');
	}
	if (!good) {
		free(numbers);
		return false;
	}
	*ret_numbers = numbers;
	*ret_n = n;
	return true;
}

static bool take_argument(struct reading *reading, const char *text)
{
	struct check_replay *replay = reading->replay;
	char **more = realloc(replay->argv, (reading->n_arguments + 2) * sizeof(*more));

	if (!more)
		return false;
	replay->argv = more;
	more[reading->n_arguments] = word_of(text);
	more[++reading->n_arguments] = NULL;
	return more[reading->n_arguments - 1] != NULL;
}

static bool take_spot(const char *text, struct check_spot *spot)
{
	const char *module = strchr(text, ' ');
	char number[24];

	if (!module || spot->module)
		return false;
	snprintf(number, sizeof(number), "%.*s", (int)(module - text), text);
	if (!take_number(number, UINT64_MAX, &spot->offset))
		return false;
	spot->module = strcmp(module + 1, "-") == 0 ? strdup("") : word_of(module + 1);
	return spot->module != NULL;
}

static bool take_learned(struct check_replay *replay, const char *text)
{
	void *more = realloc(replay->learned, (replay->n_learned + 1) * sizeof(*replay->learned));

	if (more)
		replay->learned = more;
	if (!more || replay->n_learned == CHECK_LEARNED)
		return false;
	replay->learned[replay->n_learned] = (struct check_spot){NULL, 0};
	return take_spot(text, &replay->learned[replay->n_learned++]);
}

/* A line with a number that goes into 32 bits. Returns whether there is such a key; *ret_good: whether it is right. */
static bool take_small(struct reading *reading, const char *key, const char *text, bool *ret_good)
{
	struct check_asked *asked = &reading->replay->wish.asked;
	const struct {
		const char *key;
		uint32_t *to;
		uint64_t most;
	} known[] = {
		{"weak", &asked->weak, 1},
		{"timeouts", &asked->timeouts, CHECK_ANY_STEP},
		{"spurious", &asked->spurious, 1},
		{"races", &asked->races, CHECK_RACES_OFF},
		{"exit-code", &asked->exit_code, UINT32_MAX},
		{"same-output", &asked->same_output, CHECK_SAME_GIVEN},
		{"verdict", &reading->replay->verdict, CHECK_VERDICTS - 1},
	};
	uint64_t number = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].key, key) != 0)
			continue;
		*ret_good = take_number(text, known[i].most, &number);
		*known[i].to = (uint32_t)number;
		return true;
	}
	return false;
}

static bool take_large(struct reading *reading, const char *key, const char *text, bool *ret_good)
{
	struct check_asked *asked = &reading->replay->wish.asked;
	const struct {
		const char *key;
		uint64_t *to, most;
	} known[] = {
		{"seed", &asked->seed, UINT64_MAX},
		{"steps", &asked->steps, CHECK_STEPS_MAX},
		{"output-size", &asked->output.size, UINT64_MAX},
		{"output-hash", &asked->output.hash, UINT64_MAX},
		{"run", &reading->replay->run, UINT64_MAX},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].key, key) == 0) {
			*ret_good = take_number(text, known[i].most, known[i].to);
			return true;
		}
	}
	return false;
}

static bool take_text(struct reading *reading, const char *key, const char *text)
{
	struct check_replay *replay = reading->replay;
	char *word;

	if (strcmp(key, "program") == 0 && !replay->program)
		return (replay->program = word_of(text)) != NULL;
	if (strcmp(key, "stdin") == 0 && !replay->input)
		return (replay->input = word_of(text)) != NULL;
	if (strcmp(key, "build-id") == 0)
		return snprintf(replay->build_id, sizeof(replay->build_id), "%s", text) > 0;
	if (strcmp(key, "text") != 0)
		return false;
	word = word_of(text);
	snprintf(replay->text, sizeof(replay->text), "%s", word ? word : "");
	free(word);
	return true;
}

static bool take_line(struct reading *reading, const char *key, const char *text)
{
	struct check_replay *replay = reading->replay;
	bool good = false;

	if (strcmp(key, "argument") == 0)
		return take_argument(reading, text);
	if (strcmp(key, "learned") == 0)
		return take_learned(replay, text);
	if (strcmp(key, "where") == 0)
		return take_spot(text, &replay->where);
	if (strcmp(key, "schedule") == 0)
		return take_runs(text, CHECK_THREADS, &replay->schedule, &replay->n_schedule);
	if (strcmp(key, "choices") == 0)
		return take_runs(text, 256, &replay->choices, &replay->n_choices);
	if (take_small(reading, key, text, &good) || take_large(reading, key, text, &good))
		return good;
	return take_text(reading, key, text);
}

static int refuse(char *why, size_t size, const char *what)
{
	snprintf(why, size, "%s", what);
	return -EINVAL;
}

static int check_sum(const char *text, size_t size, char *why, size_t why_size)
{
	const char *end = size > 0 ? memrchr(text, '\n', size - 1) : NULL;
	char line[40];

	end = end ? end + 1 : text;
	if (size == 0 || text[size - 1] != '\n' || strncmp(end, "end ", 4) != 0)
		return refuse(why, why_size, "its end is missing");
	snprintf(line, sizeof(line), "end %016llx\n", (unsigned long long)sum_of(text, (size_t)(end - text)));
	if (strcmp(line, end) != 0)
		return refuse(why, why_size, "it has been damaged or changed: its sum is wrong");
	return 0;
}

static int check_head(const char *text, char *why, size_t size)
{
	if (strncmp(text, MAGIC, strlen(MAGIC)) != 0)
		return refuse(why, size, "it is not a replay file");
	if (strtol(text + strlen(MAGIC), NULL, 10) != VERSION)
		return refuse(why, size, "it is a replay file of another version of fairlead");
	return 0;
}

static int take_all(struct check_replay *replay, char *text, char *why, size_t size)
{
	struct reading reading = {.replay = replay};
	char *rest = NULL, *key, *value;
	size_t number = 1;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), number++) {
		if (number == 1)
			continue;
		key = line;
		value = line + strcspn(line, " ");
		if (*value)
			*value++ = 0;
		if (strcmp(key, "end") != 0 && !take_line(&reading, key, value)) {
			snprintf(why, size, "line %zu, %.40s, is wrong", number, key);
			return -EINVAL;
		}
	}
	if (!replay->program || !replay->argv || !replay->schedule || !replay->choices)
		return refuse(why, size, "its program or its schedule is missing");
	return 0;
}

static int read_whole(const char *file, char **ret_text, size_t *ret_size)
{
	FILE *from = fopen(file, "re");
	struct stat about;
	int error = 0;

	if (!from)
		return -errno;
	if (fstat(fileno(from), &about) != 0 || !S_ISREG(about.st_mode) || (size_t)about.st_size > FILE_MAX)
		error = -EFBIG;
	*ret_text = error == 0 ? malloc((size_t)about.st_size + 1) : NULL;
	if (error == 0 && !*ret_text)
		error = -ENOMEM;
	if (error == 0) {
		*ret_size = fread(*ret_text, 1, (size_t)about.st_size, from);
		(*ret_text)[*ret_size] = 0;
	}
	fclose(from);
	return error;
}

int check_load(const char *file, struct check_replay *ret_replay, char *why, size_t size)
{
	char *text = NULL;
	size_t length = 0;
	int error = read_whole(file, &text, &length);

	memset(ret_replay, 0, sizeof(*ret_replay));
	if (error != 0 || !text)
		return error;
	if (strlen(text) != length)
		error = refuse(why, size, "it is not a replay file");
	if (error == 0)
		error = check_head(text, why, size);
	if (error == 0)
		error = check_sum(text, length, why, size);
	if (error == 0)
		error = take_all(ret_replay, text, why, size);
	free(text);
	if (error != 0)
		check_unload(ret_replay);
	return error;
}

void check_unload(struct check_replay *replay)
{
	for (char **argument = replay->argv; argument && *argument; argument++)
		free(*argument);
	for (size_t i = 0; i < replay->n_learned; i++)
		free(replay->learned[i].module);
	free(replay->where.module);
	free(replay->argv);
	free(replay->program);
	free(replay->input);
	free(replay->learned);
	free(replay->schedule);
	free(replay->choices);
	memset(replay, 0, sizeof(*replay));
}
