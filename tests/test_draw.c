/*
 * test_draw.c - drawing: every shape is where it should be and nowhere else, and the time code is read back.
 *
 * Shapes are compared with what a pixel at a time would give. A picture lies in memory with gaps before, between and
 * after its rows, in which nothing may change.
 */
#include "testing.h"

#include "hub/images/draw.h"
#include "hub/images/font.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GAP 0xa5

static const uint32_t formats[] = {FL_PIXELS_RGB24, FL_PIXELS_GRAY8, FL_PIXELS_I420};

/* Describes a picture with gaps, and makes its memory, all of which is a gap so far. */
static uint8_t *make_with_gaps(fl_frame_info *ret_info, uint32_t format, uint32_t width, uint32_t height)
{
	uint64_t at = 13;
	uint8_t *data;

	ck_assert_int_eq(fl_frame_info_init(ret_info, format, width, height), 0);
	for (uint32_t i = 0; i < ret_info->n_planes; i++) {
		ret_info->offset[i] = (uint32_t)at;
		ret_info->stride[i] += 7 + i;
		at += (uint64_t)ret_info->stride[i] * (i > 0 ? height / 2 : height) + 11;
	}
	ret_info->size = at;
	ck_assert_int_eq(fl_frame_info_check(ret_info, at), 0);
	data = malloc(at);
	ck_assert_ptr_nonnull(data);
	return memset(data, GAP, at);
}

/* Sets all pixels to 1, and so nothing of the gaps; or, to look, sets them back to a gap. */
static void set_pixels(const fl_frame_info *info, uint8_t *data, int value)
{
	for (uint32_t i = 0; i < info->n_planes; i++) {
		uint32_t across = info->format == FL_PIXELS_RGB24 ? 3 * info->width : info->width / (i > 0 ? 2 : 1);

		for (uint32_t y = 0; y < info->height / (i > 0 ? 2 : 1); y++)
			memset(data + info->offset[i] + (size_t)info->stride[i] * y, value, across);
	}
}

static void check_gaps(const fl_frame_info *info, uint8_t *data)
{
	set_pixels(info, data, GAP);
	for (uint64_t i = 0; i < info->size; i++)
		ck_assert_msg(data[i] == GAP, "byte %llu was written", (unsigned long long)i);
}

static const int32_t places[] = {INT32_MIN, -1000, -9, -1, 0, 1, 5, 15, 16, 17, 1000, INT32_MAX};
static const int32_t sizes[] = {INT32_MIN, -1, 0, 1, 2, 9, 40, INT32_MAX};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(nothing_is_written_beside_the_picture)
{
	static const uint32_t frames[][2] = {{2, 2}, {16, 10}, {30, 16}};
	fl_frame_info info;

	for (size_t f = 0; f < LENGTH(frames); f++) {
		uint8_t *data = make_with_gaps(&info, formats[_i], frames[f][0], frames[f][1]);

		for (size_t i = 0; i < LENGTH(places) * LENGTH(places) * LENGTH(sizes); i++) {
			int32_t x = places[i % LENGTH(places)], y = places[i / LENGTH(places) % LENGTH(places)];
			int32_t size = sizes[i / LENGTH(places) / LENGTH(places)];
			struct draw_area area = {x, y, size, sizes[i % LENGTH(sizes)]};

			draw_rectangle(&info, data, area, 0x123456);
			draw_outline(&info, data, area, sizes[(i + 3) % LENGTH(sizes)], 0xff00ff);
			draw_disc(&info, data, x, y, size, 0xffffff);
			draw_text(&info, data, x, y, size < 0 ? UINT32_MAX : (uint32_t)size, 0, "Agj~|");
		}
		draw_time_code(&info, data, 1);
		check_gaps(&info, data);
		free(data);
	}
}
END_TEST

static bool in_area(struct draw_area area, int64_t x, int64_t y)
{
	return x >= area.x && y >= area.y && x < (int64_t)area.x + area.width && y < (int64_t)area.y + area.height;
}

static bool in_outline(struct draw_area area, int32_t n, int64_t x, int64_t y)
{
	struct draw_area inner = {area.x + n, area.y + n, area.width - 2 * n, area.height - 2 * n};

	return in_area(area, x, y) && !in_area(inner, x, y);
}

/* Whether the pixels that are white are just those of `which`. */
static void check_shape(const fl_frame_info *info, const uint8_t *data, const char *what,
			bool (*which)(struct draw_area, int32_t, int64_t, int64_t), struct draw_area area, int32_t n)
{
	uint32_t bytes = info->format == FL_PIXELS_RGB24 ? 3 : 1, white = 255;

	for (uint32_t y = 0; y < info->height; y++)
		for (uint32_t x = 0; x < bytes * info->width; x++) {
			uint32_t is = data[info->offset[0] + info->stride[0] * y + x];

			ck_assert_msg(is == (which(area, n, x / bytes, y) ? white : 1),
				      "%s %d,%d,%d,%d %d: %u,%u is %u", what, area.x, area.y, area.width, area.height,
				      n, x / bytes, y, is);
		}
}

