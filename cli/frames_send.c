/*
 * cli/frames_send.c - `fairlead frames send`: pictures from files become the frames of a source of a hub.
 *
 * Three threads: a feed reads ahead (feed.h), this one has the connection (hub/web/connect.h), and a small one turns
 * what they can't wait for, Ctrl-C and the next progress line, into a call of connect_wake. All that is counted is
 * this one's.
 */
#include "frames.h"

#include "feed.h"
#include "hub/clock.h"
#include "hub/web/connect.h"
#include "hub/web/message.h"
#include "stop.h"
#include "values.h"
#include <errno.h>
#include <fairlead/thread.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK FL_MS(500)

_Static_assert(INPUT_ROOM >= CONNECT_ROOM + MESSAGE_HEADER, "a message's header is written before its picture");

/* Where to. */
struct target {
	bool tls;
	int port;
	char host[256];
	char path[512];
};

struct config {
	const char *to;
	struct target target;
	char token[VALUES_TOKEN];
	const char *trust;
	fl_frame_info raw;
	fl_time period;
	uint64_t count;
	bool loop, json;
};

struct send {
	const char *path, *name;
	struct config config;
	bool terminal, started, stopped;
	struct feed *feed;
	struct connect *connect;
	fl_note over; /* ends the small thread, and is ended by Ctrl-C */
	fl_thread *ticks;
	uint64_t frames, bytes;
	fl_time begun, line;
	char why[FEED_WHY]; /* it failed; "": it did not */
};

/* The options. */

static int wrong(char *why, size_t size, const char *what)
{
	snprintf(why, size, "%s", what);
	return -EINVAL;
}

static const struct {
	const char *begin;
	bool tls;
} schemes[] = {{"ws://", false}, {"wss://", true}, {"http://", false}, {"https://", true}};

/* HOST, HOST:PORT, [ADDRESS], [ADDRESS]:PORT, of that length. */
static int parse_host(const char *text, size_t length, struct target *target, char *why, size_t size)
{
	size_t host = *text == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":/");
	bool bracket = *text == '[';
	char port[8] = "";
	uint64_t number = target->tls ? 443 : 80;

	if (host > length || host < (bracket ? 3 : 1) || host >= sizeof(target->host) || memchr(text, '@', length) ||
	    (host < length && (text[host] != ':' || length - host - 1 >= sizeof(port))))
		return wrong(why, size, "it is ws://HOST:PORT or wss://HOST:PORT");
	memcpy(target->host, text + bracket, host - 2 * bracket);
	target->host[host - 2 * bracket] = '\0';
	if (host < length) {
		memcpy(port, text + host + 1, length - host - 1);
		if (values_count(port, 1, 65535, &number, why, size) != 0)
			return wrong(why, size, "a port is a number from 1 to 65535");
	}
	target->port = (int)number;
	return 0;
}

static int parse_target(const char *value, struct target *target, char *why, size_t size)
{
	const char *rest = NULL;
	size_t length;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]) && !rest; i++)
		if (strncmp(value, schemes[i].begin, strlen(schemes[i].begin)) == 0) {
			rest = value + strlen(schemes[i].begin);
			target->tls = schemes[i].tls;
		}
	if (!rest)
		return wrong(why, size, "it is ws://HOST:PORT or wss://HOST:PORT");
	if (strpbrk(rest, "?# "))
		return wrong(why, size, "nothing may come behind its path; for a token there is --token-file");
	length = strcspn(rest, "/");
	if (strlen(rest + length) > sizeof(target->path) - FL_FRAMES_NAME - 8)
		return wrong(why, size, "it is too long");
	snprintf(target->path, sizeof(target->path), "%s", rest + length);
	return parse_host(rest, length, target, why, size);
}

static int take_to(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	config->to = value;
	return parse_target(value, &config->target, why, size);
}

