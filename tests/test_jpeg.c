/*
 * test_jpeg.c - images become JPEGs and come back, and whatever is not quite a JPEG is refused with a sentence.
 */
#include "testing.h"

#include "hub/images/jpeg.h"
#include "pictures.h"
#include <errno.h>

#define WHY 200u
#define GUARD 64u
#define TOLERANCE 10 /* of 255, at quality 95 */

static struct jpeg *jpeg;
static uint8_t *file; /* what was encoded last, in memory that has no byte more */
static size_t file_size;
static char why[WHY];

static void set_up(void)
{
	jpeg = jpeg_open();
	ck_assert_ptr_nonnull(jpeg);
	file = NULL;
	file_size = 0;
	why[0] = 0;
}

static void tear_down(void)
{
	jpeg = jpeg_close(jpeg);
	free(file);
}

static void keep_file(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, data, size);
	free(file);
	file = copy;
	file_size = size;
}

/* Encodes, and expects what is around the memory to stay as it is. */
static void encode(const fl_frame_info *info, const void *data, int quality)
{
	size_t room = jpeg_bound(info->width, info->height), size = 0;
	uint8_t *to = malloc(room + 2 * GUARD);

	ck_assert_ptr_nonnull(to);
	memset(to, 0x5a, room + 2 * GUARD);
	ck_assert_int_eq(jpeg_encode(jpeg, info, data, quality, to + GUARD, room, &size), 0);
	ck_assert_uint_le(size, room);
	for (size_t i = 0; i < GUARD; i++) {
		ck_assert_uint_eq(to[i], 0x5a);
		ck_assert_uint_eq(to[GUARD + room + i], 0x5a);
	}
	keep_file(to + GUARD, size);
	free(to);
}

static void encode_picture(uint32_t format, uint32_t width, uint32_t height, uint32_t gap)
{
	fl_frame_info info;
	uint8_t *data;

	picture_describe(&info, format, width, height, gap);
	data = picture_make(&info);
	encode(&info, data, 95);
	free(data);
}

static int look(uint32_t *width, uint32_t *height)
{
	return jpeg_look(file, file_size, width, height, why, sizeof(why));
}

/* Decodes the file as that format. */
static void expect_picture(uint32_t format, uint32_t colours, uint32_t width, uint32_t height, uint32_t gap)
{
	fl_frame_info info;
	uint8_t *pixels;

	picture_describe(&info, format, width, height, gap);
	ck_assert_uint_gt(info.size, 0);
	pixels = malloc(info.size);
	ck_assert_ptr_nonnull(pixels);
	memset(pixels, 0xa5, info.size);
	ck_assert_msg(jpeg_decode(jpeg, file, file_size, &info, pixels, why, sizeof(why)) == 0, "%s", why);
	picture_expect(&info, colours, pixels, TOLERANCE);
	free(pixels);
}

static const struct {
	uint32_t width, height;
} sizes[] = {{2, 2}, {16, 16}, {64, 48}, {130, 66}, {6, 3}, {1, 1}, {17, 9}, {16384, 2}};

START_TEST(an_image_comes_back)
{
	uint32_t format = picture_formats[_i], width, height, w, h;
	int n = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		width = sizes[i].width;
		height = sizes[i].height;
		if (!picture_can_be(format, width, height))
			continue;
		n++;
		encode_picture(format, width, height, i % 2 ? 6 : 0);
		ck_assert_int_eq(look(&w, &h), 0);
		ck_assert_uint_eq(w, width);
		ck_assert_uint_eq(h, height);
		expect_picture(FL_PIXELS_RGB24, format, width, height, 0);
		expect_picture(FL_PIXELS_GRAY8, format, width, height, 3);
		if (width > 1 && height > 1)
			expect_picture(FL_PIXELS_I420, format, width & ~1u, height & ~1u, 0);
	}
	ck_assert_int_ge(n, 5);
}
END_TEST

START_TEST(noise_fits_at_the_best_quality)
{
	fl_frame_info info;
	uint8_t *data;
	uint32_t n = 1;

	picture_describe(&info, FL_PIXELS_RGB24, 101, 67, 0);
	data = malloc(info.size);
	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < info.size; i++)
		data[i] = (n = n * 1103515245 + 12345) >> 31 ? 255 : 0;
	encode(&info, data, 100);
	ck_assert_uint_gt(file_size, info.size / 4);
	free(data);
}
END_TEST

