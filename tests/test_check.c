/*
 * test_check.c - switching the checks on: by call, and by FAIRLEAD_CHECK in the environment.
 *
 * What depends on the environment is tried in a process of its own: this program again, which then does what its
 * argument says.
 */
#define _GNU_SOURCE
#include "checks.h"
#include "reports.h"
#include "testing.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static fl_lock lock, other;
static char said[65536];

START_TEST(checks_are_off_unless_asked_for)
{
	ck_assert_uint_eq(fl_check_enabled(), 0);
	ck_assert_int_eq(fl_check_print_times(STDERR_FILENO), -EINVAL);
}
END_TEST

START_TEST(checks_are_switched_on_one_by_one)
{
	ck_assert_int_eq(fl_check_enable(0), 0);
	ck_assert_int_eq(fl_check_enable(4), -EINVAL);
	ck_assert_int_eq(fl_check_enable(FL_CHECK_ORDER | 0x80000000u), -EINVAL);
	ck_assert_uint_eq(fl_check_enabled(), 0);
	ck_assert_int_eq(fl_check_enable(FL_CHECK_ORDER), 0);
	ck_assert_uint_eq(fl_check_enabled(), FL_CHECK_ORDER);
	ck_assert_int_eq(fl_check_enable(FL_CHECK_TIMES), 0);
	ck_assert_uint_eq(fl_check_enabled(), FL_CHECK_ORDER | FL_CHECK_TIMES);
}
END_TEST

/* Another process: what it does, by name. */

static void take_in_both_orders(void)
{
	fl_lock_name(&lock, "till");
	fl_lock_name(&other, "drawer");
	fl_lock_acquire(&lock);
	fl_lock_acquire(&other);
	fl_lock_release(&other);
	fl_lock_release(&lock);
	fl_lock_acquire(&other);
	fl_lock_acquire(&lock);
	fl_lock_release(&lock);
	fl_lock_release(&other);
}

static void do_nothing(void)
{
}

/* In a child of the child, which counts for itself. */
static void fork_and_acquire(void)
{
	pid_t child;

	fl_lock_name(&lock, "till");
	fl_lock_name(&other, "drawer");
	fl_lock_acquire(&lock);
	fl_lock_release(&lock);
	child = fork();
	if (child == 0) {
		fl_lock_acquire(&other);
		fl_lock_release(&other);
		exit(0);
	}
	waitpid(child, NULL, 0);
	_exit(0);
}

static const struct {
	const char *name;
	void (*body)(void);
} programs[] = {
	{"both-orders", take_in_both_orders},
	{"nothing", do_nothing},
	{"fork", fork_and_acquire},
};

struct program {
	const char *name, *check;
};

static void execute(void *arg)
{
	const struct program *program = arg;

	if (program->check)
		setenv("FAIRLEAD_CHECK", program->check, 1);
	else
		unsetenv("FAIRLEAD_CHECK");
	execl("/proc/self/exe", "test_times", program->name, (char *)NULL);
	_exit(99);
}

/* Runs this program with FAIRLEAD_CHECK, and reads what it says on standard error into `said`. */
static void run(const char *name, const char *check)
{
	struct program program = {name, check};

	ck_assert_int_eq(reports_of_child(execute, &program, said, sizeof(said), NULL), 0);
}

static bool says(const char *word)
{
	return strstr(said, word) != NULL;
}

START_TEST(the_environment_switches_order_on)
{
	run("both-orders", "order");
	ck_assert_msg(strncmp(said, "fairlead: lock order: lock 'till' at ", 37) == 0, "%s", said);
	ck_assert(says("'drawer'") && !says("times of process"));
}
END_TEST

START_TEST(the_environment_switches_times_on)
{
	run("both-orders", "times");
	ck_assert_msg(strncmp(said, "fairlead: times of process ", 27) == 0, "%s", said);
	ck_assert(says("'till'") && says("'drawer'") && !says("lock order"));
}
END_TEST

START_TEST(the_environment_switches_both_on)
{
	run("both-orders", "times,order");
	ck_assert(says("fairlead: lock order: ") && says("fairlead: times of process "));
}
END_TEST

START_TEST(an_unknown_word_is_named)
{
	run("both-orders", "oder,times");
	ck_assert_msg(strncmp(said, "fairlead: FAIRLEAD_CHECK: 'oder' is not a check; there are: order, times\n", 73) ==
			      0,
		      "%s", said);
	ck_assert(!says("lock order") && says("times of process"));
	run("nothing", "order times");
	ck_assert(says("'order times' is not a check"));
}
END_TEST

START_TEST(nothing_is_said_where_there_is_nothing_to_say)
{
	static const char *const quiet[] = {NULL, "", ",", "order", "times", ",order,,times,"};

	for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++) {
		run("nothing", quiet[i]);
		ck_assert_str_eq(said, "");
	}
	run("both-orders", NULL);
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(a_forked_child_counts_from_the_fork_on)
{
	run("fork", "times");
	ck_assert_msg(says("'drawer'") && !says("'till'"), "%s", said);
}
END_TEST

static int run_program(const char *name)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(programs[i].name, name) == 0) {
			programs[i].body();
			return 0;
		}
	return 98;
}

static void add_switches(Suite *suite)
{
	TCase *switches = testing_case(suite, "switches"), *environment = testing_case(suite, "environment");

	tcase_add_test(switches, checks_are_off_unless_asked_for);
	tcase_add_test(switches, checks_are_switched_on_one_by_one);
	tcase_add_test(environment, the_environment_switches_order_on);
	tcase_add_test(environment, the_environment_switches_times_on);
	tcase_add_test(environment, the_environment_switches_both_on);
	tcase_add_test(environment, an_unknown_word_is_named);
	tcase_add_test(environment, nothing_is_said_where_there_is_nothing_to_say);
	tcase_add_test(environment, a_forked_child_counts_from_the_fork_on);
}

int main(int argc, char **argv)
{
	Suite *suite;

	if (argc > 1)
		return run_program(argv[1]);
	if (checks_left_out())
		return 0;
	suite = suite_create("check");
	add_switches(suite);
	return testing_run(suite);
}
