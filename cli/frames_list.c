/*
 * cli/frames_list.c - `fairlead frames list`: which channels there are, and how they are doing.
 *
 * Each channel is looked at by a thread of its own, since one whose producer is stopped takes a second to say nothing.
 * It becomes a reader, takes the number and time of the latest frame, waits for the interval, and takes them again: the
 * rate is what the producer did between these two frames, not when somebody got around to look.
 */
#define _GNU_SOURCE
#include "frames.h"

#include "values.h"
#include <dirent.h>
#include <errno.h>
#include <fairlead/event.h>
#include <fairlead/thread.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct config {
	fl_time length;
	bool json, names;
};

enum state { ALIVE, FULL, SILENT, STALE, BROKEN };

static const char *const states[] = {"alive", "full", "silent", "stale", "broken"};

struct channel {
	char name[FL_FRAMES_NAME];
	const struct config *config;
	const char *directory;
	fl_thread *thread;
	enum state state;
	bool seen; /* there has been a frame */
	fl_frame_info info;
	double rate;
};

struct channels {
	char directory[200];
	struct channel *all;
	size_t n, room;
};

static int take_length(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	return values_duration(value, &config->length, why, size);
}

static int take_json(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	(void)value, (void)why, (void)size;
	config->json = true;
	return 0;
}

static int take_names(void *arg, const char *value, char *why, size_t size)
{
	struct config *config = arg;

	(void)value, (void)why, (void)size;
	config->names = true;
	return 0;
}

const struct option_row frames_list_rows[] = {
	{"Measuring", "for", 0, "DURATION", "how long the frames are counted, of all channels at once (default 1s)",
	 OPTION_ONCE, take_length},
	{"Form", "json", 0, NULL, "an object of JSON a line", OPTION_FLAG, take_json},
	{NULL, "names", 0, NULL, "only the names of those that are served; measures nothing", OPTION_FLAG, take_names},
	{0},
};

/* Looking at one. */

/* Whether there is somebody behind the socket, though he did not answer. */
static bool listens(const struct channel *channel)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", channel->directory, channel->name);
	bool connected;

	if (n < 0 || (size_t)n >= sizeof(address.sun_path))
		return false;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	connected = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN;
	close(fd);
	return connected;
}

static enum state state_of(const struct channel *channel, int error)
{
	switch (error) {
	case 0:
		return ALIVE;
	case -EUSERS:
		return FULL;
	case -ETIMEDOUT:
		return listens(channel) ? SILENT : STALE;
	default:
		return BROKEN;
	}
}

/* A frame's number and time; 0 if there has been none. */
static void look(struct channel *channel, fl_frames_reader *reader, uint64_t *ret_number, fl_time *ret_at)
{
	FL_FRAME(frame);

	*ret_number = 0;
	*ret_at = 0;
	if (fl_frames_latest(reader, &frame) != 0)
		return;
	channel->seen = true;
	channel->info = frame.info;
	*ret_number = frame.sequence;
	*ret_at = frame.published;
}

static void pause_for(fl_time duration)
{
	fl_event never = FL_EVENT_INIT;

	(void)!fl_event_wait_until(&never, fl_after(duration), NULL);
}

/* When there was no frame at first, the time of the first one is not known: then it is the interval that counts. */
static double rate_of(uint64_t first, fl_time first_at, uint64_t last, fl_time last_at, fl_time length)
{
	if (last <= first)
		return 0;
	if (first == 0 || last_at <= first_at)
		return (double)(last - first) * 1e9 / (double)length;
	return (double)(last - first) * 1e9 / (double)(last_at - first_at);
}

static void *inspect(void *arg)
{
	const fl_frames_reader_options options = {.name = "fairlead frames list"};
	struct channel *channel = arg;
	fl_frames_reader *reader;
	uint64_t first, last;
	fl_time first_at, last_at;
	int error = fl_frames_open_until(&reader, channel->name, &options, 0, NULL);

	channel->state = state_of(channel, error);
	if (error != 0)
		return NULL;
	if (!channel->config->names) {
		look(channel, reader, &first, &first_at);
		pause_for(channel->config->length);
		look(channel, reader, &last, &last_at);
		channel->rate = rate_of(first, first_at, last, last_at, channel->config->length);
	}
	fl_frames_reader_close(reader);
	return NULL;
}

/* Finding all. */

static int compare(const void *a, const void *b)
{
	const struct channel *one = a, *other = b;

	return strcmp(one->name, other->name);
}

static int add(struct channels *channels, const char *name, const struct config *config)
{
	struct channel *all;

	if (channels->n == channels->room) {
		channels->room = 2 * channels->room + 8;
		all = reallocarray(channels->all, channels->room, sizeof(*all));
		if (!all)
			return -ENOMEM;
		channels->all = all;
	}
	channels->all[channels->n] = (struct channel){.config = config, .directory = channels->directory};
	memcpy(channels->all[channels->n++].name, name, strlen(name) + 1); /* it fits: is_channel */
	return 0;
}

