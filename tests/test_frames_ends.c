/*
 * test_frames_ends.c - a frame channel between processes: what is left when one of them ends, is killed or stopped.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "framing.h"
#include "processes.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>

#define SIZE ((size_t)65536)

static fl_note note;
static struct call call;

static void set_up(void)
{
	processes_set_up();
	fl_note_init(&note, NULL, FL_FOREVER);
}

static void tear_down(void)
{
	framing_tear_down();
	processes_tear_down();
}

static void set_up_serving(void)
{
	set_up();
	framing_serve(NULL);
}

static void publish(uint64_t n)
{
	ck_assert_int_eq(framing_publish(frames, SIZE, n), 0);
}

/* Ends. */

static void hold_for_ever(void *unused)
{
	(void)unused;
	EXPECT(framing_open(0, FL_FOREVER) == 0);
	EXPECT(fl_frames_next(reader, &frame) == 0);
	process_tell(&shared->ready);
	pause();
}

START_TEST(what_a_killed_reader_held_is_free)
{
	fl_frames_stats stats;

	publish(1);
	for (uint32_t i = 1; i <= 10; i++) {
		pid_t child = process_start(hold_for_ever, NULL);

		process_await(&shared->ready, i);
		framing_await_readers(1);
		process_kill(child);
		framing_await_readers(0);
		publish(2 * i);
		publish(2 * i + 1);
	}
	fl_frames_stats_get(frames, &stats);
	ck_assert_uint_le(stats.slots_used, 3);
}
END_TEST