static bool rectangle_has(struct draw_area area, int32_t n, int64_t x, int64_t y)
{
	(void)n;
	return in_area(area, x, y);
}

static bool disc_has(struct draw_area area, int32_t n, int64_t x, int64_t y)
{
	return n >= 0 && (x - area.x) * (x - area.x) + (y - area.y) * (y - area.y) <= (int64_t)n * n;
}

START_TEST(shapes_are_what_they_should_be)
{
	fl_frame_info info;
	uint8_t *data = make_with_gaps(&info, formats[_i], 22, 14);

	for (int32_t i = 0; i < 3000; i++) {
		struct draw_area area = {i % 31 - 6, i % 23 - 5, i % 19 - 1, i % 17 - 1};
		int32_t n = i % 6;

		set_pixels(&info, data, 1);
		draw_rectangle(&info, data, area, 0xffffff);
		check_shape(&info, data, "rectangle", rectangle_has, area, n);
		set_pixels(&info, data, 1);
		draw_outline(&info, data, area, n, 0xffffff);
		check_shape(&info, data, "outline", in_outline, area, n);
		set_pixels(&info, data, 1);
		draw_disc(&info, data, area.x, area.y, area.width, 0xffffff);
		check_shape(&info, data, "disc", disc_has, area, area.width);
	}
	free(data);
}
END_TEST

START_TEST(colors_are_as_the_format_has_them)
{
	static const uint8_t red[] = {77, 85, 255}, blue[] = {29, 255, 107};
	fl_frame_info info;
	uint8_t data[64];

	ck_assert_int_eq(fl_frame_info_init(&info, FL_PIXELS_I420, 4, 2), 0);
	draw_rectangle(&info, data, (struct draw_area){0, 0, 2, 2}, 0xff0000);
	draw_rectangle(&info, data, (struct draw_area){2, 0, 2, 2}, 0x0000ff);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(data[info.offset[i]], red[i]);
		ck_assert_uint_eq(data[info.offset[i] + (i > 0 ? 1 : 2)], blue[i]);
	}
	ck_assert_int_eq(fl_frame_info_init(&info, FL_PIXELS_GRAY8, 1, 1), 0);
	draw_rectangle(&info, data, (struct draw_area){0, 0, 1, 1}, 0x00ff00);
	ck_assert_uint_eq(data[0], 149);
	ck_assert_int_eq(fl_frame_info_init(&info, FL_PIXELS_RGB24, 1, 1), 0);
	draw_disc(&info, data, 0, 0, 0, 0x123456);
	ck_assert(data[0] == 0x12 && data[1] == 0x34 && data[2] == 0x56);
}
END_TEST

START_TEST(other_formats_are_left_alone)
{
	fl_frame_info info;
	uint8_t data[3 * 64] = {0}, zero[sizeof(data)] = {0};
	int64_t unix_ms = 7;

	ck_assert_int_eq(fl_frame_info_init(&info, FL_PIXELS_YUYV, 8, 8), 0);
	ck_assert(!draw_can(&info));
	draw_rectangle(&info, data, (struct draw_area){0, 0, 8, 8}, 0xffffff);
	draw_text(&info, data, 0, 0, 1, 0xffffff, "X");
	ck_assert_mem_eq(data, zero, sizeof(zero));
	ck_assert_int_eq(draw_read_time_code(&info, data, &unix_ms), -EBADMSG);
	ck_assert_int_eq(unix_ms, 7);
}
END_TEST

/* Draws a character into a gray picture of its size. */
static void draw_one(uint8_t *cell, char character, uint32_t scale)
{
	fl_frame_info info;
	const char text[] = {character, 0};

	ck_assert_int_eq(fl_frame_info_init(&info, FL_PIXELS_GRAY8, FONT_WIDTH * scale, FONT_HEIGHT * scale), 0);
	memset(cell, 0, info.size);
	draw_text(&info, cell, 0, 0, scale, 0xffffff, text);
}

