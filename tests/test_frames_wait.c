/*
 * test_frames_wait.c - waiting for frames, and getting every one of them, within one process.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "framing.h"
#include "testing.h"
#include "waiting.h"

#include "frame/reader.h"
#include <errno.h>
#include <fairlead/fairlead.h>
#include <unistd.h>

#define SIZE ((size_t)4096)

static fl_frame other;
static fl_note note;
static struct call calls[2];

static void set_up(void)
{
	ck_assert_int_eq(fl_frames_create(&frames, NULL), 0);
	fl_note_init(&note, NULL, FL_FOREVER);
}

static void set_up_latest(void)
{
	set_up();
	framing_attach(0, 0);
}

static void set_up_every(void)
{
	set_up();
	framing_attach(3, 2);
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

/* Waiting. */

static void await_waiting(void)
{
	waiting_await(reader->link->pins, 1);
}

START_TEST(a_waiting_reader_is_woken)
{
	for (int n = 1; n < 50; n++) {
		call_start(&calls[0], framing_wait_for_next, NULL);
		await_waiting();
		publish((uint64_t)n);
		ck_assert_int_eq(call_end(&calls[0]), n);
	}
}
END_TEST

START_TEST(a_deadline_passes)
{
	fl_time begin = fl_now();

	ck_assert_int_eq(fl_frames_next_until(reader, &frame, fl_after(FL_MS(5)), NULL), -ETIMEDOUT);
	ck_assert_int_ge(fl_now() - begin, FL_MS(5));
	publish(1);
	framing_expect_next(1);
}
END_TEST

START_TEST(a_note_is_cancelled)
{
	call_start(&calls[0], framing_wait_for_next, &note);
	await_waiting();
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&calls[0]), -ECANCELED);
	publish(1);
	framing_expect_next(1);
}
END_TEST

START_TEST(the_end_wakes_and_the_last_frame_stays)
{
	publish(1);
	publish(2);
	framing_expect_next(2);
	fl_frames_done(&frame);
	call_start(&calls[0], framing_wait_for_next, NULL);
	await_waiting();
	frames = fl_frames_close(frames);
	ck_assert_int_eq(call_end(&calls[0]), -EPIPE);
	ck_assert_int_eq(framing_look(&frame), -EPIPE);
	ck_assert_int_eq(fl_frames_latest(reader, &frame), 0);
	framing_expect(&frame, 2);
}
END_TEST

START_TEST(what_was_not_got_before_the_end_is_got_after_it)
{
	publish(1);
	frames = fl_frames_close(frames);
	framing_expect_next(1);
	ck_assert_int_eq(framing_look(&frame), -EPIPE);
}
END_TEST

START_TEST(a_frame_outlives_reader_and_channel)
{
	publish(1);
	framing_expect_next(1);
	reader = fl_frames_reader_close(reader);
	publish(2);
	publish(3);
	framing_expect(&frame, 1);
	frames = fl_frames_close(frames);
	framing_expect(&frame, 1);
	fl_frames_done(&frame);
}
END_TEST

/* A descriptor. */

START_TEST(a_descriptor_says_when_to_look)
{
	framing_expect_descriptor(SIZE);
}
END_TEST

/* Every frame. */

START_TEST(every_frame_is_got_in_order)
{
	for (uint64_t n = 1; n < 100; n += 3) {
		for (uint64_t i = 0; i < 3; i++)
			publish(n + i);
		for (uint64_t i = 0; i < 3; i++) {
			framing_expect_next(n + i);
			ck_assert_uint_eq(frame.missed, 0);
		}
		ck_assert_int_eq(framing_look(&frame), -ETIMEDOUT);
	}
}
END_TEST

