/*
 * test_pool.c - pools of processes: what tasks return, and who may call. (Workers: test_pool_workers.c.)
 */
#define _GNU_SOURCE
#include "pools.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <sys/wait.h>

/* Results. */

START_TEST(a_task_has_a_result)
{
	pools_make(NULL);
	pools_expect(pools_submit(pools_square, 7), 49);
	ck_assert_uint_eq(fl_pool_workers(pool), 1);
	ck_assert_uint_eq(fl_pool_deaths(pool), 0);
}
END_TEST

START_TEST(many_are_each_done_once)
{
	enum { N = 500 };
	fl_future *futures[N];

	pools_make(&(fl_pool_options){.max_workers = 3});
	for (int i = 0; i < N; i++)
		futures[i] = pools_submit(pools_square, i);
	for (int i = 0; i < N; i++)
		pools_expect(futures[i], i * i);
	ck_assert_int_eq(pools_logged(), N);
	for (int i = 0; i < N; i += 50)
		ck_assert_int_eq(pools_count(i), 1);
	ck_assert_uint_le(fl_pool_workers(pool), 3);
}
END_TEST

static int fail_with(fl_task *task, void *arg, size_t size)
{
	int n = pools_number(arg, size);

	if (n == 1)
		return -ENOENT;
	return fl_task_fail(task, -EIO, "%d is not to be had", n);
}

START_TEST(an_error_has_a_message)
{
	fl_future *future;

	pools_make(NULL);
	future = pools_submit(fail_with, 5);
	ck_assert_int_eq(fl_future_result(future, NULL, 0), -EIO);
	ck_assert_str_eq(fl_future_message(future), "5 is not to be had");
	fl_future_unref(future);
	future = pools_submit(fail_with, 1);
	ck_assert_int_eq(fl_future_result(future, NULL, 0), -ENOENT);
	ck_assert_str_eq(fl_future_message(future), strerror(ENOENT));
	fl_future_unref(future);
}
END_TEST

/* Turns the bytes round, and says where they were. */
static int turn_round(fl_task *task, void *arg, size_t size)
{
	unsigned char *bytes = arg, one;

	if ((uintptr_t)arg % 16 != 0 || (size == 0 && arg))
		return -EFAULT;
	for (size_t i = 0; i < size / 2; i++) {
		one = bytes[i];
		bytes[i] = bytes[size - 1 - i];
		bytes[size - 1 - i] = one;
	}
	return fl_task_return(task, bytes, size);
}

static void expect_turned(const unsigned char *bytes, size_t size)
{
	fl_future *future;
	const unsigned char *value;
	size_t is = 0, wrong = 0;

	ck_assert_int_eq(fl_pool_submit(&future, pool, turn_round, bytes, size), 0);
	ck_assert_int_eq(fl_future_wait_until(future, FL_FOREVER, NULL), 0);
	ck_assert_msg(fl_future_error(future) == 0, "%zu bytes: %s", size, fl_future_message(future));
	value = fl_future_value(future, &is);
	ck_assert_uint_eq(is, size);
	for (size_t i = 0; i < size; i++)
		wrong += value[i] != bytes[size - 1 - i];
	ck_assert_uint_eq(wrong, 0);
	fl_future_unref(future);
}

START_TEST(arguments_and_results_have_any_size)
{
	const size_t sizes[] = {0, 1, 31, 32, 33, 4000, 32767, 32768, 32769, 65536, 65537, 1 << 20, (20 << 20) + 3};
	unsigned char *bytes = malloc((20 << 20) + 3);

	for (size_t i = 0; i < (20 << 20) + 3; i++)
		bytes[i] = (unsigned char)(i * 7 + i / 251);
	pools_make(&(fl_pool_options){.max_workers = 2});
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		expect_turned(bytes, sizes[i]);
	free(bytes);
}
END_TEST

/* Both directions are full at once; neither waits for the other. */
START_TEST(large_ones_do_not_block_each_other)
{
	enum { N = 40, SIZE = 300000 };
	unsigned char *bytes = calloc(1, SIZE);
	fl_future *futures[2 * N];

	pools_make(&(fl_pool_options){.max_workers = 2});
	for (int i = 0; i < 2 * N; i++)
		ck_assert_int_eq(fl_pool_submit(&futures[i], pool, turn_round, bytes, i % 2 ? SIZE : 32000), 0);
	for (int i = 0; i < 2 * N; i++) {
		ck_assert_int_eq(fl_future_result(futures[i], NULL, 0), 0);
		fl_future_unref(futures[i]);
	}
	free(bytes);
}
END_TEST