START_TEST(quality_is_what_it_costs)
{
	fl_frame_info info;
	uint8_t *data;
	size_t best;

	picture_describe(&info, FL_PIXELS_NV12, 320, 240, 0);
	data = picture_make(&info);
	encode(&info, data, 100);
	best = file_size;
	encode(&info, data, 1);
	ck_assert_uint_lt(file_size, best);
	free(data);
}
END_TEST

START_TEST(what_cannot_be_encoded_is_refused)
{
	uint8_t data[64] = {0}, to[8192];
	fl_frame_info info;
	size_t size = 7;

	picture_describe(&info, FL_PIXELS_RGB24, 4, 4, 0);
	ck_assert_int_eq(jpeg_encode(jpeg, &info, data, 0, to, sizeof(to), &size), -EINVAL);
	ck_assert_int_eq(jpeg_encode(jpeg, &info, data, 101, to, sizeof(to), &size), -EINVAL);
	ck_assert_int_eq(jpeg_encode(jpeg, &info, data, 80, to, jpeg_bound(4, 4) - 1, &size), -EMSGSIZE);
	info.format = FL_PIXELS_JPEG;
	info.n_planes = 0;
	ck_assert_int_eq(jpeg_encode(jpeg, &info, data, 80, to, sizeof(to), &size), -EINVAL);
	info.format = FL_FOURCC('N', 'O', 'N', 'E');
	info.n_planes = 1;
	ck_assert_int_eq(jpeg_encode(jpeg, &info, data, 80, to, sizeof(to), &size), -EINVAL);
	ck_assert_int_eq(fl_frame_info_init(&info, FL_PIXELS_GRAY8, JPEG_MAX_SIDE + 1, 1), 0);
	ck_assert_int_eq(jpeg_encode(jpeg, &info, data, 80, to, sizeof(to), &size), -EMSGSIZE);
	ck_assert_uint_eq(size, 7);
	ck_assert_uint_eq(jpeg_bound(JPEG_MAX_SIDE + 1, 1), 0);
	ck_assert_uint_eq(jpeg_bound(8193, 8192), 0);
	ck_assert_uint_eq(jpeg_bound(0, 1), 0);
	ck_assert_uint_gt(jpeg_bound(8192, 8192), 8192 * 8192);
}
END_TEST

/* Fails unless looking at it, and decoding it, says this; there is a sentence if it is an error. */
static void expect_look(const uint8_t *data, size_t size, int error)
{
	uint32_t width = 7, height = 7;
	uint8_t *copy = malloc(size > 0 ? size : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, data, size);
	why[0] = 0;
	ck_assert_int_eq(jpeg_look(copy, size, &width, &height, why, sizeof(why)), error);
	ck_assert_int_eq(why[0] == 0, error == 0);
	if (error != 0)
		ck_assert_uint_eq(width + height, 14);
	free(copy);
}

/* Decodes to memory of 64 x 48 pixels. */
static int decode_bytes(const uint8_t *data, size_t size, uint32_t format)
{
	uint8_t *copy = malloc(size > 0 ? size : 1), *pixels = malloc(64 * 48 * 3);
	fl_frame_info info;
	int error;

	ck_assert(copy && pixels);
	memcpy(copy, data, size);
	picture_describe(&info, format, 64, 48, 0);
	why[0] = 0;
	error = jpeg_decode(jpeg, copy, size, &info, pixels, why, sizeof(why));
	ck_assert_int_eq(why[0] == 0, error == 0);
	free(copy);
	free(pixels);
	return error;
}

START_TEST(what_was_cut_off_is_refused)
{
	encode_picture(FL_PIXELS_RGB24, 64, 48, 0);
	for (size_t size = 0; size < file_size; size++)
		expect_look(file, size, -EBADMSG);
	expect_look(file, file_size, 0);
}
END_TEST

/* An end mark behind half an image hides the cut from who only looks; not from who decodes. */
START_TEST(half_an_image_is_refused)
{
	static const uint32_t formats[] = {FL_PIXELS_RGB24, FL_PIXELS_GRAY8, FL_PIXELS_I420};
	uint8_t *half;
	size_t size;

	encode_picture(FL_PIXELS_RGB24, 64, 48, 0);
	half = malloc(file_size);
	ck_assert_ptr_nonnull(half);
	for (size = file_size - 200; size < file_size - 20; size += 7) {
		memcpy(half, file, size);
		half[size - 2] = 0xff;
		half[size - 1] = 0xd9;
		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(decode_bytes(half, size, formats[i]), -EBADMSG);
	}
	free(half);
}
END_TEST

