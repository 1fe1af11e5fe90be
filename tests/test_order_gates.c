/*
 * test_order_gates.c - FAIRLEAD_CHECK=order: two orders that are always taken under one outer lock cannot deadlock.
 *
 * Such a lock is called a gate here. As soon as it is seen to be missing, the orders are reported.
 */
#define _GNU_SOURCE
#include "checks.h"
#include "reports.h"
#include "testing.h"

#include <fairlead/fairlead.h>

static fl_lock a, b, c, gate, second_gate;
static fl_rwlock table;

static void set_up(void)
{
	ck_assert_int_eq(fl_check_enable(FL_CHECK_ORDER), 0);
	fl_lock_init(&a, "left");
	fl_lock_init(&b, "right");
	fl_lock_init(&c, "centre");
	fl_lock_init(&gate, "gate");
	fl_lock_init(&second_gate, "back gate");
	fl_rwlock_init(&table, "table");
	reports_catch();
}

static void take_both_under(fl_lock *outer, fl_lock *first, fl_lock *second)
{
	ck_assert_int_eq(fl_lock_acquire(outer), 0);
	take_both(first, second);
	fl_lock_release(outer);
}

START_TEST(under_one_gate_both_orders_are_fine)
{
	take_both_under(&gate, &a, &b);
	take_both_under(&gate, &b, &a);
	take_both_under(&gate, &a, &b);
	reports_expect_none();
}
END_TEST

START_TEST(without_the_gate_one_day_they_are_reported)
{
	struct caught caught;

	take_both_under(&gate, &a, &b);
	take_both_under(&gate, &b, &a);
	take_both_under(&gate, &a, &b);
	reports_expect_none();
	take_both(&a, &b);
	expect_order(&caught, "lock", &b, "opposite order");
	take_both(&b, &a);
	reports_expect_none();
}
END_TEST

START_TEST(gates_that_differ_are_none)
{
	take_both_under(&gate, &a, &b);
	take_both_under(&second_gate, &b, &a);
	ck_assert_int_eq(reports_look(NULL), 1);
}
END_TEST

START_TEST(one_of_two_gates_is_enough)
{
	ck_assert_int_eq(fl_lock_acquire(&second_gate), 0);
	take_both_under(&gate, &a, &b);
	fl_lock_release(&second_gate);
	take_both_under(&gate, &b, &a);
	reports_expect_none();
	take_both_under(&second_gate, &a, &b);
	ck_assert_int_eq(reports_look(NULL), 1);
}
END_TEST

START_TEST(a_gate_between_two_edges_of_a_longer_circle_is_enough)
{
	take_both_under(&gate, &a, &b);
	take_both_under(&gate, &b, &c);
	take_both(&c, &a);
	reports_expect_none();
	take_both(&b, &c);
	ck_assert_int_eq(reports_look(NULL), 1);
}
END_TEST

START_TEST(behind_a_gated_circle_a_longer_one_is_found)
{
	struct caught caught;

	take_both_under(&gate, &a, &b);
	take_both(&a, &c);
	take_both(&c, &b);
	take_both_under(&gate, &b, &a);
	expect_order(&caught, "lock", &a, "circle of 3 locks");
}
END_TEST

static void read_gate_take(fl_lock *first, fl_lock *second)
{
	ck_assert_int_eq(fl_rwlock_acquire_read(&table), 0);
	take_both(first, second);
	fl_rwlock_release_read(&table);
}

START_TEST(readers_of_a_gate_do_not_exclude_each_other)
{
	read_gate_take(&a, &b);
	read_gate_take(&b, &a);
	ck_assert_int_eq(reports_look(NULL), 1);
}
END_TEST

START_TEST(a_reader_and_a_writer_of_a_gate_do)
{
	read_gate_take(&a, &b);
	ck_assert_int_eq(fl_rwlock_acquire_write(&table), 0);
	take_both(&b, &a);
	fl_rwlock_release_write(&table);
	reports_expect_none();
	read_gate_take(&b, &a);
	ck_assert_int_eq(reports_look(NULL), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("order_gates");
	TCase *gates;

	if (checks_left_out())
		return 0;
	gates = testing_case(suite, "gates");
	tcase_add_checked_fixture(gates, set_up, NULL);
	tcase_add_test(gates, under_one_gate_both_orders_are_fine);
	tcase_add_test(gates, without_the_gate_one_day_they_are_reported);
	tcase_add_test(gates, gates_that_differ_are_none);
	tcase_add_test(gates, one_of_two_gates_is_enough);
	tcase_add_test(gates, a_gate_between_two_edges_of_a_longer_circle_is_enough);
	tcase_add_test(gates, behind_a_gated_circle_a_longer_one_is_found);
	tcase_add_test(gates, readers_of_a_gate_do_not_exclude_each_other);
	tcase_add_test(gates, a_reader_and_a_writer_of_a_gate_do);
	return testing_run(suite);
}
