/*
 * bench/mjpeg_frames.c - who of the clients of an MJPEG server got which frame, and when; see mjpeg_frames.h.
 *
 * A time that was told on another clock is moved to the monotonic one by what the two clocks differ in at this
 * moment. As they drift, that is not the same for all clients: so a frame goes by the time as it was told.
 */
#include "mjpeg_frames.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t mjpeg_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void mjpeg_frames_init(struct mjpeg_frames *ret_frames, int64_t interval)
{
	memset(ret_frames, 0, sizeof *ret_frames);
	ret_frames->interval = interval;
}

void mjpeg_frames_free(struct mjpeg_frames *frames)
{
	free(frames->of);
	free(frames->latencies);
}

/* Makes room for one more in an array of `count`, which is as large as the next power of two. */
static void *grow(void *array, size_t count, size_t size)
{
	if ((count & (count - 1)) != 0)
		return array;
	array = realloc(array, (count > 0 ? 2 * count : 1) * size);
	if (array == NULL) {
		fputs("mjpeg-clients: out of memory\n", stderr);
		exit(1);
	}
	return array;
}

static int64_t capture_time(const struct multipart_image *image)
{
	if (image->clock == CLOCK_MONOTONIC)
		return image->captured;
	return image->captured - read_clock(image->clock) + mjpeg_now();
}

/* The one that is looked for is among the last mostly. */
static struct mjpeg_frame *find_or_add(struct mjpeg_frames *frames, int64_t told, int64_t now)
{
	for (size_t i = frames->count; i > 0; i--)
		if (frames->of[i - 1].told == told)
			return &frames->of[i - 1];
	frames->of = grow(frames->of, frames->count, sizeof *frames->of);
	frames->of[frames->count] = (struct mjpeg_frame){told, now};
	return &frames->of[frames->count++];
}

static void add_known(struct mjpeg_frames *frames, int64_t told, int64_t captured, int64_t now)
{
	const struct mjpeg_frame *frame = find_or_add(frames, told, now);

	if (now - frame->first > frames->interval)
		frames->late++;
	frames->latencies = grow(frames->latencies, frames->n_latencies, sizeof *frames->latencies);
	frames->latencies[frames->n_latencies++] = (double)(now - captured) / 1e6;
}

static void add_gap(struct mjpeg_client *client, int64_t now)
{
	if (client->last_got > 0 && now - client->last_got > client->longest_gap)
		client->longest_gap = now - client->last_got;
	client->last_got = now;
}

void mjpeg_frames_add(struct mjpeg_frames *frames, struct mjpeg_client *client, const struct multipart_image *image,
		      int64_t now)
{
	bool is_known = image->captured > 0;
	int64_t captured = is_known ? capture_time(image) : now;

	if (captured < frames->begin || captured >= frames->end)
		return;
	client->bytes += image->size;
	if (!image->whole)
		client->damaged++;
	if (is_known && image->captured == client->last_told) {
		client->repeated++;
		return;
	}
	client->last_told = image->captured;
	client->frames++;
	add_gap(client, now);
	if (is_known)
		add_known(frames, image->captured, captured, now);
}

/* ---- summing up ---- */

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double share(const struct mjpeg_frames *frames, double part)
{
	if (frames->n_latencies == 0)
		return NAN;
	return frames->latencies[(size_t)(part * (double)(frames->n_latencies - 1))];
}

static void add_client(struct mjpeg_summary *summary, const struct mjpeg_frames *frames,
		       const struct mjpeg_client *client)
{
	double gap = (double)client->longest_gap / 1e6;

	if (client->frames < summary->least)
		summary->least = client->frames;
	if (client->frames > summary->most)
		summary->most = client->frames;
	if (client->frames < frames->count)
		summary->missed += frames->count - client->frames;
	summary->repeated += client->repeated;
	summary->damaged += client->damaged;
	summary->bytes += client->bytes;
	summary->fps += (double)client->frames;
	if (gap > summary->longest_gap)
		summary->longest_gap = gap;
}

void mjpeg_frames_sum_up(struct mjpeg_frames *frames, const struct mjpeg_client *clients, size_t n,
			 struct mjpeg_summary *ret_summary)
{
	struct mjpeg_summary summary = {.least = UINT64_MAX, .late = frames->late};

	for (size_t i = 0; i < n; i++)
		add_client(&summary, frames, &clients[i]);
	summary.fps /= (double)n * (double)(frames->end - frames->begin) / 1e9;
	if (frames->n_latencies > 0)
		qsort(frames->latencies, frames->n_latencies, sizeof *frames->latencies, compare);
	summary.p50 = share(frames, 0.5);
	summary.p99 = share(frames, 0.99);
	summary.worst = share(frames, 1);
	*ret_summary = summary;
}
