/*
 * test_pool_workers.c - the lives of a pool's workers, cancelling, and shutting down.
 */
#define _GNU_SOURCE
#include "pools.h"

#include <dirent.h>
#include <stdio.h>

/* Workers. */

static int tell_pid(fl_task *task, void *arg, size_t size)
{
	int pid = getpid();

	pools_log(pools_number(arg, size));
	return fl_task_return(task, &pid, sizeof(pid));
}

static int pid_of(fl_future *future)
{
	int pid = 0;

	ck_assert_int_eq(fl_future_result(future, &pid, sizeof(pid)), 0);
	fl_future_unref(future);
	return pid;
}

START_TEST(workers_are_started_when_there_is_work)
{
	fl_future *hanging[3];

	pools_make(&(fl_pool_options){.max_workers = 3});
	ck_assert_uint_eq(fl_pool_workers(pool), 0);
	for (int i = 0; i < 3; i++) {
		hanging[i] = pools_submit(pools_hang, i);
		pools_await(i + 1);
		ck_assert_uint_eq(fl_pool_workers(pool), (unsigned)i + 1);
	}
	ck_assert_int_eq(fl_pool_terminate(pool), 0);
	for (int i = 0; i < 3; i++)
		pools_expect_error(hanging[i], -ECANCELED);
}
END_TEST

START_TEST(a_worker_ends_after_so_many_tasks)
{
	fl_future *futures[9];
	int pids[9];

	pools_make(&(fl_pool_options){.max_workers = 1, .max_tasks = 3});
	for (int i = 0; i < 9; i++)
		futures[i] = pools_submit(tell_pid, i);
	for (int i = 0; i < 9; i++)
		pids[i] = pid_of(futures[i]);
	for (int i = 0; i < 9; i += 3) {
		ck_assert_int_eq(pids[i], pids[i + 1]);
		ck_assert_int_eq(pids[i], pids[i + 2]);
	}
	ck_assert(pids[0] != pids[3] && pids[3] != pids[6] && pids[0] != pids[6]);
	ck_assert_uint_eq(fl_pool_deaths(pool), 0);
}
END_TEST

static char told[16];

static int initialize(void *arg, size_t size)
{
	EXPECT(size == 6);
	memcpy(told, arg, size);
	pools_log(-7);
	return 0;
}

static int tell_told(fl_task *task, void *arg, size_t size)
{
	(void)arg;
	EXPECT(size == 0);
	return fl_task_return(task, told, sizeof(told));
}

START_TEST(an_initializer_is_called_first_in_each)
{
	fl_future *future;
	char text[16];

	pools_make(&(fl_pool_options){.max_workers = 1,
				      .max_tasks = 1,
				      .initializer = initialize,
				      .initializer_arg = "hello",
				      .initializer_size = 6});
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(fl_pool_submit(&future, pool, tell_told, NULL, 0), 0);
		ck_assert_int_eq(fl_future_result(future, text, sizeof(text)), 0);
		ck_assert_str_eq(text, "hello");
		fl_future_unref(future);
	}
	ck_assert_int_eq(pools_count(-7), 3);
	ck_assert_str_eq(told, "");
}
END_TEST

static int fail_to_begin(void *arg, size_t size)
{
	int which = pools_number(arg, size);

	pools_log(0);
	if (which < 0)
		return which;
	pools_raise(which);
	return 0;
}

static void expect_broken(int which, const char *why)
{
	fl_future *futures[4], *none = NULL;
	const char *text =
		"5 workers in a row have failed before they were ready, in the pool's initializer, the last ";

	pools_make(&(fl_pool_options){.max_workers = 1,
				      .name = "broken",
				      .initializer = fail_to_begin,
				      .initializer_arg = &which,
				      .initializer_size = sizeof(which)});
	for (int i = 0; i < 4; i++)
		futures[i] = pools_submit(pools_square, i);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(fl_future_result(futures[i], NULL, 0), -ENOTRECOVERABLE);
		ck_assert_ptr_nonnull(strstr(fl_future_message(futures[i]), text));
		ck_assert_msg(strstr(fl_future_message(futures[i]), why), "%s", fl_future_message(futures[i]));
		fl_future_unref(futures[i]);
	}
	ck_assert_int_eq(pools_logged(), 5);
	ck_assert_int_eq(fl_pool_submit(&none, pool, pools_square, &which, sizeof(which)), -ENOTRECOVERABLE);
	ck_assert_ptr_null(none);
}

