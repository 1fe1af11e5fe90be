/*
 * test_synthetic.c - the synthetic camera: its pictures say when they were made, and what moves in them can be found,
 * and nothing else.
 *
 * The processor "motion" looks at hundreds of pictures: all that it finds must be where the camera says that a thing
 * is, and each thing that has been moving must be found.
 */
#include "testing.h"

#include "hub/images/synthetic.h"
#include "hub/processors/processors.h"
#include "mock_host.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TIME_US 1795254201123456
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static uint8_t *make(const fl_frame_info *info)
{
	uint8_t *data = malloc(info->size);

	ck_assert_ptr_nonnull(data);
	return data;
}

START_TEST(pictures_say_when_they_were_made)
{
	struct synthetic *synthetic = synthetic_open(1280, 720, "camera");
	uint8_t *data = make(synthetic_info(synthetic));

	for (int64_t i = 0; i < 100; i++) {
		int64_t unix_ms = 0;

		synthetic_fill(synthetic, data, (uint64_t)i, TIME_US + i * 33333333);
		ck_assert_int_eq(draw_read_time_code(synthetic_info(synthetic), data, &unix_ms), 0);
		ck_assert_int_eq(unix_ms, (TIME_US + i * 33333333) / 1000);
	}
	free(data);
	ck_assert_ptr_null(synthetic_close(synthetic));
}
END_TEST

START_TEST(only_the_same_number_and_time_are_the_same_picture)
{
	struct synthetic *synthetic = synthetic_open(640, 360, "camera"), *other = synthetic_open(640, 360, "camera");
	const fl_frame_info *info = synthetic_info(synthetic);
	uint8_t *one = make(info), *two = make(info);

	synthetic_fill(synthetic, one, 7, TIME_US);
	synthetic_fill(synthetic, two, 8, TIME_US);
	ck_assert_mem_ne(one, two, info->size);
	synthetic_fill(synthetic, two, 7, TIME_US + 1000);
	ck_assert_mem_ne(one, two, info->size);
	synthetic_fill(other, two, 7, TIME_US);
	ck_assert_mem_eq(one, two, info->size);
	synthetic_close(other);
	other = synthetic_open(640, 360, "another");
	synthetic_fill(other, two, 7, TIME_US);
	ck_assert_mem_ne(one, two, info->size);
	synthetic_close(other);
	synthetic_close(synthetic);
	free(one);
	free(two);
}
END_TEST

/* malloc's memory is as large as the picture: what is written beside it, the sanitizers see; and what is not written,
 * differs between two pictures that were filled with something else before. */
START_TEST(pictures_of_any_size_are_whole)
{
	static const uint32_t sizes[][2] = {{1, 1}, {2, 3}, {16, 16}, {239, 5}, {3, 700}, {641, 361}, {1920, 1080}};
	char name[200];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	for (size_t i = 0; i < LENGTH(sizes); i++) {
		struct synthetic *synthetic = synthetic_open(sizes[i][0], sizes[i][1], name);
		const fl_frame_info *info = synthetic_info(synthetic);
		uint8_t *one = make(info), *two = make(info);

		ck_assert_uint_eq(info->format, FL_PIXELS_RGB24);
		ck_assert_uint_eq(info->size, (uint64_t)3 * sizes[i][0] * sizes[i][1]);
		ck_assert_uint_eq(info->flags, FL_FRAME_SYNTHETIC);
		memset(one, 0, info->size);
		memset(two, 255, info->size);
		for (uint64_t n = 0; n < 3; n++) {
			synthetic_fill(synthetic, one, n * 1000 + UINT64_MAX / 2, 0);
			synthetic_fill(synthetic, two, n * 1000 + UINT64_MAX / 2, 0);
			ck_assert_mem_eq(one, two, info->size);
		}
		free(one);
		free(two);
		synthetic_close(synthetic);
	}
}
END_TEST

START_TEST(sizes_that_cannot_be_are_refused)
{
	ck_assert_ptr_null(synthetic_open(0, 480, "camera"));
	ck_assert_ptr_null(synthetic_open(640, 0, "camera"));
	ck_assert_ptr_null(synthetic_open(UINT32_MAX, UINT32_MAX, "camera"));
	ck_assert_ptr_null(synthetic_close(NULL));
}
END_TEST

/* What the processor wants: I420. Its luma is enough, as it looks at nothing else. */
static void convert(const fl_frame_info *from, const uint8_t *rgb, const fl_frame_info *to, uint8_t *yuv)
{
	memset(yuv, 128, to->size);
	for (uint32_t i = 0; i < from->width * from->height; i++)
		yuv[i] = (uint8_t)((77 * rgb[3 * i] + 150 * rgb[3 * i + 1] + 29 * rgb[3 * i + 2]) / 256);
}

