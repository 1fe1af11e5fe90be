/*
 * test_once_shared.c - Once between processes: the function succeeds one time, and who dies in it is no hindrance.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "processes.h"
#include "reports.h"
#include "segments.h"
#include "testing.h"
#include "waiting_shared.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <string.h>

static fl_segment *segment;
static fl_once *once;
static fl_event *may_end;
static uint64_t *runs, *value;

static void set_up(void)
{
	processes_set_up();
	reports_catch();
	ck_assert_int_eq(fl_segment_open(&segment, NULL, NULL), 0);
	ck_assert_int_eq(fl_segment_once(segment, "loaded", &once), 1);
	ck_assert_int_eq(fl_segment_event(segment, "may-end", &may_end), 1);
	ck_assert_int_eq(segments_number(segment, "runs", &runs), 1);
	ck_assert_int_eq(segments_number(segment, "value", &value), 1);
}

static void tear_down(void)
{
	reports_expect_none();
	fl_segment_close(segment);
	processes_tear_down();
}

static int load(void *unused)
{
	(void)unused;
	__atomic_add_fetch(runs, 1, __ATOMIC_RELAXED);
	*value = 42;
	return 0;
}

/* It waits for a shared object itself. */
static int load_slowly(void *unused)
{
	process_tell(&shared->ready);
	EXPECT(fl_event_wait(may_end) == 0);
	return load(unused);
}

static int fail_slowly(void *unused)
{
	load_slowly(unused);
	return -EIO;
}

static int call_load(void *unused)
{
	return fl_once_call(once, load, unused);
}

static int call_slowly(void *unused)
{
	return fl_once_call(once, load_slowly, unused);
}

START_TEST(it_is_run_once)
{
	fl_segment *other;
	fl_once *theirs;

	ck_assert_int_eq(fl_segment_adopt(&other, fl_segment_fd(segment), NULL), 0);
	ck_assert_int_eq(fl_segment_once(other, "loaded", &theirs), 0);
	ck_assert(!fl_once_done(once));
	ck_assert_int_eq(call_load(NULL), 0);
	ck_assert(fl_once_done(theirs));
	ck_assert_int_eq(fl_once_call(theirs, load, NULL), 0);
	ck_assert_int_eq(call_elsewhere(call_load, NULL), 0);
	ck_assert_uint_eq(*runs, 1);
	fl_segment_close(other);
}
END_TEST

static int fail_at_once(void *unused)
{
	(void)unused;
	return -EIO;
}

static int call_again(void *unused)
{
	ck_assert_int_eq(fl_once_call(once, load, unused), -EDEADLK);
	return 1;
}

START_TEST(who_fails_leaves_it_to_the_next)
{
	ck_assert_int_eq(fl_once_call(once, fail_at_once, NULL), -EIO);
	ck_assert(!fl_once_done(once));
	ck_assert_int_eq(fl_once_call(once, call_again, NULL), 0);
	ck_assert(fl_once_done(once));
	ck_assert_uint_eq(*runs, 0);
}
END_TEST