START_TEST(an_initializer_that_fails_breaks_the_pool)
{
	expect_broken(-ENODEV, "worker broken-5: No such device");
}
END_TEST

START_TEST(so_does_one_that_dies)
{
	expect_broken(SIGSEGV, "'broken-5' was killed by SIGSEGV");
}
END_TEST

/* How often the pool's thread has waited so far; 0 for other threads. */
static long count_waits_of(const char *thread)
{
	char path[300], line[200];
	bool is_pools = false;
	long n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", thread);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (strcmp(line, "Name:\tidle\n") == 0)
			is_pools = true;
		else if (sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1)
			break;
	if (file)
		fclose(file);
	return is_pools ? n : 0;
}

static long count_waits(void)
{
	DIR *directory = opendir("/proc/self/task");
	struct dirent *entry;
	long n = 0;

	while ((entry = readdir(directory)))
		n += count_waits_of(entry->d_name);
	closedir(directory);
	return n;
}

START_TEST(an_idle_pool_does_nothing)
{
	fl_event never = FL_EVENT_INIT;
	long before;

	pools_make(&(fl_pool_options){.timeout = FL_SECONDS(20), .name = "idle"});
	pools_expect(pools_submit(pools_square, 2), 4);
	ck_assert_int_eq(fl_event_wait_until(&never, fl_after(FL_MS(50)), NULL), -ETIMEDOUT);
	before = count_waits();
	ck_assert_int_gt(before, 0);
	ck_assert_int_eq(fl_event_wait_until(&never, fl_after(FL_MS(200)), NULL), -ETIMEDOUT);
	ck_assert_int_eq(count_waits(), before);
}
END_TEST

/* Cancelling. */

START_TEST(what_has_not_begun_is_cancelled)
{
	fl_future *first, *second;

	pools_make(&(fl_pool_options){.max_workers = 1});
	first = pools_submit(pools_hang, 1);
	second = pools_submit(pools_hang, 2);
	pools_await(1);
	ck_assert(fl_future_cancel(second));
	ck_assert(fl_future_cancelled(second));
	fl_future_unref(second);
	ck_assert_int_eq(fl_pool_terminate(pool), 0);
	ck_assert_int_eq(fl_future_result(first, NULL, 0), -ECANCELED);
	ck_assert(!fl_future_cancelled(first));
	ck_assert_msg(strstr(fl_future_message(first), "task 1 was running when its pool was terminated"), "%s",
		      fl_future_message(first));
	fl_future_unref(first);
	pool = fl_pool_destroy(pool);
	ck_assert_int_eq(pools_count(2), 0);
}
END_TEST

static int wait_for_note(fl_task *task, void *arg, size_t size)
{
	fl_note *note = fl_task_note(task);
	int n = pools_number(arg, size);

	pools_log(n);
	if (fl_note_wait(note) != 0)
		return -EIO;
	return fl_task_return(task, &n, sizeof(n));
}

static int look_at_note(fl_task *task, void *arg, size_t size)
{
	int n = pools_number(arg, size);

	pools_log(n);
	while (!fl_note_is_cancelled(fl_task_note(task)))
		sched_yield();
	return fl_task_return(task, &n, sizeof(n));
}

START_TEST(what_runs_is_told_by_its_note)
{
	fl_pool_work works[] = {wait_for_note, look_at_note};
	fl_future *future;

	pools_make(&(fl_pool_options){.max_workers = 1});
	for (int i = 0; i < 20; i++) {
		future = pools_submit(works[i % 2], i);
		pools_await(i + 1);
		ck_assert(!fl_future_cancel(future));
		pools_expect(future, i);
	}
	ck_assert_uint_eq(fl_pool_deaths(pool), 0);
}
END_TEST

/* Whatever the pool's thread is doing with it at that moment. */
START_TEST(what_is_just_being_sent_is_told_too)
{
	fl_future *future;

	pools_make(&(fl_pool_options){.max_workers = 1});
	for (int i = 0; i < 3000; i++) {
		future = pools_submit(wait_for_note, i);
		while (!fl_future_running(future))
			sched_yield();
		fl_future_cancel(future);
		ck_assert_int_eq(fl_future_wait_until(future, FL_FOREVER, NULL), 0);
		ck_assert(fl_future_cancelled(future) || fl_future_error(future) == 0);
		fl_future_unref(future);
	}
	ck_assert_uint_eq(fl_pool_deaths(pool), 0);
}
END_TEST

