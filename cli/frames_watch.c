/*
 * cli/frames_watch.c - `fairlead frames watch`: how a channel is doing, line by line.
 *
 * One thread reads, and wakes for a frame, for the next line, or for the end. What it counts it counts twice: since the
 * last line, and since the beginning for the summary. Between producers it goes on waiting, and says so.
 */
#include "frames.h"

#include "measure.h"
#include "stop.h"
#include "values.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK FL_SECONDS(1)
#define TERMINAL_TICK FL_MS(500)

struct config {
	fl_time length;
	uint64_t count, every; /* 0: no end; 0: the latest */
	bool json;
};

/* What was counted since a point in time. */
struct tally {
	fl_time since;
	uint64_t frames, missed;
	struct measure latency, capture;
};

struct watch {
	const char *path, *name;
	struct config config;
	bool terminal;
	fl_frames_reader *reader; /* NULL: there has been no producer yet */
	fl_frame frame;           /* the last one, held */
	fl_frame_info info;       /* of the last one */
	uint32_t restarts;
	struct tally now, all;
};

static int take_length(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	return values_duration(value, &config->length, why, size);
}

static int take_count(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	return values_count(value, 1, UINT64_MAX, &config->count, why, size);
}

static int take_every(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	return values_count(value, 1, FL_FRAMES_QUEUE, &config->every, why, size);
}

static int take_json(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	(void)value, (void)why, (void)size;
	config->json = true;
	return 0;
}

const struct option_row frames_watch_rows[] = {
	{"When to end", "for", 0, "DURATION", "after so long, whether there were frames or not", OPTION_ONCE,
	 take_length},
	{NULL, "count", 'n', "N", "after so many frames; the status is 1 if they did not come before --for ended it",
	 OPTION_ONCE, take_count},
	{"Reading", "every", 0, "N",
	 "get every frame, by a queue of N (1 to 128); otherwise only the latest, and those that come too fast are "
	 "missed",
	 OPTION_ONCE, take_every},
	{"Form", "json", 0, NULL, "an object of JSON a line, and one for the summary", OPTION_FLAG, take_json},
	{0},
};

/* Counting. */

static void begin(struct tally *tally)
{
	memset(tally, 0, sizeof(*tally));
	tally->since = fl_now();
}

static void add_frame(struct tally *tally, const fl_frame *frame, bool first, fl_time now)
{
	tally->frames++;
	tally->missed += frame->missed;
	if (first)
		return;
	measure_add(&tally->latency, now - frame->published);
	if (frame->info.captured > 0)
		measure_add(&tally->capture, now - frame->info.captured);
}

/* The first frame of a producer was there before somebody waited for it; how old it is says nothing. */
static void see(struct watch *watch)
{
	bool first = watch->all.frames == 0 || watch->frame.restarts != watch->restarts;
	fl_time now = fl_now();

	watch->info = watch->frame.info;
	watch->restarts = watch->frame.restarts;
	add_frame(&watch->now, &watch->frame, first, now);
	add_frame(&watch->all, &watch->frame, first, now);
}

/* What was published a second, whether it was seen or missed. */
static double rate_of(const struct tally *tally, fl_time now)
{
	fl_time length = now - tally->since;

	return length > 0 ? (double)(tally->frames + tally->missed) * 1e9 / (double)length : 0;
}

/* Saying it. */

static const char *state_of(const struct watch *watch)
{
	if (!watch->reader || fl_frames_fd(watch->reader) == -EPIPE)
		return "waiting for a producer";
	return watch->all.frames == 0 ? "waiting for a frame" : "online";
}

static void print_json_measure(const char *name, const struct measure *measure)
{
	if (measure->n == 0)
		printf(", \"%s\": null", name);
	else
		printf(", \"%s\": {\"p50\": %.9f, \"p99\": %.9f, \"max\": %.9f}", name,
		       (double)measure_quantile(measure, 0.5) / 1e9, (double)measure_quantile(measure, 0.99) / 1e9,
		       (double)measure->longest / 1e9);
}

static void print_json(const struct watch *watch, const struct tally *tally, const char *state)
{
	fl_time now = fl_now();
	char format[FRAMES_FORMAT];

	printf("{\"name\": \"%s\", \"state\": \"%s\", \"seconds\": %.3f, \"frames\": %llu, \"fps\": %.3f, \"missed\": "
	       "%llu, \"restarts\": %u",
	       watch->name, state, (double)(now - tally->since) / 1e9, (unsigned long long)tally->frames,
	       rate_of(tally, now), (unsigned long long)tally->missed, watch->restarts);
	if (watch->all.frames > 0) {
		frames_format(watch->info.format, format);
		printf(", \"width\": %u, \"height\": %u, \"format\": \"%s\", \"size\": %llu", watch->info.width,
		       watch->info.height, format, (unsigned long long)watch->info.size);
	}
	print_json_measure("latency", &tally->latency);
	print_json_measure("capture", &tally->capture);
	printf("}\n");
	fflush(stdout);
}