START_TEST(zeros_may_follow_and_nothing_else)
{
	uint8_t *longer;

	encode_picture(FL_PIXELS_RGB24, 64, 48, 0);
	longer = calloc(1, file_size + 100);
	ck_assert_ptr_nonnull(longer);
	memcpy(longer, file, file_size);
	expect_look(longer, file_size + 100, 0);
	ck_assert_int_eq(decode_bytes(longer, file_size + 100, FL_PIXELS_I420), 0);
	longer[file_size + 99] = 1;
	expect_look(longer, file_size + 100, -EBADMSG);
	free(longer);
}
END_TEST

/* Where the size is in a file that this coder made. */
static size_t size_mark(void)
{
	for (size_t i = 0; i + 9 < file_size; i++)
		if (file[i] == 0xff && file[i + 1] == 0xc0)
			return i;
	ck_abort_msg("there is no size in it");
	return 0;
}

static void say_size(uint32_t width, uint32_t height)
{
	uint8_t *at = file + size_mark() + 5;

	at[0] = (uint8_t)(height >> 8);
	at[1] = (uint8_t)height;
	at[2] = (uint8_t)(width >> 8);
	at[3] = (uint8_t)width;
}

START_TEST(a_header_may_lie)
{
	fl_frame_info info;
	uint8_t *pixels;

	encode_picture(FL_PIXELS_RGB24, 64, 48, 0);
	say_size(65535, 65535);
	expect_look(file, file_size, -EMSGSIZE);
	ck_assert_int_eq(decode_bytes(file, file_size, FL_PIXELS_RGB24), -EMSGSIZE);
	say_size(0, 48);
	expect_look(file, file_size, -EBADMSG);
	say_size(64, 0);
	expect_look(file, file_size, -EBADMSG);
	say_size(32, 48);
	ck_assert_int_eq(decode_bytes(file, file_size, FL_PIXELS_RGB24), -EINVAL);
	say_size(4000, 4000);
	picture_describe(&info, FL_PIXELS_I420, 4000, 4000, 0);
	pixels = malloc(info.size);
	ck_assert_ptr_nonnull(pixels);
	ck_assert_int_eq(jpeg_decode(jpeg, file, file_size, &info, pixels, why, sizeof(why)), -EBADMSG);
	free(pixels);
}
END_TEST

START_TEST(a_size_that_is_not_the_images_is_refused)
{
	fl_frame_info info;
	uint8_t pixels[64 * 48 * 4];

	encode_picture(FL_PIXELS_RGB24, 64, 48, 0);
	picture_describe(&info, FL_PIXELS_BGR24, 64, 48, 0);
	ck_assert_int_eq(jpeg_decode(jpeg, file, file_size, &info, pixels, why, sizeof(why)), -EINVAL);
	picture_describe(&info, FL_PIXELS_RGB24, 64, 50, 0);
	ck_assert_int_eq(jpeg_decode(jpeg, file, file_size, &info, pixels, why, sizeof(why)), -EINVAL);
	picture_describe(&info, FL_PIXELS_I420, 62, 48, 0);
	ck_assert_int_eq(jpeg_decode(jpeg, file, file_size, &info, pixels, why, sizeof(why)), -EINVAL);
}
END_TEST

/* Scans without end: the mark of a progressive image, and its one scan many times. */
START_TEST(scans_without_end_are_refused)
{
	size_t scan = 0, each, size = 0, n = 2000;
	uint8_t *many;

	encode_picture(FL_PIXELS_GRAY8, 64, 48, 0);
	file[size_mark() + 1] = 0xc2;
	for (size_t i = 0; i + 1 < file_size; i++)
		if (file[i] == 0xff && file[i + 1] == 0xda)
			scan = i;
	ck_assert_uint_gt(scan, 0);
	file[scan + 8] = 0; /* only the first number of each block */
	each = file_size - 2 - scan;
	many = malloc(file_size + n * each);
	ck_assert_ptr_nonnull(many);
	memcpy(many, file, scan);
	size = scan;
	for (size_t i = 0; i < n; i++, size += each)
		memcpy(many + size, file + scan, each);
	memcpy(many + size, file + file_size - 2, 2);
	size += 2;
	expect_look(many, size, 0);
	ck_assert_int_eq(decode_bytes(many, size, FL_PIXELS_RGB24), -EBADMSG);
	free(many);
}
END_TEST

static uint32_t next_number(uint32_t *state)
{
	return (*state = *state * 1664525 + 1013904223) >> 8;
}

static void expect_no_harm(const uint8_t *data, size_t size)
{
	static const uint32_t formats[] = {FL_PIXELS_RGB24, FL_PIXELS_GRAY8, FL_PIXELS_I420};
	int error;

	for (int i = 0; i < 3; i++) {
		error = decode_bytes(data, size, formats[i]);
		ck_assert(error == 0 || error == -EBADMSG || error == -EMSGSIZE || error == -EINVAL);
	}
}

