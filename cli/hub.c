/*
 * cli/hub.c - `fairlead hub`: the options, and the hub that they describe (hub/hub.h).
 *
 * What names a source or a processor in an option is "[NAME=]..."; the parts are cut out of a copy. Whether it makes
 * sense is looked at here, as far as it can be without opening anything, so that what is wrong is said with the
 * option's name.
 */
#include "hub_commands.h"

#include "command.h"
#include "hub/hub.h"
#include "hub/processing.h"
#include "hub/source.h"
#include "hub/web/access.h"
#include "values.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char hub_about[] =
	"Shows what cameras see: to browsers, to programs, to files. Without a source it has the synthetic camera, and "
	"motion detection beside it.";

#define TEXTS (6 * HUB_STREAMS) /* up to 3 for a processor, 1 each for its source and recording, and a few more */

/* The configuration, with the texts that were made for it. */
struct hub_wish {
	struct hub_config config;
	char *texts[TEXTS];
	unsigned n_texts;
};

/* A copy of the first `length` bytes; NULL: no memory. */
static char *keep(struct hub_wish *wish, const char *text, size_t length)
{
	char *copy = wish->n_texts < TEXTS ? strndup(text, length) : NULL;

	if (copy)
		wish->texts[wish->n_texts++] = copy;
	return copy;
}

static int wrong(char *why, size_t size, const char *what, const char *reason)
{
	snprintf(why, size, "%s: %s", what, reason);
	return -EINVAL;
}

/* Cuts "NAME<mark>" off the front, if what is before the mark can be a name. Returns what is left. */
static const char *cut(struct hub_wish *wish, const char *text, char mark, const char **ret_name)
{
	const char *end = strchr(text, mark);
	char *name = end ? keep(wish, text, (size_t)(end - text)) : NULL;

	if (!name || stream_name_wrong(name))
		return text;
	*ret_name = name;
	return end + 1;
}

/* Sources. */

static int take_source(void *arg, const char *value, char *why, size_t size)
{
	struct hub_wish *wish = arg;
	struct hub_source_config source = {.name = "camera"};
	struct source_spec spec;
	const char *name = NULL;

	source.what = cut(wish, value, '=', &name);
	if (name)
		source.name = name;
	if (wish->config.n_sources == HUB_STREAMS)
		return wrong(why, size, "too many", "a hub has up to 64 streams");
	if (source_parse(source.what, &spec, why, size) != 0)
		return -EINVAL;
	if (!name && spec.kind != SOURCE_SYNTHETIC)
		return wrong(why, size, value, "it needs a name, as in door=v4l2:/dev/video0");
	wish->config.sources[wish->config.n_sources++] = source;
	return 0;
}

/* Processors. */

static const char *base_of(struct hub_wish *wish, const char *what)
{
	size_t words = strcspn(what, " ");
	const char *end = what + words, *begin = end;

	while (begin > what && begin[-1] != '/')
		begin--;
	if (end - begin > 3 && strncmp(end - 3, ".so", 3) == 0)
		end -= 3;
	return keep(wish, begin, (size_t)(end - begin));
}

static int add_processor(struct hub_wish *wish, const char *value, struct hub_processor_config processor, char *why,
			 size_t size)
{
	const fl_processor *function;

	processor.what = cut(wish, value, '=', &processor.name);
	processor.what = cut(wish, processor.what, ':', &processor.of);
	if (!processor.name)
		processor.name = base_of(wish, processor.what);
	if (!processor.name || stream_name_wrong(processor.name) || strlen(processor.name) > FL_FRAMES_NAME - 8)
		return wrong(why, size, value, "it needs a name, as in NAME=STREAM:WHAT");
	if (wish->config.n_processors == HUB_STREAMS)
		return wrong(why, size, "too many", "a hub has up to 64 streams");
	if (!processor.program && processing_find(processor.what, &function, why, size) != 0)
		return -EINVAL;
	wish->config.processors[wish->config.n_processors++] = processor;
	return 0;
}

static int take_processor(void *arg, const char *value, char *why, size_t size)
{
	return add_processor(arg, value, (struct hub_processor_config){0}, why, size);
}

static int take_isolated(void *arg, const char *value, char *why, size_t size)
{
	return add_processor(arg, value, (struct hub_processor_config){.isolated = true}, why, size);
}

