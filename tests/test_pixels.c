/*
 * test_pixels.c - every format to each of three: colours, odd sizes, rows with gaps, and what cannot be converted.
 */
#include "testing.h"

#include "hub/images/pixels.h"
#include "pictures.h"
#include <errno.h>

static const uint32_t targets[] = {FL_PIXELS_RGB24, FL_PIXELS_GRAY8, FL_PIXELS_I420};

/* Sizes: small, odd ones, wider than a strip and than the loops' steps. */
static const struct {
	uint32_t width, height;
} sizes[] = {{2, 2}, {1, 1}, {7, 5}, {6, 3}, {34, 6}, {130, 66}, {1026, 4}, {2049, 3}, {4096, 2}};

#define SIZES (int)(sizeof(sizes) / sizeof(sizes[0]))
#define TOLERANCE 3

static void convert_one(uint32_t format, uint32_t target, uint32_t width, uint32_t height, uint32_t gap)
{
	fl_frame_info from, to;
	uint8_t *data, *converted;

	picture_describe(&from, format, width, height, gap);
	picture_describe(&to, target, width, height, gap);
	data = picture_make(&from);
	converted = malloc(to.size);
	ck_assert_ptr_nonnull(converted);
	memset(converted, 0xa5, to.size);
	ck_assert_int_eq(pixels_convert(&from, data, &to, converted), 0);
	picture_expect(&to, format, converted, TOLERANCE);
	free(data);
	free(converted);
}

START_TEST(a_format_becomes_another)
{
	uint32_t format = picture_formats[_i / 3], target = targets[_i % 3];
	int n = 0;

	for (int i = 0; i < SIZES; i++) {
		if (!picture_can_be(format, sizes[i].width, sizes[i].height) ||
		    !picture_can_be(target, sizes[i].width, sizes[i].height))
			continue;
		convert_one(format, target, sizes[i].width, sizes[i].height, 0);
		convert_one(format, target, sizes[i].width, sizes[i].height, 5);
		n++;
	}
	ck_assert_int_ge(n, 5);
}
END_TEST

START_TEST(black_and_white_are_all_of_0_to_255)
{
	fl_frame_info rgb, planes;
	uint8_t ends[2 * 2 * 3] = {0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255}, i420[6], back[12];

	ck_assert_int_eq(fl_frame_info_init(&rgb, FL_PIXELS_RGB24, 2, 2), 0);
	ck_assert_int_eq(fl_frame_info_init(&planes, FL_PIXELS_I420, 2, 2), 0);
	ck_assert_int_eq(pixels_convert(&rgb, ends, &planes, i420), 0);
	ck_assert_uint_eq(i420[0], 0);
	ck_assert_uint_eq(i420[3], 255);
	ck_assert_int_eq(pixels_convert(&planes, i420, &rgb, back), 0);
	ck_assert_mem_eq(back, ends, sizeof(back));
}
END_TEST

START_TEST(what_cannot_be_converted_is_refused)
{
	fl_frame_info from, to;
	uint8_t data[64] = {0}, converted[64] = {0};

	picture_describe(&from, FL_PIXELS_RGB24, 4, 4, 0);
	picture_describe(&to, FL_PIXELS_GRAY8, 2, 4, 0);
	ck_assert_int_eq(pixels_convert(&from, data, &to, converted), -EINVAL);
	picture_describe(&to, FL_PIXELS_BGR24, 4, 4, 0);
	ck_assert_int_eq(pixels_convert(&from, data, &to, converted), -EINVAL);
	picture_describe(&to, FL_PIXELS_GRAY8, 4, 4, 0);
	from.format = FL_PIXELS_JPEG;
	from.n_planes = 0;
	ck_assert_int_eq(pixels_convert(&from, data, &to, converted), -EINVAL);
	from.format = FL_FOURCC('N', 'O', 'N', 'E');
	ck_assert_int_eq(pixels_convert(&from, data, &to, converted), -EINVAL);
	picture_describe(&from, FL_PIXELS_GRAY8, 4, 1, 0);
	picture_describe(&to, FL_PIXELS_GRAY8, 4, 1, 0);
	from.stride[0] = 0x80000000u;
	ck_assert_int_eq(pixels_convert(&from, data, &to, converted), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pixels");
	TCase *tests = testing_case(suite, "pixels");

	tcase_add_loop_test(tests, a_format_becomes_another, 0, 3 * PICTURE_FORMATS);
	tcase_add_test(tests, black_and_white_are_all_of_0_to_255);
	tcase_add_test(tests, what_cannot_be_converted_is_refused);
	return testing_run(suite);
}
