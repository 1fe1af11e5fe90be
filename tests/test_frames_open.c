/*
 * test_frames_open.c - a frame channel between processes: finding each other, and reading.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "framing.h"
#include "processes.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <string.h>
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

/* Reading. */

START_TEST(frames_are_read_by_name)
{
	ck_assert_int_eq(framing_open(0, FL_FOREVER), 0);
	publish(1);
	framing_expect_next(1);
	publish(2);
	publish(3);
	framing_expect(&frame, 1);
	framing_expect_next(3);
	ck_assert_uint_eq(frame.missed, 1);
	ck_assert_int_eq(framing_look(&frame), -ETIMEDOUT);
	ck_assert_int_eq(fl_frames_latest(reader, &frame), 0);
	framing_expect(&frame, 3);
}
END_TEST

START_TEST(a_late_reader_finds_the_latest)
{
	publish(1);
	publish(2);
	ck_assert_int_eq(framing_open(0, 0), 0);
	framing_expect_next(2);
}
END_TEST

static void read_all(void *every)
{
	uint64_t last = 0;
	FL_FRAME(seen);

	EXPECT(framing_open(every ? 8 : 0, FL_FOREVER) == 0);
	process_tell(&shared->ready);
	while (fl_frames_next(reader, &seen) == 0) {
		EXPECT(framing_whole(seen.data, seen.info.size, seen.sequence));
		EXPECT(!every || seen.sequence == last + 1);
		last = seen.sequence;
	}
	EXPECT(last == 500);
	fl_frames_done(&seen);
	fl_frames_reader_close(reader);
}

START_TEST(other_processes_see_whole_frames)
{
	pid_t children[4];

	for (int i = 0; i < 4; i++)
		children[i] = process_start(read_all, i % 2 ? shared : NULL);
	process_await(&shared->ready, 4);
	for (uint64_t n = 1; n <= 500; n++) {
		size_t size = n % 100 == 0 ? n * SIZE / 20 : SIZE;
		const fl_frame_info info = {.size = size};
		void *data;

		ck_assert_int_eq(fl_frames_loan(frames, size, &data), 0);
		framing_fill(data, size, n);
		ck_assert_int_eq(fl_frames_publish_until(frames, &info, fl_after(FL_SECONDS(20)), NULL), 0);
	}
	/* Who wants the latest must have had time to see it: an ended channel still has it. */
	frames = fl_frames_close(frames);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(process_end(children[i]), 0);
}
END_TEST

START_TEST(a_reader_is_known_by_name_and_counted)
{
	fl_frames_reader_stats stats;

	ck_assert_int_eq(framing_open(2, FL_FOREVER), 0);
	for (uint64_t n = 1; n <= 4; n++)
		ck_assert_int_eq(framing_publish(frames, SIZE, n), n > 2);
	framing_expect_next(1);
	ck_assert_int_eq(fl_frames_readers(frames, 1, &stats), 1);
	ck_assert_str_eq(stats.name, "looker");
	ck_assert_int_eq(stats.process, getpid());
	ck_assert_uint_eq(stats.dropped, 2);
	ck_assert_uint_eq(stats.queued, 1);
	ck_assert_uint_eq(stats.held, 1);
	ck_assert_uint_eq(stats.taken, 1);
}
END_TEST

START_TEST(larger_frames_reach_other_processes)
{
	ck_assert_int_eq(framing_open(0, FL_FOREVER), 0);
	for (uint64_t n = 1; n < 12; n++) {
		ck_assert_int_eq(framing_publish(frames, SIZE << n, n), 0);
		framing_expect_next(n);
		ck_assert_uint_eq(frame.info.size, SIZE << n);
	}
}
END_TEST