/* Writes ", words A / B ms" at the end of the text. */
static void append_measure(char *text, size_t size, const char *words, const struct measure *measure)
{
	size_t length = strlen(text);

	if (measure->n > 0)
		snprintf(text + length, size - length, ", %s %.3f / %.3f ms", words,
			 (double)measure_quantile(measure, 0.5) / 1e6, (double)measure_quantile(measure, 0.99) / 1e6);
}

static void describe(const struct watch *watch, const struct tally *tally, char *text, size_t size)
{
	char format[FRAMES_FORMAT];
	size_t length;

	frames_format(watch->info.format, format);
	snprintf(text, size, "%.2f fps, %ux%u %s", rate_of(tally, fl_now()), watch->info.width, watch->info.height,
		 format);
	append_measure(text, size, "latency p50 / p99", &tally->latency);
	append_measure(text, size, "capture", &tally->capture);
	length = strlen(text);
	snprintf(text + length, size - length, ", missed %llu, restarts %u", (unsigned long long)tally->missed,
		 watch->restarts);
}

/* The line: what was missed and restarted is counted from the beginning. */
static void print_line(struct watch *watch)
{
	const char *state = state_of(watch);
	char text[300];
	size_t length;

	if (watch->config.json) {
		print_json(watch, &watch->now, state);
		return;
	}
	length = (size_t)snprintf(text, sizeof(text), "%s: ", watch->name);
	if (strcmp(state, "online") == 0)
		describe(watch, &watch->now, text + length, sizeof(text) - length);
	else
		snprintf(text + length, sizeof(text) - length, "%s", state);
	if (watch->terminal)
		printf("\r\033[K%.*s", (int)options_width(stdout) - 1, text);
	else
		puts(text);
	fflush(stdout);
}

static void print_summary(const struct watch *watch)
{
	const struct tally *all = &watch->all;
	char text[300];

	if (watch->config.json) {
		print_json(watch, all, "summary");
		return;
	}
	if (watch->terminal)
		putchar('\n');
	printf("%s: %llu frames in %.1f s", watch->name, (unsigned long long)all->frames,
	       (double)(fl_now() - all->since) / 1e9);
	if (all->frames > 0) {
		describe(watch, all, text, sizeof(text));
		printf(": %s", text);
	}
	putchar('\n');
}

/* Watching. */

/* Waits for a producer, or for a frame. */
static int wait(struct watch *watch, fl_time deadline, fl_note *note)
{
	const fl_frames_reader_options options = {.name = "fairlead frames watch",
						  .every = (uint32_t)watch->config.every};
	int error;

	if (!watch->reader)
		return fl_frames_open_until(&watch->reader, watch->name, &options, deadline, note);
	error = fl_frames_next_until(watch->reader, &watch->frame, deadline, note);
	if (error == 0)
		see(watch);
	return error == -EPIPE ? 0 : error; /* the next call waits for another producer */
}

/* Returns 0, or why it cannot go on; -ECANCELED, -ETIMEDOUT: it is to end. */
static int go_on(struct watch *watch, fl_time end, fl_note *note)
{
	fl_time tick = watch->terminal ? TERMINAL_TICK : TICK, line = fl_after(tick);
	int error;

	while (watch->config.count == 0 || watch->all.frames < watch->config.count) {
		error = wait(watch, line < end ? line : end, note);
		if (error != 0 && error != -ETIMEDOUT)
			return error;
		if (fl_now() >= end)
			return -ETIMEDOUT;
		if (fl_now() < line)
			continue;
		print_line(watch);
		begin(&watch->now);
		line = fl_after(tick);
	}
	return 0;
}

static int run(struct watch *watch)
{
	static fl_note stop = FL_NOTE_INIT; /* its thread may outlive this call */
	fl_time end = watch->config.length > 0 ? fl_after(watch->config.length) : FL_FOREVER;
	int error = stop_on_signals(&stop);

	begin(&watch->now);
	begin(&watch->all);
	if (error == 0 && watch->terminal)
		print_line(watch);
	if (error == 0)
		error = go_on(watch, end, &stop);
	if (error != 0 && error != -ECANCELED && error != -ETIMEDOUT) {
		fprintf(stderr, "%s%s: %s: %s\n", watch->terminal ? "\n" : "", watch->path, watch->name,
			frames_explain(error));
		return COMMAND_FAILED;
	}
	print_summary(watch);
	return error == -ETIMEDOUT && watch->config.count > 0 ? COMMAND_FAILED : COMMAND_OK;
}

int frames_watch_command(int argc, char **argv)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	struct options options;
	int error, status;

	if (!watch) {
		fprintf(stderr, "%s: %s\n", argv[0], frames_explain(-ENOMEM));
		return COMMAND_FAILED;
	}
	error = options_read(command_find(frames_commands, "watch"), argc, argv, &watch->config, &options);
	if (error == 0) {
		watch->path = argv[0];
		watch->name = options.arguments[0];
		watch->terminal = isatty(STDOUT_FILENO) && !watch->config.json;
		error = frames_take_name(argv[0], watch->name);
		status = error == 0 ? run(watch) : options_status(error);
		options_close(&options);
	} else {
		status = options_status(error);
	}
	fl_frames_done(&watch->frame);
	fl_frames_reader_close(watch->reader);
	free(watch);
	return status;
}
