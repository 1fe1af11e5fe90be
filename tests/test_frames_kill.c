/*
 * test_frames_kill.c - frames while producers and readers are killed, and stopped, at random instants.
 *
 * A producer that is killed in the middle of a frame leaves a whole one as the latest; a reader that is killed with
 * frames in its hands leaves nothing behind. The frames are large enough that most of a producer's time is spent in
 * filling them, and each word of a frame says which frame it is of. The positive control publishes before it fills: the
 * same test must find torn frames there, or it would find none anywhere.
 */
#define _GNU_SOURCE
#include "framing.h"
#include "processes.h"
#include "testing.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <string.h>

#define SIZE ((size_t)1 << 20)

enum { N_KILLS = 300, MANY_READERS = 3 };

static void tear_down(void)
{
	framing_tear_down();
	processes_tear_down();
}

/* Sleeps for up to `most`, a different time each time. */
static void sleep_a_while(fl_time most)
{
	static uint64_t random = 88172645463325252;
	fl_note note = FL_NOTE_INIT;

	random ^= random << 13;
	random ^= random >> 7;
	random ^= random << 17;
	ck_assert_int_eq(fl_note_wait_until(&note, fl_after((fl_time)(random >> 20) % most)), -ETIMEDOUT);
}

/* Fills and publishes for ever. `broken`: the other way round. */
static void produce(void *broken)
{
	const fl_frame_info info = {.size = SIZE};
	uint64_t n;
	void *data;

	framing_serve(
		&(fl_frames_options){.name = "cam", .size = SIZE, .readers = MANY_READERS, .pinned = MANY_READERS});
	for (n = 1;; n++) {
		EXPECT(fl_frames_loan(frames, SIZE, &data) == 0);
		if (!broken)
			framing_fill(data, SIZE, n);
		EXPECT(fl_frames_publish(frames, &info) == 0);
		if (broken)
			framing_fill(data, SIZE, n);
		if (n == 1)
			process_tell(&shared->ready);
	}
}

/* Kills a producer again and again. Returns how often the frame that it left behind was torn. */
static int kill_producers(void *broken)
{
	int torn = 0;

	for (uint32_t i = 1; i <= N_KILLS; i++) {
		pid_t child = process_start(produce, broken);

		ck_assert_int_eq(framing_open(0, FL_FOREVER), 0);
		process_await(&shared->ready, i);
		sleep_a_while(FL_MS(3));
		process_kill(child);
		ck_assert_int_eq(fl_frames_latest(reader, &frame), 0);
		torn += !framing_whole(frame.data, frame.info.size, frame.sequence);
		fl_frames_done(&frame);
		reader = fl_frames_reader_close(reader);
	}
	return torn;
}

START_TEST(a_killed_producer_leaves_a_whole_frame)
{
	ck_assert_int_eq(kill_producers(NULL), 0);
}
END_TEST

START_TEST(which_is_not_so_if_it_publishes_first)
{
	ck_assert_int_gt(kill_producers(shared), 0);
}
END_TEST

/* One reader through all of it, which is told of each death, and finds each new one. */
START_TEST(a_reader_outlives_many_producers)
{
	pid_t child = process_start(produce, NULL);
	fl_time killed, longest = 0;
	int error;

	ck_assert_int_eq(framing_open(0, FL_FOREVER), 0);
	for (uint32_t i = 0; i < N_KILLS; i++) {
		ck_assert_int_eq(fl_frames_next(reader, &frame), 0);
		ck_assert_uint_eq(frame.restarts, i);
		ck_assert(framing_whole(frame.data, frame.info.size, frame.sequence));
		sleep_a_while(FL_MS(2));
		killed = fl_now();
		process_kill(child);
		while ((error = fl_frames_next(reader, &frame)) == 0)
			ck_assert(framing_whole(frame.data, frame.info.size, frame.sequence));
		ck_assert_int_eq(error, -EPIPE);
		longest = fl_now() - killed > longest ? fl_now() - killed : longest;
		child = process_start(produce, NULL);
	}
	process_kill(child);
	printf("# the longest from a kill to knowing of it, %d times: %.2f ms\n", N_KILLS, (double)longest / 1e6);
}
END_TEST