static int take_token_file(void *arg, const char *value, char *why, size_t size)
{
	return values_token_file(value, ((struct config *)arg)->token, why, size);
}

static int take_trust(void *arg, const char *value, char *why, size_t size)
{
	((struct config *)arg)->trust = value;
	return access(value, R_OK) == 0 ? 0 : wrong(why, size, strerror(errno));
}

static const struct {
	const char *name;
	uint32_t format;
} formats[] = {{"gray8", FL_PIXELS_GRAY8},   {"rgb24", FL_PIXELS_RGB24},   {"bgr24", FL_PIXELS_BGR24},
	       {"rgba32", FL_PIXELS_RGBA32}, {"bgra32", FL_PIXELS_BGRA32}, {"yuyv", FL_PIXELS_YUYV},
	       {"uyvy", FL_PIXELS_UYVY},     {"nv12", FL_PIXELS_NV12},     {"i420", FL_PIXELS_I420}};

static int take_format(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;
	unsigned width, height;
	char name[8] = "", end = '\0';

	if (sscanf(value, "%6ux%6u:%7[a-z0-9]%c", &width, &height, name, &end) != 3)
		return wrong(why, size, "it is WIDTHxHEIGHT:FORMAT, as in 640x480:rgb24");
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0)
			return fl_frame_info_init(&config->raw, formats[i].format, width, height) == 0
				       ? 0
				       : wrong(why, size, "there are no pictures of that format and size");
	return wrong(why, size, "the formats are gray8, rgb24, bgr24, rgba32, bgra32, yuyv, uyvy, nv12 and i420");
}

static int take_fps(void *arg, const char *value, char *why, size_t size)
{
	char *end;
	double fps = strtod(value, &end);

	if (value[strspn(value, "0123456789.")] != '\0' || *end != '\0' || !(fps >= 0.01 && fps <= 1000))
		return wrong(why, size, "it is a number from 0.01 to 1000");
	((struct config *)arg)->period = fl_seconds(1 / fps);
	return 0;
}

static int take_count(void *arg, const char *value, char *why, size_t size)
{
	return values_count(value, 1, UINT64_MAX, &((struct config *)arg)->count, why, size);
}

static int take_loop(void *arg, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	((struct config *)arg)->loop = true;
	return 0;
}

static int take_json(void *arg, const char *value, char *why, size_t size)
{
	(void)value, (void)why, (void)size;
	((struct config *)arg)->json = true;
	return 0;
}

const struct option_row frames_send_rows[] = {
	{"Where to", "to", 0, "ADDRESS", "the hub: ws://HOST:PORT, or wss://HOST:PORT for TLS (ws://127.0.0.1:8999)",
	 OPTION_ONCE, take_to},
	{NULL, "token-file", 0, "FILE", "a file with the hub's token in its first line", OPTION_ONCE, take_token_file},
	{NULL, "trust", 0, "FILE", "for wss: a file with certificates that are trusted besides the system's",
	 OPTION_ONCE, take_trust},
	{"What", "format", 0, "WIDTHxHEIGHT:FORMAT",
	 "what files of mere pixels have in them: gray8, rgb24, bgr24, rgba32, bgra32, yuyv, uyvy, nv12 or i420",
	 OPTION_ONCE, take_format},
	{NULL, "loop", 0, NULL, "begin again when all have been sent", OPTION_FLAG, take_loop},
	{NULL, "count", 'n', "N", "end after so many frames", OPTION_ONCE, take_count},
	{"How", "fps", 0, "N", "so many a second; otherwise as fast as the hub takes them", OPTION_ONCE, take_fps},
	{NULL, "json", 0, NULL, "print the summary as JSON", OPTION_FLAG, take_json},
	{0},
};

/* Saying it. */

static double rate_of(const struct send *send, fl_time now)
{
	return send->frames > 0 && now > send->begun ? (double)send->frames * 1e9 / (double)(now - send->begun) : 0;
}

