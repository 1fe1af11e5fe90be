/*
 * test_timer.c - timers: called once, not before their time, or cancelled and not called at all.
 */
#define _GNU_SOURCE
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/event.h>
#include <fairlead/timer.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static fl_event go, here;
static fl_timer *timer;
static fl_time due, called_at;
static int calls;

static void call(void *arg)
{
	called_at = fl_now();
	ck_assert_ptr_eq(arg, &calls);
	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
}

static void call_and_wait(void *arg)
{
	call(arg);
	fl_event_set(&here);
	fl_event_wait(&go);
}

static fl_timer *start(fl_time when, void (*function)(void *arg))
{
	fl_timer *started = NULL;

	ck_assert_int_eq(fl_timer_start(&started, when, function, &calls), 0);
	ck_assert_ptr_nonnull(started);
	return started;
}

START_TEST(it_is_called_once_when_its_time_has_come)
{
	errno = 4711;
	due = fl_after(FL_MS(20));
	timer = start(due, call);
	ck_assert_int_eq(fl_timer_join(timer), 0);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_ge(called_at, due);
	timer = start(0, call);
	ck_assert_int_eq(fl_timer_join(timer), 0);
	ck_assert_int_eq(calls, 2);
	ck_assert_int_eq(errno, 4711);
}
END_TEST

START_TEST(a_cancelled_one_is_not_called)
{
	timer = start(_i == 0 ? FL_FOREVER : fl_after(FL_SECONDS(1000)), call);
	ck_assert(fl_timer_cancel(timer));
	ck_assert(fl_timer_cancel(timer));
	ck_assert_int_eq(fl_timer_join(timer), 0);
	ck_assert_int_eq(calls, 0);
	/* From its sleep, too. */
	timer = start(FL_FOREVER, call);
	while (fl_thread_all(NULL) < 2)
		sched_yield();
	ck_assert(fl_timer_cancel(timer));
	ck_assert_int_eq(fl_timer_join(timer), 0);
	ck_assert_int_eq(calls, 0);
}
END_TEST