/* Every byte of the header gets other values, and bytes anywhere. What comes of it may be an image, but no harm. */
START_TEST(damaged_bytes_do_no_harm)
{
	uint32_t state = 1;
	uint8_t *damaged;

	encode_picture(FL_PIXELS_RGB24, 64, 48, 0);
	damaged = malloc(file_size);
	ck_assert_ptr_nonnull(damaged);
	for (size_t i = 0; i < 3000; i++) {
		memcpy(damaged, file, file_size);
		damaged[i % file_size] = (uint8_t)next_number(&state);
		for (uint32_t n = next_number(&state) % 4; n > 0; n--)
			damaged[next_number(&state) % file_size] = (uint8_t)next_number(&state);
		expect_no_harm(damaged, file_size);
	}
	free(damaged);
}
END_TEST

START_TEST(bytes_at_random_are_refused)
{
	uint8_t bytes[600];
	uint32_t state = 7;
	size_t size;

	for (int i = 0; i < 5000; i++) {
		size = next_number(&state) % sizeof(bytes);
		for (size_t j = 0; j < size; j++)
			bytes[j] = (uint8_t)(next_number(&state) % 8 ? next_number(&state) : 0xff);
		if (i % 2 && size > 8) {
			bytes[0] = bytes[2] = bytes[size - 2] = 0xff;
			bytes[1] = 0xd8;
			bytes[size - 1] = 0xd9;
		}
		ck_assert_int_ne(decode_bytes(bytes, size, FL_PIXELS_RGB24), 0);
	}
	ck_assert_int_eq(decode_bytes(bytes, 0, FL_PIXELS_RGB24), -EBADMSG);
}
END_TEST

/* After a failure the coder goes on as before. */
START_TEST(a_failure_leaves_nothing_behind)
{
	encode_picture(FL_PIXELS_UYVY, 64, 48, 0);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(decode_bytes(file, file_size - 3, FL_PIXELS_I420), -EBADMSG);
		expect_picture(FL_PIXELS_I420, FL_PIXELS_UYVY, 64, 48, 0);
	}
}
END_TEST

/* Nor does a header that is wrong behind what jpeg_look looks at: any byte between the size and the image. */
START_TEST(a_header_that_cannot_be_read_leaves_nothing_behind)
{
	uint8_t *damaged;
	unsigned refused = 0;

	encode_picture(FL_PIXELS_RGB24, 64, 48, 0);
	damaged = malloc(file_size);
	ck_assert_ptr_nonnull(damaged);
	for (size_t at = size_mark() + 9; at < 600; at++) {
		memcpy(damaged, file, file_size);
		damaged[at] = (uint8_t)~damaged[at];
		refused += decode_bytes(damaged, file_size, FL_PIXELS_RGB24) != 0;
		ck_assert_int_eq(decode_bytes(file, file_size, FL_PIXELS_RGB24), 0);
	}
	ck_assert_uint_gt(refused, 0);
	free(damaged);
}
END_TEST

START_TEST(nothing_can_be_closed)
{
	ck_assert_ptr_null(jpeg_close(NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jpeg");
	TCase *tests = testing_case_between(suite, "encode", set_up, tear_down);

	tcase_add_loop_test(tests, an_image_comes_back, 0, PICTURE_FORMATS);
	tcase_add_test(tests, noise_fits_at_the_best_quality);
	tcase_add_test(tests, quality_is_what_it_costs);
	tcase_add_test(tests, what_cannot_be_encoded_is_refused);
	tests = testing_case_between(suite, "decode", set_up, tear_down);
	tcase_add_test(tests, what_was_cut_off_is_refused);
	tcase_add_test(tests, half_an_image_is_refused);
	tcase_add_test(tests, zeros_may_follow_and_nothing_else);
	tcase_add_test(tests, a_header_may_lie);
	tcase_add_test(tests, a_size_that_is_not_the_images_is_refused);
	tcase_add_test(tests, scans_without_end_are_refused);
	tcase_add_test(tests, damaged_bytes_do_no_harm);
	tcase_add_test(tests, bytes_at_random_are_refused);
	tcase_add_test(tests, a_failure_leaves_nothing_behind);
	tcase_add_test(tests, a_header_that_cannot_be_read_leaves_nothing_behind);
	tcase_add_test(tests, nothing_can_be_closed);
	return testing_run(suite);
}
