/*
 * test_note.c - notes: cancelled once and for all, with their descendants; and a thread that is cancelled has been
 * given nothing.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

static fl_note note;

static void set_up(void)
{
	memset(&note, 0, sizeof(note));
	reports_catch();
}

static void tear_down(void)
{
	ck_assert_uint_eq(waiting_for(&note), 0);
	reports_expect_none();
}

static int wait(void *which)
{
	return fl_note_wait(which);
}

START_TEST(it_is_cancelled_once_and_for_all)
{
	ck_assert(!fl_note_is_cancelled(&note));
	ck_assert_int_eq(fl_note_deadline(&note), FL_FOREVER);
	ck_assert_int_eq(fl_note_wait_until(&note, fl_after(FL_US(10))), -ETIMEDOUT);
	fl_note_cancel(&note);
	ck_assert(fl_note_is_cancelled(&note));
	fl_note_cancel(&note);
	ck_assert(fl_note_is_cancelled(&note));
	ck_assert_int_eq(fl_note_wait(&note), 0);
	ck_assert_int_eq(fl_note_wait_until(&note, INT64_MIN), 0);
	ck_assert_int_eq(fl_note_deadline(&note), FL_FOREVER);
}
END_TEST

START_TEST(a_cancel_wakes_all_who_wait)
{
	struct call calls[4];
	unsigned i;

	for (i = 0; i < 4; i++) {
		call_start(&calls[i], wait, &note);
		waiting_await(&note, i + 1);
	}
	fl_note_cancel(&note);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(call_end(&calls[i]), 0);
}
END_TEST

START_TEST(a_deadline_cancels)
{
	fl_time deadline = fl_after(FL_MS(3));

	fl_note_init(&note, NULL, deadline);
	ck_assert_int_eq(fl_note_deadline(&note), deadline);
	ck_assert_int_eq(fl_note_wait(&note), 0);
	ck_assert_int_ge(fl_now(), deadline);
	ck_assert(fl_note_is_cancelled(&note));
	ck_assert_int_eq(fl_note_wait_until(&note, INT64_MIN), 0);
	fl_note_cancel(&note);
	ck_assert(fl_note_is_cancelled(&note));
}
END_TEST

START_TEST(a_past_deadline_cancels_at_once)
{
	static const fl_time past[] = {INT64_MIN, -1, 0, 1};

	fl_note_init(&note, NULL, past[_i]);
	ck_assert(fl_note_is_cancelled(&note));
	ck_assert_int_eq(fl_note_wait(&note), 0);
	ck_assert_int_le(fl_note_deadline(&note), 1);
}
END_TEST

START_TEST(for_ever_is_no_deadline)
{
	fl_note_init(&note, NULL, FL_FOREVER);
	ck_assert_int_eq(fl_note_deadline(&note), FL_FOREVER);
	ck_assert(!fl_note_is_cancelled(&note));
	fl_note_init(&note, NULL, FL_FOREVER - 1);
	ck_assert_int_eq(fl_note_deadline(&note), FL_FOREVER - 1);
	ck_assert(!fl_note_is_cancelled(&note));
}
END_TEST

START_TEST(the_earlier_deadline_counts)
{
	fl_time soon = fl_after(FL_SECONDS(100)), late = fl_after(FL_SECONDS(200));
	fl_note mother, child, grandchild;

	fl_note_init(&mother, NULL, soon);
	fl_note_init(&child, &mother, late);
	fl_note_init(&grandchild, &child, FL_FOREVER);
	ck_assert_int_eq(fl_note_deadline(&child), soon);
	ck_assert_int_eq(fl_note_deadline(&grandchild), soon);
	fl_note_destroy(&grandchild);
	fl_note_init(&grandchild, &child, soon - 1);
	ck_assert_int_eq(fl_note_deadline(&grandchild), soon - 1);
	ck_assert_int_eq(fl_note_deadline(&child), soon);
	fl_note_destroy(&grandchild);
	fl_note_destroy(&child);
	fl_note_init(&child, &mother, 0);
	ck_assert(fl_note_is_cancelled(&child));
	ck_assert(!fl_note_is_cancelled(&mother));
	fl_note_destroy(&child);
	fl_note_destroy(&mother);
}
END_TEST

START_TEST(descendants_are_cancelled_and_nobody_else)
{
	fl_note root = FL_NOTE_INIT, child[3], grandchild[3][2];
	int i, j;

	for (i = 0; i < 3; i++) {
		fl_note_init(&child[i], &root, FL_FOREVER);
		for (j = 0; j < 2; j++)
			fl_note_init(&grandchild[i][j], &child[i], FL_FOREVER);
	}
	fl_note_cancel(&grandchild[0][1]);
	ck_assert(!fl_note_is_cancelled(&child[0]) && !fl_note_is_cancelled(&grandchild[0][0]));
	fl_note_cancel(&child[1]);
	ck_assert(fl_note_is_cancelled(&grandchild[1][0]) && fl_note_is_cancelled(&grandchild[1][1]));
	ck_assert(!fl_note_is_cancelled(&root) && !fl_note_is_cancelled(&child[0]) && !fl_note_is_cancelled(&child[2]));
	ck_assert(!fl_note_is_cancelled(&grandchild[2][0]) && !fl_note_is_cancelled(&grandchild[2][1]));
	fl_note_cancel(&root);
	for (i = 0; i < 3; i++) {
		ck_assert(fl_note_is_cancelled(&child[i]));
		for (j = 0; j < 2; j++) {
			ck_assert(fl_note_is_cancelled(&grandchild[i][j]));
			fl_note_destroy(&grandchild[i][j]);
		}
		fl_note_destroy(&child[i]);
	}
	fl_note_destroy(&root);
}
END_TEST

START_TEST(a_child_of_a_cancelled_one_is_cancelled_at_birth)
{
	fl_note child, past, child_of_past;

	fl_note_cancel(&note);
	fl_note_init(&child, &note, FL_FOREVER);
	ck_assert(fl_note_is_cancelled(&child));
	ck_assert_int_eq(fl_note_wait(&child), 0);
	fl_note_destroy(&child);
	fl_note_init(&past, NULL, 1);
	fl_note_init(&child_of_past, &past, FL_FOREVER);
	ck_assert(fl_note_is_cancelled(&child_of_past));
	fl_note_destroy(&child_of_past);
}
END_TEST

START_TEST(a_deep_family_is_cancelled_to_the_last)
{
	enum { DEPTH = 20000 };
	fl_note *line = calloc(DEPTH, sizeof(*line));
	int i;

	for (i = 1; i < DEPTH; i++)
		fl_note_init(&line[i], &line[i - 1], FL_FOREVER);
	fl_note_cancel(&line[DEPTH / 2]);
	ck_assert(!fl_note_is_cancelled(&line[DEPTH / 2 - 1]));
	ck_assert(fl_note_is_cancelled(&line[DEPTH - 1]));
	fl_note_cancel(&line[0]);
	ck_assert(fl_note_is_cancelled(&line[DEPTH / 2 - 1]));
	for (i = DEPTH - 1; i >= 0; i--)
		fl_note_destroy(&line[i]);
	free(line);
}
END_TEST

START_TEST(children_may_go_in_any_order)
{
	fl_note children[5];
	int order[] = {2, 0, 4, 1, 3}, i, j;

	for (i = 0; i < 5; i++)
		fl_note_init(&children[i], &note, FL_FOREVER);
	for (i = 0; i < 5; i++) {
		fl_note_destroy(&children[order[i]]);
		memset(&children[order[i]], 0x5a, sizeof(fl_note));
	}
	for (i = 0; i < 5; i++)
		fl_note_init(&children[i], &note, FL_FOREVER);
	fl_note_destroy(&children[3]);
	fl_note_cancel(&note);
	for (j = 0; j < 5; j++)
		if (j != 3) {
			ck_assert(fl_note_is_cancelled(&children[j]));
			fl_note_destroy(&children[j]);
		}
	fl_note_destroy(&note);
}
END_TEST

START_TEST(destroying_a_parent_is_misuse)
{
	fl_note child;

	fl_note_init(&child, &note, FL_FOREVER);
	fl_note_destroy(&note);
	reports_expect("note", &note, NULL, "children");
	fl_note_cancel(&note);
	ck_assert(fl_note_is_cancelled(&child));
	fl_note_destroy(&child);
	fl_note_destroy(&note);
}
END_TEST

START_TEST(destroying_one_that_is_waited_with_is_misuse_and_changes_nothing)
{
	fl_note child;
	struct call call;

	fl_note_init(&child, &note, FL_FOREVER);
	call_start(&call, wait, &child);
	waiting_await(&child, 1);
	fl_note_destroy(&child);
	reports_expect("note", &child, NULL, "waits");
	fl_note_cancel(&note); /* it is still a child of this */
	ck_assert(fl_note_is_cancelled(&child));
	ck_assert_int_eq(call_end(&call), 0);
	fl_note_destroy(&child);
	fl_note_destroy(&note);
}
END_TEST