static int take_exec(void *arg, const char *value, char *why, size_t size)
{
	return add_processor(arg, value, (struct hub_processor_config){.program = true}, why, size);
}

/* The network. */

static int parse_port(const char *text, int *ret_port, char *why, size_t size)
{
	uint64_t port;
	int error = values_count(text, 0, 65535, &port, why, size);

	if (error == 0)
		*ret_port = (int)port;
	return error;
}

/* ADDRESS, ADDRESS:PORT, :PORT, [IPV6]:PORT. */
static int take_listen(void *arg, const char *value, char *why, size_t size)
{
	struct hub_wish *wish = arg;
	const char *colon = strrchr(value, ':'), *begin = value;
	size_t length = colon ? (size_t)(colon - value) : strlen(value);

	if (colon && strchr(value, ':') != colon && value[0] != '[')
		return wrong(why, size, value, "an IPv6 address stands in brackets, [::1]:8999");
	if (value[0] == '[') {
		begin = value + 1;
		length = strcspn(begin, "]");
		colon = begin[length] == ']' && begin[length + 1] == ':' ? begin + length + 1 : NULL;
	}
	if (value[0] == '[' && !colon && strcmp(begin + length, "]") != 0)
		return wrong(why, size, value, "an IPv6 address stands in brackets, [::1]:8999");
	if (colon && parse_port(colon + 1, &wish->config.port, why, size) != 0)
		return -EINVAL;
	if (length > 0)
		wish->config.address = keep(wish, begin, length);
	return 0;
}

static int take_token(void *arg, const char *value, char *why, size_t size)
{
	struct hub_wish *wish = arg;

	if (values_token(value, why, size) != 0)
		return -EINVAL;
	wish->config.token = keep(wish, value, strlen(value));
	return wish->config.token ? 0 : wrong(why, size, "the token", strerror(ENOMEM));
}

static int take_token_file(void *arg, const char *value, char *why, size_t size)
{
	char token[VALUES_TOKEN];

	/* Who keeps it in a file does not want it in a log. */
	((struct hub_wish *)arg)->config.quiet_token = true;
	return values_token_file(value, token, why, size) == 0 ? take_token(arg, token, why, size) : -EINVAL;
}

static int take_host(void *arg, const char *value, char *why, size_t size)
{
	struct hub_config *config = &((struct hub_wish *)arg)->config;

	if (config->n_hosts == HUB_NAMES)
		return wrong(why, size, value, "there are 8 already");
	config->hosts[config->n_hosts++] = value;
	return 0;
}

static int take_origin(void *arg, const char *value, char *why, size_t size)
{
	struct hub_config *config = &((struct hub_wish *)arg)->config;

	if (strncmp(value, "http://", 7) != 0 && strncmp(value, "https://", 8) != 0)
		return wrong(why, size, value, "an origin begins with http:// or https://");
	if (strchr(strstr(value, "://") + 3, '/'))
		return wrong(why, size, value, "an origin ends with the name or the port, without a '/'");
	if (config->n_origins == HUB_NAMES)
		return wrong(why, size, value, "there are 8 already");
	config->origins[config->n_origins++] = value;
	return 0;
}

static int take_certificate(void *arg, const char *value, char *why, size_t size)
{
	((struct hub_wish *)arg)->config.certificate = value;
	return access(value, R_OK) == 0 ? 0 : wrong(why, size, value, strerror(errno));
}

static int take_key(void *arg, const char *value, char *why, size_t size)
{
	((struct hub_wish *)arg)->config.key = value;
	return access(value, R_OK) == 0 ? 0 : wrong(why, size, value, strerror(errno));
}

/* Numbers, durations, switches. */

static int take_clients(void *arg, const char *value, char *why, size_t size)
{
	uint64_t n;
	int error = values_count(value, 1, 60000, &n, why, size);

	if (error == 0)
		((struct hub_wish *)arg)->config.clients = (unsigned)n;
	return error;
}

static int take_patience(void *arg, const char *value, char *why, size_t size)
{
	fl_time duration;
	int error = values_duration(value, &duration, why, size);

	if (error == 0 && (duration < FL_SECONDS(1) || duration > FL_SECONDS(3600)))
		error = wrong(why, size, value, "from 1s to 1h");
	if (error == 0)
		((struct hub_wish *)arg)->config.patience = (unsigned)(duration / FL_SECONDS(1));
	return error;
}

