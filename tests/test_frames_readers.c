/*
 * test_frames_readers.c - a producer that waits for readers: who counts as one, what ends the wait, and that nobody
 * comes unseen.
 *
 * The last cases let readers come and go as fast as they can. Each of them stays until it has got a frame that was
 * published after it came, and the producer publishes only while it sees a reader: so one lost wake-up is the end, and
 * the test's time runs out.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "framing.h"
#include "processes.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <sys/resource.h>

#define SIZE ((size_t)4096)

static fl_note note;
static struct call call;

static void set_up(void)
{
	ck_assert_int_eq(fl_frames_create(&frames, NULL), 0);
	fl_note_init(&note, NULL, FL_FOREVER);
}

static void set_up_served(void)
{
	processes_set_up();
	framing_serve(NULL);
	fl_note_init(&note, NULL, FL_FOREVER);
}

static void tear_down_served(void)
{
	framing_tear_down();
	processes_tear_down();
}

static void publish(uint64_t n)
{
	ck_assert_int_eq(framing_publish(frames, SIZE, n), 0);
}

static int look_for_readers(void)
{
	return fl_frames_wait_readers_until(frames, 0, NULL);
}

static int wait_for_readers(void *note_)
{
	return note_ ? fl_frames_wait_readers_until(frames, FL_FOREVER, note_) : fl_frames_wait_readers(frames);
}

static void start_waiting(void)
{
	call_start(&call, wait_for_readers, &note);
	waiting_await(frames, 1);
}

static uint32_t wanting(void)
{
	fl_frames_stats stats;

	fl_frames_stats_get(frames, &stats);
	return stats.readers;
}

static void await_wanting(uint32_t n)
{
	while (wanting() != n)
		sched_yield();
}

/* Fails unless the channel has that many who want frames, and so many in all, and the wait sees it so. */
static void expect_readers(uint32_t n_wanting, int n_all)
{
	ck_assert_uint_eq(wanting(), n_wanting);
	ck_assert_int_eq(fl_frames_readers(frames, 0, NULL), n_all);
	ck_assert_int_eq(look_for_readers(), n_wanting > 0 ? 0 : -ETIMEDOUT);
}

/* What ends the wait. */

START_TEST(who_is_there_is_not_waited_for)
{
	framing_attach(0, 0);
	ck_assert_int_eq(fl_frames_wait_readers(frames), 0);
	fl_note_cancel(&note);
	ck_assert_int_eq(fl_frames_wait_readers_until(frames, 0, &note), 0);
	ck_assert_int_eq(fl_frames_wait_readers_until(frames, FL_FOREVER, &note), 0);
}
END_TEST

START_TEST(who_comes_wakes_the_producer)
{
	for (int i = 0; i < 50; i++) {
		call_start(&call, wait_for_readers, i % 2 ? &note : NULL);
		waiting_await(frames, 1);
		framing_attach(i % 3, 0);
		ck_assert_int_eq(call_end(&call), 0);
		reader = fl_frames_reader_close(reader);
		ck_assert_int_eq(look_for_readers(), -ETIMEDOUT);
	}
}
END_TEST

/* Mostly before the producer runs. */
START_TEST(who_comes_and_goes_wakes_the_producer)
{
	for (int i = 0; i < 200; i++) {
		start_waiting();
		framing_attach(i % 3, 0);
		reader = fl_frames_reader_close(reader);
		ck_assert_int_eq(call_end(&call), 0);
		ck_assert_int_eq(look_for_readers(), -ETIMEDOUT);
	}
}
END_TEST

START_TEST(a_deadline_passes)
{
	fl_time begin = fl_now();

	ck_assert_int_eq(look_for_readers(), -ETIMEDOUT);
	ck_assert_int_eq(fl_frames_wait_readers_until(frames, fl_after(FL_MS(5)), NULL), -ETIMEDOUT);
	ck_assert_int_ge(fl_now() - begin, FL_MS(5));
	ck_assert_uint_eq(waiting_for(frames), 0);
	framing_attach(0, 0);
	ck_assert_int_eq(look_for_readers(), 0);
}
END_TEST

START_TEST(a_note_is_cancelled)
{
	start_waiting();
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
	ck_assert_int_eq(wait_for_readers(&note), -ECANCELED);
	ck_assert_uint_eq(waiting_for(frames), 0);
}
END_TEST