START_TEST(what_does_not_fit_is_dropped_and_counted)
{
	fl_frames_reader_stats stats;
	fl_frames_stats all;

	for (uint64_t n = 1; n <= 3; n++)
		publish(n);
	ck_assert_int_eq(framing_publish(frames, SIZE, 4), 1);
	ck_assert_int_eq(framing_publish(frames, SIZE, 5), 1);
	ck_assert_int_eq(fl_frames_readers(frames, 1, &stats), 1);
	ck_assert_uint_eq(stats.dropped, 2);
	ck_assert_uint_eq(stats.queued, 3);
	ck_assert_uint_eq(stats.every, 3);
	ck_assert_str_eq(stats.name, "looker");
	ck_assert_int_eq(stats.process, getpid());
	for (uint64_t n = 1; n <= 3; n++)
		framing_expect_next(n);
	publish(6);
	framing_expect_next(6);
	ck_assert_uint_eq(frame.missed, 2);
	fl_frames_stats_get(frames, &all);
	ck_assert_uint_eq(all.dropped, 2);
	ck_assert_uint_eq(all.published, 6);
	ck_assert_uint_eq(all.readers, 1);
	ck_assert_int_eq(fl_frames_readers(frames, 1, &stats), 1);
	ck_assert_uint_eq(stats.taken, 4);
	ck_assert_uint_eq(stats.held, 1);
}
END_TEST

START_TEST(queued_frames_stay_as_they_are)
{
	publish(1);
	publish(2);
	publish(3);
	for (uint64_t n = 4; n < 50; n++)
		ck_assert_int_eq(framing_publish(frames, SIZE, n), 1);
	for (uint64_t n = 1; n <= 3; n++)
		framing_expect_next(n);
	ck_assert_int_eq(fl_frames_latest(reader, &other), 0);
	framing_expect(&other, 49);
}
END_TEST

START_TEST(who_does_not_keep_up_may_be_disconnected)
{
	const fl_frames_options options = {.full = FL_FRAMES_DISCONNECT};

	tear_down();
	ck_assert_int_eq(fl_frames_create(&frames, &options), 0);
	framing_attach(2, 1);
	publish(1);
	publish(2);
	ck_assert_int_eq(framing_publish(frames, SIZE, 3), 1);
	publish(4); /* it is not counted a second time */
	framing_expect_next(1);
	framing_expect_next(2);
	ck_assert_int_eq(framing_look(&frame), -EPIPE);
	ck_assert_int_eq(framing_look(&frame), -EPIPE);
}
END_TEST

static int publish_fourth(void *arg)
{
	const fl_frame_info info = {.size = SIZE, .captured = 4};
	void *data;

	ck_assert_int_eq(fl_frames_loan(frames, SIZE, &data), 0);
	framing_fill(data, SIZE, 4);
	return fl_frames_publish_until(frames, &info, arg ? FL_FOREVER : fl_after(FL_MS(5)), arg);
}

START_TEST(a_producer_may_wait_for_room)
{
	for (uint64_t n = 1; n <= 3; n++)
		publish(n);
	call_start(&calls[0], publish_fourth, &note);
	waiting_await(frames, 1);
	framing_expect_next(1);
	ck_assert_int_eq(call_end(&calls[0]), 0);
	for (uint64_t n = 2; n <= 4; n++)
		framing_expect_next(n);
}
END_TEST

START_TEST(it_waits_no_longer_than_it_said)
{
	for (uint64_t n = 1; n <= 3; n++)
		publish(n);
	ck_assert_int_eq(publish_fourth(NULL), 1);
	fl_frames_discard(frames);
	for (uint64_t n = 1; n <= 3; n++)
		framing_expect_next(n);
	ck_assert_int_eq(framing_look(&frame), -ETIMEDOUT);
	ck_assert_int_eq(fl_frames_latest(reader, &frame), 0);
	framing_expect(&frame, 4);
}
END_TEST

START_TEST(it_does_not_wait_with_a_cancelled_note)
{
	for (uint64_t n = 1; n <= 3; n++)
		publish(n);
	call_start(&calls[0], publish_fourth, &note);
	waiting_await(frames, 1);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&calls[0]), 1);
}
END_TEST

START_TEST(it_does_not_wait_for_who_leaves)
{
	for (uint64_t n = 1; n <= 3; n++)
		publish(n);
	call_start(&calls[0], publish_fourth, &note);
	waiting_await(frames, 1);
	reader = fl_frames_reader_close(reader);
	ck_assert_int_eq(call_end(&calls[0]), 0);
}
END_TEST