START_TEST(notes_and_deadlines_end_a_wait)
{
	fl_note note = FL_NOTE_INIT;
	struct call call;

	call_start(&call, call_slowly, NULL);
	process_await(&shared->ready, 1);
	ck_assert_int_eq(fl_once_call_until(once, load, NULL, 0, NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_once_call_until(once, load, NULL, fl_after(FL_MS(5)), NULL), -ETIMEDOUT);
	fl_note_cancel(&note);
	ck_assert_int_eq(fl_once_call_until(once, load, NULL, FL_FOREVER, &note), -ECANCELED);
	fl_event_set(may_end);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_int_eq(fl_once_call_until(once, load, NULL, 0, &note), 0);
	ck_assert_uint_eq(*runs, 1);
	fl_note_destroy(&note);
}
END_TEST

/* Others wait while it is run. */

static void see_it_loaded(void *unused)
{
	EXPECT(fl_once_call(once, load, unused) == 0);
	EXPECT(*value == 42);
}

enum { OTHERS = 4 };

static void start_others(pid_t *others)
{
	for (int i = 0; i < OTHERS; i++)
		others[i] = process_start(see_it_loaded, NULL);
	shared_waiting_await(once, OTHERS);
}

static void end_others(const pid_t *others)
{
	for (int i = 0; i < OTHERS; i++)
		ck_assert_int_eq(process_end(others[i]), 0);
	ck_assert(fl_once_done(once));
}

static void run_slowly(void *function)
{
	int (*const *run)(void *arg) = function;

	(void)fl_once_call(once, *run, NULL);
}

static pid_t start_runner(int (*function)(void *arg))
{
	pid_t child = process_start(run_slowly, &function);

	process_await(&shared->ready, 1);
	return child;
}

START_TEST(processes_wait_until_it_is_done)
{
	pid_t others[OTHERS], runner = start_runner(load_slowly);

	start_others(others);
	fl_event_set(may_end);
	end_others(others);
	ck_assert_int_eq(process_end(runner), 0);
	ck_assert_uint_eq(*runs, 1);
}
END_TEST

START_TEST(one_of_those_who_wait_goes_on_where_it_failed)
{
	pid_t others[OTHERS], runner = start_runner(fail_slowly);

	start_others(others);
	fl_event_set(may_end);
	end_others(others);
	ck_assert_int_eq(process_end(runner), 0);
	ck_assert_uint_eq(*runs, 2);
}
END_TEST

/* Deaths. */

START_TEST(one_of_those_who_wait_goes_on_where_it_died)
{
	pid_t others[OTHERS], runner = start_runner(load_slowly);

	start_others(others);
	process_kill(runner);
	end_others(others);
	ck_assert_uint_eq(*runs, 1);
}
END_TEST

START_TEST(the_next_to_come_goes_on_where_it_died)
{
	process_kill(start_runner(load_slowly));
	ck_assert_int_eq(call_load(NULL), 0);
	ck_assert_uint_eq(*runs, 1);
}
END_TEST

static int end_thread(void *unused)
{
	(void)unused;
	pthread_exit(NULL);
}

static void *call_and_end(void *unused)
{
	(void)unused;
	return fl_once_call(once, end_thread, NULL) == 0 ? NULL : unused;
}

START_TEST(the_next_goes_on_where_a_thread_ended)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, call_and_end, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(call_load(NULL), 0);
	ck_assert_uint_eq(*runs, 1);
}
END_TEST

START_TEST(who_died_waiting_is_no_harm)
{
	pid_t others[OTHERS], runner = start_runner(load_slowly), victim;

	start_others(others);
	victim = process_start(see_it_loaded, NULL);
	shared_waiting_await(once, OTHERS + 1);
	process_kill(victim);
	fl_event_set(may_end);
	end_others(others);
	ck_assert_int_eq(process_end(runner), 0);
	ck_assert_uint_eq(*runs, 1);
}
END_TEST

/* Misuse. */

START_TEST(it_must_be_in_a_segment)
{
	fl_once mine;

	fl_once_init_shared(&mine);
	ck_assert_int_eq(fl_once_call(&mine, load, NULL), -EINVAL);
	reports_expect("once", &mine, NULL, "in no segment");
	ck_assert_uint_eq(*runs, 0);
}
END_TEST

/* Whatever others write into it, nobody crashes. */
START_TEST(nonsense_in_it_is_survived)
{
	static const uint32_t states[] = {3, 0x80000000, 0x80000001, 0x80000002, 0x7ffffffd, 0xffffffff, 0x1005};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		once->fl_state = states[i];
		ck_assert_int_le(fl_once_call_until(once, load, NULL, fl_after(FL_MS(1)), NULL), 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("once_shared");
	TCase *threads = testing_case_between(suite, "threads", set_up, tear_down);
	TCase *processes = testing_case_between(suite, "processes", set_up, tear_down);
	TCase *misuse = testing_case_between(suite, "misuse", set_up, tear_down);

	tcase_add_test(threads, it_is_run_once);
	tcase_add_test(threads, who_fails_leaves_it_to_the_next);
	tcase_add_test(threads, notes_and_deadlines_end_a_wait);
	tcase_add_test(threads, the_next_goes_on_where_a_thread_ended);
	tcase_add_test(processes, processes_wait_until_it_is_done);
	tcase_add_test(processes, one_of_those_who_wait_goes_on_where_it_failed);
	tcase_add_test(processes, one_of_those_who_wait_goes_on_where_it_died);
	tcase_add_test(processes, the_next_to_come_goes_on_where_it_died);
	tcase_add_test(processes, who_died_waiting_is_no_harm);
	tcase_add_test(misuse, it_must_be_in_a_segment);
	tcase_add_test(misuse, nonsense_in_it_is_survived);
	return testing_run(suite);
}
