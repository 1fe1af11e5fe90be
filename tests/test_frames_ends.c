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
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

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

static int wait_for_next(void *arg)
{
	int error = fl_frames_next_until(reader, &frame, FL_FOREVER, arg);

	return error != 0 ? error : (int)frame.sequence;
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
		call_start(&call, wait_for_next, NULL);
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
	call_start(&call, wait_for_next, NULL);
	testing_await_asleep(call.id);
	frames = fl_frames_close(frames);
	ck_assert_int_eq(call_end(&call), -EPIPE);
	call_start(&call, wait_for_next, NULL);
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

START_TEST(a_disconnected_reader_comes_back)
{
	const fl_frames_options options = {.name = "cam", .full = FL_FRAMES_DISCONNECT};

	framing_serve(&options);
	ck_assert_int_eq(framing_open(1, FL_FOREVER), 0);
	publish(1);
	ck_assert_int_eq(framing_publish(frames, SIZE, 2), 1);
	framing_await_readers(0);
	framing_expect_next(1);
	ck_assert_int_eq(fl_frames_next(reader, &frame), -EPIPE);
	call_start(&call, wait_for_next, NULL);
	framing_await_readers(1);
	publish(3);
	ck_assert_int_eq(call_end(&call), 3);
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

static TCase *new_case(Suite *suite, const char *name, void (*begin)(void))
{
	TCase *tcase = testing_case(suite, name);

	tcase_add_checked_fixture(tcase, begin, tear_down);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("frames_ends");
	TCase *serving = new_case(suite, "serving", set_up_serving), *alone = new_case(suite, "alone", set_up);

	tcase_add_test(serving, what_a_killed_reader_held_is_free);
	tcase_add_test(serving, a_stopped_reader_holds_nobody_up);
	tcase_add_test(serving, a_closed_channel_is_told_once_and_found_again);
	tcase_add_test(serving, a_frame_of_an_ended_producer_may_be_kept);
	tcase_add_test(alone, a_killed_producer_is_noticed_and_a_new_one_found);
	tcase_add_test(alone, a_producers_child_does_not_keep_it_alive);
	tcase_add_test(alone, a_disconnected_reader_comes_back);
	tcase_add_test(alone, a_killed_producer_leaves_its_name_free);
	return testing_run(suite);
}
