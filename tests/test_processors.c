/*
 * test_processors.c - the processors that come with the hub: what they find in pictures of which all is known.
 *
 * The mock of the hub (mock_host.h) notices what a processor writes beside its memory. Figures and edges are compared
 * with what is computed here in the plainest way.
 */
#include "testing.h"

#include "hub/images/draw.h"
#include "hub/processors/processors.h"
#include "mock_host.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* A picture to be given to a processor, with gaps between its rows. */
struct picture {
	fl_frame_info info;
	uint8_t *data;
};

static struct mock_host *mock;

static void set_up(void)
{
	mock = mock_host_open();
}

static void tear_down(void)
{
	mock_host_close(mock);
}

static struct picture make(uint32_t format, uint32_t width, uint32_t height)
{
	struct picture picture;
	uint64_t at = 5;

	ck_assert_int_eq(fl_frame_info_init(&picture.info, format, width, height), 0);
	for (uint32_t i = 0; i < picture.info.n_planes; i++) {
		picture.info.offset[i] = (uint32_t)at;
		picture.info.stride[i] += 3;
		at += (uint64_t)picture.info.stride[i] * (i > 0 ? height / 2 : height);
	}
	picture.info.size = at;
	picture.data = calloc(1, at);
	ck_assert_ptr_nonnull(picture.data);
	return picture;
}

