/*
 * test_order_others.c - FAIRLEAD_CHECK=order: the order of RLocks, of both sides of RWLocks and of conditions' locks,
 * and of many locks at once.
 */
#define _GNU_SOURCE
#include "checks.h"
#include "reports.h"
#include "testing.h"

#include <errno.h>
#include <fairlead/fairlead.h>

static fl_lock a, b, c;
static fl_rlock rlock;
static fl_rwlock table, index_of_table;

static void set_up(void)
{
	ck_assert_int_eq(fl_check_enable(FL_CHECK_ORDER), 0);
	fl_lock_init(&a, "left");
	fl_lock_init(&b, "right");
	fl_lock_init(&c, NULL);
	fl_rlock_init(&rlock, "again");
	fl_rwlock_init(&table, "table");
	fl_rwlock_init(&index_of_table, "index");
	reports_catch();
}

START_TEST(rlocks_count_once)
{
	struct caught caught;

	ck_assert_int_eq(fl_rlock_acquire(&rlock), 0);
	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	ck_assert_int_eq(fl_rlock_acquire(&rlock), 0);
	fl_rlock_release(&rlock);
	fl_lock_release(&a);
	fl_rlock_release(&rlock);
	reports_expect_none();
	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	ck_assert_int_eq(fl_rlock_acquire(&rlock), 0);
	expect_order(&caught, "rlock", &rlock, "opposite order");
	ck_assert_str_eq(caught.name, "again");
	fl_rlock_release(&rlock);
	fl_lock_release(&a);
}
END_TEST

START_TEST(both_sides_of_an_rwlock_have_an_order)
{
	struct caught caught;

	ck_assert_int_eq(fl_rwlock_acquire_read(&table), 0);
	ck_assert_int_eq(fl_rwlock_acquire_write(&index_of_table), 0);
	fl_rwlock_release_write(&index_of_table);
	fl_rwlock_release_read(&table);
	ck_assert_int_eq(fl_rwlock_acquire_read(&index_of_table), 0);
	ck_assert_int_eq(fl_rwlock_acquire_read(&table), 0);
	ck_assert_int_eq(fl_rwlock_acquire_read(&table), 0);
	expect_order(&caught, "rwlock", &table, "'index'");
	expect_words(caught.text, "(read side)");
	expect_words(caught.text, "(write side)");
	fl_rwlock_release_read(&table);
	fl_rwlock_release_read(&table);
	fl_rwlock_release_read(&index_of_table);
}
END_TEST

START_TEST(a_downgraded_lock_is_held)
{
	ck_assert_int_eq(fl_rwlock_acquire_write(&table), 0);
	ck_assert_int_eq(fl_rwlock_downgrade(&table), 0);
	ck_assert_int_eq(fl_lock_acquire(&a), 0);
	fl_rwlock_release_read(&table);
	ck_assert_int_eq(fl_lock_acquire(&b), 0);
	fl_lock_release(&b);
	fl_lock_release(&a);
	ck_assert_int_eq(fl_lock_acquire(&b), 0);
	ck_assert_int_eq(fl_rwlock_acquire_write(&table), 0);
	fl_rwlock_release_write(&table);
	fl_lock_release(&b);
	ck_assert_int_eq(reports_look(NULL), 1);
}
END_TEST

START_TEST(all_at_once_makes_no_order_between_them)
{
	fl_lock *one_way[] = {&a, &b, &c}, *other_way[] = {&c, &b, &a};

	ck_assert_int_eq(fl_lock_all(3, one_way, FL_FOREVER), 0);
	fl_lock_all_release(3, one_way);
	ck_assert_int_eq(fl_lock_all(3, other_way, FL_FOREVER), 0);
	fl_lock_all_release(3, other_way);
	reports_expect_none();
}
END_TEST

/* A condition's wait releases its lock and acquires it again, under whatever else is held. */
static void wait_holding(fl_condition *condition, fl_lock *lock, bool inside)
{
	if (!inside)
		ck_assert_int_eq(fl_lock_acquire(lock), 0);
	ck_assert_int_eq(fl_condition_acquire(condition), 0);
	if (inside)
		ck_assert_int_eq(fl_lock_acquire(lock), 0);
	ck_assert_int_eq(fl_condition_wait_until(condition, fl_after(FL_MS(1)), NULL), -ETIMEDOUT);
	if (inside)
		fl_lock_release(lock);
	fl_condition_release(condition);
	if (!inside)
		fl_lock_release(lock);
}

START_TEST(waiting_with_a_lock_acquired_inside_is_reported)
{
	fl_condition condition;
	struct caught caught;

	fl_condition_init(&condition, "changed");
	wait_holding(&condition, &a, true);
	expect_order(&caught, "rlock", &condition.fl_own, "'left'");
	ck_assert_str_eq(caught.name, "changed");
	wait_holding(&condition, &a, true);
	reports_expect_none();
	fl_condition_destroy(&condition);
}
END_TEST

START_TEST(waiting_with_a_lock_acquired_outside_is_fine)
{
	fl_condition condition;

	fl_condition_init(&condition, NULL);
	wait_holding(&condition, &a, false);
	wait_holding(&condition, &a, false);
	reports_expect_none();
	fl_condition_destroy(&condition);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("order_others");
	TCase *others;

	if (checks_left_out())
		return 0;
	others = testing_case(suite, "others");
	tcase_add_checked_fixture(others, set_up, NULL);
	tcase_add_test(others, rlocks_count_once);
	tcase_add_test(others, both_sides_of_an_rwlock_have_an_order);
	tcase_add_test(others, a_downgraded_lock_is_held);
	tcase_add_test(others, all_at_once_makes_no_order_between_them);
	tcase_add_test(others, waiting_with_a_lock_acquired_inside_is_reported);
	tcase_add_test(others, waiting_with_a_lock_acquired_outside_is_fine);
	return testing_run(suite);
}