static double seconds_of(const struct send *send, fl_time now)
{
	return send->begun > 0 ? (double)(now - send->begun) / 1e9 : 0;
}

static void describe(const struct send *send, char *text, size_t size)
{
	fl_time now = fl_now();

	snprintf(text, size, "%s: %llu frames in %.1f s: %.2f fps, %.1f MB, late %llu", send->name,
		 (unsigned long long)send->frames, seconds_of(send, now), rate_of(send, now), (double)send->bytes / 1e6,
		 (unsigned long long)feed_late(send->feed));
}

static void print_progress(struct send *send)
{
	char text[300];

	if (!send->terminal || fl_now() < send->line)
		return;
	send->line = fl_after(TICK);
	if (send->started)
		describe(send, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "%s: connecting to %s", send->name, send->config.to);
	printf("\r\033[K%.*s", (int)options_width(stdout) - 1, text);
	fflush(stdout);
}

static void print_json(const struct send *send)
{
	fl_time now = fl_now();
	json_t *summary =
		json_pack("{s:s, s:s, s:I, s:I, s:f, s:f, s:I, s:b, s:s?}", "name", send->name, "to", send->config.to,
			  "frames", (json_int_t)send->frames, "bytes", (json_int_t)send->bytes, "seconds",
			  seconds_of(send, now), "fps", rate_of(send, now), "late", (json_int_t)feed_late(send->feed),
			  "stopped", send->stopped, "error", *send->why ? send->why : NULL);
	char *text = summary ? json_dumps(summary, JSON_REAL_PRECISION(9)) : NULL;

	puts(text ? text : "{\"error\": \"the summary can't be said in JSON\"}");
	free(text);
	json_decref(summary);
}

static void print_summary(const struct send *send)
{
	char text[300];

	if (send->terminal)
		fputs("\r\033[K", stdout);
	if (send->config.json) {
		print_json(send);
	} else if (send->started) {
		describe(send, text, sizeof(text));
		puts(text);
	}
	fflush(stdout);
	if (*send->why)
		fprintf(stderr, "%s: %s: %s\n", send->path, send->name, send->why);
}

/* Sending. */

/* A picture is there, or the end: called by the feed's thread. */
static void tell(void *arg)
{
	connect_wake(((struct send *)arg)->connect);
}

static void send_frame(struct send *send, const struct feed_frame *frame)
{
	unsigned char *message = frame->picture->data + INPUT_ROOM - MESSAGE_HEADER;
	const fl_frame_info *info = &frame->picture->info;
	const struct message head = {
		.flags = (uint16_t)info->flags,
		.format = info->format,
		.width = info->width,
		.height = info->height,
		.captured = clock_unix(frame->captured),
		.sent = clock_unix_now(),
	};

	message_write(&head, message);
	send->frames++;
	send->bytes += info->size;
	connect_send(send->connect, message, MESSAGE_HEADER + info->size);
}

/* The connection is there: now is when the clock starts. */
static int start(struct send *send)
{
	int error = feed_start(send->feed);

	send->started = true;
	send->begun = fl_now();
	if (error != 0)
		snprintf(send->why, sizeof(send->why), "%s", strerror(-error));
	return error;
}

static void writable(void *arg)
{
	struct send *send = arg;
	struct feed_frame frame;
	int error = send->started ? 0 : start(send);

	if (error == 0)
		error = feed_take(send->feed, &frame);
	if (error == 0) {
		send_frame(send, &frame);
		feed_done(send->feed);
	} else if (error != -EAGAIN) {
		connect_finish(send->connect);
	}
	print_progress(send);
}

static void woken(void *arg)
{
	struct send *send = arg;

	if (!send->connect)
		return;
	if (fl_note_is_cancelled(&send->over) && !send->stopped) {
		send->stopped = true;
		connect_drop(send->connect);
	}
	connect_want(send->connect);
	print_progress(send);
}

