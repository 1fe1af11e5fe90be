/*
 * test_frame.c - descriptions of frames: what the formats take, and what is wrong with a description that lies.
 */
#include "testing.h"

#include <errno.h>
#include <fairlead/frame.h>
#include <string.h>

static const struct {
	uint32_t format, width, height;
	uint64_t size;
	uint32_t n_planes, offset[3], stride[3];
} good[] = {
	{FL_PIXELS_GRAY8, 7, 5, 35, 1, {0}, {7}},
	{FL_PIXELS_RGB24, 1920, 1080, 6220800, 1, {0}, {5760}},
	{FL_PIXELS_BGR24, 1, 1, 3, 1, {0}, {3}},
	{FL_PIXELS_RGBA32, 3, 2, 24, 1, {0}, {12}},
	{FL_PIXELS_BGRA32, 3, 2, 24, 1, {0}, {12}},
	{FL_PIXELS_YUYV, 6, 3, 36, 1, {0}, {12}},
	{FL_PIXELS_UYVY, 2, 1, 4, 1, {0}, {4}},
	{FL_PIXELS_NV12, 4, 6, 36, 2, {0, 24}, {4, 4}},
	{FL_PIXELS_I420, 4, 6, 36, 3, {0, 24, 30}, {4, 2, 2}},
	{FL_PIXELS_GRAY8, 65535, 65537, UINT32_MAX, 1, {0}, {65535}},
};

START_TEST(formats_take_what_they_take)
{
	fl_frame_info info;

	ck_assert_int_eq(fl_frame_info_init(&info, good[_i].format, good[_i].width, good[_i].height), 0);
	ck_assert_uint_eq(info.size, good[_i].size);
	ck_assert_uint_eq(info.n_planes, good[_i].n_planes);
	for (uint32_t i = 0; i < info.n_planes; i++) {
		ck_assert_uint_eq(info.offset[i], good[_i].offset[i]);
		ck_assert_uint_eq(info.stride[i], good[_i].stride[i]);
	}
	ck_assert_int_eq(fl_frame_info_check(&info, info.size), 0);
	ck_assert_int_eq(fl_frame_info_check(&info, info.size - 1), -EMSGSIZE);
}
END_TEST

static const struct {
	uint32_t format, width, height;
	int error;
} bad[] = {
	{FL_PIXELS_GRAY8, 0, 5, -EINVAL},
	{FL_PIXELS_GRAY8, 5, 0, -EINVAL},
	{FL_PIXELS_YUYV, 3, 2, -EINVAL},
	{FL_PIXELS_NV12, 4, 3, -EINVAL},
	{FL_PIXELS_I420, 3, 4, -EINVAL},
	{FL_PIXELS_JPEG, 640, 480, -EINVAL},
	{FL_PIXELS_NONE, 640, 480, -EINVAL},
	{FL_FOURCC('N', 'O', 'N', 'E'), 640, 480, -EINVAL},
	{FL_PIXELS_GRAY8, 65536, 65536, -EMSGSIZE},
	{FL_PIXELS_RGBA32, UINT32_MAX, 1, -EMSGSIZE},
	{FL_PIXELS_RGB24, UINT32_MAX, UINT32_MAX, -EMSGSIZE},
	{FL_PIXELS_I420, UINT32_MAX - 1, 2, -EMSGSIZE},
};

START_TEST(what_cannot_be_is_refused)
{
	fl_frame_info info, before;

	memset(&info, 7, sizeof(info));
	before = info;
	ck_assert_int_eq(fl_frame_info_init(&info, bad[_i].format, bad[_i].width, bad[_i].height), bad[_i].error);
	ck_assert_mem_eq(&info, &before, sizeof(info));
}
END_TEST

START_TEST(rows_may_have_gaps)
{
	fl_frame_info info;

	ck_assert_int_eq(fl_frame_info_init(&info, FL_PIXELS_RGB24, 10, 4), 0);
	info.stride[0] = 32;
	info.offset[0] = 64;
	info.size = 64 + 3 * 32 + 30;
	ck_assert_int_eq(fl_frame_info_check(&info, 1000), 0);
	info.size--;
	ck_assert_int_eq(fl_frame_info_check(&info, 1000), -EMSGSIZE);
	info.stride[0] = 29;
	ck_assert_int_eq(fl_frame_info_check(&info, 1000), -EINVAL);
}
END_TEST

START_TEST(a_description_that_lies_is_found_out)
{
	fl_frame_info info, lie;

	ck_assert_int_eq(fl_frame_info_init(&info, FL_PIXELS_I420, 8, 8), 0);
	lie = info;
	lie.height = UINT32_MAX - 1;
	ck_assert_int_eq(fl_frame_info_check(&lie, info.size), -EMSGSIZE);
	lie = info;
	lie.offset[2] = UINT32_MAX;
	ck_assert_int_eq(fl_frame_info_check(&lie, info.size), -EMSGSIZE);
	lie = info;
	lie.stride[1] = UINT32_MAX;
	ck_assert_int_eq(fl_frame_info_check(&lie, info.size), -EMSGSIZE);
	lie = info;
	lie.n_planes = 2;
	ck_assert_int_eq(fl_frame_info_check(&lie, info.size), -EINVAL);
	lie.n_planes = 5;
	ck_assert_int_eq(fl_frame_info_check(&lie, info.size), -EINVAL);
	lie = info;
	lie.width = 7;
	ck_assert_int_eq(fl_frame_info_check(&lie, info.size), -EINVAL);
	lie = info;
	lie.size = UINT64_MAX;
	ck_assert_int_eq(fl_frame_info_check(&lie, info.size), -EMSGSIZE);
}
END_TEST

START_TEST(encoded_and_unknown_frames_have_a_size)
{
	fl_frame_info info = {.format = FL_PIXELS_JPEG, .size = 100};

	ck_assert_int_eq(fl_frame_info_check(&info, 100), 0);
	info.n_planes = 1;
	ck_assert_int_eq(fl_frame_info_check(&info, 100), -EINVAL);
	info.format = FL_FOURCC('N', 'O', 'N', 'E');
	ck_assert_int_eq(fl_frame_info_check(&info, 100), 0);
	info.offset[0] = 101;
	ck_assert_int_eq(fl_frame_info_check(&info, 100), -EMSGSIZE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frame");
	TCase *tcase = testing_case(suite, "info");

	tcase_add_loop_test(tcase, formats_take_what_they_take, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(tcase, what_cannot_be_is_refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tcase, rows_may_have_gaps);
	tcase_add_test(tcase, a_description_that_lies_is_found_out);
	tcase_add_test(tcase, encoded_and_unknown_frames_have_a_size);
	return testing_run(suite);
}
