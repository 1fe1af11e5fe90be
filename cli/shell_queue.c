/*
 * cli/shell_queue.c - `fairlead queue`: its words, and what they come to.
 *
 * The second word is a verb. It says which words may follow, and which of the options are for it: so each verb is a row
 * of its own, with the options of all.
 */
#include "shell_queue.h"

#include "shell_signals.h"
#include "values.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char queue_about[] =
	"A queue passes items from scripts and programs to others. make makes it, and so do put, get and work when "
	"there is none. put puts each TEXT, or each line of its input, and waits while there is no room. get prints "
	"the next item, and waits while there is none; an item is gone when it has been written, and is handed out "
	"again if the command is killed before. work runs the PROGRAM for each item, with the item on its standard "
	"input, or in place of an argument {}; the item is gone when the program ends with status 0. shutdown says "
	"that no more will come: get and work take what is left; after that get ends with status 121, and work with "
	"0. join waits until all items are done. show prints how it is doing.";

/* Its options. */

static int give(void *config, enum queue_option option)
{
	((struct queue_command *)config)->given |= option;
	return 0;
}

static int take_count(void *config, enum queue_option option, const char *value, uint64_t most, uint64_t *ret_count,
		      char *why, size_t size)
{
	give(config, option);
	return values_count(value, 1, most, ret_count, why, size);
}

static int take_kind(void *config, const char *value, char *why, size_t size)
{
	struct queue_command *command = config;

	give(config, QUEUE_KIND);
	for (int kind = FL_QUEUE_FIFO; kind <= FL_QUEUE_PRIORITY; kind++) {
		command->kind = (enum fl_queue_kind)kind;
		if (strcmp(queue_kinds[kind], value) == 0)
			return 0;
	}
	snprintf(why, size, "it is not fifo, lifo or priority");
	return -EINVAL;
}

static int take_limit(void *config, const char *value, char *why, size_t size)
{
	return take_count(config, QUEUE_LIMIT, value, FL_SHARED_QUEUE_LIMIT, &((struct queue_command *)config)->limit,
			  why, size);
}

static int take_item_size(void *config, const char *value, char *why, size_t size)
{
	return take_count(config, QUEUE_ITEM_SIZE, value, FL_SHARED_QUEUE_ITEM - sizeof(int64_t),
			  &((struct queue_command *)config)->item_size, why, size);
}

static int take_deliveries(void *config, const char *value, char *why, size_t size)
{
	return take_count(config, QUEUE_DELIVERIES, value, UINT32_MAX, &((struct queue_command *)config)->deliveries,
			  why, size);
}

static int take_items(void *config, const char *value, char *why, size_t size)
{
	return take_count(config, QUEUE_COUNT, value, UINT32_MAX, &((struct queue_command *)config)->count, why, size);
}

/* From -2^63 to 2^63 - 1. */
static int take_priority(void *config, const char *value, char *why, size_t size)
{
	const char *digits = value + (*value == '-');

	give(config, QUEUE_PRIORITY);
	errno = 0;
	((struct queue_command *)config)->priority = strtoll(value, NULL, 10);
	if (*digits != 0 && digits[strspn(digits, "0123456789")] == 0 && errno == 0)
		return 0;
	snprintf(why, size, "it is not a whole number of 64 bits");
	return -EINVAL;
}

static int take_tries(void *config, const char *value, char *why, size_t size)
{
	return take_count(config, QUEUE_TRIES, value, UINT32_MAX, &((struct queue_command *)config)->tries, why, size);
}

static int take_null(void *config, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	return give(config, QUEUE_NULL);
}

static int take_whole(void *config, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	return give(config, QUEUE_WHOLE);
}

static int take_all(void *config, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	return give(config, QUEUE_ALL);
}

static int take_raw(void *config, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	return give(config, QUEUE_RAW);
}

static int take_now(void *config, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	return give(config, QUEUE_NOW);
}

static int take_json(void *config, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	return give(config, QUEUE_JSON);
}

static int take_timeout(void *config, const char *value, char *why, size_t size)
{
	give(config, QUEUE_TIMEOUT);
	return shell_take_timeout(config, value, why, size);
}