START_TEST(a_signal_ends_nothing)
{
	start_waiting();
	testing_await_asleep(call.id);
	call_interrupt(&call, 20, 0);
	ck_assert(!call_returned(&call));
	framing_attach(0, 0);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

START_TEST(a_frame_may_be_loaned_meanwhile)
{
	const fl_frame_info info = {.size = SIZE, .captured = 1};
	void *data;

	ck_assert_int_eq(fl_frames_loan(frames, SIZE, &data), 0);
	start_waiting();
	framing_attach(0, 0);
	ck_assert_int_eq(call_end(&call), 0);
	framing_fill(data, SIZE, 1);
	ck_assert_int_eq(fl_frames_publish(frames, &info), 0);
	framing_expect_next(1);
}
END_TEST

static void wait_in_child(void *unused)
{
	(void)unused;
	EXPECT(fl_frames_wait_readers(frames) == -EPERM);
	EXPECT(fl_frames_wait_readers_until(frames, 0, NULL) == -EPERM);
	EXPECT(wanting() == 0);
}

START_TEST(a_forked_child_does_not_wait)
{
	framing_attach(0, 0);
	ck_assert_int_eq(process_end(process_start(wait_in_child, NULL)), 0);
	reader = fl_frames_reader_close(reader);
	ck_assert_int_eq(process_end(process_start(wait_in_child, NULL)), 0);
}
END_TEST

/* Who counts. */

START_TEST(who_only_holds_frames_does_not_count)
{
	publish(1);
	framing_attach(0, 0);
	framing_expect_next(1);
	expect_readers(1, 1);
	reader = fl_frames_reader_close(reader);
	expect_readers(0, 1);
	start_waiting();
	/* The producer is woken, since there may be room, and goes to sleep again. */
	fl_frames_done(&frame);
	waiting_await_or(frames, 1, &call);
	ck_assert(!call_returned(&call));
	expect_readers(0, 0);
	framing_attach(0, 0);
	ck_assert_int_eq(call_end(&call), 0);
	expect_readers(1, 1);
}
END_TEST

START_TEST(who_is_disconnected_does_not_count)
{
	framing_tear_down();
	ck_assert_int_eq(fl_frames_create(&frames, &(fl_frames_options){.full = FL_FRAMES_DISCONNECT}), 0);
	framing_attach(1, 0);
	publish(1);
	expect_readers(1, 1);
	ck_assert_int_eq(framing_publish(frames, SIZE, 2), 1);
	expect_readers(0, 1);
	framing_expect_next(1);
	expect_readers(0, 1);
}
END_TEST

START_TEST(who_is_refused_does_not_count)
{
	fl_frames_reader *refused;

	framing_tear_down();
	ck_assert_int_eq(fl_frames_create(&frames, &(fl_frames_options){.readers = 1}), 0);
	publish(1);
	framing_attach(0, 0);
	framing_expect_next(1);
	reader = fl_frames_reader_close(reader);
	ck_assert_int_eq(fl_frames_attach(&refused, frames, NULL), -EUSERS);
	expect_readers(0, 1);
}
END_TEST

START_TEST(the_last_frame_is_there_for_who_comes)
{
	publish(1);
	publish(2);
	framing_attach(0, 0);
	framing_expect_next(2);
	ck_assert_int_eq(framing_look(&frame), -ETIMEDOUT);
	reader = fl_frames_reader_close(reader);
	framing_attach(2, 0);
	ck_assert_int_eq(framing_look(&frame), -ETIMEDOUT);
	ck_assert_int_eq(fl_frames_latest(reader, &frame), 0);
	framing_expect(&frame, 2);
	publish(3);
	framing_expect_next(3);
}
END_TEST

/* Many who come and go. */

enum { N_LOOKERS = 2, N_ROUNDS = 10000, N_VISITS = 200 };

/* The whole producer. Returns why it ended. */
static int produce_on_demand(void *note_)
{
	fl_frames_stats stats;
	int error;

	fl_frames_stats_get(frames, &stats);
	while ((error = wait_for_readers(note_)) == 0)
		publish(++stats.published);
	return error;
}

/* Returns whether there came a frame after the `n`th. */
static bool await_frame_after(fl_frames_reader *mine, uint64_t n)
{
	FL_FRAME(seen);
	int error;

	do
		error = fl_frames_next(mine, &seen);
	while (error == 0 && seen.sequence <= n);
	return error == 0;
}

/* One visit to the channel. Some wait until the producer sleeps, so that it must be woken; most come as it happens. */
static void come_and_go(int round)
{
	fl_frames_reader *mine;
	fl_frames_stats before;

	if (round % 100 == 0)
		waiting_await(frames, 1);
	fl_frames_stats_get(frames, &before);
	ck_assert_int_eq(fl_frames_attach(&mine, frames, NULL), 0);
	ck_assert(await_frame_after(mine, before.published));
	fl_frames_reader_close(mine);
}

static uint32_t n_left;

static void produce_or_visit(unsigned index, void *arg)
{
	(void)arg;
	if (index == 0) {
		ck_assert_int_eq(produce_on_demand(&note), -ECANCELED);
		return;
	}
	for (int i = 0; i < N_ROUNDS; i++)
		come_and_go(i);
	if (__atomic_sub_fetch(&n_left, 1, __ATOMIC_RELAXED) == 0)
		fl_note_cancel(&note);
}

static void come_and_go_together(uint32_t n)
{
	fl_frames_stats stats;

	n_left = n;
	testing_together(1 + n, produce_or_visit, NULL);
	fl_frames_stats_get(frames, &stats);
	ck_assert_uint_ge(stats.published, N_ROUNDS);
	expect_readers(0, 0);
}

START_TEST(nobody_comes_unseen)
{
	come_and_go_together(1);
}
END_TEST

START_TEST(nobody_of_several_comes_unseen)
{
	come_and_go_together(N_LOOKERS);
}
END_TEST

/* Other processes. */

static void come_when_told(void *unused)
{
	(void)unused;
	process_await(&shared->go_on, 1);
	EXPECT(framing_open(0, FL_FOREVER) == 0);
	EXPECT(await_frame_after(reader, 0));
	process_tell(&shared->ready);
	pause();
}

START_TEST(who_comes_from_another_process_wakes_the_producer)
{
	pid_t child = process_start(come_when_told, NULL);

	start_waiting();
	process_tell(&shared->go_on);
	ck_assert_int_eq(call_end(&call), 0);
	expect_readers(1, 1);
	publish(1);
	process_await(&shared->ready, 1);
	process_kill(child);
	framing_await_readers(0);
	expect_readers(0, 0);
}
END_TEST

START_TEST(who_left_another_process_only_holds_frames)
{
	publish(1);
	ck_assert_int_eq(framing_open(0, FL_FOREVER), 0);
	framing_expect_next(1);
	expect_readers(1, 1);
	reader = fl_frames_reader_close(reader);
	await_wanting(0);
	expect_readers(0, 1);
	fl_frames_done(&frame);
	framing_await_readers(0);
}
END_TEST

/* Sees to it that there is no place for another descriptor, or that there is again. */
static void leave_places(bool any)
{
	static struct rlimit limit;
	int next;

	if (any) {
		EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
		return;
	}
	next = dup(STDERR_FILENO);
	EXPECT(next >= 0 && close(next) == 0);
	EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	EXPECT(setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)next, limit.rlim_max}) == 0);
}

