/*
 * test_group.c - Group: when the block is left, in whatever manner, its threads have ended; and the first error is what
 * it returns.
 */
#define _GNU_SOURCE
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include <dlfcn.h>
#include <errno.h>
#include <fairlead/fairlead.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is left out where TESTING_SANITIZED: sanitizers need memory themselves, and have a pthread_create of their own;
 * TSan does not survive that the last thread of a process is not its first. */

enum { MANY = 20 };

static int ended; /* children */

static int end_with(void *error, fl_note *stop)
{
	(void)stop;
	sched_yield();
	__atomic_add_fetch(&ended, 1, __ATOMIC_RELAXED);
	return error ? *(int *)error : 0;
}

static int wait_until_told(void *unused, fl_note *stop)
{
	(void)unused;
	fl_note_wait(stop);
	__atomic_add_fetch(&ended, 1, __ATOMIC_RELAXED);
	return -ECANCELED;
}

static void start(fl_group *group, int n, fl_group_function function, void *arg)
{
	int i;

	for (i = 0; i < n; i++)
		ck_assert_int_eq(fl_group_start(group, function, arg), 0);
}

START_TEST(all_have_ended_at_the_end)
{
	int error = 1;

	fl_with_group (group, &error)
		start(group, MANY, end_with, NULL);
	ck_assert_int_eq(error, 0);
	ck_assert_int_eq(ended, MANY);
}
END_TEST

START_TEST(a_block_without_children_is_over_at_once)
{
	int error = 1;

	fl_with_group (group, &error)
		ck_assert_int_eq(fl_group_error(group), 0);
	ck_assert_int_eq(error, 0);
}
END_TEST

START_TEST(the_first_error_cancels_the_others_and_is_returned)
{
	int error = 0, io = -EIO;

	fl_with_group (group, &error) {
		start(group, MANY, wait_until_told, NULL);
		start(group, 1, end_with, &io);
	}
	ck_assert_int_eq(error, -EIO);
	ck_assert_int_eq(ended, MANY + 1);
}
END_TEST

START_TEST(a_cancelled_group_starts_no_more)
{
	int error = 0;

	fl_with_group (group, &error) {
		start(group, 2, wait_until_told, NULL);
		fl_group_cancel(group);
		ck_assert_int_eq(fl_group_start(group, wait_until_told, NULL), -ECANCELED);
		ck_assert(fl_note_is_cancelled(fl_group_note(group)));
	}
	ck_assert_int_eq(error, -ECANCELED);
	ck_assert_int_eq(ended, 2);
}
END_TEST

#ifndef TESTING_SANITIZED

static int do_nothing(void *arg, fl_note *stop)
{
	(void)arg;
	(void)stop;
	return 0;
}

/* There is no memory for a thread's stack. */
static int start_without_memory(void)
{
	const struct rlimit none = {0, 0};
	int error = 0, started = 0;

	EXPECT(setrlimit(RLIMIT_AS, &none) == 0);
	fl_with_group (group, &error)
		started = fl_group_start(group, do_nothing, NULL);
	EXPECT(started == -EAGAIN || started == -ENOMEM);
	EXPECT(error == started);
	return 0;
}

START_TEST(a_child_that_cannot_be_started_has_failed)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(start_without_memory());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

#endif

START_TEST(a_parents_note_cancels_it)
{
	fl_note note = FL_NOTE_INIT;
	int error = 0;

	fl_with_group_noted (group, &error, &note) {
		start(group, 2, wait_until_told, NULL);
		fl_note_cancel(&note);
	}
	ck_assert_int_eq(error, -ECANCELED);
	ck_assert_int_eq(ended, 2);
}
END_TEST

/* Ways out. */

static int leave_by_return(int *error)
{
	fl_with_group (group, error) {
		start(group, MANY, end_with, NULL);
		return 7;
	}
	return 8;
}