static int last;

static int remember(fl_task *task, void *arg, size_t size)
{
	last = pools_number(arg, size);
	return fl_task_return(task, &last, sizeof(last));
}

/* Short tasks have taught the pool to send some ahead. */
START_TEST(what_was_sent_ahead_is_cancelled_too)
{
	enum { N = 300, LEFT = 30 };
	fl_future *futures[N], *hanging, *behind[LEFT];

	pools_make(&(fl_pool_options){.max_workers = 1});
	for (int i = 0; i < N; i++)
		futures[i] = pools_submit(remember, i);
	for (int i = 0; i < N; i++)
		pools_expect(futures[i], i);
	hanging = pools_submit(wait_for_note, 1);
	for (int i = 0; i < LEFT; i++)
		behind[i] = pools_submit(pools_square, i);
	pools_await(1);
	for (int i = 0; i < LEFT; i++)
		fl_future_cancel(behind[i]);
	for (int i = 0; i < LEFT; i++) {
		ck_assert_int_eq(fl_future_wait_until(behind[i], FL_FOREVER, NULL), 0);
		ck_assert(fl_future_cancelled(behind[i]));
		fl_future_unref(behind[i]);
	}
	fl_future_cancel(hanging);
	pools_expect(hanging, 1);
	ck_assert_int_eq(pools_logged(), 1);
}
END_TEST

/* A task that takes long does not keep those behind it from a worker that is idle. */
START_TEST(what_was_sent_ahead_goes_elsewhere)
{
	enum { N = 300, LEFT = 30 };
	fl_future *futures[N], *hanging, *behind[LEFT];

	pools_make(&(fl_pool_options){.max_workers = 2});
	for (int i = 0; i < N; i++)
		futures[i] = pools_submit(remember, i);
	for (int i = 0; i < N; i++)
		pools_expect(futures[i], i);
	hanging = pools_submit(wait_for_note, -1);
	for (int i = 0; i < LEFT; i++)
		behind[i] = pools_submit(pools_square, i);
	for (int i = 0; i < LEFT; i++)
		pools_expect(behind[i], i * i);
	pools_await(LEFT + 1);
	ck_assert(!fl_future_done(hanging));
	fl_future_cancel(hanging);
	pools_expect(hanging, -1);
	ck_assert_int_eq(pools_logged(), LEFT + 1);
}
END_TEST

/* Ending. */

START_TEST(shutdown_lets_all_be_done)
{
	fl_future *futures[50], *none = NULL;
	int n = 1;

	pools_make(&(fl_pool_options){.max_workers = 2});
	for (int i = 0; i < 50; i++)
		futures[i] = pools_submit(pools_square, i);
	ck_assert_int_eq(fl_pool_shutdown(pool, false, false), 0);
	ck_assert_int_eq(fl_pool_submit(&none, pool, pools_square, &n, sizeof(n)), -EPIPE);
	ck_assert_int_eq(fl_pool_shutdown(pool, true, false), 0);
	ck_assert_uint_eq(fl_pool_workers(pool), 0);
	for (int i = 0; i < 50; i++) {
		ck_assert(fl_future_done(futures[i]));
		pools_expect(futures[i], i * i);
	}
	ck_assert_uint_eq(fl_pool_deaths(pool), 0);
}
END_TEST