/* A thread that was given something and cancelled at the same moment has been given it. */
static fl_semaphore semaphore;
static fl_note *current;
static sem_t asked, done;
static int taken, given;

static void cancel_and_give(unsigned i)
{
	sem_wait(&asked);
	if (i % 3 != 0)
		fl_note_cancel(current);
	if (i % 3 != 1) {
		ck_assert_int_eq(fl_semaphore_release(&semaphore, 1), 0);
		given++;
	}
	if (i % 3 == 0)
		fl_note_cancel(current);
	sem_post(&done);
}

static void ask(unsigned i)
{
	fl_note mine, mother = FL_NOTE_INIT;
	int error;

	fl_note_init(&mine, i % 2 ? &mother : NULL, FL_FOREVER);
	current = i % 2 ? &mother : &mine;
	sem_post(&asked);
	error = fl_semaphore_acquire_until(&semaphore, FL_FOREVER, &mine);
	ck_assert(error == 0 || error == -ECANCELED);
	taken += error == 0;
	sem_wait(&done);
	fl_note_destroy(&mine);
	fl_note_destroy(&mother);
}

static void ask_or_give(unsigned index, void *unused)
{
	unsigned i;

	(void)unused;
	for (i = 0; i < 3000; i++)
		if (index == 0)
			ask(i);
		else
			cancel_and_give(i);
}