static int take_try(void *config, const char *value, char *why, size_t size)
{
	give(config, QUEUE_TRY);
	return shell_take_try(config, value, why, size);
}

const struct option_row queue_rows[] = {
	{"Making it (make, put, get, work; one that is there has to be so)", "kind", 'k', "fifo|lifo|priority",
	 "which item is got next: the first that was put, the last, or that with the lowest priority (fifo)",
	 OPTION_ONCE, take_kind},
	{NULL, "limit", 'l', "N", "for how many items it has room, up to 1048576 (64)", OPTION_ONCE, take_limit},
	{NULL, "item-size", 's', "BYTES", "the most bytes of an item (256)", OPTION_ONCE, take_item_size},
	{NULL, "deliveries", 'd', "N",
	 "how often an item is handed out, if who has it is killed, before it is dropped (without end)", OPTION_ONCE,
	 take_deliveries},
	{"Items (put, get)", "null", '0', NULL, "each ends with a zero byte, not with the line", OPTION_FLAG,
	 take_null},
	{NULL, "whole", 0, NULL, "put all of the input as one item", OPTION_FLAG, take_whole},
	{NULL, "priority", 'p', "N", "put them with this priority, the lowest of which comes first (0)", OPTION_ONCE,
	 take_priority},
	{NULL, "count", 'c', "N", "get so many (1)", OPTION_ONCE, take_items},
	{NULL, "all", 'a', NULL, "get all until it is shut down and nothing is left", OPTION_FLAG, take_all},
	{NULL, "raw", 'r', NULL, "print nothing behind an item", OPTION_FLAG, take_raw},
	{"Work", "tries", 't', "N",
	 "an item whose program fails is handed out again until it has been so often, and then given up; without this "
	 "the command ends with the program's status, and the item is left to others",
	 OPTION_ONCE, take_tries},
	{"Waiting (put, get, work, join)", "timeout", 'w', "DURATION",
	 "wait for so long at most, for each item anew: 1.5 or 1.5s, 250ms, 2m, 1h; the status is 124 if that was not "
	 "enough",
	 OPTION_ONCE, take_timeout},
	SHELL_TRY_ROW_OF(take_try),
	{"Ending and looking", "now", 0, NULL, "shutdown also drops what is in it, and says how many items that were",
	 OPTION_FLAG, take_now},
	{NULL, "json", 0, NULL, "show prints an object of JSON", OPTION_FLAG, take_json},
	SHELL_WHERE_ROWS,
	{0},
};

static const struct {
	enum queue_option option;
	const char *name;
} names[] = {
	{QUEUE_KIND, "kind"},
	{QUEUE_LIMIT, "limit"},
	{QUEUE_ITEM_SIZE, "item-size"},
	{QUEUE_DELIVERIES, "deliveries"},
	{QUEUE_PRIORITY, "priority"},
	{QUEUE_NULL, "null"},
	{QUEUE_WHOLE, "whole"},
	{QUEUE_COUNT, "count"},
	{QUEUE_ALL, "all"},
	{QUEUE_RAW, "raw"},
	{QUEUE_NOW, "now"},
	{QUEUE_JSON, "json"},
	{QUEUE_TIMEOUT, "timeout"},
	{QUEUE_TRY, "try"},
	{QUEUE_TRIES, "tries"},
};

/* Its verbs. */

static int make(struct queue_command *command)
{
	(void)command; /* to be found is all */
	return 0;
}

static int join(struct queue_command *command)
{
	return fl_shared_queue_join_until(command->queue, queue_deadline(command), shell_signals_note());
}

static int shut_down(struct queue_command *command)
{
	uint64_t dropped = 0;
	int error = command->given & QUEUE_NOW ? fl_shared_queue_shutdown_now(command->queue, &dropped)
					       : fl_shared_queue_shutdown(command->queue);

	if (dropped > 0)
		queue_say(command, "%llu items were dropped", (unsigned long long)dropped);
	return error;
}