START_TEST(break_return_and_goto_wait)
{
	int error = 1, i;

	ck_assert_int_eq(leave_by_return(&error), 7);
	ck_assert_int_eq(ended, MANY);
	fl_with_group (group, &error) {
		start(group, MANY, end_with, NULL);
		break;
	}
	ck_assert_int_eq(ended, 2 * MANY);
	for (i = 0; i < 2; i++) {
		fl_with_group (group, &error) {
			start(group, MANY, end_with, NULL);
			goto out;
		}
	}
out:
	ck_assert_int_eq(i, 0);
	ck_assert_int_eq(ended, 3 * MANY);
}
END_TEST

static int inner_error;

static void *exit_in_block(void *how)
{
	int outer = 0;

	fl_with_group (group, &outer) {
		start(group, 3, wait_until_told, NULL);
		fl_with_group (inner, &inner_error) {
			start(inner, 3, wait_until_told, NULL);
			if (*(int *)how == 0)
				fl_thread_exit(NULL);
			if (*(int *)how == 1)
				fl_thread_fail("enough");
			pthread_exit(NULL);
		}
	}
	return NULL;
}

static void ignore_failure(fl_thread *thread, const char *what, void *arg)
{
	(void)thread;
	(void)what;
	(void)arg;
	ck_assert_int_eq(ended, 6); /* they have ended by then */
}

START_TEST(the_end_of_the_thread_waits_too)
{
	fl_thread *thread;

	fl_thread_set_fail_hook(ignore_failure, NULL);
	ck_assert_int_eq(fl_thread_start(&thread, NULL, exit_in_block, &_i), 0);
	ck_assert_int_eq(fl_thread_join(thread, NULL), _i == 1 ? -ECHILD : 0);
	ck_assert_int_eq(ended, 6);
}
END_TEST

/* Children. */

static fl_group *shared;

static int start_more(void *depth, fl_note *stop)
{
	int *deeper = depth;

	(void)stop;
	__atomic_add_fetch(&ended, 1, __ATOMIC_RELAXED);
	return *deeper > 0 ? fl_group_start(shared, start_more, deeper - 1) : 0;
}

START_TEST(children_start_children)
{
	static int depths[] = {0, 1, 2, 3, 4, 5, 6, 7};
	int error = 1;

	fl_with_group (group, &error) {
		shared = group;
		start(group, 3, start_more, &depths[7]);
	}
	ck_assert_int_eq(error, 0);
	ck_assert_int_eq(ended, 3 * 8);
}
END_TEST

static int end_thread(void *unused, fl_note *stop)
{
	(void)unused;
	(void)stop;
	fl_thread_exit(NULL);
}

START_TEST(a_child_that_ends_its_thread_has_failed)
{
	int error = 0;

	fl_with_group (group, &error) {
		start(group, 2, wait_until_told, NULL);
		start(group, 1, end_thread, NULL);
	}
	ck_assert_int_eq(error, -ECHILD);
	ck_assert_int_eq(ended, 2);
}
END_TEST

/* A group may go on for long: those that have ended are joined on the way. */
START_TEST(a_group_does_not_collect_its_children)
{
	fl_group *group;
	int i;

	ck_assert_int_eq(fl_group_create(&group, NULL), 0);
	for (i = 0; i < 2000; i++) {
		start(group, 1, end_with, NULL);
		while (__atomic_load_n(&ended, __ATOMIC_RELAXED) <= i - 50)
			sched_yield();
	}
	ck_assert_int_eq(fl_group_finish(group), 0);
	ck_assert_int_eq(ended, 2000);
	ck_assert_int_eq(fl_group_finish(NULL), 0);
}
END_TEST

/* Forked children. */

static int ready;

static int wait_with_a_note_of_its_own(void *unused, fl_note *stop)
{
	fl_note mine;

	(void)unused;
	fl_note_init(&mine, stop, FL_FOREVER);
	__atomic_add_fetch(&ready, 1, __ATOMIC_RELAXED);
	fl_note_wait(&mine);
	fl_note_destroy(&mine);
	return -ECANCELED;
}

static void start_ready(fl_group *group, int n)
{
	start(group, n, wait_with_a_note_of_its_own, NULL);
	while (__atomic_load_n(&ready, __ATOMIC_RELAXED) < n)
		sched_yield();
}

static void check_exit(pid_t child)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