static bool overlap(struct draw_area a, struct draw_area b)
{
	return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/* Whether a box is what joins the things that it overlaps, and not larger. */
static void check_box(struct draw_area box, const struct draw_area *things, int32_t step, uint64_t n)
{
	struct draw_area all = {INT32_MAX, INT32_MAX, 0, 0};
	int32_t right = 0, bottom = 0;

	for (uint32_t i = 0; i < SYNTHETIC_THINGS; i++) {
		if (!overlap(box, things[i]))
			continue;
		all.x = things[i].x < all.x ? things[i].x : all.x;
		all.y = things[i].y < all.y ? things[i].y : all.y;
		right = things[i].x + things[i].width > right ? things[i].x + things[i].width : right;
		bottom = things[i].y + things[i].height > bottom ? things[i].y + things[i].height : bottom;
	}
	ck_assert_msg(box.x >= all.x - step && box.y >= all.y - step && box.x + box.width <= right + step &&
			      box.y + box.height <= bottom + step,
		      "picture %llu: %d,%d,%d,%d is no thing", (unsigned long long)n, box.x, box.y, box.width,
		      box.height);
}

static void check_boxes(const struct synthetic *synthetic, const struct mock_host *mock, uint64_t n)
{
	struct draw_area things[SYNTHETIC_THINGS], box;
	bool found[SYNTHETIC_THINGS] = {false};
	char key[16];

	synthetic_where(synthetic, n, things);
	for (int i = 0; i < (int)mock_host_number(mock, "boxes"); i++) {
		snprintf(key, sizeof(key), "box%d", i);
		ck_assert_int_eq(
			sscanf(mock_host_result(mock, key), "%d,%d,%d,%d", &box.x, &box.y, &box.width, &box.height), 4);
		check_box(box, things, (int32_t)synthetic_info(synthetic)->width / 80, n);
		for (uint32_t t = 0; t < SYNTHETIC_THINGS; t++)
			found[t] = found[t] || overlap(box, things[t]);
	}
	for (uint32_t t = 0; t < SYNTHETIC_THINGS; t++)
		ck_assert_msg(found[t], "picture %llu: thing %u is not found", (unsigned long long)n, t);
}

/* The first pictures are left out, until what stood in the first one is no more part of the background. */
START_TEST(what_moves_is_found_and_nothing_else)
{
	static const uint32_t sizes[][2] = {{640, 480}, {800, 600}, {1280, 720}};
	struct synthetic *synthetic = synthetic_open(sizes[_i][0], sizes[_i][1], "camera");
	const fl_frame_info *info = synthetic_info(synthetic);
	struct mock_host *mock = mock_host_open();
	uint8_t *rgb = make(info), *yuv = make(info);
	fl_frame_info small;
	void *state;

	ck_assert_int_eq(fl_frame_info_init(&small, FL_PIXELS_I420, info->width, info->height), 0);
	ck_assert_int_eq(processors_motion.start(&state), 0);
	for (uint64_t n = 0; n < 400; n++) {
		synthetic_fill(synthetic, rgb, 9700 + n, TIME_US + (int64_t)n * 33333);
		convert(info, rgb, &small, yuv);
		ck_assert_int_eq(mock_host_process(mock, &processors_motion, state, &small, yuv), 0);
		if (n > 150)
			check_boxes(synthetic, mock, 9700 + n);
	}
	processors_motion.stop(state);
	mock_host_close(mock);
	free(rgb);
	free(yuv);
	synthetic_close(synthetic);
}
END_TEST

START_TEST(no_signal_is_drawn_into_anything)
{
	static const uint32_t formats[] = {FL_PIXELS_RGB24, FL_PIXELS_GRAY8, FL_PIXELS_I420};
	static const uint32_t sizes[][2] = {{2, 2}, {16, 8}, {320, 240}, {1280, 720}};
	fl_frame_info info;

	for (size_t i = 0; i < LENGTH(sizes); i++) {
		uint8_t *one, *two;

		ck_assert_int_eq(fl_frame_info_init(&info, formats[_i], sizes[i][0], sizes[i][1]), 0);
		one = make(&info);
		two = make(&info);
		memset(one, 0, info.size);
		memset(two, 255, info.size);
		synthetic_no_signal(&info, one, "camera", "No such device, or it was pulled out while nobody looked");
		synthetic_no_signal(&info, two, "camera", "No such device, or it was pulled out while nobody looked");
		ck_assert_mem_eq(one, two, info.size);
		if (sizes[i][0] >= 320) {
			synthetic_no_signal(&info, two, "camera", "Connection refused");
			ck_assert_mem_ne(one, two, info.size);
			synthetic_no_signal(&info, one, "door", "Connection refused");
			ck_assert_mem_ne(one, two, info.size);
		}
		free(one);
		free(two);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("synthetic");
	TCase *tcase = testing_case(suite, "pictures"), *movement = testing_case(suite, "movement");

	tcase_add_test(tcase, pictures_say_when_they_were_made);
	tcase_add_test(tcase, only_the_same_number_and_time_are_the_same_picture);
	tcase_add_test(tcase, pictures_of_any_size_are_whole);
	tcase_add_test(tcase, sizes_that_cannot_be_are_refused);
	tcase_add_loop_test(tcase, no_signal_is_drawn_into_anything, 0, 3);
	tcase_set_timeout(movement, 3 * TESTING_SECONDS); /* so many pictures take ThreadSanitizer minutes */
	tcase_add_loop_test(movement, what_moves_is_found_and_nothing_else, 0, 3);
	return testing_run(suite);
}