START_TEST(a_stopped_reader_holds_nobody_up)
{
	pid_t child;
	fl_frames_reader_stats stats;

	publish(1);
	child = process_start(hold_for_ever, NULL);
	process_await(&shared->ready, 1);
	ck_assert_int_eq(kill(child, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(child, &(int){0}, WUNTRACED), child);
	ck_assert_int_eq(framing_open(0, FL_FOREVER), 0);
	for (uint64_t n = 2; n < 1000; n++)
		publish(n);
	framing_expect_next(999);
	ck_assert_int_eq(fl_frames_readers(frames, 1, &stats), 2);
	ck_assert_uint_eq(stats.held, 1);
	process_kill(child);
}
END_TEST

static void produce_and_stay(void *unused)
{
	(void)unused;
	framing_serve(NULL);
	for (uint64_t n = 1; n <= 3; n++)
		publish(n);
	process_tell(&shared->ready);
	pause();
}

/* A forked child of the producer has its descriptors, and lives on. */
static void produce_with_child(void *unused)
{
	(void)unused;
	framing_serve(NULL);
	for (uint64_t n = 1; n <= 3; n++)
		publish(n);
	framing_await_readers(1);
	if (fork() == 0) {
		process_tell(&shared->ready);
		process_await(&shared->go_on, 1);
		_exit(0);
	}
	pause();
}

/* One frame, and no other for as long as it lives. */
static void produce_one_and_stay(void *unused)
{
	(void)unused;
	framing_serve(NULL);
	publish(1);
	pause();
}

START_TEST(a_killed_producer_is_noticed_and_a_new_one_found)
{
	pid_t child = process_start(produce_one_and_stay, NULL);

	ck_assert_int_eq(framing_open(0, FL_FOREVER), 0);
	for (uint32_t i = 0; i < 5; i++) {
		framing_expect_next(1);
		ck_assert_uint_eq(frame.restarts, i);
		fl_frames_done(&frame);
		call_start(&call, framing_wait_for_next, NULL);
		testing_await_asleep(call.id);
		process_kill(child);
		ck_assert_int_eq(call_end(&call), -EPIPE);
		ck_assert_int_eq(fl_frames_latest(reader, &frame), 0);
		framing_expect(&frame, 1);
		ck_assert_int_eq(fl_frames_next_until(reader, &frame, fl_after(FL_MS(2)), NULL), -ETIMEDOUT);
		ck_assert_int_eq(fl_frames_latest(reader, &frame), 0);
		framing_expect(&frame, 1);
		child = process_start(produce_one_and_stay, NULL);
	}
	process_kill(child);
}
END_TEST

START_TEST(a_producers_child_does_not_keep_it_alive)
{
	pid_t child = process_start(produce_with_child, NULL);

	ck_assert_int_eq(framing_open(0, FL_FOREVER), 0);
	process_await(&shared->ready, 1);
	framing_expect_next(3);
	process_kill(child);
	ck_assert_int_eq(fl_frames_next(reader, &frame), -EPIPE);
	framing_serve(NULL); /* and it does not keep the name */
	publish(1);
	framing_expect_next(1);
	ck_assert_uint_eq(frame.restarts, 1);
	process_tell(&shared->go_on);
}
END_TEST

START_TEST(a_closed_channel_is_told_once_and_found_again)
{
	ck_assert_int_eq(framing_open(0, FL_FOREVER), 0);
	publish(1);
	framing_expect_next(1);
	fl_frames_done(&frame);
	call_start(&call, framing_wait_for_next, NULL);
	testing_await_asleep(call.id);
	frames = fl_frames_close(frames);
	ck_assert_int_eq(call_end(&call), -EPIPE);
	call_start(&call, framing_wait_for_next, NULL);
	testing_await_asleep(call.id);
	framing_serve(NULL);
	framing_await_readers(1);
	publish(1);
	ck_assert_int_eq(call_end(&call), 1);
	ck_assert_uint_eq(frame.restarts, 1);
	ck_assert_uint_eq(frame.missed, 0);
}
END_TEST

START_TEST(a_frame_of_an_ended_producer_may_be_kept)
{
	fl_frame kept = {0};

	ck_assert_int_eq(framing_open(0, FL_FOREVER), 0);
	publish(1);
	ck_assert_int_eq(fl_frames_next(reader, &kept), 0);
	frames = fl_frames_close(frames);
	ck_assert_int_eq(framing_look(&frame), -EBUSY);
	framing_serve(NULL);
	publish(1);
	reader = fl_frames_reader_close(reader);
	framing_expect(&kept, 1);
	fl_frames_done(&kept);
}
END_TEST

static int wait_for_next_in(void *into)
{
	int error = fl_frames_next(reader, into);

	return error != 0 ? error : (int)((fl_frame *)into)->sequence;
}

static int open_for_ever(void *unused)
{
	(void)unused;
	return framing_open(0, FL_FOREVER);
}

/* Waits for room, for so long that to wait would be noticed. */
static int publish_patiently(uint64_t n)
{
	const fl_frame_info info = {.size = SIZE, .captured = (fl_time)n};
	void *data;

	ck_assert_int_eq(fl_frames_loan(frames, SIZE, &data), 0);
	framing_fill(data, SIZE, n);
	return fl_frames_publish_until(frames, &info, FL_FOREVER, NULL);
}

/* Two frames, a wait for room that the third does not fit without, and then a larger one. */
static void produce_larger(void *unused)
{
	const fl_frame_info info = {.size = 8 * SIZE, .captured = 3};
	void *data;

	(void)unused;
	framing_serve(NULL);
	framing_await_readers(1);
	publish(1);
	publish(2);
	EXPECT(fl_frames_loan(frames, 8 * SIZE, &data) == 0);
	framing_fill(data, 8 * SIZE, 3);
	EXPECT(fl_frames_publish_until(frames, &info, fl_after(FL_MS(5)), NULL) == 1);
	process_tell(&shared->ready);
	pause();
}

static void serve_impatiently(void)
{
	framing_serve(&(fl_frames_options){.name = "cam", .full = FL_FRAMES_DISCONNECT});
}

START_TEST(a_disconnected_reader_comes_back)
{
	fl_frames_reader_stats stats;

	serve_impatiently();
	ck_assert_int_eq(framing_open(1, FL_FOREVER), 0);
	publish(1);
	ck_assert_int_eq(framing_publish(frames, SIZE, 2), 1);
	framing_expect_next(1);
	ck_assert_int_eq(fl_frames_next(reader, &frame), -EPIPE);
	call_start(&call, framing_wait_for_next, NULL);
	do
		ck_assert_int_ge(fl_frames_readers(frames, 1, &stats), 0);
	while (stats.taken == 1);
	framing_await_readers(1);
	publish(3);
	ck_assert_int_eq(call_end(&call), 3);
	ck_assert_uint_eq(frame.restarts, 1);
}
END_TEST

START_TEST(what_a_disconnected_reader_holds_stays_as_it_is)
{
	const fl_frames_reader_options options = {.every = 2, .held = 2};
	fl_frame second = {0};

	serve_impatiently();
	ck_assert_int_eq(fl_frames_open(&reader, "cam", &options), 0);
	publish(1);
	framing_expect_next(1);
	for (uint64_t n = 2; n < 40; n++)
		framing_publish(frames, SIZE, n);
	framing_expect(&frame, 1);
	ck_assert_int_eq(fl_frames_next(reader, &second), 0);
	framing_expect(&second, 2);
	for (uint64_t n = 40; n < 80; n++)
		framing_publish(frames, SIZE, n);
	framing_expect(&frame, 1);
	framing_expect(&second, 2);
	ck_assert_int_eq(fl_frames_next(reader, &second), 0);
	framing_expect(&second, 3);
	ck_assert_int_eq(fl_frames_next(reader, &second), -EPIPE);
	ck_assert_int_eq(fl_frames_latest(reader, &second), 0);
	framing_expect(&second, 79);
	/* It goes on by another connection, and what it got by the first one is still its own. */
	call_start(&call, wait_for_next_in, &second);
	framing_await_readers(2);
	publish(80);
	ck_assert_int_eq(call_end(&call), 80);
	framing_expect(&frame, 1);
	for (uint64_t n = 81; n < 120; n++)
		framing_publish(frames, SIZE, n);
	framing_expect(&frame, 1);
	fl_frames_done(&frame);
	framing_await_readers(1);
	fl_frames_done(&second);
}
END_TEST

START_TEST(who_only_looks_learns_of_the_end_too)
{
	pid_t child = process_start(produce_one_and_stay, NULL);

	ck_assert_int_eq(framing_open(0, FL_FOREVER), 0);
	framing_expect_next(1);
	process_kill(child);
	ck_assert_int_eq(framing_look(&frame), -EPIPE);
	ck_assert_int_eq(framing_look(&frame), -ETIMEDOUT);
	framing_serve(NULL);
	publish(1);
	ck_assert_int_eq(framing_look(&frame), 0);
	framing_expect(&frame, 1);
}
END_TEST

START_TEST(a_reader_that_has_left_with_a_frame_is_not_waited_for)
{
	ck_assert_int_eq(framing_open(1, FL_FOREVER), 0);
	publish(1);
	framing_expect_next(1);
	reader = fl_frames_reader_close(reader);
	for (uint64_t n = 2; n < 30; n++)
		ck_assert_int_eq(publish_patiently(n), 0);
	framing_expect(&frame, 1);
	fl_frames_done(&frame);
	framing_await_readers(0);
}
END_TEST

/* A forked child that has the reader's descriptors, and lives on. */
START_TEST(a_readers_child_does_not_keep_its_place)
{
	pid_t child;

	ck_assert_int_eq(framing_open(1, FL_FOREVER), 0);
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	reader = fl_frames_reader_close(reader);
	framing_await_readers(0);
	process_kill(child);
}
END_TEST

START_TEST(the_last_frame_is_not_lost_behind_what_was_unread)
{
	pid_t child = process_start(produce_larger, NULL);
	const fl_frames_reader_options options = {.every = 2, .held = 1};

	ck_assert_int_eq(fl_frames_open(&reader, "cam", &options), 0);
	process_await(&shared->ready, 1);
	ck_assert_int_eq(kill(child, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(child, &(int){0}, WUNTRACED), child);
	framing_expect_next(1); /* that there is room now is never heard */
	process_kill(child);
	ck_assert_int_eq(fl_frames_latest(reader, &frame), 0);
	framing_expect(&frame, 3);
}
END_TEST

START_TEST(a_directory_may_be_removed_and_made_again)
{
	char command[200];

	call_start(&call, open_for_ever, NULL);
	testing_await_asleep(call.id);
	snprintf(command, sizeof(command), "rm -rf '%s/fairlead'", getenv("XDG_RUNTIME_DIR"));
	ck_assert_int_eq(system(command), 0);
	framing_serve(NULL);
	ck_assert_int_eq(call_end(&call), 0);
	publish(1);
	framing_expect_next(1);
}
END_TEST

START_TEST(a_killed_producer_leaves_its_name_free)
{
	pid_t child = process_start(produce_and_stay, NULL);

	process_await(&shared->ready, 1);
	process_kill(child);
	ck_assert_int_eq(framing_open(0, 0), -ETIMEDOUT);
	framing_serve(NULL);
	publish(1);
	ck_assert_int_eq(framing_open(0, 0), 0);
	framing_expect_next(1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frames_ends");
	TCase *serving = testing_case_between(suite, "serving", set_up_serving, tear_down),
	      *alone = testing_case_between(suite, "alone", set_up, tear_down);

	tcase_add_test(serving, what_a_killed_reader_held_is_free);
	tcase_add_test(serving, a_stopped_reader_holds_nobody_up);
	tcase_add_test(serving, a_closed_channel_is_told_once_and_found_again);
	tcase_add_test(serving, a_frame_of_an_ended_producer_may_be_kept);
	tcase_add_test(alone, a_killed_producer_is_noticed_and_a_new_one_found);
	tcase_add_test(alone, a_producers_child_does_not_keep_it_alive);
	tcase_add_test(alone, a_disconnected_reader_comes_back);
	tcase_add_test(alone, what_a_disconnected_reader_holds_stays_as_it_is);
	tcase_add_test(alone, who_only_looks_learns_of_the_end_too);
	tcase_add_test(serving, a_reader_that_has_left_with_a_frame_is_not_waited_for);
	tcase_add_test(serving, a_readers_child_does_not_keep_its_place);
	tcase_add_test(alone, the_last_frame_is_not_lost_behind_what_was_unread);
	tcase_add_test(alone, a_directory_may_be_removed_and_made_again);
	tcase_add_test(alone, a_killed_producer_leaves_its_name_free);
	return testing_run(suite);
}