static int take_message_size(void *arg, const char *value, char *why, size_t size)
{
	return values_count(value, 1024, 1 << 30, &((struct hub_wish *)arg)->config.message_size, why, size);
}

static int take_pixels(void *arg, const char *value, char *why, size_t size)
{
	return values_count(value, 1, 1 << 26, &((struct hub_wish *)arg)->config.pixels, why, size);
}

static int take_record_limit(void *arg, const char *value, char *why, size_t size)
{
	return values_count(value, 1, UINT64_MAX, &((struct hub_wish *)arg)->config.record_limit, why, size);
}

static int take_quality(void *arg, const char *value, char *why, size_t size)
{
	uint64_t n;
	int error = values_count(value, 1, 100, &n, why, size);

	if (error == 0)
		((struct hub_wish *)arg)->config.quality = (int)n;
	return error;
}

static int take_linger(void *arg, const char *value, char *why, size_t size)
{
	return values_duration(value, &((struct hub_wish *)arg)->config.linger, why, size);
}

static int take_for(void *arg, const char *value, char *why, size_t size)
{
	return values_duration(value, &((struct hub_wish *)arg)->config.run_for, why, size);
}

static int take_yes(const char *value, bool *ret_yes, char *why, size_t size)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return wrong(why, size, value, "it is yes or no");
	*ret_yes = value[0] == 'y';
	return 0;
}

static int take_channels(void *arg, const char *value, char *why, size_t size)
{
	return take_yes(value, &((struct hub_wish *)arg)->config.channels, why, size);
}

static int take_ingest(void *arg, const char *value, char *why, size_t size)
{
	return take_yes(value, &((struct hub_wish *)arg)->config.ingest, why, size);
}

static int take_on_demand(void *arg, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	((struct hub_wish *)arg)->config.on_demand = true;
	return 0;
}

static int take_verify(void *arg, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	((struct hub_wish *)arg)->config.verify = true;
	return 0;
}

static int take_json(void *arg, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	((struct hub_wish *)arg)->config.json = true;
	return 0;
}

static int take_record(void *arg, const char *value, char *why, size_t size)
{
	struct hub_wish *wish = arg;
	struct hub_record_config record = {0};

	record.file = cut(wish, value, '=', &record.stream);
	if (!record.stream || *record.file == '\0')
		return wrong(why, size, value, "it is STREAM=FILE");
	if (wish->config.n_records == HUB_STREAMS)
		return wrong(why, size, "too many", "a hub has up to 64 streams");
	wish->config.records[wish->config.n_records++] = record;
	return 0;
}