/* Its first connection breaks, since it cannot take larger memory, and stays for the frame that was got by it. */
static void go_on_by_another_connection(void *unused)
{
	fl_frame second = {0};

	(void)unused;
	EXPECT(fl_frames_open(&reader, "cam", &(fl_frames_reader_options){.held = 2}) == 0);
	EXPECT(fl_frames_next(reader, &frame) == 0);
	process_tell(&shared->ready);
	process_await(&shared->go_on, 1);
	leave_places(false);
	EXPECT(fl_frames_next(reader, &second) == -EMFILE);
	leave_places(true);
	process_tell(&shared->ready);
	process_await(&shared->go_on, 2);
	EXPECT(fl_frames_next(reader, &second) == 0);
	process_tell(&shared->ready);
	process_await(&shared->go_on, 3);
	reader = fl_frames_reader_close(reader);
	pause();
}

START_TEST(who_goes_on_by_another_connection_counts_once)
{
	pid_t child = process_start(go_on_by_another_connection, NULL);

	publish(1);
	process_await(&shared->ready, 1);
	ck_assert_int_eq(framing_publish(frames, SIZE << 8, 2), 0);
	process_tell(&shared->go_on);
	process_await(&shared->ready, 2);
	process_tell(&shared->go_on);
	process_await(&shared->ready, 3);
	await_wanting(1);
	expect_readers(1, 2);
	process_tell(&shared->go_on);
	await_wanting(0);
	expect_readers(0, 2);
	process_kill(child);
}
END_TEST

