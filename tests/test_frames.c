/*
 * test_frames.c - a frame channel within one process: which frame a reader gets, what it keeps, what is counted.
 */
#define _GNU_SOURCE
#include "framing.h"
#include "testing.h"

#include "frame/channel.h"
#include <errno.h>
#include <fairlead/fairlead.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE ((size_t)4096)

static fl_frame other;

static void set_up(void)
{
	ck_assert_int_eq(fl_frames_create(&frames, NULL), 0);
}

static void set_up_latest(void)
{
	set_up();
	framing_attach(0, 0);
}

static void tear_down(void)
{
	fl_frames_done(&other);
	framing_tear_down();
}

static void publish(uint64_t n)
{
	ck_assert_int_eq(framing_publish(frames, SIZE, n), 0);
}

/* The latest. */

START_TEST(a_frame_is_got_once)
{
	ck_assert_int_eq(framing_look(&frame), -ETIMEDOUT);
	publish(1);
	framing_expect_next(1);
	ck_assert_uint_eq(frame.missed, 0);
	ck_assert_uint_eq(frame.restarts, 0);
	ck_assert_int_le(frame.published, fl_now());
	ck_assert_int_eq(framing_look(&frame), -ETIMEDOUT);
	ck_assert_ptr_null(frame.data);
}
END_TEST

START_TEST(a_busy_reader_gets_the_newest_and_knows_what_it_missed)
{
	publish(1);
	framing_expect_next(1);
	publish(2);
	publish(3);
	publish(4);
	framing_expect_next(4);
	ck_assert_uint_eq(frame.missed, 2);
	publish(5);
	framing_expect_next(5);
	ck_assert_uint_eq(frame.missed, 0);
}
END_TEST

START_TEST(a_held_frame_stays_as_it_is)
{
	const void *data;

	publish(1);
	framing_expect_next(1);
	data = frame.data;
	for (uint64_t n = 2; n < 100; n++)
		publish(n);
	ck_assert(framing_whole(data, SIZE, 1));
	ck_assert_int_eq(framing_look(&other), -EBUSY);
	ck_assert_int_eq(fl_frames_latest(reader, &other), -EBUSY);
	fl_frames_done(&frame);
	framing_expect_next(99);
	ck_assert_uint_eq(frame.missed, 97);
}
END_TEST

START_TEST(as_many_may_be_held_as_were_asked_for)
{
	fl_frame held[4] = {{0}};

	reader = fl_frames_reader_close(reader);
	framing_attach(0, 3);
	for (uint64_t n = 0; n < 3; n++) {
		publish(n + 1);
		ck_assert_int_eq(framing_look(&held[n]), 0);
	}
	publish(4);
	ck_assert_int_eq(framing_look(&held[3]), -EBUSY);
	for (uint64_t n = 0; n < 3; n++)
		framing_expect(&held[n], n + 1);
	fl_frames_done(&held[1]);
	ck_assert_int_eq(framing_look(&held[3]), 0);
	framing_expect(&held[3], 4);
	for (int i = 0; i < 4; i++)
		fl_frames_done(&held[i]);
}
END_TEST

START_TEST(latest_gives_the_same_again)
{
	ck_assert_int_eq(fl_frames_latest(reader, &frame), -EAGAIN);
	publish(1);
	publish(2);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(fl_frames_latest(reader, &frame), 0);
		framing_expect(&frame, 2);
	}
	ck_assert_int_eq(framing_look(&frame), -ETIMEDOUT);
}
END_TEST

START_TEST(done_twice_is_nothing)
{
	publish(1);
	framing_expect_next(1);
	fl_frames_done(&frame);
	fl_frames_done(&frame);
	ck_assert_uint_eq(frame.sequence, 0);
	publish(2);
	framing_expect_next(2);
}
END_TEST

START_TEST(a_frame_gives_itself_back)
{
	publish(1);
	{
		FL_FRAME(mine);

		ck_assert_int_eq(fl_frames_next(reader, &mine), 0);
		publish(2);
		ck_assert_int_eq(framing_look(&other), -EBUSY);
	}
	ck_assert_int_eq(framing_look(&other), 0);
	framing_expect(&other, 2);
}
END_TEST

/* Sizes and descriptions. */