/* The next number of a sequence that looks random, from 0 to 65535. */
static uint32_t next(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

/* About normally distributed, with a standard deviation of n / 4. */
static int noise(uint32_t *state, uint32_t n)
{
	int sum = 0;

	for (int i = 0; i < 12; i++)
		sum += (int)(next(state) % (n + 1));
	return (sum - 6 * (int)n) / 4;
}

/* A scene: a slope of brightness, with noise, and a square on it if it has a size. */
static void draw_scene(const struct picture *picture, uint32_t grain, uint32_t *state, struct draw_area square)
{
	const fl_frame_info *info = &picture->info;
	uint32_t bytes = info->format == FL_PIXELS_RGB24 ? 3 : 1;

	for (uint32_t y = 0; y < info->height; y++) {
		uint8_t *row = picture->data + info->offset[0] + (size_t)info->stride[0] * y;

		for (uint32_t x = 0; x < bytes * info->width; x++)
			row[x] = (uint8_t)(60 + 60 * (x / bytes) / info->width);
	}
	draw_rectangle(info, picture->data, square, 0xf0f0f0);
	for (uint32_t y = 0; y < info->height && grain > 0; y++) {
		uint8_t *row = picture->data + info->offset[0] + (size_t)info->stride[0] * y;

		for (uint32_t x = 0; x < bytes * info->width; x++) {
			int value = row[x] + noise(state, grain);

			row[x] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
		}
	}
}

static int process(const fl_processor *processor, void *state, const struct picture *picture)
{
	return mock_host_process(mock, processor, state, &picture->info, picture->data);
}

static void *motion_start(void)
{
	void *state;

	ck_assert_int_eq(processors_motion.start(&state), 0);
	return state;
}

static struct draw_area box(const char *key)
{
	const char *value = mock_host_result(mock, key);
	struct draw_area area;

	ck_assert_msg(value, "there is no %s", key);
	ck_assert_int_eq(sscanf(value, "%d,%d,%d,%d", &area.x, &area.y, &area.width, &area.height), 4);
	return area;
}

static void check_near(struct draw_area is, struct draw_area wanted, int32_t most)
{
	ck_assert_msg(abs(is.x - wanted.x) <= most && abs(is.y - wanted.y) <= most &&
			      abs(is.x + is.width - wanted.x - wanted.width) <= most &&
			      abs(is.y + is.height - wanted.y - wanted.height) <= most,
		      "found %d,%d,%d,%d, not %d,%d,%d,%d", is.x, is.y, is.width, is.height, wanted.x, wanted.y,
		      wanted.width, wanted.height);
}

static const struct draw_area nothing;

/* Shows so many frames in which nothing moves. */
static void show_still(void *state, const struct picture *picture, uint32_t n, uint32_t grain, uint32_t *seed)
{
	for (uint32_t i = 0; i < n; i++) {
		draw_scene(picture, grain, seed, nothing);
		ck_assert_int_eq(process(&processors_motion, state, picture), 0);
		ck_assert_str_eq(mock_host_result(mock, "boxes"), "0");
		ck_assert_str_eq(mock_host_result(mock, "share"), "0.0");
		ck_assert_uint_eq(mock->pictures, 1);
	}
}

static const struct {
	uint32_t format, width, height;
} cameras[] = {
	{FL_PIXELS_I420, 1280, 720},
	{FL_PIXELS_RGB24, 640, 480},
	{FL_PIXELS_GRAY8, 641, 363},
	{FL_PIXELS_I420, 320, 240},
};

START_TEST(a_moving_square_is_found)
{
	struct picture picture = make(cameras[_i].format, cameras[_i].width, cameras[_i].height);
	int32_t side = (int32_t)cameras[_i].height / 5, speed = (int32_t)cameras[_i].width / 150;
	void *state = motion_start();
	uint32_t seed = 1;

	show_still(state, &picture, 5, 8, &seed);
	for (int32_t i = 0; i < 60; i++) {
		struct draw_area square = {41 + speed * i, 33 + i, side, side};

		draw_scene(&picture, 8, &seed, square);
		ck_assert_int_eq(process(&processors_motion, state, &picture), 0);
		if (i == 0)
			continue;
		ck_assert_str_eq(mock_host_result(mock, "boxes"), "1");
		check_near(box("box0"), square, 4);
		ck_assert_double_ge(mock_host_number(mock, "share"), 2);
	}
	processors_motion.stop(state);
	free(picture.data);
}
END_TEST

START_TEST(the_picture_has_the_box)
{
	struct picture picture = make(FL_PIXELS_RGB24, 640, 480);
	void *state = motion_start();
	struct draw_area found;
	uint32_t seed = 1, middle;

	show_still(state, &picture, 3, 0, &seed);
	ck_assert_mem_eq(mock->picture, picture.data, picture.info.size);
	for (int32_t i = 0; i < 3; i++) {
		draw_scene(&picture, 0, &seed, (struct draw_area){200 + 5 * i, 200, 80, 80});
		ck_assert_int_eq(process(&processors_motion, state, &picture), 0);
	}
	found = box("box0");
	ck_assert_mem_eq(&mock->info, &picture.info, sizeof(picture.info));
	draw_outline(&picture.info, picture.data, found, 2, 0x3dff6e);
	ck_assert_mem_eq(mock->picture, picture.data, picture.info.size);
	middle = picture.info.offset[0] + picture.info.stride[0] * (uint32_t)found.y + 3 * (uint32_t)found.x;
	ck_assert_uint_eq(mock->picture[middle + 1], 0xff);
	processors_motion.stop(state);
	free(picture.data);
}
END_TEST

START_TEST(boxes_are_sorted_and_near_ones_are_one)
{
	struct picture picture = make(FL_PIXELS_I420, 640, 480);
	void *state = motion_start();
	uint32_t seed = 1;

	show_still(state, &picture, 3, 4, &seed);
	for (int32_t i = 0; i < 10; i++) {
		struct draw_area small = {40 + 3 * i, 40, 40, 40}, large = {40 + 3 * i, 200, 100, 60};
		struct draw_area left = {300 + 3 * i, 380, 60, 60}, right = {366 + 3 * i, 390, 60, 60};

		draw_scene(&picture, 4, &seed, small);
		draw_rectangle(&picture.info, picture.data, large, 0xffffff);
		draw_rectangle(&picture.info, picture.data, left, 0xffffff);
		draw_rectangle(&picture.info, picture.data, right, 0xffffff);
		ck_assert_int_eq(process(&processors_motion, state, &picture), 0);
		ck_assert_str_eq(mock_host_result(mock, "boxes"), "3");
		check_near(box("box0"), (struct draw_area){left.x, left.y, 126, 70}, 4);
		check_near(box("box1"), large, 4);
		check_near(box("box2"), small, 4);
	}
	processors_motion.stop(state);
	free(picture.data);
}
END_TEST

START_TEST(there_are_at_most_sixteen_boxes)
{
	struct picture picture = make(FL_PIXELS_GRAY8, 640, 480);
	void *state = motion_start();
	uint32_t seed = 1;

	show_still(state, &picture, 2, 0, &seed);
	for (int32_t i = 0; i < 3; i++) {
		draw_scene(&picture, 0, &seed, nothing);
		for (int32_t n = 0; n < 30; n++)
			draw_rectangle(&picture.info, picture.data,
				       (struct draw_area){20 + n % 6 * 100 + 4 * i, 20 + n / 6 * 90, 32, 32}, 0xffffff);
		ck_assert_int_eq(process(&processors_motion, state, &picture), 0);
	}
	ck_assert_str_eq(mock_host_result(mock, "boxes"), "16");
	ck_assert_ptr_nonnull(mock_host_result(mock, "box15"));
	ck_assert_ptr_null(mock_host_result(mock, "box16"));
	processors_motion.stop(state);
	free(picture.data);
}
END_TEST

START_TEST(noise_has_no_boxes)
{
	static const uint32_t grains[] = {0, 4, 20, 60};
	struct picture picture = make(cameras[_i].format, cameras[_i].width, cameras[_i].height);

	for (size_t i = 0; i < LENGTH(grains); i++) {
		void *state = motion_start();
		uint32_t seed = 1;

		show_still(state, &picture, 40, grains[i], &seed);
		processors_motion.stop(state);
	}
	free(picture.data);
}
END_TEST

START_TEST(light_that_changes_slowly_has_no_boxes)
{
	struct picture picture = make(FL_PIXELS_GRAY8, 640, 480);
	void *state = motion_start();

	for (int i = 0; i < 200; i++) {
		memset(picture.data, 20 + i / 2, picture.info.size);
		ck_assert_int_eq(process(&processors_motion, state, &picture), 0);
		ck_assert_str_eq(mock_host_result(mock, "boxes"), "0");
	}
	processors_motion.stop(state);
	free(picture.data);
}
END_TEST

/* What stops, or was there from the beginning and goes away, is boxed while it moves, and then no more. */
START_TEST(what_stands_still_is_background)
{
	struct picture picture = make(FL_PIXELS_I420, 640, 480);
	void *state = motion_start();
	struct draw_area square = {100, 100, 100, 100};
	uint32_t seed = 1;

	for (int i = 0; i < 60; i++) {
		square.x += i > 0 && i < 40 ? 6 : 0;
		draw_scene(&picture, 4, &seed, square);
		ck_assert_int_eq(process(&processors_motion, state, &picture), 0);
		if (i > 2 && i < 40)
			ck_assert_str_ne(mock_host_result(mock, "boxes"), "0");
		if (i > 30 && i < 40) {
			ck_assert_str_eq(mock_host_result(mock, "boxes"), "1");
			check_near(box("box0"), square, 4);
		}
	}
	ck_assert_str_eq(mock_host_result(mock, "boxes"), "0");
	processors_motion.stop(state);
	free(picture.data);
}
END_TEST

START_TEST(pictures_of_another_size_begin_anew)
{
	static const struct {
		uint32_t format, width, height;
	} frames[] = {{FL_PIXELS_RGB24, 1, 1},     {FL_PIXELS_GRAY8, 3, 2000},  {FL_PIXELS_I420, 2, 2},
		      {FL_PIXELS_GRAY8, 640, 1},   {FL_PIXELS_GRAY8, 40000, 2}, {FL_PIXELS_RGB24, 333, 77},
		      {FL_PIXELS_GRAY8, 161, 161}, {FL_PIXELS_RGB24, 160, 160}, {FL_PIXELS_I420, 640, 480}};
	void *state = motion_start();
	uint32_t seed = 1;

	for (size_t i = 0; i < 3 * LENGTH(frames); i++) {
		size_t n = i % LENGTH(frames);
		struct picture picture = make(frames[n].format, frames[n].width, frames[n].height);

		show_still(state, &picture, 3, 0, &seed);
		ck_assert_mem_eq(&mock->info, &picture.info, sizeof(picture.info));
		/* All of the picture changes: of no size may that lead astray. */
		for (int value = 0; value < 4; value++) {
			memset(picture.data, value * 80, picture.info.size);
			ck_assert_int_eq(process(&processors_motion, state, &picture), 0);
		}
		free(picture.data);
	}
	processors_motion.stop(state);
}
END_TEST

START_TEST(the_time_code_is_no_motion)
{
	struct picture picture = make(FL_PIXELS_I420, 1280, 720);
	void *state = motion_start();
	uint32_t seed = 1;

	for (int64_t i = 0; i < 300; i++) {
		draw_scene(&picture, 0, &seed, nothing);
		draw_time_code(&picture.info, picture.data, 1795254201123456 + i * 1033333);
		ck_assert_int_eq(process(&processors_motion, state, &picture), 0);
		ck_assert_str_eq(mock_host_result(mock, "boxes"), "0");
	}
	processors_motion.stop(state);
	free(picture.data);
}
END_TEST

START_TEST(two_of_a_kind_do_not_meet)
{
	struct picture picture = make(FL_PIXELS_GRAY8, 640, 480);
	void *one = motion_start(), *other = motion_start();
	uint32_t seed = 1;

	show_still(one, &picture, 3, 0, &seed);
	for (int32_t i = 0; i < 3; i++) {
		draw_scene(&picture, 0, &seed, (struct draw_area){100 + 5 * i, 100, 80, 80});
		ck_assert_int_eq(process(&processors_motion, one, &picture), 0);
		ck_assert_str_eq(mock_host_result(mock, "boxes"), "1");
		show_still(other, &picture, 1, 0, &seed);
	}
	processors_motion.stop(one);
	processors_motion.stop(other);
	free(picture.data);
}
END_TEST

static const uint32_t gray_sizes[][2] = {{1, 1}, {2, 2}, {1, 9}, {9, 1}, {3, 3}, {67, 35}, {640, 480}};

static void fill_randomly(const struct picture *picture, uint32_t *seed)
{
	for (uint64_t i = 0; i < picture->info.size; i++)
		picture->data[i] = (uint8_t)(next(seed) % 256 * (next(seed) % 4) / 3);
}

static int pixel(const struct picture *picture, uint32_t x, uint32_t y)
{
	return picture->data[picture->info.offset[0] + (size_t)picture->info.stride[0] * y + x];
}

static int sobel(const struct picture *picture, uint32_t x, uint32_t y)
{
	int across = 0, along = 0;

	if (x == 0 || y == 0 || x + 1 == picture->info.width || y + 1 == picture->info.height)
		return 0;
	for (int i = -1; i <= 1; i++) {
		int weight = i == 0 ? 2 : 1;

		across += weight * (pixel(picture, x + 1, y + (uint32_t)i) - pixel(picture, x - 1, y + (uint32_t)i));
		along += weight * (pixel(picture, x + (uint32_t)i, y + 1) - pixel(picture, x + (uint32_t)i, y - 1));
	}
	return abs(across) + abs(along) > 255 ? 255 : abs(across) + abs(along);
}

START_TEST(edges_are_what_sobel_says)
{
	struct picture picture = make(FL_PIXELS_GRAY8, gray_sizes[_i][0], gray_sizes[_i][1]);
	uint32_t seed = 3, strong = 0;

	fill_randomly(&picture, &seed);
	ck_assert_int_eq(process(&processors_edges, NULL, &picture), 0);
	ck_assert_uint_eq(mock->pictures, 1);
	ck_assert_uint_eq(mock->info.format, FL_PIXELS_GRAY8);
	ck_assert_uint_eq(mock->info.width, picture.info.width);
	ck_assert_uint_eq(mock->info.height, picture.info.height);
	for (uint32_t y = 0; y < picture.info.height; y++)
		for (uint32_t x = 0; x < picture.info.width; x++) {
			int is = mock->picture[mock->info.offset[0] + mock->info.stride[0] * y + x];

			ck_assert_int_eq(is, sobel(&picture, x, y));
			strong += is >= 64;
		}
	ck_assert_double_eq_tol(mock_host_number(mock, "edges"),
				strong * 100.0 / (picture.info.width * picture.info.height), 0.06);
	free(picture.data);
}
END_TEST

static int compare_bytes(const void *a, const void *b)
{
	return *(const uint8_t *)a - *(const uint8_t *)b;
}

/* The figures from all pixels, sorted. */
static void check_figures(const struct picture *picture)
{
	uint32_t width = picture->info.width, n = width * picture->info.height, clipped = 0;
	uint8_t *sorted = malloc(n), p5, p95;
	double sum = 0;

	ck_assert_ptr_nonnull(sorted);
	for (uint32_t i = 0; i < n; i++) {
		sorted[i] = (uint8_t)pixel(picture, i % width, i / width);
		sum += sorted[i];
		clipped += sorted[i] == 0 || sorted[i] == 255;
	}
	qsort(sorted, n, 1, compare_bytes);
	p5 = sorted[(n * 5 + 99) / 100 - 1], p95 = sorted[(n * 95 + 99) / 100 - 1];
	ck_assert_double_eq_tol(mock_host_number(mock, "mean"), sum / n, 0.06);
	ck_assert_double_eq_tol(mock_host_number(mock, "clipped"), clipped * 100.0 / n, 0.06);
	ck_assert_double_eq(mock_host_number(mock, "min"), sorted[0]);
	ck_assert_double_eq(mock_host_number(mock, "max"), sorted[n - 1]);
	ck_assert_double_eq(mock_host_number(mock, "p5"), p5);
	ck_assert_double_eq(mock_host_number(mock, "p95"), p95);
	free(sorted);
}

START_TEST(the_histograms_figures_are_right)
{
	struct picture picture = make(FL_PIXELS_GRAY8, gray_sizes[_i][0], gray_sizes[_i][1]);
	uint32_t seed = 3;

	for (int round = 0; round < 5; round++) {
		fill_randomly(&picture, &seed);
		ck_assert_int_eq(process(&processors_histogram, NULL, &picture), 0);
		check_figures(&picture);
	}
	memset(picture.data, 255, picture.info.size);
	ck_assert_int_eq(process(&processors_histogram, NULL, &picture), 0);
	check_figures(&picture);
	ck_assert_uint_eq(mock->pictures, 1);
	ck_assert_uint_eq(mock->info.format, FL_PIXELS_RGB24);
	free(picture.data);
}
END_TEST

/* The bar of a brightness that all pixels have is the highest, and there is no other. */
START_TEST(the_histogram_has_bars)
{
	struct picture picture = make(FL_PIXELS_GRAY8, 64, 64);
	const uint8_t *row;

	for (uint32_t value = 20; value < 240; value += 50) {
		memset(picture.data, (int)value, picture.info.size);
		ck_assert_int_eq(process(&processors_histogram, NULL, &picture), 0);
		ck_assert_uint_eq(mock->info.width, 512);
		ck_assert_uint_eq(mock->info.height, 256);
		row = mock->picture + (size_t)mock->info.stride[0] * 250;
		for (uint32_t x = 0; x < 512; x++)
			ck_assert_msg((row[3 * x] > 60) == (x / 2 == value), "value %u: column %u", value, x);
	}
	free(picture.data);
}
END_TEST

START_TEST(other_formats_are_refused)
{
	struct picture picture = make(FL_PIXELS_YUYV, 64, 64);
	void *state = motion_start();

	ck_assert_int_eq(process(&processors_motion, state, &picture), -EINVAL);
	ck_assert_int_eq(process(&processors_edges, NULL, &picture), -EINVAL);
	ck_assert_int_eq(process(&processors_histogram, NULL, &picture), -EINVAL);
	ck_assert_uint_eq(mock->pictures, 0);
	processors_motion.stop(state);
	free(picture.data);
}
END_TEST

static int no_loan(const fl_processor_host *host, size_t size, void **ret_data)
{
	(void)host;
	(void)size;
	(void)ret_data;
	return -ENOMEM;
}

START_TEST(without_memory_a_frame_fails)
{
	struct picture picture = make(FL_PIXELS_GRAY8, 64, 64);

	mock->host.loan = no_loan;
	for (size_t i = 0; processors_all[i]; i++) {
		void *state = NULL;

		if (processors_all[i]->start)
			ck_assert_int_eq(processors_all[i]->start(&state), 0);
		ck_assert_int_eq(process(processors_all[i], state, &picture), -ENOMEM);
		if (processors_all[i]->stop)
			processors_all[i]->stop(state);
	}
	free(picture.data);
}
END_TEST

START_TEST(they_are_found_by_name)
{
	size_t n = 0;

	for (; processors_all[n]; n++) {
		ck_assert_ptr_eq(processors_find(processors_all[n]->name), processors_all[n]);
		ck_assert_uint_eq(processors_all[n]->version, FL_PROCESSOR_VERSION);
		ck_assert_uint_lt(strlen(processors_all[n]->name), FL_PROCESSOR_KEY);
		ck_assert_ptr_nonnull(processors_all[n]->summary);
	}
	ck_assert_uint_eq(n, 4);
	ck_assert_ptr_null(processors_find("nothing"));
	ck_assert_ptr_null(processors_find(""));
}
END_TEST

static void give_frames_to_crash(int n)
{
	struct picture picture = make(FL_PIXELS_RGB24, 8, 8);
	void *state;

	ck_assert_int_eq(processors_crash.start(&state), 0);
	for (int i = 1; i <= n; i++) {
		ck_assert_int_eq(process(&processors_crash, state, &picture), 0);
		ck_assert_int_eq((int)mock_host_number(mock, "frames"), i);
		ck_assert_uint_eq(mock->pictures, 1);
	}
	processors_crash.stop(state);
	free(picture.data);
}

START_TEST(crash_works_for_ten_frames)
{
	give_frames_to_crash(10);
}
END_TEST

START_TEST(crash_crashes_with_the_eleventh)
{
	give_frames_to_crash(11);
}
END_TEST

static void add_motion(Suite *suite)
{
	TCase *motion = testing_case_between(suite, "motion", set_up, tear_down);

	tcase_add_loop_test(motion, a_moving_square_is_found, 0, LENGTH(cameras));
	tcase_add_test(motion, the_picture_has_the_box);
	tcase_add_test(motion, boxes_are_sorted_and_near_ones_are_one);
	tcase_add_test(motion, there_are_at_most_sixteen_boxes);
	tcase_add_loop_test(motion, noise_has_no_boxes, 0, LENGTH(cameras));
	tcase_add_test(motion, light_that_changes_slowly_has_no_boxes);
	tcase_add_test(motion, what_stands_still_is_background);
	tcase_add_test(motion, pictures_of_another_size_begin_anew);
	tcase_add_test(motion, the_time_code_is_no_motion);
	tcase_add_test(motion, two_of_a_kind_do_not_meet);
}

int main(void)
{
	Suite *suite = suite_create("processors");
	TCase *others;

	add_motion(suite);
	others = testing_case_between(suite, "others", set_up, tear_down);
	tcase_add_loop_test(others, edges_are_what_sobel_says, 0, LENGTH(gray_sizes));
	tcase_add_loop_test(others, the_histograms_figures_are_right, 0, LENGTH(gray_sizes));
	tcase_add_test(others, the_histogram_has_bars);
	tcase_add_test(others, other_formats_are_refused);
	tcase_add_test(others, without_memory_a_frame_fails);
	tcase_add_test(others, they_are_found_by_name);
	tcase_add_test(others, crash_works_for_ten_frames);
	tcase_add_test_raise_signal(others, crash_crashes_with_the_eleventh, SIGABRT);
	return testing_run(suite);
}