static const struct verb {
	const char *name, *arguments;
	uint32_t options; /* of enum queue_option */
	bool makes;
	int (*run)(struct queue_command *command); /* NULL: work, which is done below a front */
} verbs[] = {
	{"make", "QUEUE make", QUEUE_MAKING, true, make},
	{"put", "QUEUE put [TEXT...]", QUEUE_MAKING | QUEUE_WAITING | QUEUE_PRIORITY | QUEUE_NULL | QUEUE_WHOLE, true,
	 queue_put},
	{"get", "QUEUE get", QUEUE_MAKING | QUEUE_WAITING | QUEUE_NULL | QUEUE_COUNT | QUEUE_ALL | QUEUE_RAW, true,
	 queue_get},
	{"work", "QUEUE work PROGRAM [ARGUMENT...]", QUEUE_MAKING | QUEUE_WAITING | QUEUE_TRIES, true, NULL},
	{"join", "QUEUE join", QUEUE_WAITING, false, join},
	{"shutdown", "QUEUE shutdown", QUEUE_NOW, false, shut_down},
	{"show", "QUEUE show", QUEUE_JSON, false, queue_show},
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; name && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* What they come to. */

void queue_say(const struct queue_command *command, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: %s: ", command->shell.path, command->shell.name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

int queue_fail(struct queue_command *command, int status)
{
	command->status = status;
	return -EIO;
}

fl_time queue_deadline(const struct queue_command *command)
{
	return command->shell.timed ? fl_after(command->shell.timeout) : command->shell.deadline;
}

/* That it is shut down is the answer to a question. */
int queue_leave(struct queue_command *command, int error)
{
	int status = error == -EIO ? command->status : error == -EPIPE ? SHELL_BROKEN : SHELL_OK;

	if (status == SHELL_OK)
		return shell_leave(&command->shell, error);
	shell_leave(&command->shell, 0);
	return status;
}

/* Whether the words go together. Returns the status. */
static int check(const struct queue_command *command, const struct verb *verb)
{
	const struct shell *shell = &command->shell;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (command->given & names[i].option & ~verb->options)
			return shell_wrong(shell, "%s takes no --%s", verb->name, names[i].name);
	if ((command->given & QUEUE_NULL) && (command->given & (QUEUE_WHOLE | QUEUE_RAW)))
		return shell_wrong(shell, "--null goes with neither --whole nor --raw");
	if ((command->given & QUEUE_COUNT) && (command->given & QUEUE_ALL))
		return shell_wrong(shell, "--count and --all exclude each other");
	if (command->texts && (command->given & (QUEUE_NULL | QUEUE_WHOLE)))
		return shell_wrong(shell, "--null and --whole are for items from the input, not for a TEXT");
	if ((command->given & QUEUE_PRIORITY) && command->kind != FL_QUEUE_PRIORITY)
		return shell_wrong(shell, "--priority needs a queue of that kind");
	return SHELL_OK;
}

static int run(struct queue_command *command, const struct verb *verb)
{
	int status;

	/* Who gives a priority means a queue that has them. */
	if ((command->given & (QUEUE_PRIORITY | QUEUE_KIND)) == QUEUE_PRIORITY) {
		command->given |= QUEUE_KIND;
		command->kind = FL_QUEUE_PRIORITY;
	}
	status = check(command, verb);
	if (status != SHELL_OK)
		return status;
	command->makes = verb->makes;
	if (!verb->run)
		return queue_work(command);
	status = shell_enter(&command->shell, NULL, queue_find);
	return status == SHELL_OK ? queue_leave(command, verb->run(command)) : status;
}

int queue_command(int argc, char **argv)
{
	struct command words = *command_find(command_all, "queue");
	const char *name = options_argument(&words, argc, argv, 1);
	struct queue_command command = {.count = 1};
	const struct verb *verb = find_verb(name);
	struct options options;
	int status;

	if (verb)
		words.arguments = verb->arguments;
	if (!shell_read_as(&command.shell, &words, argc, argv, &options, &status))
		return status;
	command.texts = options.n > 2 ? options.arguments + 2 : NULL;
	status = verb ? run(&command, verb)
		      : shell_wrong(&command.shell, "'%s' is not make, put, get, work, join, shutdown or show", name);
	options_close(&options);
	return status;
}