START_TEST(frames_may_grow_and_shrink)
{
	static const size_t sizes[] = {8, 4096, 2 << 20, 16, 5 << 20, 5 << 20, 1 << 20, 9 << 20};
	uint64_t n = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ck_assert_int_eq(framing_publish(frames, sizes[i], ++n), 0);
		ck_assert_int_eq(framing_look(&frame), 0);
		ck_assert_uint_eq(frame.info.size, sizes[i]);
		framing_expect(&frame, n);
	}
}
END_TEST

START_TEST(a_new_reader_finds_the_latest_in_larger_memory)
{
	publish(1);
	ck_assert_int_eq(fl_frames_loan(frames, 4 << 20, &(void *){NULL}), 0);
	fl_frames_discard(frames);
	ck_assert_int_eq(fl_frames_latest(reader, &frame), 0);
	framing_expect(&frame, 1);
}
END_TEST

START_TEST(a_loan_is_exclusive_and_may_be_given_back)
{
	const fl_frame_info info = {.size = SIZE};
	void *data;

	ck_assert_int_eq(fl_frames_publish(frames, &info), -EINVAL);
	ck_assert_int_eq(fl_frames_loan(frames, 0, &data), -EINVAL);
	ck_assert_int_eq(fl_frames_loan(frames, SIZE, &data), 0);
	ck_assert_int_eq(fl_frames_loan(frames, SIZE, &data), -EBUSY);
	ck_assert_int_eq(fl_frames_serve(frames), -EINVAL);
	fl_frames_discard(frames);
	fl_frames_discard(frames);
	ck_assert_int_eq(fl_frames_publish(frames, &info), -EINVAL);
	ck_assert_int_eq(framing_look(&frame), -ETIMEDOUT);
	ck_assert_int_eq(fl_frames_loan(frames, SIZE_MAX / 2, &data), -ENOMEM);
	ck_assert_int_eq(fl_frames_loan(frames, (size_t)1 << 50, &data), -ENOMEM);
	publish(1);
	framing_expect_next(1);
}
END_TEST

START_TEST(a_wrong_description_is_not_published)
{
	fl_frame_info info;
	void *data;

	ck_assert_int_eq(fl_frame_info_init(&info, FL_PIXELS_RGB24, 64, 48), 0);
	ck_assert_int_eq(fl_frames_loan(frames, info.size, &data), 0);
	info.size++;
	ck_assert_int_eq(fl_frames_publish(frames, &info), -EMSGSIZE);
	info.size--;
	info.stride[0]--;
	ck_assert_int_eq(fl_frames_publish(frames, &info), -EINVAL);
	info.stride[0]++;
	info.offset[0] = 1;
	ck_assert_int_eq(fl_frames_publish(frames, &info), -EMSGSIZE);
	info.offset[0] = 0;
	ck_assert_int_eq(fl_frames_publish(frames, &info), 0);
	ck_assert_int_eq(framing_look(&frame), 0);
	ck_assert_uint_eq(frame.info.width, 64);
	ck_assert_uint_eq(frame.info.stride[0], 192);
	ck_assert_uint_eq(frame.info.format, FL_PIXELS_RGB24);
}
END_TEST

/* Limits. */

START_TEST(no_more_readers_than_admitted)
{
	const fl_frames_options options = {.readers = 2, .pinned = 6};
	const fl_frames_reader_options greedy = {.every = 5}, modest = {.every = 2};
	fl_frames_reader *second, *third;
	fl_frames_stats stats;

	fl_frames_close(frames);
	ck_assert_int_eq(fl_frames_create(&frames, &options), 0);
	ck_assert_int_eq(fl_frames_attach(&reader, frames, &modest), 0);
	ck_assert_int_eq(fl_frames_attach(&second, frames, &greedy), -EUSERS);
	ck_assert_int_eq(fl_frames_attach(&second, frames, &modest), 0);
	ck_assert_int_eq(fl_frames_attach(&third, frames, NULL), -EUSERS);
	second = fl_frames_reader_close(second);
	ck_assert_int_eq(fl_frames_attach(&third, frames, NULL), 0);
	fl_frames_stats_get(frames, &stats);
	ck_assert_uint_eq(stats.refused, 2);
	ck_assert_uint_eq(stats.readers, 2);
	ck_assert_uint_eq(stats.slots, 8);
	fl_frames_reader_close(third);
}
END_TEST

START_TEST(only_slots_in_use_take_memory)
{
	fl_frames_stats stats;

	for (uint64_t n = 2; n < 40; n += 2) {
		publish(n - 1);
		publish(n);
		framing_expect_next(n);
	}
	fl_frames_stats_get(frames, &stats);
	ck_assert_uint_eq(stats.slots, 34);
	ck_assert_uint_eq(stats.slots_used, 3);
}
END_TEST