START_TEST(each_character_is_another_one)
{
	uint8_t cells[128][FONT_WIDTH * FONT_HEIGHT], zero[FONT_WIDTH * FONT_HEIGHT] = {0};

	for (int c = FONT_FIRST; c <= FONT_LAST; c++) {
		draw_one(cells[c], (char)c, 1);
		ck_assert_msg((memcmp(cells[c], zero, sizeof(zero)) == 0) == (c == ' '), "%c is empty, or is not", c);
		for (int other = FONT_FIRST; other < c; other++)
			ck_assert_msg(memcmp(cells[c], cells[other], sizeof(zero)) != 0, "%c is as %c", c, other);
	}
	draw_one(cells[0], '\t', 1);
	ck_assert_mem_eq(cells[0], cells['?'], sizeof(zero));
	draw_one(cells[0], (char)0xe4, 1);
	ck_assert_mem_eq(cells[0], cells['?'], sizeof(zero));
}
END_TEST

START_TEST(text_is_scaled)
{
	uint8_t cell[FONT_WIDTH * FONT_HEIGHT], large[9 * FONT_WIDTH * FONT_HEIGHT];

	draw_one(cell, 'g', 1);
	draw_one(large, 'g', 3);
	for (uint32_t i = 0; i < sizeof(large); i++) {
		uint32_t x = i % (3 * FONT_WIDTH) / 3, y = i / (3 * FONT_WIDTH) / 3;

		ck_assert_uint_eq(large[i], cell[y * FONT_WIDTH + x]);
	}
}
END_TEST

START_TEST(the_next_character_is_beside_it)
{
	fl_frame_info info;
	uint8_t both[2 * 6 * 2 * 20] = {0}, one[sizeof(both)] = {0};

	ck_assert_int_eq(fl_frame_info_init(&info, FL_PIXELS_GRAY8, 24, 20), 0);
	draw_text(&info, both, 0, 0, 2, 0xffffff, "ab");
	draw_text(&info, one, 0, 0, 2, 0xffffff, "a");
	draw_text(&info, one, DRAW_TEXT_WIDTH(1, 2), 0, 2, 0xffffff, "b");
	ck_assert_mem_eq(both, one, sizeof(both));
}
END_TEST

#define TIME_US 1795254201123456

static uint8_t *make_coded(fl_frame_info *ret_info, uint32_t format, uint32_t width, uint32_t height)
{
	uint8_t *data = make_with_gaps(ret_info, format, width, height);

	set_pixels(ret_info, data, 120);
	draw_time_code(ret_info, data, TIME_US);
	return data;
}

static void check_coded(const fl_frame_info *info, const uint8_t *data)
{
	int64_t unix_ms = 0;

	ck_assert_int_eq(draw_read_time_code(info, data, &unix_ms), 0);
	ck_assert_int_eq(unix_ms, TIME_US / 1000);
}

START_TEST(the_time_is_read_back)
{
	static const uint32_t frames[][2] = {{240, 4}, {320, 240}, {642, 480}, {1280, 720}, {1920, 1080}};
	fl_frame_info info;

	for (size_t i = 0; i < LENGTH(frames); i++) {
		uint8_t *data = make_coded(&info, formats[_i], frames[i][0], frames[i][1]);

		check_coded(&info, data);
		free(data);
	}
}
END_TEST

START_TEST(where_there_is_no_room_nothing_is_drawn)
{
	static const uint32_t frames[][2] = {{238, 100}, {640, 6}, {2, 2}};
	fl_frame_info info;
	int64_t unix_ms = 7;

	for (size_t i = 0; i < LENGTH(frames); i++) {
		uint8_t *data = make_coded(&info, FL_PIXELS_GRAY8, frames[i][0], frames[i][1]);

		for (uint32_t at = 0; at < frames[i][0]; at++)
			ck_assert_uint_eq(data[info.offset[0] + at], 120);
		ck_assert_int_eq(draw_time_code_area(&info).width, 0);
		ck_assert_int_eq(draw_read_time_code(&info, data, &unix_ms), -EBADMSG);
		ck_assert_int_eq(unix_ms, 7);
		free(data);
	}
}
END_TEST

START_TEST(a_wrong_cell_is_found)
{
	fl_frame_info info;
	uint8_t *data = make_coded(&info, FL_PIXELS_GRAY8, 640, 480);
	int64_t unix_ms = 7;

	for (int32_t i = 0; i < (int32_t)DRAW_CELLS; i++) {
		struct draw_area cell = {8 * i, 472, 8, 8};
		bool is_white = data[info.offset[0] + info.stride[0] * 476 + 8 * (size_t)i + 4] > 128;

		draw_rectangle(&info, data, cell, is_white ? 0 : 0xffffff);
		ck_assert_int_eq(draw_read_time_code(&info, data, &unix_ms), -EBADMSG);
		draw_rectangle(&info, data, cell, 0x808080);
		ck_assert_int_eq(draw_read_time_code(&info, data, &unix_ms), -EBADMSG);
		draw_rectangle(&info, data, cell, is_white ? 0xffffff : 0);
		check_coded(&info, data);
	}
	ck_assert_int_eq(unix_ms, 7);
	free(data);
}
END_TEST