/* The small thread. */
static void *tick(void *arg)
{
	struct send *send = arg;

	while (fl_note_wait_until(&send->over, send->terminal ? fl_after(TICK) : FL_FOREVER) != 0)
		connect_wake(send->connect);
	connect_wake(send->connect);
	return NULL;
}

static void serve(struct send *send)
{
	char why[CONNECT_WHY];
	int error = fl_thread_start(&send->ticks, &(fl_thread_options){.name = "ticks"}, tick, send);

	if (error != 0) {
		snprintf(send->why, sizeof(send->why), "%s", strerror(-error));
		return;
	}
	error = connect_serve(send->connect, why, sizeof(why));
	if (send->started && *feed_why(send->feed))
		snprintf(send->why, sizeof(send->why), "%s", feed_why(send->feed));
	else if (error != 0 && !send->stopped)
		snprintf(send->why, sizeof(send->why), "%s: %s", send->config.to, why);
	fl_note_cancel(&send->over);
	fl_thread_join(send->ticks, NULL);
}

static int run(struct send *send, const struct feed_options *feed)
{
	static fl_note stop = FL_NOTE_INIT; /* its thread may outlive this call */
	static const struct connect_handlers handlers = {writable, woken};
	const struct config *config = &send->config;
	const struct connect_options options = {
		.host = config->target.host,
		.port = config->target.port,
		.tls = config->target.tls,
		.path = config->target.path,
		.token = *config->token ? config->token : NULL,
		.trust = config->trust,
	};
	int error = feed_open(&send->feed, feed, send->why, sizeof(send->why));

	if (error != 0) {
		fprintf(stderr, "%s: %s\n", send->path, send->why);
		return COMMAND_FAILED;
	}
	error = stop_on_signals(&stop);
	fl_note_init(&send->over, &stop, FL_FOREVER);
	if (error == 0)
		error = connect_open(&send->connect, &options, &handlers, send);
	if (error == 0)
		serve(send);
	else
		snprintf(send->why, sizeof(send->why), "%s",
			 error == -EINVAL ? "--trust: no certificates" : strerror(-error));
	print_summary(send);
	send->feed = feed_close(send->feed);
	send->connect = connect_close(send->connect);
	fl_note_destroy(&send->over);
	return *send->why ? COMMAND_FAILED : COMMAND_OK;
}

/* What can be wrong with the words together. */
static int check(struct send *send, char *const *paths)
{
	struct target *target = &send->config.target;
	size_t length = strlen(target->path);
	bool standard = false;

	for (char *const *path = paths; *path; path++)
		standard = standard || strcmp(*path, "-") == 0;
	if (standard && (send->config.loop || paths[1]))
		return options_wrong(send->path, send->config.loop ? "standard input can't be sent again: --loop"
								   : "standard input is sent alone");
	while (length > 0 && target->path[length - 1] == '/')
		length--;
	snprintf(target->path + length, sizeof(target->path) - length, "/in/%s", send->name);
	return frames_take_name(send->path, send->name);
}

int frames_send_command(int argc, char **argv)
{
	struct send send = {
		.path = argv[0],
		.config = {.to = "ws://127.0.0.1:8999", .target = {.port = 8999, .host = "127.0.0.1"}},
	};
	struct options options;
	int error = options_read(command_find(frames_commands, "send"), argc, argv, &send.config, &options), status;
	struct feed_options feed = {
		.raw = send.config.raw.size > 0 ? &send.config.raw : NULL,
		.loop = send.config.loop,
		.period = send.config.period,
		.count = send.config.count,
		.news = tell,
		.arg = &send,
	};

	if (error != 0)
		return options_status(error);
	send.name = options.arguments[0];
	feed.paths = options.arguments + 1;
	send.terminal = isatty(STDOUT_FILENO) && !send.config.json;
	status = check(&send, feed.paths) == 0 ? run(&send, &feed) : COMMAND_USAGE;
	options_close(&options);
	return status;
}
