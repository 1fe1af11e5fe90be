/*
 * cli/processor.c - `fairlead processor`: one processor in a process of its own, between two frame channels. The hub
 * runs it for --isolated; it works without one, too.
 */
#include "hub_commands.h"

#include "command.h"
#include "hub/processing.h"
#include "stop.h"
#include "values.h"

const char processor_about[] =
	"Reads the images of a frame channel, gives them to a processor (motion, edges, histogram, or a plug-in's path "
	"with a '/'), serves what it makes of them as another channel, and prints what it finds out, key=value; an "
	"empty line ends what belongs to one image. Ends when the first channel does.";

struct config {
	const char *input, *output;
};

static int take_input(void *arg, const char *value, char *why, size_t size)
{
	((struct config *)arg)->input = value;
	return values_channel(value, why, size);
}

static int take_output(void *arg, const char *value, char *why, size_t size)
{
	((struct config *)arg)->output = value;
	return values_channel(value, why, size);
}

const struct option_row processor_rows[] = {
	{"Channels", "input", 'i', "CHANNEL", "the one to read", OPTION_ONCE, take_input},
	{NULL, "output", 'o', "CHANNEL", "the one to serve", OPTION_ONCE, take_output},
	{0},
};

int processor_command(int argc, char **argv)
{
	struct config config = {0};
	static fl_note stop; /* the thread that takes signals may outlive this call */
	struct options options;
	int error = options_read(command_find(command_all, "processor"), argc, argv, &config, &options), status;

	if (error != 0)
		return options_status(error);
	if (!config.input || !config.output || options.n != 1) {
		options_wrong(argv[0], "it takes --input, --output and a processor");
		status = COMMAND_USAGE;
	} else if (stop_on_signals(&stop) != 0) {
		status = COMMAND_FAILED;
	} else {
		status = processing_main(options.arguments[0], config.input, config.output, &stop);
	}
	options_close(&options);
	return status;
}