/* No room is left for the result, which is an error of this task and of no other one. */
static int return_too_much(fl_task *task, void *arg, size_t size)
{
	void *bytes = calloc(1, 1 << 20);
	int error;

	EXPECT(pools_number(arg, size) == 0 && bytes);
	error = fl_task_return(task, bytes, 1 << 20);
	EXPECT(setrlimit(RLIMIT_FSIZE, &(struct rlimit){4096, RLIM_INFINITY}) == 0);
	signal(SIGXFSZ, SIG_IGN);
	free(bytes);
	return error;
}

START_TEST(a_result_that_cannot_be_carried_is_an_error)
{
	fl_future *future;

	pools_make(&(fl_pool_options){.max_workers = 1});
	future = pools_submit(return_too_much, 0);
	ck_assert_int_eq(fl_future_result(future, NULL, 0), -ENOMEM);
	ck_assert_str_eq(fl_future_message(future),
			 "its result of 1048576 bytes could not be sent: Cannot allocate memory");
	fl_future_unref(future);
	ck_assert_uint_eq(fl_pool_deaths(pool), 0);
	future = pools_submit(pools_square, 3);
	pools_expect(future, 9);
}
END_TEST

START_TEST(an_argument_that_cannot_be_carried_is_one_too)
{
	char *bytes = calloc(1, 1 << 20);
	struct rlimit before;
	fl_future *future;

	pools_make(&(fl_pool_options){.max_workers = 1});
	pools_expect(pools_submit(pools_square, 2), 4);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){4096, before.rlim_max}), 0);
	ck_assert_int_eq(fl_pool_submit(&future, pool, turn_round, bytes, 1 << 20), 0);
	ck_assert_int_eq(fl_future_result(future, NULL, 0), -ENOMEM);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_str_eq(fl_future_message(future),
			 "its argument could not be sent to a worker: Cannot allocate memory");
	fl_future_unref(future);
	pools_expect(pools_submit(pools_square, 3), 9);
	free(bytes);
}
END_TEST

/* Who may call, and with what. */

static int last;

static int remember(fl_task *task, void *arg, size_t size)
{
	last = pools_number(arg, size);
	return fl_task_return(task, &last, sizeof(last));
}

static int wait_for_note(fl_task *task, void *arg, size_t size)
{
	fl_note *note = fl_task_note(task);
	int n = pools_number(arg, size);

	pools_log(n);
	if (fl_note_wait(note) != 0)
		return -EIO;
	return fl_task_return(task, &n, sizeof(n));
}

static void submit_some(unsigned index, void *arg)
{
	fl_future *futures[100];

	(void)arg;
	for (int i = 0; i < 100; i++)
		futures[i] = pools_submit(remember, (int)index * 100 + i);
	for (int i = 0; i < 100; i++)
		pools_expect(futures[i], (int)index * 100 + i);
}

START_TEST(several_threads_use_it)
{
	pools_make(&(fl_pool_options){.max_workers = 2});
	testing_together(6, submit_some, NULL);
}
END_TEST

static void use_as_stranger(fl_future *future)
{
	fl_pool_results *results;
	fl_pool_items items = {.n = 0};
	fl_future *none;

	EXPECT(fl_pool_submit(&none, pool, remember, "1234", 4) == -EPERM);
	EXPECT(fl_pool_imap(&results, pool, &items) == -EPERM);
	EXPECT(fl_pool_map(pool, &items) == -EPERM);
	EXPECT(fl_pool_shutdown(pool, true, true) == -EPERM);
	EXPECT(fl_pool_terminate(pool) == -EPERM);
	EXPECT(fl_future_wait_until(future, FL_FOREVER, NULL) == -EPERM);
	EXPECT(fl_pool_destroy(pool) == NULL);
	_exit(0);
}

START_TEST(a_forked_child_has_no_part_in_it)
{
	fl_future *future;
	pid_t child;
	int status;

	pools_make(&(fl_pool_options){.max_workers = 1});
	future = pools_submit(wait_for_note, 1);
	child = fork();
	if (child == 0)
		use_as_stranger(future);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	pools_await(1);
	fl_future_cancel(future);
	pools_expect(future, 1);
}
END_TEST