static bool is_channel(int directory, const char *name)
{
	char why[OPTIONS_WHY];
	struct stat about;

	return values_channel(name, why, sizeof(why)) == 0 &&
	       fstatat(directory, name, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(about.st_mode);
}

/* No directory is no channel. One that others can write to is not believed, as the library does not. */
static int find(struct channels *channels, const struct config *config)
{
	DIR *directory;
	struct dirent *entry;
	struct stat about;
	int error = frames_directory(channels->directory, sizeof(channels->directory));

	if (error != 0)
		return error;
	directory = opendir(channels->directory);
	if (!directory)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(dirfd(directory), &about) != 0 || about.st_uid != geteuid() || (about.st_mode & 022) != 0)
		error = -EPERM;
	while (error == 0 && (entry = readdir(directory)))
		if (is_channel(dirfd(directory), entry->d_name))
			error = add(channels, entry->d_name, config);
	closedir(directory);
	if (channels->n > 0)
		qsort(channels->all, channels->n, sizeof(channels->all[0]), compare);
	return error;
}

/* Where there can be no more threads, it is done by this one. */
static void inspect_all(const struct channels *channels)
{
	const fl_thread_options options = {.name = "inspect", .stack_size = 256 * 1024};

	for (size_t i = 0; i < channels->n; i++)
		if (fl_thread_start(&channels->all[i].thread, &options, inspect, &channels->all[i]) != 0)
			inspect(&channels->all[i]);
	for (size_t i = 0; i < channels->n; i++)
		if (channels->all[i].thread)
			fl_thread_join(channels->all[i].thread, NULL);
}

/* Saying it. */

static void print_json(const struct channel *channel)
{
	const fl_frame_info *info = &channel->info;
	char format[FRAMES_FORMAT];

	frames_format(info->format, format);
	printf("{\"name\": \"%s\", \"state\": \"%s\"", channel->name, states[channel->state]);
	if (channel->state == ALIVE)
		printf(", \"fps\": %.3f, \"measured\": %.3f", channel->rate, (double)channel->config->length / 1e9);
	if (channel->seen)
		printf(", \"width\": %u, \"height\": %u, \"format\": \"%s\", \"size\": %llu", info->width, info->height,
		       format, (unsigned long long)info->size);
	printf("}\n");
}

static void print_row(const struct channel *channel, int width)
{
	const fl_frame_info *info = &channel->info;
	char rate[32] = "-", size[32] = "-", format[FRAMES_FORMAT] = "-";

	if (channel->state == ALIVE)
		snprintf(rate, sizeof(rate), "%.2f", channel->rate);
	if (channel->seen) {
		snprintf(size, sizeof(size), "%ux%u", info->width, info->height);
		frames_format(info->format, format);
	}
	printf("%-*s  %-6s  %10s  %-11s  %s\n", width, channel->name, states[channel->state], rate, size, format);
}

static void print_table(const struct channels *channels, const struct config *config)
{
	char rate[32];
	int width = (int)strlen("CHANNEL");

	for (size_t i = 0; i < channels->n; i++)
		if ((int)strlen(channels->all[i].name) > width)
			width = (int)strlen(channels->all[i].name);
	snprintf(rate, sizeof(rate), "FPS (%gs)", (double)config->length / 1e9);
	if (channels->n > 0)
		printf("%-*s  %-6s  %10s  %-11s  %s\n", width, "CHANNEL", "STATE", rate, "SIZE", "FORMAT");
	else
		fprintf(stderr, "There is no channel in %s.\n", channels->directory);
	for (size_t i = 0; i < channels->n; i++)
		print_row(&channels->all[i], width);
}

static void print_all(const struct channels *channels, const struct config *config)
{
	if (!config->names && !config->json) {
		print_table(channels, config);
		return;
	}
	for (size_t i = 0; i < channels->n; i++) {
		if (!config->names)
			print_json(&channels->all[i]);
		else if (channels->all[i].state != STALE && channels->all[i].state != BROKEN)
			puts(channels->all[i].name);
	}
}

int frames_list_command(int argc, char **argv)
{
	struct config config = {.length = FL_SECONDS(1)};
	struct channels channels = {.all = NULL};
	struct options options;
	int error = options_read(command_find(frames_commands, "list"), argc, argv, &config, &options);

	if (error != 0)
		return options_status(error);
	options_close(&options);
	error = find(&channels, &config);
	if (error == 0) {
		inspect_all(&channels);
		print_all(&channels, &config);
	} else {
		fprintf(stderr, "%s: %s: %s\n", argv[0], channels.directory, frames_explain(error));
	}
	free(channels.all);
	return error == 0 ? COMMAND_OK : COMMAND_FAILED;
}
