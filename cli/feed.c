/*
 * cli/feed.c - see feed.h.
 *
 * Two threads: the one here reads, the other one sends. Between them is a ring of pictures:
 *
 *   1. the first `ready` ones, from `first` on, are the sender's; the one behind them is the reader's; nobody else
 *      touches them;
 *   2. `first`, `ready`, `ended` and `late` change under the condition's lock;
 *   3. when `ended` is set, `error` and `why` do not change any more.
 *
 * What is due is kept as a point in time, which moves on by a period for each picture, so that no delay adds up. If it
 * falls behind by more than a second, because the other end takes no more, it begins anew: what was missed is not made
 * good for by a burst.
 */
#define _GNU_SOURCE
#include "feed.h"

#include <dirent.h>
#include <errno.h>
#include <fairlead/condition.h>
#include <fairlead/guard.h>
#include <fairlead/thread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEHIND FL_SECONDS(1)

struct feed {
	struct feed_options options;
	fl_frame_info raw;
	char **files;
	size_t n_files;
	fl_thread *thread;
	fl_note stop; /* ends what the thread waits for, */
	int stop_fd;  /* and this, when it waits for a file */
	fl_condition changed;
	struct feed_frame ring[FEED_AHEAD];
	struct picture pictures[FEED_AHEAD];
	unsigned first, ready;
	bool ended;
	uint64_t late;
	uint64_t n;  /* handed over */
	fl_time due; /* of the next; 0: it is the first */
	int error;
	char why[FEED_WHY];
};

/* Which files. */

__attribute__((format(printf, 4, 5))) static int wrong(char *why, size_t size, int error, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(why, size, format, list);
	va_end(list);
	return error;
}

/* Takes over `path`, which may be NULL: no memory. */
static int add_file(struct feed *feed, char *path)
{
	char **files = path ? realloc(feed->files, (feed->n_files + 1) * sizeof(*files)) : NULL;

	if (!files) {
		free(path);
		return -ENOMEM;
	}
	feed->files = files;
	feed->files[feed->n_files++] = path;
	return 0;
}

static int add_entry(struct feed *feed, const char *folder, const char *name)
{
	char *path = NULL;

	if (name[0] == '.' || !input_knows(name, feed->options.raw != NULL))
		return 0;
	return asprintf(&path, "%s/%s", folder, name) < 0 ? -ENOMEM : add_file(feed, path);
}