START_TEST(what_is_held_or_queued_survives_larger_memory)
{
	publish(1);
	publish(2);
	publish(3);
	framing_expect_next(1);
	ck_assert_int_eq(framing_publish(frames, 3 << 20, 4), 0);
	framing_expect(&frame, 1);
	ck_assert_int_eq(fl_frames_latest(reader, &other), 0);
	framing_expect(&other, 4);
	fl_frames_done(&other);
	ck_assert_int_eq(framing_publish(frames, 30 << 20, 5), 1);
	for (uint64_t n = 2; n <= 4; n++)
		framing_expect_next(n);
	ck_assert_int_eq(framing_look(&frame), -ETIMEDOUT);
	ck_assert_int_eq(framing_publish(frames, 30 << 20, 6), 0);
	framing_expect_next(6);
}
END_TEST

/* Many at once. */

enum { N_LOOKERS = 4, N_FRAMES = 3000 };

static void look_at_all(fl_frames_reader *mine, bool every)
{
	uint64_t last = 0;
	int error;
	FL_FRAME(seen);

	while ((error = fl_frames_next(mine, &seen)) == 0) {
		ck_assert(framing_whole(seen.data, seen.info.size, seen.sequence));
		ck_assert_uint_eq(seen.missed, last > 0 ? seen.sequence - last - 1 : 0);
		if (every)
			ck_assert_uint_eq(seen.sequence, last + 1);
		last = seen.sequence;
	}
	ck_assert_int_eq(error, -EPIPE);
	ck_assert_uint_eq(last, N_FRAMES);
}

static fl_frames_reader *lookers[N_LOOKERS];

static void produce_or_look(unsigned index, void *arg)
{
	(void)arg;
	if (index < N_LOOKERS) {
		look_at_all(lookers[index], index % 2 == 1);
		return;
	}
	for (uint64_t n = 1; n <= N_FRAMES; n++) {
		size_t size = n % 500 == 0 ? SIZE * 300 * (n / 500) : SIZE;
		const fl_frame_info info = {.size = size};
		void *data;

		ck_assert_int_eq(fl_frames_loan(frames, size, &data), 0);
		framing_fill(data, size, n);
		ck_assert_int_eq(fl_frames_publish_until(frames, &info, FL_FOREVER, NULL), 0);
	}
	frames = fl_frames_close(frames);
}

START_TEST(nobody_ever_sees_half_a_frame)
{
	for (uint32_t i = 0; i < N_LOOKERS; i++) {
		const fl_frames_reader_options options = {.every = i % 2 == 1 ? 1 + i : 0};

		ck_assert_int_eq(fl_frames_attach(&lookers[i], frames, &options), 0);
	}
	testing_together(N_LOOKERS + 1, produce_or_look, NULL);
	for (uint32_t i = 0; i < N_LOOKERS; i++)
		fl_frames_reader_close(lookers[i]);
}
END_TEST

static void add_waiting(Suite *suite)
{
	TCase *waits = testing_case_between(suite, "waits", set_up_latest, tear_down);

	tcase_add_test(waits, a_waiting_reader_is_woken);
	tcase_add_test(waits, a_deadline_passes);
	tcase_add_test(waits, a_note_is_cancelled);
	tcase_add_test(waits, the_end_wakes_and_the_last_frame_stays);
	tcase_add_test(waits, what_was_not_got_before_the_end_is_got_after_it);
	tcase_add_test(waits, a_frame_outlives_reader_and_channel);
	tcase_add_test(waits, a_descriptor_says_when_to_look);
}

int main(void)
{
	Suite *suite = suite_create("frames_wait");
	TCase *every = testing_case_between(suite, "every", set_up_every, tear_down),
	      *many = testing_case_between(suite, "many", set_up, tear_down);

	add_waiting(suite);
	tcase_add_test(every, every_frame_is_got_in_order);
	tcase_add_test(every, what_does_not_fit_is_dropped_and_counted);
	tcase_add_test(every, queued_frames_stay_as_they_are);
	tcase_add_test(every, who_does_not_keep_up_may_be_disconnected);
	tcase_add_test(every, a_producer_may_wait_for_room);
	tcase_add_test(every, it_waits_no_longer_than_it_said);
	tcase_add_test(every, it_does_not_wait_with_a_cancelled_note);
	tcase_add_test(every, it_does_not_wait_for_who_leaves);
	tcase_add_test(every, what_is_held_or_queued_survives_larger_memory);
	tcase_add_test(many, nobody_ever_sees_half_a_frame);
	return testing_run(suite);
}