START_TEST(a_reader_waits_until_something_happens)
{
	ck_assert_int_eq(framing_open(0, FL_FOREVER), 0);
	for (int n = 1; n < 30; n++) {
		call_start(&call, framing_wait_for_next, n % 2 ? &note : NULL);
		testing_await_asleep(call.id);
		publish((uint64_t)n);
		ck_assert_int_eq(call_end(&call), n);
	}
	call_start(&call, framing_wait_for_next, &note);
	testing_await_asleep(call.id);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
	ck_assert_int_eq(fl_frames_next_until(reader, &frame, fl_after(FL_MS(3)), NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_frames_next_until(reader, &frame, FL_FOREVER, &note), -ECANCELED);
	call_start(&call, framing_wait_for_next, NULL);
	testing_await_asleep(call.id);
	call_interrupt(&call, 20, 0);
	publish(30);
	ck_assert_int_eq(call_end(&call), 30);
}
END_TEST

START_TEST(a_descriptor_says_when_to_look)
{
	ck_assert_int_eq(framing_open(0, FL_FOREVER), 0);
	framing_expect_descriptor(SIZE);
}
END_TEST

static int publish_third(void *arg)
{
	const fl_frame_info info = {.size = SIZE, .captured = 3};
	void *data;

	(void)arg;
	ck_assert_int_eq(fl_frames_loan(frames, SIZE, &data), 0);
	framing_fill(data, SIZE, 3);
	return fl_frames_publish_until(frames, &info, FL_FOREVER, NULL);
}

START_TEST(a_producer_may_wait_for_another_process)
{
	ck_assert_int_eq(framing_open(2, FL_FOREVER), 0);
	publish(1);
	publish(2);
	call_start(&call, publish_third, NULL);
	waiting_await(frames, 1);
	framing_expect_next(1);
	ck_assert_int_eq(call_end(&call), 0);
	framing_expect_next(2);
	framing_expect_next(3);
}
END_TEST

START_TEST(it_does_not_wait_for_who_leaves)
{
	ck_assert_int_eq(framing_open(2, FL_FOREVER), 0);
	publish(1);
	publish(2);
	call_start(&call, publish_third, NULL);
	waiting_await(frames, 1);
	reader = fl_frames_reader_close(reader);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

/* Finding. */

START_TEST(a_name_is_served_once)
{
	fl_frames *second;
	const fl_frames_options options = {.name = "cam"};

	ck_assert_int_eq(fl_frames_serve(frames), -EBUSY);
	ck_assert_int_eq(fl_frames_create(&second, &options), 0);
	ck_assert_int_eq(fl_frames_serve(second), -EADDRINUSE);
	frames = fl_frames_close(frames);
	ck_assert_int_eq(fl_frames_serve(second), 0);
	ck_assert_int_eq(framing_open(0, FL_FOREVER), 0);
	frames = second;
	publish(1);
	framing_expect_next(1);
}
END_TEST

static int open_in_thread(void *deadline)
{
	return fl_frames_open_until(&reader, "cam", NULL, deadline ? *(fl_time *)deadline : FL_FOREVER, &note);
}

START_TEST(who_comes_first_waits)
{
	fl_time soon = fl_after(FL_MS(3));

	ck_assert_int_eq(framing_open(0, 0), -ETIMEDOUT);
	ck_assert_int_eq(open_in_thread(&soon), -ETIMEDOUT);
	call_start(&call, open_in_thread, NULL);
	testing_await_asleep(call.id);
	framing_serve(NULL);
	ck_assert_int_eq(call_end(&call), 0);
	publish(1);
	framing_expect_next(1);
}
END_TEST

START_TEST(waiting_for_a_producer_may_be_cancelled)
{
	call_start(&call, open_in_thread, NULL);
	testing_await_asleep(call.id);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
}
END_TEST

START_TEST(who_is_not_admitted_is_told_why)
{
	const fl_frames_options options = {.name = "cam", .readers = 1, .pinned = 4};
	fl_frames_reader *first;
	fl_frames_stats stats;

	framing_serve(&options);
	ck_assert_int_eq(framing_open(4, FL_FOREVER), -EUSERS);
	ck_assert_int_eq(framing_open(3, FL_FOREVER), 0);
	first = reader;
	ck_assert_int_eq(framing_open(0, FL_FOREVER), -EUSERS);
	fl_frames_reader_close(first);
	framing_await_readers(0);
	ck_assert_int_eq(framing_open(0, FL_FOREVER), 0);
	fl_frames_stats_get(frames, &stats);
	ck_assert_uint_eq(stats.refused, 2);
}
END_TEST

START_TEST(wrong_names_are_refused)
{
	char deep[200];

	ck_assert_int_eq(fl_frames_open(&reader, "", NULL), -EINVAL);
	ck_assert_int_eq(fl_frames_open(&reader, "../cam", NULL), -EINVAL);
	ck_assert_int_eq(fl_frames_open(&reader, "cam", &(fl_frames_reader_options){.held = 99}), -EINVAL);
	snprintf(deep, sizeof(deep), "%s/%0*d", getenv("XDG_RUNTIME_DIR"), 100, 0);
	setenv("XDG_RUNTIME_DIR", deep, 1);
	ck_assert_int_eq(framing_open(0, 0), -ENAMETOOLONG);
	*strrchr(deep, '/') = '\0';
	setenv("XDG_RUNTIME_DIR", deep, 1);
}
END_TEST

START_TEST(a_runtime_directory_that_is_not_there_is_told)
{
	char before[200], missing[220];

	snprintf(before, sizeof(before), "%s", getenv("XDG_RUNTIME_DIR"));
	snprintf(missing, sizeof(missing), "%s/missing", before);
	setenv("XDG_RUNTIME_DIR", missing, 1);
	ck_assert_int_eq(framing_open(0, FL_FOREVER), -ENOENT);
	setenv("XDG_RUNTIME_DIR", before, 1);
}
END_TEST

START_TEST(a_directory_that_others_may_write_is_refused)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/fairlead", getenv("XDG_RUNTIME_DIR"));
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(chmod(path, 0777), 0);
	ck_assert_int_eq(framing_open(0, 0), -EPERM);
	ck_assert_int_eq(fl_frames_create(&frames, &(fl_frames_options){.name = "cam"}), 0);
	ck_assert_int_eq(fl_frames_serve(frames), -EPERM);
	ck_assert_int_eq(chmod(path, 0700), 0);
	ck_assert_int_eq(fl_frames_serve(frames), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frames_open");
	TCase *reading = testing_case_between(suite, "reading", set_up_serving, tear_down),
	      *finding = testing_case_between(suite, "finding", set_up, tear_down);

	tcase_add_test(reading, frames_are_read_by_name);
	tcase_add_test(reading, a_late_reader_finds_the_latest);
	tcase_add_test(reading, other_processes_see_whole_frames);
	tcase_add_test(reading, a_reader_is_known_by_name_and_counted);
	tcase_add_test(reading, larger_frames_reach_other_processes);
	tcase_add_test(reading, a_reader_waits_until_something_happens);
	tcase_add_test(reading, a_descriptor_says_when_to_look);
	tcase_add_test(reading, a_producer_may_wait_for_another_process);
	tcase_add_test(reading, it_does_not_wait_for_who_leaves);
	tcase_add_test(reading, a_name_is_served_once);
	tcase_add_test(finding, who_comes_first_waits);
	tcase_add_test(finding, waiting_for_a_producer_may_be_cancelled);
	tcase_add_test(finding, who_is_not_admitted_is_told_why);
	tcase_add_test(finding, wrong_names_are_refused);
	tcase_add_test(finding, a_runtime_directory_that_is_not_there_is_told);
	tcase_add_test(finding, a_directory_that_others_may_write_is_refused);
	return testing_run(suite);
}