static void close_what_is_broken(void *unused)
{
	(void)unused;
	EXPECT(fl_frames_open(&reader, "cam", &(fl_frames_reader_options){.held = 2}) == 0);
	EXPECT(fl_frames_next(reader, &frame) == 0);
	process_tell(&shared->ready);
	process_await(&shared->go_on, 1);
	leave_places(false);
	EXPECT(fl_frames_next(reader, &(fl_frame){0}) == -EMFILE);
	leave_places(true);
	reader = fl_frames_reader_close(reader);
	pause();
}

START_TEST(who_closes_a_broken_connection_does_not_count)
{
	pid_t child = process_start(close_what_is_broken, NULL);

	publish(1);
	process_await(&shared->ready, 1);
	expect_readers(1, 1);
	ck_assert_int_eq(framing_publish(frames, SIZE << 8, 2), 0);
	process_tell(&shared->go_on);
	await_wanting(0);
	expect_readers(0, 1);
	process_kill(child);
}
END_TEST

/* Each visit is one to a producer that may have seen the last one's end, or not. */
static void come_again_and_again(void *unused)
{
	(void)unused;
	for (int i = 0; i < N_VISITS; i++) {
		fl_frame last = {0};
		uint64_t n;

		EXPECT(framing_open(0, FL_FOREVER) == 0);
		n = fl_frames_latest(reader, &last) == 0 ? last.sequence : 0;
		fl_frames_done(&last);
		EXPECT(await_frame_after(reader, n));
		reader = fl_frames_reader_close(reader);
	}
}

START_TEST(nobody_of_another_process_comes_unseen)
{
	pid_t child = process_start(come_again_and_again, NULL);

	call_start(&call, produce_on_demand, &note);
	ck_assert_int_eq(process_end(child), 0);
	framing_await_readers(0);
	fl_note_cancel(&note);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
}
END_TEST

static void add_waiting(Suite *suite)
{
	TCase *waits = testing_case_between(suite, "waits", set_up, framing_tear_down);

	tcase_add_test(waits, who_is_there_is_not_waited_for);
	tcase_add_test(waits, who_comes_wakes_the_producer);
	tcase_add_test(waits, who_comes_and_goes_wakes_the_producer);
	tcase_add_test(waits, a_deadline_passes);
	tcase_add_test(waits, a_note_is_cancelled);
	tcase_add_test(waits, a_signal_ends_nothing);
	tcase_add_test(waits, a_frame_may_be_loaned_meanwhile);
	tcase_add_test(waits, a_forked_child_does_not_wait);
}

static void add_counting(Suite *suite)
{
	TCase *counts = testing_case_between(suite, "counts", set_up, framing_tear_down);

	tcase_add_test(counts, who_only_holds_frames_does_not_count);
	tcase_add_test(counts, who_is_disconnected_does_not_count);
	tcase_add_test(counts, who_is_refused_does_not_count);
	tcase_add_test(counts, the_last_frame_is_there_for_who_comes);
}

int main(void)
{
	Suite *suite = suite_create("frames_readers");
	TCase *many = testing_case_between(suite, "many", set_up, framing_tear_down),
	      *processes = testing_case_between(suite, "processes", set_up_served, tear_down_served);

	add_waiting(suite);
	add_counting(suite);
	tcase_add_test(many, nobody_comes_unseen);
	tcase_add_test(many, nobody_of_several_comes_unseen);
	tcase_add_test(processes, who_comes_from_another_process_wakes_the_producer);
	tcase_add_test(processes, who_left_another_process_only_holds_frames);
	tcase_add_test(processes, who_goes_on_by_another_connection_counts_once);
	tcase_add_test(processes, who_closes_a_broken_connection_does_not_count);
	tcase_add_test(processes, nobody_of_another_process_comes_unseen);
	return testing_run(suite);
}