START_TEST(one_that_has_begun_is_not_cancelled)
{
	fl_note note = FL_NOTE_INIT;

	timer = fl_timer_ref(start(0, call_and_wait));
	fl_event_wait(&here);
	ck_assert(!fl_timer_cancel(timer));
	ck_assert_int_eq(fl_timer_join_until(timer, 0, NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_timer_join_until(timer, fl_after(FL_MS(1)), NULL), -ETIMEDOUT);
	fl_note_cancel(&note);
	ck_assert_int_eq(fl_timer_join_until(timer, FL_FOREVER, &note), -ECANCELED);
	fl_event_set(&go);
	ck_assert_int_eq(fl_timer_join(timer), 0);
	ck_assert(!fl_timer_cancel(timer));
	ck_assert_ptr_null(fl_timer_unref(timer));
	ck_assert_int_eq(calls, 1);
}
END_TEST

static void join_self(void *arg)
{
	fl_event_wait(&go);
	call(arg);
	ck_assert(!fl_timer_cancel(timer));
	ck_assert_int_eq(fl_timer_join(timer), -EDEADLK);
	ck_assert_int_eq(fl_timer_join_until(timer, 0, NULL), -EDEADLK);
}

START_TEST(its_function_does_not_join_it)
{
	timer = start(0, join_self);
	fl_event_set(&go);
	ck_assert_int_eq(fl_timer_join(timer), 0);
	ck_assert_int_eq(calls, 1);
}
END_TEST

static void set_go(void *arg)
{
	call(arg);
	fl_event_set(&go);
}

START_TEST(nobody_needs_the_handle)
{
	ck_assert_int_eq(fl_timer_start(NULL, 0, set_go, &calls), 0);
	fl_event_wait(&go);
	fl_event_clear(&go);
	ck_assert_ptr_null(fl_timer_unref(start(fl_after(FL_MS(1)), set_go)));
	fl_event_wait(&go);
	ck_assert_int_eq(calls, 2);
	ck_assert_ptr_null(fl_timer_unref(NULL));
	while (fl_thread_all(NULL) > 1)
		sched_yield();
}
END_TEST

/* Either it is called or cancelled, whichever comes first. */
START_TEST(of_a_call_and_a_cancel_one_wins)
{
	int cancelled = 0;

	for (int i = 0; i < 2000; i++) {
		timer = start(fl_after(FL_US(i % 100)), call);
		cancelled += fl_timer_cancel(timer);
		ck_assert_int_eq(fl_timer_join(timer), 0);
		ck_assert_int_eq(calls + cancelled, i + 1);
	}
}
END_TEST

static void be_named(void *arg)
{
	const char *name = fl_thread_name(fl_thread_self());

	ck_assert_msg(arg ? strcmp(name, arg) == 0 : strncmp(name, "timer-", 6) == 0, "its name is '%s'", name);
	ck_assert(fl_thread_is_daemon(fl_thread_self()) == (arg != NULL));
}

START_TEST(its_thread_has_options)
{
	static char name[] = "egg timer";
	const fl_thread_options options = {.name = name, .daemon = true}, bad = {.stack_size = 1};

	ck_assert_int_eq(fl_timer_start_with(&timer, &options, 0, be_named, name), 0);
	ck_assert_int_eq(fl_timer_join(timer), 0);
	ck_assert_int_eq(fl_timer_start_with(&timer, NULL, 0, be_named, NULL), 0);
	ck_assert_int_eq(fl_timer_join(timer), 0);
	ck_assert_int_eq(fl_timer_start_with(&timer, &bad, 0, be_named, NULL), -EINVAL);
}
END_TEST

static void keep_quiet(fl_thread *thread, const char *what, void *arg)
{
	(void)thread;
	ck_assert_str_eq(what, "burnt");
	*(int *)arg += 1;
}

static void burn(void *arg)
{
	(void)arg;
	fl_thread_fail("burnt");
}

START_TEST(a_failure_is_told)
{
	int n = 0;

	fl_thread_set_fail_hook(keep_quiet, &n);
	ck_assert_int_eq(fl_timer_join(start(0, burn)), -ECHILD);
	ck_assert_int_eq(n, 1);
}
END_TEST

static void say(void *arg)
{
	if (write(STDERR_FILENO, arg, strlen(arg)) < 0)
		_exit(99);
}

static void exit_before_both(void *arg)
{
	const fl_thread_options daemon = {.daemon = true};
	static char soon[] = "soon\n", late[] = "late\n";

	(void)arg;
	if (fl_timer_start(NULL, fl_after(FL_MS(10)), say, soon) != 0 ||
	    fl_timer_start_with(NULL, &daemon, FL_FOREVER, say, late) != 0)
		_exit(98);
	close(STDOUT_FILENO);
	exit(7);
}

START_TEST(exit_waits_for_a_timer_unless_it_is_a_daemon)
{
	char said[1000];
	int status = reports_of_child(exit_before_both, NULL, said, sizeof(said), NULL);

	ck_assert_str_eq(said, "soon\n");
	ck_assert_int_eq(status, W_EXITCODE(7, 0));
}
END_TEST

static void use_in_child(void *arg)
{
	(void)arg;
	_exit(fl_timer_cancel(timer) && fl_timer_join(timer) == -ESRCH && calls == 0 ? 0 : 1);
}

START_TEST(a_forked_child_does_not_have_it)
{
	char said[1000];

	timer = start(FL_FOREVER, call);
	ck_assert_int_eq(reports_of_child(use_in_child, NULL, said, sizeof(said), NULL), 0);
	ck_assert_str_eq(said, "");
	ck_assert(fl_timer_cancel(timer));
	ck_assert_int_eq(fl_timer_join(timer), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timer");
	TCase *calling = testing_case(suite, "calling"), *around = testing_case(suite, "around");

	tcase_add_test(calling, it_is_called_once_when_its_time_has_come);
	tcase_add_loop_test(calling, a_cancelled_one_is_not_called, 0, 2);
	tcase_add_test(calling, one_that_has_begun_is_not_cancelled);
	tcase_add_test(calling, its_function_does_not_join_it);
	tcase_add_test(calling, nobody_needs_the_handle);
	tcase_add_test(calling, of_a_call_and_a_cancel_one_wins);
	tcase_add_test(around, its_thread_has_options);
	tcase_add_test(around, a_failure_is_told);
	tcase_add_test(around, exit_waits_for_a_timer_unless_it_is_a_daemon);
	tcase_add_test(around, a_forked_child_does_not_have_it);
	return testing_run(suite);
}