START_TEST(nothing_is_given_to_the_cancelled)
{
	fl_semaphore_init(&semaphore, 0, NULL);
	sem_init(&asked, 0, 0);
	sem_init(&done, 0, 0);
	testing_together(2, ask_or_give, NULL);
	ck_assert_int_eq(given, taken + (int)fl_semaphore_value(&semaphore));
	ck_assert_int_eq(given, 2000);
}
END_TEST

/* Threads make, cancel and destroy relatives of one note at the same time. */
static void raise_family(unsigned index, void *root)
{
	fl_note child, grandchild;
	unsigned i;

	for (i = 0; i < 5000; i++) {
		fl_note_init(&child, root, FL_FOREVER);
		fl_note_init(&grandchild, &child, FL_FOREVER);
		ck_assert(!fl_note_is_cancelled(&grandchild));
		if ((i + index) % 3)
			fl_note_cancel((i + index) % 3 == 1 ? &child : &grandchild);
		ck_assert_int_eq(fl_note_is_cancelled(&child), (i + index) % 3 == 1);
		ck_assert_int_eq(fl_note_is_cancelled(&grandchild), (i + index) % 3 != 0);
		fl_note_destroy(&grandchild);
		fl_note_destroy(&child);
	}
}

START_TEST(a_family_may_grow_and_shrink_everywhere_at_once)
{
	testing_together(4, raise_family, &note);
	ck_assert(!fl_note_is_cancelled(&note));
	fl_note_destroy(&note);
}
END_TEST

static TCase *new_case(Suite *suite, const char *name)
{
	TCase *tcase = testing_case(suite, name);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("note");
	TCase *alone = new_case(suite, "alone"), *family = new_case(suite, "family"),
	      *misuse = new_case(suite, "misuse"), *contention = new_case(suite, "contention");

	tcase_add_test(alone, it_is_cancelled_once_and_for_all);
	tcase_add_test(alone, a_cancel_wakes_all_who_wait);
	tcase_add_test(alone, a_deadline_cancels);
	tcase_add_loop_test(alone, a_past_deadline_cancels_at_once, 0, 4);
	tcase_add_test(alone, for_ever_is_no_deadline);
	tcase_add_test(family, the_earlier_deadline_counts);
	tcase_add_test(family, descendants_are_cancelled_and_nobody_else);
	tcase_add_test(family, a_child_of_a_cancelled_one_is_cancelled_at_birth);
	tcase_add_test(family, a_deep_family_is_cancelled_to_the_last);
	tcase_add_test(family, children_may_go_in_any_order);
	tcase_add_test(misuse, destroying_a_parent_is_misuse);
	tcase_add_test(misuse, destroying_one_that_is_waited_with_is_misuse_and_changes_nothing);
	tcase_add_test(contention, nothing_is_given_to_the_cancelled);
	tcase_add_test(contention, a_family_may_grow_and_shrink_everywhere_at_once);
	return testing_run(suite);
}