const struct option_row hub_rows[] = {
	{"What comes in", "source", 's', "[NAME=]WHAT",
	 "a source: synthetic[:WIDTHxHEIGHT[@RATE]], file:PATH, v4l2:DEVICE[:WIDTHxHEIGHT[@RATE]], rtsp://..., "
	 "http://..., channel:NAME or websocket; without any: camera=synthetic and the processor motion",
	 OPTION_MANY, take_source},
	{NULL, "on-demand", 0, NULL, "let sources work only while somebody looks", OPTION_FLAG, take_on_demand},
	{NULL, "linger", 0, "DURATION", "and so long after that (10s)", OPTION_ONCE, take_linger},
	{NULL, "ingest", 0, "yes|no", "whether a client that sends to /in/NAME makes that source (yes)", OPTION_ONCE,
	 take_ingest},
	{"What is done with it", "processor", 'p', "[NAME=][STREAM:]WHAT",
	 "a processor of a stream (of the first source): motion, edges, histogram, or a plug-in's path with a '/'",
	 OPTION_MANY, take_processor},
	{NULL, "isolated", 0, "[NAME=][STREAM:]WHAT", "the same in a process of its own", OPTION_MANY, take_isolated},
	{NULL, "exec", 'e', "[NAME=][STREAM:]PROGRAM",
	 "an outside program as a processor: it reads the channel $FAIRLEAD_INPUT, prints key=value lines, and may "
	 "serve the channel $FAIRLEAD_OUTPUT",
	 OPTION_MANY, take_exec},
	{"What goes out", "quality", 'q', "N", "of JPEGs, 1 to 100 (80)", OPTION_ONCE, take_quality},
	{NULL, "channels", 0, "yes|no", "whether other processes may read the streams as frame channels (yes)",
	 OPTION_ONCE, take_channels},
	{NULL, "record", 'r', "STREAM=FILE", "record a stream to a Matroska file", OPTION_MANY, take_record},
	{NULL, "record-limit", 0, "BYTES", "stop a recording there (1 GiB)", OPTION_ONCE, take_record_limit},
	{"Who may ask", "listen", 'l', "ADDRESS[:PORT]",
	 "where to listen (127.0.0.1:8999); port 0 is any that is free; an address that other machines can reach needs "
	 "a token",
	 OPTION_ONCE, take_listen},
	{NULL, "token", 0, "TEXT", "what everybody has to bring; ps shows it to all users: better is", OPTION_ONCE,
	 take_token},
	{NULL, "token-file", 0, "FILE", "a file with the token in its first line", OPTION_ONCE, take_token_file},
	{NULL, "host", 0, "NAME", "a name by which the hub may be called, besides addresses and localhost", OPTION_MANY,
	 take_host},
	{NULL, "origin", 0, "ORIGIN", "other pages that may use it, as in https://example.org", OPTION_MANY,
	 take_origin},
	{NULL, "certificate", 0, "FILE", "serve by TLS, with this certificate chain", OPTION_ONCE, take_certificate},
	{NULL, "key", 0, "FILE", "and this private key", OPTION_ONCE, take_key},
	{"Limits", "clients", 0, "N", "connections at a time (1024)", OPTION_ONCE, take_clients},
	{NULL, "patience", 0, "DURATION", "for a request's headers, and for a client that does not read (10s)",
	 OPTION_ONCE, take_patience},
	{NULL, "message-size", 0, "BYTES", "of a frame from outside (64 MiB)", OPTION_ONCE, take_message_size},
	{NULL, "pixels", 0, "N", "of a frame from outside (40000000)", OPTION_ONCE, take_pixels},
	{"How it runs", "for", 0, "DURATION", "stop after so long", OPTION_ONCE, take_for},
	{NULL, "json", 0, NULL, "print the summary as JSON", OPTION_FLAG, take_json},
	{NULL, "verify", 0, NULL, "check every frame by a check-sum, before and after it is used", OPTION_FLAG,
	 take_verify},
	{0},
};

/* A socket that systemd has opened, by its protocol: descriptor 3, if it is for this process. */
static int passed_socket(void)
{
	const char *process = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");

	return process && n && strtol(process, NULL, 10) == getpid() && strtol(n, NULL, 10) >= 1 ? 3 : -1;
}

static int complete(struct hub_wish *wish, const char *path)
{
	struct hub_config *config = &wish->config;

	if (config->n_sources == 0 && config->n_processors == 0) {
		config->sources[config->n_sources++] = (struct hub_source_config){"camera", "synthetic"};
		config->processors[config->n_processors++] =
			(struct hub_processor_config){.name = "motion", .of = "camera", .what = "motion"};
	}
	if (config->n_sources == 0 && config->n_processors > 0)
		config->sources[config->n_sources++] = (struct hub_source_config){"camera", "synthetic"};
	for (unsigned i = 0; i < config->n_processors; i++)
		if (!config->processors[i].of)
			config->processors[i].of = config->sources[0].name;
	if (!config->certificate != !config->key)
		return options_wrong(path, "--certificate and --key go together");
	config->socket = passed_socket();
	return 0;
}

static void forget(struct hub_wish *wish)
{
	while (wish->n_texts > 0)
		free(wish->texts[--wish->n_texts]);
}

/* The table's row in main.c is found by name, so that the option reader has it. */
int hub_command(int argc, char **argv)
{
	struct hub_wish wish = {.config = hub_usual};
	struct options options;
	int error = options_read(command_find(command_all, "hub"), argc, argv, &wish, &options), status;

	if (error != 0) {
		forget(&wish);
		return options_status(error);
	}
	error = options.n > 0 ? options_wrong(argv[0], "it takes no argument: %s", options.arguments[0])
			      : complete(&wish, argv[0]);
	if (error != 0)
		status = COMMAND_USAGE;
	else
		status = hub_run(&wish.config, stdout, stderr) == 0 ? COMMAND_OK : COMMAND_FAILED;
	options_close(&options);
	forget(&wish);
	return status;
}