/* The next number of a sequence that looks random, from 0 to 65535. */
static uint32_t next(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

/* Replaces each pixel by the mean of those around it. */
static void blur(const fl_frame_info *info, uint8_t *data)
{
	uint8_t *before = malloc(info->size);

	ck_assert_ptr_nonnull(before);
	memcpy(before, data, info->size);
	for (uint32_t y = 1; y + 1 < info->height; y++)
		for (uint32_t x = 1; x + 1 < info->width; x++) {
			uint32_t sum = 0;

			for (uint32_t i = 0; i < 9; i++)
				sum += before[info->offset[0] + (size_t)info->stride[0] * (y + i / 3 - 1) + x + i % 3 -
					      1];
			data[info->offset[0] + (size_t)info->stride[0] * y + x] = (uint8_t)(sum / 9);
		}
	free(before);
}

START_TEST(it_survives_noise_and_blur)
{
	fl_frame_info info;
	uint8_t *data = make_coded(&info, FL_PIXELS_GRAY8, 640, 480);
	uint32_t state = 1;

	for (uint32_t i = 0; i < info.stride[0] * info.height; i++) {
		int noisy = data[info.offset[0] + i] + (int)(next(&state) % 101) - 50;

		data[info.offset[0] + i] = (uint8_t)(noisy < 0 ? 0 : noisy > 255 ? 255 : noisy);
	}
	check_coded(&info, data);
	blur(&info, data);
	check_coded(&info, data);
	for (int i = 0; i < 3; i++)
		blur(&info, data);
	check_coded(&info, data);
	free(data);
}
END_TEST

START_TEST(it_survives_being_enlarged)
{
	static const uint32_t factors[][2] = {{2, 1}, {3, 2}, {3, 1}, {4, 1}}, widths[] = {320, 1000, 1280, 1366};
	uint32_t by = factors[_i][0], of = factors[_i][1];
	fl_frame_info info, large;

	for (size_t i = 0; i < LENGTH(widths); i++) {
		uint8_t *data = make_coded(&info, FL_PIXELS_GRAY8, widths[i], 48), *enlarged;

		enlarged = make_with_gaps(&large, FL_PIXELS_GRAY8, widths[i] * by / of, 48 * by / of);
		for (uint32_t y = 0; y < large.height; y++)
			for (uint32_t x = 0; x < large.width; x++)
				enlarged[large.offset[0] + large.stride[0] * y + x] =
					data[info.offset[0] + info.stride[0] * (y * of / by) + x * of / by];
		check_coded(&large, enlarged);
		blur(&large, enlarged);
		check_coded(&large, enlarged);
		free(data);
		free(enlarged);
	}
}
END_TEST

START_TEST(what_is_no_time_code_is_not_read)
{
	fl_frame_info info;
	uint8_t *data = make_with_gaps(&info, FL_PIXELS_GRAY8, 640, 480);
	int64_t unix_ms = 7;
	uint32_t state = 5;

	for (int value = 0; value < 256; value++) {
		set_pixels(&info, data, value);
		ck_assert_int_eq(draw_read_time_code(&info, data, &unix_ms), -EBADMSG);
	}
	for (int round = 0; round < 200; round++) {
		for (uint32_t i = 0; i < 10 * info.stride[0]; i++)
			data[info.offset[0] + info.stride[0] * 470 + i] = (uint8_t)next(&state);
		ck_assert_int_eq(draw_read_time_code(&info, data, &unix_ms), -EBADMSG);
	}
	ck_assert_int_eq(unix_ms, 7);
	free(data);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("draw");
	TCase *shapes = testing_case(suite, "shapes"), *text = testing_case(suite, "text");
	TCase *time_code = testing_case(suite, "time code");

	tcase_add_loop_test(shapes, nothing_is_written_beside_the_picture, 0, LENGTH(formats));
	tcase_add_loop_test(shapes, shapes_are_what_they_should_be, 0, LENGTH(formats));
	tcase_add_test(shapes, colors_are_as_the_format_has_them);
	tcase_add_test(shapes, other_formats_are_left_alone);
	tcase_add_test(text, each_character_is_another_one);
	tcase_add_test(text, text_is_scaled);
	tcase_add_test(text, the_next_character_is_beside_it);
	tcase_add_loop_test(time_code, the_time_is_read_back, 0, LENGTH(formats));
	tcase_add_test(time_code, where_there_is_no_room_nothing_is_drawn);
	tcase_add_test(time_code, a_wrong_cell_is_found);
	tcase_add_test(time_code, it_survives_noise_and_blur);
	tcase_add_loop_test(time_code, it_survives_being_enlarged, 0, 4);
	tcase_add_test(time_code, what_is_no_time_code_is_not_read);
	return testing_run(suite);
}
