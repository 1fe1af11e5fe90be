/*
 * hub/images/synthetic.c - the pictures of synthetic.h: the background is copied, and little is drawn on it.
 *
 * Things go to and fro on straight lines with constant speed, between the panel of text at the top and the bars at the
 * bottom, and are large enough that a picture a 160th as wide still shows them. The text is small and gray, so that it
 * does not, to who looks for motion.
 *
 * The date is asked of the C library once a second; only the milliseconds are new in each picture.
 */
#include "synthetic.h"

#include "scenery.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GRAY 0xa8b0b8
#define NAME 40 /* characters of the name that are shown */

struct synthetic {
	fl_frame_info info;
	uint8_t *background;
	struct scenery_ball ball;
	char name[NAME + 1];
	int64_t second; /* whose date is below */
	char date[32];
	uint32_t scale; /* of small text */
};

const fl_frame_info *synthetic_info(const struct synthetic *synthetic)
{
	return &synthetic->info;
}

static int32_t at_least_one(uint32_t n)
{
	return n > 0 ? (int32_t)n : 1;
}

/* Paints what does not move: the name, too. */
static void paint(struct synthetic *synthetic)
{
	const fl_frame_info *info = &synthetic->info;
	int32_t scale = (int32_t)synthetic->scale, width = DRAW_TEXT_WIDTH(23, scale);
	int32_t name = DRAW_TEXT_WIDTH(strlen(synthetic->name), 2 * scale);

	width = (width > name ? width : name) + 11 * scale;
	scenery_paint(info, synthetic->background);
	scenery_dim(info, synthetic->background, (uint32_t)width, 52 * synthetic->scale);
	draw_text(info, synthetic->background, 6 * scale, 6 * scale, 2 * synthetic->scale, 0xffffff, synthetic->name);
}

struct synthetic *synthetic_open(uint32_t width, uint32_t height, const char *name)
{
	struct synthetic *synthetic = calloc(1, sizeof(*synthetic));

	if (!synthetic)
		return NULL;
	synthetic->second = -1;
	synthetic->scale = (uint32_t)at_least_one(width / 640);
	snprintf(synthetic->name, sizeof(synthetic->name), "%s", name);
	if (fl_frame_info_init(&synthetic->info, FL_PIXELS_RGB24, width, height) < 0)
		return synthetic_close(synthetic);
	synthetic->info.flags = FL_FRAME_SYNTHETIC;
	synthetic->background = malloc(synthetic->info.size);
	if (!synthetic->background || scenery_ball_make(&synthetic->ball, at_least_one(height / 10), 0xff8a1f) < 0)
		return synthetic_close(synthetic);
	paint(synthetic);
	return synthetic;
}

struct synthetic *synthetic_close(struct synthetic *synthetic)
{
	if (synthetic) {
		scenery_ball_free(&synthetic->ball);
		free(synthetic->background);
		free(synthetic);
	}
	return NULL;
}

/* Where on its way from `low` to `high` and back something is that is `ahead` of where it began at picture 0. */
static int32_t to_and_fro(uint64_t n, uint32_t speed, uint32_t ahead, uint32_t low, uint32_t high)
{
	uint64_t way = high > low ? high - low : 0, at;

	if (way == 0)
		return (int32_t)low;
	at = (n % (2 * way) * speed + ahead) % (2 * way);
	return (int32_t)(low + (at < way ? at : 2 * way - at));
}

void synthetic_where(const struct synthetic *synthetic, uint64_t n, struct draw_area ret_areas[SYNTHETIC_THINGS])
{
	uint32_t width = synthetic->info.width, height = synthetic->info.height, top = height / 5,
		 bottom = height * 4 / 5;
	uint32_t ball = 2 * (uint32_t)synthetic->ball.radius + 1, disc = 2 * (height / 20) + 1;
	uint32_t box_width = (uint32_t)at_least_one(height / 5), box_height = (uint32_t)at_least_one(height / 8);
	uint32_t across = (uint32_t)at_least_one(width / 200), down = (uint32_t)at_least_one(height / 200);

	ret_areas[0] = (struct draw_area){to_and_fro(n, across, width / 3, 0, width > ball ? width - ball : 0),
					  to_and_fro(n, down, height / 9, top, bottom > ball ? bottom - ball : 0),
					  (int32_t)ball, (int32_t)ball};
	ret_areas[1] = (struct draw_area){to_and_fro(n, across, width, 0, width > box_width ? width - box_width : 0),
					  (int32_t)(height * 5 / 8), (int32_t)box_width, (int32_t)box_height};
	ret_areas[2] = (struct draw_area){(int32_t)(width * 3 / 4),
					  to_and_fro(n, 2 * down, 0, top, bottom > disc ? bottom - disc : 0),
					  (int32_t)disc, (int32_t)disc};
}

static void draw_things(const struct synthetic *synthetic, void *data, uint64_t n)
{
	const fl_frame_info *info = &synthetic->info;
	struct draw_area areas[SYNTHETIC_THINGS];
	int32_t radius, line = (int32_t)synthetic->scale * 2;

	synthetic_where(synthetic, n, areas);
	radius = areas[2].width / 2;
	draw_rectangle(info, data, areas[1], 0x2fbfa7);
	draw_outline(info, data, areas[1], line, 0xe8fff8);
	draw_disc(info, data, areas[2].x + radius, areas[2].y + radius, radius, 0xfbe9f3);
	draw_disc(info, data, areas[2].x + radius, areas[2].y + radius, radius - line, 0xf773b4);
	radius = synthetic->ball.radius;
	scenery_ball_draw(&synthetic->ball, info, data, areas[0].x + radius, areas[0].y + radius);
}

static void draw_words(struct synthetic *synthetic, void *data, uint64_t n, int64_t unix_us)
{
	int32_t scale = (int32_t)synthetic->scale, left = 6 * scale;
	time_t second = (time_t)(unix_us / 1000000);
	struct tm parts;
	char line[64];

	if (synthetic->second != second && localtime_r(&second, &parts)) {
		strftime(synthetic->date, sizeof(synthetic->date), "%Y-%m-%d %H:%M:%S", &parts);
		synthetic->second = second;
	}
	snprintf(line, sizeof(line), "%s.%03d", synthetic->date, (int)(unix_us / 1000 % 1000));
	draw_text(&synthetic->info, data, left, 28 * scale, synthetic->scale, GRAY, line);
	snprintf(line, sizeof(line), "frame %llu", (unsigned long long)n);
	draw_text(&synthetic->info, data, left, 40 * scale, synthetic->scale, GRAY, line);
}

void synthetic_fill(struct synthetic *synthetic, void *data, uint64_t n, int64_t unix_us)
{
	memcpy(data, synthetic->background, synthetic->info.size);
	draw_things(synthetic, data, n);
	draw_words(synthetic, data, n, unix_us);
	draw_time_code(&synthetic->info, data, unix_us);
}