START_TEST(wrong_options_are_refused)
{
	static const fl_frames_options wrong[] = {
		{.name = ""},
		{.name = ".hidden"},
		{.name = "a/b"},
		{.name = "name with blanks"},
		{.name = "0123456789012345678901234567890123456789012345678901234567890123"},
		{.readers = FL_FRAMES_READERS + 1},
		{.pinned = FL_FRAMES_PINNED + 1},
		{.full = (enum fl_frames_full)7},
		{.fl_spare = {0, 1}},
	};
	static const fl_frames_reader_options wrong_readers[] = {
		{.every = FL_FRAMES_QUEUE + 1},
		{.held = FL_FRAMES_HELD + 1},
		{.fl_spare = {0, 0, 0, 1}},
	};
	fl_frames *none;
	fl_frames_reader *nobody;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_int_eq(fl_frames_create(&none, &wrong[i]), -EINVAL);
	for (size_t i = 0; i < sizeof(wrong_readers) / sizeof(wrong_readers[0]); i++)
		ck_assert_int_eq(fl_frames_attach(&nobody, frames, &wrong_readers[i]), -EINVAL);
	ck_assert_int_eq(fl_frames_create(&none, &(fl_frames_options){.size = SIZE_MAX / 2}), -ENOMEM);
	ck_assert_ptr_null(fl_frames_close(NULL));
	ck_assert_ptr_null(fl_frames_reader_close(NULL));
}
END_TEST

START_TEST(a_closed_channel_admits_nobody)
{
	fl_frames *kept = fl_frames_ref_(frames);
	fl_frames_reader *late;

	frames = fl_frames_close(frames);
	ck_assert_int_eq(fl_frames_attach(&late, kept, NULL), -EPIPE);
	fl_frames_unref_(kept);
}
END_TEST

/* Fork. */

static void in_child(void)
{
	void *data;

	if (fl_frames_loan(frames, SIZE, &data) != -EPERM || framing_look(&other) != -EPERM)
		_exit(1);
	if (fl_frames_publish(frames, &(fl_frame_info){.size = 8}) != -EPERM || fl_frames_serve(frames) != -EPERM)
		_exit(2);
	if (fl_frames_latest(reader, &other) != -EPERM || fl_frames_fd(reader) != -EPERM)
		_exit(3);
	if (fl_frames_attach(&reader, frames, NULL) != -EPERM)
		_exit(4);
	fl_frames_done(&frame);
	fl_frames_reader_close(reader);
	fl_frames_close(frames);
	_exit(0);
}

START_TEST(a_forked_child_has_no_part_in_it)
{
	int status;
	pid_t child;

	publish(1);
	framing_expect_next(1);
	child = fork();
	if (child == 0)
		in_child();
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	publish(2);
	framing_expect(&frame, 1);
	fl_frames_done(&frame);
	framing_expect_next(2);
}
END_TEST

static void add_taking(Suite *suite)
{
	TCase *latest = testing_case_between(suite, "latest", set_up_latest, tear_down);

	tcase_add_test(latest, a_frame_is_got_once);
	tcase_add_test(latest, a_busy_reader_gets_the_newest_and_knows_what_it_missed);
	tcase_add_test(latest, a_held_frame_stays_as_it_is);
	tcase_add_test(latest, as_many_may_be_held_as_were_asked_for);
	tcase_add_test(latest, latest_gives_the_same_again);
	tcase_add_test(latest, done_twice_is_nothing);
	tcase_add_test(latest, a_frame_gives_itself_back);
	tcase_add_test(latest, a_loan_is_exclusive_and_may_be_given_back);
	tcase_add_test(latest, a_wrong_description_is_not_published);
	tcase_add_test(latest, frames_may_grow_and_shrink);
	tcase_add_test(latest, a_new_reader_finds_the_latest_in_larger_memory);
	tcase_add_test(latest, only_slots_in_use_take_memory);
	tcase_add_test(latest, a_forked_child_has_no_part_in_it);
}

int main(void)
{
	Suite *suite = suite_create("frames");
	TCase *limits = testing_case_between(suite, "limits", set_up, tear_down);

	add_taking(suite);
	tcase_add_test(limits, no_more_readers_than_admitted);
	tcase_add_test(limits, wrong_options_are_refused);
	tcase_add_test(limits, a_closed_channel_admits_nobody);
	return testing_run(suite);
}
