/*
 * hub/processors/histogram.c - shows how brightness is distributed: as a picture of its own, and in figures.
 *
 * Results: the mean; the least and the greatest brightness; p5 and p95, the least one that 5 and 95 percent of the
 * pixels do not exceed; clipped, the share of pixels that are 0 or 255, in percent. In the picture a bar is as high as
 * the root of its count, so that a few pixels are seen beside many; lines mark p5, p95 and the mean.
 */
#include "images/draw.h"
#include "processors.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define VALUES 256u
#define WIDTH 512u
#define HEIGHT 256u
#define LANES 4u

struct histogram {
	uint64_t counts[VALUES], n, most;
	double mean;
	uint32_t least, greatest, p5, p95;
};

/* Neighbouring pixels are often alike, and to count the same thing twice in a row means to wait: so they are counted
 * beside each other, and added up row by row. */
static void count(struct histogram *histogram, const fl_frame *frame)
{
	const uint8_t *row = (const uint8_t *)frame->data + frame->info.offset[0];
	uint32_t lanes[LANES][VALUES], width = frame->info.width;

	for (uint32_t y = 0; y < frame->info.height; y++, row += frame->info.stride[0]) {
		memset(lanes, 0, sizeof(lanes));
		for (uint32_t x = 0; x + LANES <= width; x += LANES)
			for (uint32_t i = 0; i < LANES; i++)
				lanes[i][row[x + i]]++;
		for (uint32_t x = width - width % LANES; x < width; x++)
			lanes[0][row[x]]++;
		for (uint32_t i = 0; i < VALUES; i++)
			histogram->counts[i] += (uint64_t)lanes[0][i] + lanes[1][i] + lanes[2][i] + lanes[3][i];
	}
}

/* The least value that so many percent of the pixels do not exceed; of 0, the least there is. */
static uint32_t percentile(const struct histogram *histogram, uint32_t percent)
{
	uint64_t sum = 0;
	uint32_t i = 0;

	for (; i < VALUES - 1; i++) {
		sum += histogram->counts[i];
		if (sum > 0 && sum * 100 >= histogram->n * percent)
			break;
	}
	return i;
}

static void measure(struct histogram *histogram)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < VALUES; i++) {
		histogram->n += histogram->counts[i];
		sum += histogram->counts[i] * i;
		histogram->most = histogram->counts[i] > histogram->most ? histogram->counts[i] : histogram->most;
	}
	histogram->mean = (double)sum / (double)histogram->n;
	histogram->least = percentile(histogram, 0);
	histogram->greatest = percentile(histogram, 100);
	histogram->p5 = percentile(histogram, 5);
	histogram->p95 = percentile(histogram, 95);
}

static int say(const struct histogram *histogram, const fl_processor_host *host)
{
	uint64_t clipped = histogram->counts[0] + histogram->counts[VALUES - 1];
	int error = host->result(host, "mean", "%.1f", histogram->mean);

	error = error < 0 ? error : host->result(host, "min", "%u", histogram->least);
	error = error < 0 ? error : host->result(host, "max", "%u", histogram->greatest);
	error = error < 0 ? error : host->result(host, "p5", "%u", histogram->p5);
	error = error < 0 ? error : host->result(host, "p95", "%u", histogram->p95);
	if (error < 0)
		return error;
	return host->result(host, "clipped", "%.1f", (double)clipped * 100 / (double)histogram->n);
}

/* The height of a bar: the root of its share of the highest one. */
static int32_t height_of(uint64_t n, uint64_t most)
{
	int32_t height = 0, full = HEIGHT - 32;

	while (height < full && (double)(height + 1) * (height + 1) * (double)most <= (double)full * full * (double)n)
		height++;
	return height == 0 && n > 0 ? 1 : height;
}

static void draw_mark(const fl_frame_info *info, void *data, uint32_t value, uint32_t color)
{
	draw_rectangle(info, data, (struct draw_area){(int32_t)value * 2, 24, 2, HEIGHT - 24}, color);
}

static void draw_histogram(const struct histogram *histogram, const fl_frame_info *info, void *data)
{
	char line[80];

	draw_rectangle(info, data, (struct draw_area){0, 0, WIDTH, HEIGHT}, 0x12161b);
	for (int32_t i = 1; i < 4; i++)
		draw_rectangle(info, data, (struct draw_area){i * (int32_t)WIDTH / 4, 24, 1, HEIGHT - 24}, 0x2a323b);
	for (uint32_t i = 0; i < VALUES; i++) {
		int32_t height = height_of(histogram->counts[i], histogram->most);
		struct draw_area bar = {(int32_t)i * 2, (int32_t)HEIGHT - height, 2, height};

		draw_rectangle(info, data, bar, i == 0 || i == VALUES - 1 ? 0xd9484a : 0x5b9bd5);
	}
	draw_mark(info, data, histogram->p5, 0xf0a030);
	draw_mark(info, data, histogram->p95, 0xf0a030);
	draw_mark(info, data, (uint32_t)(histogram->mean + 0.5), 0xffffff);
	snprintf(line, sizeof(line), "mean %.1f  p5 %u  p95 %u  %u to %u", histogram->mean, histogram->p5,
		 histogram->p95, histogram->least, histogram->greatest);
	draw_text(info, data, 8, 7, 1, 0xe9edf1, line);
}

static int histogram_process(void *state, const fl_frame *frame, const fl_processor_host *host)
{
	struct histogram histogram = {0};
	fl_frame_info info;
	void *data;
	int error;

	(void)state;
	if (frame->info.format != FL_PIXELS_GRAY8)
		return -EINVAL;
	count(&histogram, frame);
	measure(&histogram);
	error = say(&histogram, host);
	error = error < 0 ? error : fl_frame_info_init(&info, FL_PIXELS_RGB24, WIDTH, HEIGHT);
	error = error < 0 ? error : host->loan(host, info.size, &data);
	if (error < 0)
		return error;
	info.flags = frame->info.flags;
	draw_histogram(&histogram, &info, data);
	return host->publish(host, &info);
}

const fl_processor processors_histogram = {
	.version = FL_PROCESSOR_VERSION,
	.format = FL_PIXELS_GRAY8,
	.name = "histogram",
	.summary = "shows how brightness is distributed",
	.process = histogram_process,
};