static int add_folder(struct feed *feed, const char *folder, char *why, size_t size)
{
	struct dirent **entries;
	size_t before = feed->n_files;
	int n = scandir(folder, &entries, NULL, versionsort), error = 0;

	if (n < 0)
		return wrong(why, size, -errno, "%s: %s", folder, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (error == 0)
			error = add_entry(feed, folder, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (error != 0)
		return wrong(why, size, error, "%s", strerror(-error));
	if (feed->n_files == before)
		return wrong(why, size, -ENOENT, "%s: there is no file in it whose name ends with .jpg, .ppm or .pgm",
			     folder);
	return 0;
}

static int add_path(struct feed *feed, const char *path, char *why, size_t size)
{
	struct stat about;

	if (strcmp(path, "-") != 0) {
		if (stat(path, &about) != 0)
			return wrong(why, size, -errno, "%s: %s", path, strerror(errno));
		if (S_ISDIR(about.st_mode))
			return add_folder(feed, path, why, size);
		if (!S_ISREG(about.st_mode))
			return wrong(why, size, -EINVAL, "%s: it is neither a file nor a folder", path);
	}
	return add_file(feed, strdup(path)) == 0 ? 0 : wrong(why, size, -ENOMEM, "no memory is left");
}

int feed_open(struct feed **ret_feed, const struct feed_options *options, char *why, size_t size)
{
	struct feed *feed = calloc(1, sizeof(*feed));
	int error = 0;

	if (!feed)
		return wrong(why, size, -ENOMEM, "no memory is left");
	feed->options = *options;
	if (options->raw) {
		feed->raw = *options->raw;
		feed->options.raw = &feed->raw;
	}
	feed->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (feed->stop_fd < 0)
		error = wrong(why, size, -errno, "%s", strerror(errno));
	for (char *const *path = options->paths; error == 0 && *path; path++)
		error = add_path(feed, *path, why, size);
	if (error != 0) {
		feed_close(feed);
		return error;
	}
	*ret_feed = feed;
	return 0;
}

struct feed *feed_close(struct feed *feed)
{
	if (!feed)
		return NULL;
	fl_note_cancel(&feed->stop);
	if (feed->thread) {
		eventfd_write(feed->stop_fd, 1);
		fl_thread_join(feed->thread, NULL);
	}
	if (feed->stop_fd >= 0)
		close(feed->stop_fd);
	for (unsigned i = 0; i < FEED_AHEAD; i++)
		input_free(&feed->pictures[i]);
	for (size_t i = 0; i < feed->n_files; i++)
		free(feed->files[i]);
	free(feed->files);
	free(feed);
	return NULL;
}

/* The reader. */

static bool has_room(void *arg)
{
	const struct feed *feed = arg;

	return feed->ready < FEED_AHEAD;
}

/* Returns which picture is the reader's, or -ECANCELED. */
static int await_room(struct feed *feed)
{
	int error = 0, place = 0;

	fl_with (&feed->changed) {
		error = fl_condition_wait_for_until(&feed->changed, has_room, feed, FL_FOREVER, &feed->stop);
		place = (int)((feed->first + feed->ready) % FEED_AHEAD);
	}
	return error != 0 ? error : place;
}

/* Waits until the picture is due. Returns when that was, or -ECANCELED. */
static fl_time await_due(struct feed *feed)
{
	fl_time now = fl_now(), due = feed->due == 0 ? now : feed->due, period = feed->options.period;

	if (period == 0)
		return now;
	if (now - due >= period)
		fl_with (&feed->changed)
			feed->late++;
	if (now - due > BEHIND)
		due = now;
	feed->due = due + period;
	return fl_note_wait_until(&feed->stop, due) == 0 ? -ECANCELED : due;
}

/* The picture there is the sender's now. */
static int hand_over(struct feed *feed, int place)
{
	fl_time captured = await_due(feed);

	if (captured < 0)
		return -ECANCELED;
	feed->ring[place] = (struct feed_frame){&feed->pictures[place], captured};
	fl_with (&feed->changed)
		feed->ready++;
	feed->options.news(feed->options.arg);
	return ++feed->n == feed->options.count ? -ENODATA : 0;
}

/* Reads a file to its end. Returns 0; -ENODATA: no more are wanted; or as input_next. */
static int read_file(struct feed *feed, const char *path)
{
	char why[FEED_WHY / 2] = "";
	struct input *input;
	int error = input_open(&input, path, feed->options.raw, feed->stop_fd), place = 0;

	if (error != 0)
		return wrong(feed->why, sizeof(feed->why), error, "%.150s: %s", path, strerror(-error));
	while (error == 0) {
		place = await_room(feed);
		error = place < 0 ? place : input_next(input, &feed->pictures[place], why, sizeof(why));
		if (error == -ENODATA) {
			input_close(input);
			return 0;
		}
		if (error == 0)
			error = hand_over(feed, place);
	}
	input_close(input);
	if (error != -ECANCELED && *why)
		wrong(feed->why, sizeof(feed->why), error, "%.150s: %s",
		      strcmp(path, "-") == 0 ? "standard input" : path, why);
	return error;
}

static void *run(void *arg)
{
	struct feed *feed = arg;
	uint64_t before;
	int error = 0;

	do {
		before = feed->n;
		for (size_t i = 0; i < feed->n_files && error == 0; i++)
			error = read_file(feed, feed->files[i]);
	} while (error == 0 && feed->options.loop && feed->n > before);
	fl_with (&feed->changed) {
		feed->error = error == 0 ? -ENODATA : error;
		feed->ended = true;
	}
	feed->options.news(feed->options.arg);
	return NULL;
}

int feed_start(struct feed *feed)
{
	return fl_thread_start(&feed->thread, &(fl_thread_options){.name = "feed"}, run, feed);
}

/* The sender. */

int feed_take(struct feed *feed, struct feed_frame *ret_frame)
{
	int error = 0;

	fl_with (&feed->changed) {
		if (feed->ready > 0)
			*ret_frame = feed->ring[feed->first];
		else
			error = feed->ended ? feed->error : -EAGAIN;
	}
	return error;
}

void feed_done(struct feed *feed)
{
	fl_with (&feed->changed) {
		feed->first = (feed->first + 1) % FEED_AHEAD;
		feed->ready--;
		fl_condition_notify(&feed->changed, 1);
	}
}

const char *feed_why(const struct feed *feed)
{
	return feed->why;
}

uint64_t feed_late(struct feed *feed)
{
	uint64_t late = 0;

	fl_with (&feed->changed)
		late = feed->late;
	return late;
}