START_TEST(a_forked_child_waits_for_nobody)
{
	int error = 1, in_child = 0;
	pid_t child = -1;

	fl_with_group (group, &error) {
		start_ready(group, 3);
		child = fork();
		if (child == 0) {
			in_child = fl_group_start(group, wait_until_told, NULL);
			break;
		}
		fl_group_cancel(group);
	}
	if (child == 0)
		_exit(error == 0 && in_child == -EPERM ? 0 : 1);
	ck_assert_int_eq(error, -ECANCELED);
	check_exit(child);
}
END_TEST

#ifndef TESTING_SANITIZED

static void *fork_and_exit_in_block(void *ret_child)
{
	int error = 0;

	fl_with_group (group, &error) {
		start_ready(group, 3);
		*(pid_t *)ret_child = fork();
		if (*(pid_t *)ret_child == 0)
			fl_thread_exit(NULL);
		fl_group_cancel(group);
	}
	return NULL;
}

START_TEST(a_forked_childs_thread_may_end_in_it)
{
	fl_thread *thread;
	pid_t child = -1;

	ck_assert_int_eq(fl_thread_start(&thread, NULL, fork_and_exit_in_block, &child), 0);
	ck_assert_int_eq(fl_thread_join(thread, NULL), 0);
	check_exit(child);
}
END_TEST

/* A thread that is about to be started while another one forks: it has come as far as the C library. */
static int held, let_go;

static int start_more_when_told(void *depth, fl_note *stop)
{
	while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE))
		sched_yield();
	return start_more(depth, stop);
}

int pthread_create(pthread_t *ret_thread, const pthread_attr_t *attributes, void *(*function)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	if (__atomic_load_n(&held, __ATOMIC_ACQUIRE) == 1) {
		__atomic_store_n(&held, 2, __ATOMIC_RELEASE);
		while (!__atomic_load_n(&let_go, __ATOMIC_ACQUIRE))
			sched_yield();
	}
	return real(ret_thread, attributes, function, arg);
}

START_TEST(a_fork_while_a_child_starts_another)
{
	static int depths[] = {0, 1};
	int error = 1;
	pid_t child = -1;

	fl_with_group (group, &error) {
		shared = group;
		start(group, 1, start_more_when_told, &depths[1]);
		__atomic_store_n(&held, 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(&held, __ATOMIC_ACQUIRE) != 2)
			sched_yield();
		child = fork();
		if (child == 0)
			break;
		__atomic_store_n(&let_go, 1, __ATOMIC_RELEASE);
	}
	if (child == 0)
		_exit(error == 0 ? 0 : 1);
	ck_assert_int_eq(error, 0);
	ck_assert_int_eq(ended, 2);
	check_exit(child);
}
END_TEST

#endif

int main(void)
{
	Suite *suite = suite_create("group");
	TCase *block = testing_case(suite, "block"), *out = testing_case(suite, "out"),
	      *children = testing_case(suite, "children"), *forked = testing_case(suite, "forked");

	tcase_add_test(block, all_have_ended_at_the_end);
	tcase_add_test(block, a_block_without_children_is_over_at_once);
	tcase_add_test(block, the_first_error_cancels_the_others_and_is_returned);
	tcase_add_test(block, a_cancelled_group_starts_no_more);
#ifndef TESTING_SANITIZED
	tcase_add_test(block, a_child_that_cannot_be_started_has_failed);
#endif
	tcase_add_test(block, a_parents_note_cancels_it);
	tcase_add_test(out, break_return_and_goto_wait);
	tcase_add_loop_test(out, the_end_of_the_thread_waits_too, 0, 3);
	tcase_add_test(children, children_start_children);
	tcase_add_test(children, a_child_that_ends_its_thread_has_failed);
	tcase_add_test(children, a_group_does_not_collect_its_children);
	tcase_add_test(forked, a_forked_child_waits_for_nobody);
#ifndef TESTING_SANITIZED
	tcase_add_test(forked, a_forked_childs_thread_may_end_in_it);
	tcase_add_test(forked, a_fork_while_a_child_starts_another);
#endif
	return testing_run(suite);
}