START_TEST(or_cancels_what_has_not_begun)
{
	fl_future *first, *second;

	pools_make(&(fl_pool_options){.max_workers = 1});
	first = pools_submit(wait_for_note, 1);
	pools_await(1);
	second = pools_submit(pools_square, 2);
	ck_assert_int_eq(fl_pool_shutdown_until(pool, true, fl_after(FL_MS(20)), NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_future_wait_until(second, FL_FOREVER, NULL), 0);
	ck_assert(fl_future_cancelled(second));
	fl_future_unref(second);
	fl_future_cancel(first);
	pools_expect(first, 1);
	ck_assert_int_eq(fl_pool_shutdown(pool, true, false), 0);
}
END_TEST

START_TEST(terminate_after_shutdown_ends_what_hangs)
{
	fl_future *future;

	pools_make(&(fl_pool_options){.max_workers = 1});
	future = pools_submit(pools_hang, 1);
	pools_await(1);
	ck_assert_int_eq(fl_pool_shutdown_until(pool, false, fl_after(FL_MS(5)), NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_pool_terminate(pool), 0);
	ck_assert_int_eq(fl_pool_shutdown(pool, true, false), 0);
	pools_expect_error(future, -ECANCELED);
}
END_TEST

static int log_item(const void *item, void *ret_result, fl_task *task, void *arg)
{
	(void)item, (void)ret_result, (void)task, (void)arg;
	pools_log(0);
	return 0;
}

struct inner {
	fl_event called;
	fl_future *second;
	int submitted, shutdown, mapped;
};

static int use_in_callback(fl_future *future, void *inner_)
{
	struct inner *inner = inner_;
	int n = 3;
	fl_pool_items items = {.function = log_item, .n = 1, .items = &n, .item_size = sizeof(n)};

	(void)future;
	inner->mapped = fl_pool_map(pool, &items);
	inner->submitted = fl_pool_submit(&inner->second, pool, pools_square, &n, sizeof(n));
	fl_pool_shutdown(pool, true, false);
	inner->shutdown = fl_pool_shutdown_until(pool, false, FL_FOREVER, NULL);
	fl_event_set(&inner->called);
	return 0;
}

START_TEST(a_callback_may_use_the_pool)
{
	struct inner inner = {.called = FL_EVENT_INIT, .submitted = 1};
	fl_future *future;

	pools_make(&(fl_pool_options){.max_workers = 1});
	future = pools_submit(wait_for_note, 2);
	pools_await(1);
	ck_assert_int_eq(fl_future_add_done_callback(future, use_in_callback, &inner), 0);
	fl_future_cancel(future);
	ck_assert_int_eq(fl_event_wait(&inner.called), 0);
	ck_assert_int_eq(inner.submitted, 0);
	ck_assert_int_eq(inner.shutdown, -EDEADLK);
	ck_assert_int_eq(inner.mapped, -EDEADLK);
	pools_expect(inner.second, 9);
	fl_future_unref(future);
}
END_TEST

static int leave_without_destroying(void *arg, size_t size)
{
	fl_pool *its;
	fl_future *future;
	int n;

	EXPECT(size == sizeof(int));
	memcpy(&n, arg, size);
	EXPECT(fl_pool_create(&its, &(fl_pool_options){.max_workers = 2}) == 0);
	for (int i = 0; i < n; i++) {
		EXPECT(fl_pool_submit(&future, its, pools_square, &i, sizeof(i)) == 0);
		fl_future_unref(future);
	}
	return 0;
}

START_TEST(exit_waits_for_what_was_submitted)
{
	fl_process *process;
	fl_process_status status;
	int n = 100;

	ck_assert_int_eq(fl_process_start(&process, NULL, leave_without_destroying, &n, sizeof(n)), 0);
	ck_assert_int_eq(fl_process_join(process, &status), 0);
	fl_process_close(process);
	ck_assert_int_eq(status.result, 0);
	ck_assert_int_eq(pools_logged(), n);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *workers, *cancel, *end;

	fl_process_begin();
	suite = suite_create("pool_workers");
	workers = testing_case_between(suite, "workers", pools_set_up, pools_tear_down);
	cancel = testing_case_between(suite, "cancel", pools_set_up, pools_tear_down);
	end = testing_case_between(suite, "end", pools_set_up, pools_tear_down);
	tcase_add_test(workers, workers_are_started_when_there_is_work);
	tcase_add_test(workers, a_worker_ends_after_so_many_tasks);
	tcase_add_test(workers, an_initializer_is_called_first_in_each);
	tcase_add_test(workers, an_initializer_that_fails_breaks_the_pool);
	tcase_add_test(workers, so_does_one_that_dies);
	tcase_add_test(workers, an_idle_pool_does_nothing);
	tcase_add_test(cancel, what_has_not_begun_is_cancelled);
	tcase_add_test(cancel, what_runs_is_told_by_its_note);
	tcase_add_test(cancel, what_is_just_being_sent_is_told_too);
	tcase_add_test(cancel, what_was_sent_ahead_is_cancelled_too);
	tcase_add_test(cancel, what_was_sent_ahead_goes_elsewhere);
	tcase_add_test(end, shutdown_lets_all_be_done);
	tcase_add_test(end, or_cancels_what_has_not_begun);
	tcase_add_test(end, terminate_after_shutdown_ends_what_hangs);
	tcase_add_test(end, a_callback_may_use_the_pool);
	tcase_add_test(end, exit_waits_for_what_was_submitted);
	return testing_run(suite);
}
