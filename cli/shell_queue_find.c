/*
 * cli/shell_queue_find.c - finds the queue of a command, or makes it, and shows it.
 *
 * Only what the user has asked for has to be so: of a queue that is there, the rest is taken as it is. It goes this way
 * round also if somebody else has made it while this one was about to.
 */
#include "shell_queue.h"

#include "segments.h"
#include <errno.h>
#include <stdio.h>

#define HEAD sizeof(int64_t) /* the priority */
#define ITEM 256u            /* bytes of an item, as fl_segment_queue has it */

const char *const queue_kinds[] = {"fifo", "lifo", "priority"};

/* What was asked for instead of what is in the options. */
static void ask(const struct queue_command *command, fl_shared_queue_options *options)
{
	if (command->given & QUEUE_KIND)
		options->kind = command->kind;
	if (command->given & QUEUE_LIMIT)
		options->limit = (uint32_t)command->limit;
	if (command->given & QUEUE_DELIVERIES)
		options->deliveries = (uint32_t)command->deliveries;
	if (command->given & QUEUE_ITEM_SIZE)
		options->item_size = (uint32_t)(command->item_size + (options->kind == FL_QUEUE_PRIORITY ? HEAD : 0));
}

static void measure(struct queue_command *command, const fl_shared_queue_info *info)
{
	command->head = info->kind == FL_QUEUE_PRIORITY ? HEAD : 0;
	command->most = info->item_size - command->head;
}

static int find(struct queue_command *command)
{
	const struct shell *shell = &command->shell;
	fl_shared_queue_options options = {0};
	fl_shared_queue_info info;
	int error = fl_segment_queue(shell->segment, shell->name, NULL, &command->queue);

	if (error == 0)
		error = fl_shared_queue_look(command->queue, &info);
	if (error != 0)
		return error;
	options.kind = info.kind;
	options.limit = info.limit;
	options.item_size = info.item_size;
	options.deliveries = info.deliveries;
	ask(command, &options);
	/* The priority is to be in front, too. */
	error = fl_segment_queue(shell->segment, shell->name, &options, &command->queue);
	if (error == 0)
		measure(command, &info);
	return error;
}

static int make(struct queue_command *command)
{
	const struct shell *shell = &command->shell;
	fl_shared_queue_options options = {.kind = command->kind};
	fl_shared_queue_info info;
	int error;

	if (command->kind == FL_QUEUE_PRIORITY)
		options.item_size = ITEM + HEAD;
	ask(command, &options);
	error = fl_segment_queue(shell->segment, shell->name, &options, &command->queue);
	if (error >= 0)
		error = fl_shared_queue_look(command->queue, &info);
	if (error == 0)
		measure(command, &info);
	return error;
}

int queue_find(struct shell *shell)
{
	struct queue_command *command = (struct queue_command *)shell;
	int error = find(command);

	if (error == -ENOENT && command->makes)
		error = make(command);
	/* Somebody has made it meanwhile, another one than this would have. */
	return error == -EPROTO && !command->queue ? find(command) : error;
}

/* Showing it. */

static void print(const struct queue_command *command, const fl_shared_queue_info *info)
{
	printf("kind=%s size=%u taken=%u reserved=%u limit=%u item_size=%zu max_deliveries=%u shutdown=%d put=%llu "
	       "delivered=%llu returned=%llu dropped=%llu cleared=%llu\n",
	       queue_kinds[info->kind], info->size, info->taken, info->reserved, info->limit, command->most,
	       info->deliveries, info->is_shutdown, (unsigned long long)info->put, (unsigned long long)info->delivered,
	       (unsigned long long)info->returned, (unsigned long long)info->dropped,
	       (unsigned long long)info->cleared);
}

static json_t *json_of(const struct queue_command *command, const fl_shared_queue_info *info)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:I}", "name",
			 command->shell.name, "kind", queue_kinds[info->kind], "size", (json_int_t)info->size, "taken",
			 (json_int_t)info->taken, "reserved", (json_int_t)info->reserved, "limit",
			 (json_int_t)info->limit, "item_size", (json_int_t)command->most, "max_deliveries",
			 (json_int_t)info->deliveries, "shutdown", info->is_shutdown, "put", (json_int_t)info->put,
			 "delivered", (json_int_t)info->delivered, "returned", (json_int_t)info->returned, "dropped",
			 (json_int_t)info->dropped, "cleared", (json_int_t)info->cleared);
}

int queue_show(struct queue_command *command)
{
	fl_shared_queue_info info;
	int error = fl_shared_queue_look(command->queue, &info);

	if (error != 0)
		return error;
	if (command->given & QUEUE_JSON)
		segments_print_json(json_of(command, &info));
	else
		print(command, &info);
	return 0;
}