START_TEST(options_must_be_as_they_must)
{
	const fl_pool_options wrong[] = {
		{.max_workers = FL_POOL_WORKERS + 1},
		{.timeout = -1},
		{.fl_spare0 = 1},
		{.fl_spare = {0, 0, 1}},
		{.initializer = (int (*)(void *, size_t))(uintptr_t)&last},
	};
	const fl_pool_task_options wrong_task[] = {{.timeout = -1}, {.fl_spare0 = 1}, {.fl_spare = {0, 1}}};
	fl_future *none = NULL;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_int_eq(fl_pool_create(&pool, &wrong[i]), -EINVAL);
	ck_assert_ptr_null(pool);
	pools_make(NULL);
	for (size_t i = 0; i < sizeof(wrong_task) / sizeof(wrong_task[0]); i++)
		ck_assert_int_eq(fl_pool_submit_with(&none, pool, &wrong_task[i], remember, NULL, 0), -EINVAL);
	ck_assert_int_eq(fl_pool_submit(&none, pool, (fl_pool_work)(uintptr_t)&last, NULL, 0), -EINVAL);
	ck_assert_int_eq(fl_pool_submit(&none, pool, remember, NULL, SIZE_MAX), -ENOMEM);
	ck_assert_ptr_null(none);
	ck_assert_uint_eq(fl_pool_workers(pool), 0);
	ck_assert_ptr_null(fl_pool_destroy(NULL));
}
END_TEST

/* It is loaded here, after workers have been told how to begin, and not there. */
START_TEST(a_function_that_workers_do_not_have_is_an_error)
{
	char path[PATH_MAX + 40] = "";
	fl_pool_work work;
	fl_future *future;
	void *module, *symbol;

	ck_assert_int_gt(readlink("/proc/self/exe", path, PATH_MAX - 1), 0);
	memcpy(strrchr(path, '/'), "/libprocess_module_1.so", sizeof("/libprocess_module_1.so"));
	module = dlopen(path, RTLD_NOW);
	ck_assert_ptr_nonnull(module);
	symbol = dlsym(module, "process_module_function");
	memcpy(&work, &symbol, sizeof(work));
	pools_make(NULL);
	ck_assert_int_eq(fl_pool_submit(&future, pool, work, NULL, 0), 0);
	ck_assert_int_eq(fl_future_result(future, NULL, 0), -ENOENT);
	ck_assert_msg(strstr(fl_future_message(future), "libprocess_module_1.so, is not there, or another one"), "%s",
		      fl_future_message(future));
	fl_future_unref(future);
	pools_expect(pools_submit(pools_square, 3), 9);
}
END_TEST

/* By main(), when it is told not to begin. */
static int create_without_beginning(void)
{
	return -fl_pool_create(&pool, NULL);
}

START_TEST(who_has_not_begun_makes_none)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		setenv("TEST_POOL", "1", 1);
		execl("/proc/self/exe", "test_pool", NULL);
		_exit(1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), ENOEXEC);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *results, *who;

	if (getenv("TEST_POOL"))
		return create_without_beginning();
	fl_process_begin();
	suite = suite_create("pool");
	results = testing_case_between(suite, "results", pools_set_up, pools_tear_down);
	who = testing_case_between(suite, "who", pools_set_up, pools_tear_down);
	tcase_add_test(results, a_task_has_a_result);
	tcase_add_test(results, many_are_each_done_once);
	tcase_add_test(results, an_error_has_a_message);
	tcase_add_test(results, arguments_and_results_have_any_size);
	tcase_add_test(results, large_ones_do_not_block_each_other);
	tcase_add_test(results, a_result_that_cannot_be_carried_is_an_error);
	tcase_add_test(results, an_argument_that_cannot_be_carried_is_one_too);
	tcase_add_test(who, several_threads_use_it);
	tcase_add_test(who, a_forked_child_has_no_part_in_it);
	tcase_add_test(who, options_must_be_as_they_must);
	tcase_add_test(who, a_function_that_workers_do_not_have_is_an_error);
	tcase_add_test(who, who_has_not_begun_makes_none);
	return testing_run(suite);
}