/* Takes frames for ever; or holds the first, and looks at it for ever. */
static void look(void *holds)
{
	EXPECT(framing_open(0, FL_FOREVER) == 0);
	EXPECT(fl_frames_next(reader, &frame) == 0);
	process_tell(&shared->ready);
	do
		EXPECT(framing_whole(frame.data, frame.info.size, frame.sequence));
	while (holds || fl_frames_next(reader, &frame) == 0);
	EXPECT(false);
}

/* Every other one holds. */
static pid_t start_looker(int i)
{
	return process_start(look, i % 2 == 0 ? shared : NULL);
}

static void publish_for(fl_time time, uint64_t *n)
{
	fl_time end = fl_after(time);

	do
		ck_assert_int_eq(framing_publish(frames, SIZE, ++*n), 0);
	while (fl_now() < end);
}

static void serve_few(void)
{
	processes_set_up();
	framing_serve(
		&(fl_frames_options){.name = "cam", .size = SIZE, .readers = MANY_READERS, .pinned = MANY_READERS});
}

START_TEST(killed_readers_leave_nothing_behind)
{
	pid_t children[MANY_READERS];
	fl_frames_reader_stats stats[MANY_READERS];
	fl_frames_stats all;
	uint64_t n = 0, held = 0;

	publish_for(0, &n);
	for (int i = 0; i < MANY_READERS; i++)
		children[i] = start_looker(i);
	for (int i = 0; i < N_KILLS; i++) {
		process_await(&shared->ready, (uint32_t)(MANY_READERS + i));
		publish_for(FL_US(500), &n);
		ck_assert_int_eq(fl_frames_readers(frames, MANY_READERS, stats), MANY_READERS);
		for (int j = 0; j < MANY_READERS; j++)
			held += stats[j].held;
		process_kill(children[i % MANY_READERS]);
		/* As many are admitted as there were: so its place is free again, and its frames. */
		framing_await_readers(MANY_READERS - 1);
		children[i % MANY_READERS] = start_looker(MANY_READERS + i);
	}
	for (int i = 0; i < MANY_READERS; i++)
		process_kill(children[i]);
	fl_frames_stats_get(frames, &all);
	ck_assert_uint_eq(all.slots, MANY_READERS + 2);
	ck_assert_uint_eq(all.refused, 0);
	ck_assert_uint_ge(held, N_KILLS); /* of three that follow each other at least one holds */
}
END_TEST

START_TEST(stopped_readers_hold_nobody_up)
{
	pid_t children[MANY_READERS];
	uint64_t n = 0;

	publish_for(0, &n);
	for (int i = 0; i < MANY_READERS; i++)
		children[i] = start_looker(i);
	process_await(&shared->ready, MANY_READERS);
	for (int i = 0; i < 100; i++) {
		pid_t child = children[i % MANY_READERS];

		ck_assert_int_eq(kill(child, SIGSTOP), 0);
		publish_for(FL_US(500), &n);
		ck_assert_int_eq(kill(child, SIGCONT), 0);
		publish_for(FL_US(200), &n);
	}
	ck_assert_int_eq(fl_frames_readers(frames, 0, NULL), MANY_READERS);
	for (int i = 0; i < MANY_READERS; i++)
		process_kill(children[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frames_kill");
	TCase *producers = testing_case(suite, "producers"), *readers = testing_case(suite, "readers");

	tcase_add_checked_fixture(producers, processes_set_up, tear_down);
	tcase_add_checked_fixture(readers, serve_few, tear_down);
	tcase_add_test(producers, a_killed_producer_leaves_a_whole_frame);
	tcase_add_test(producers, which_is_not_so_if_it_publishes_first);
	tcase_add_test(producers, a_reader_outlives_many_producers);
	tcase_add_test(readers, killed_readers_leave_nothing_behind);
	tcase_add_test(readers, stopped_readers_hold_nobody_up);
	return testing_run(suite);
}
