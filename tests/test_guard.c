/*
 * test_guard.c - guards: every type, every way out, and what happens when acquiring fails.
 *
 * WAYS_OUT makes the same four functions for each kind of object, since a guard's type is fixed where it is written:
 * NAME_held asks, NAME_with, NAME_guard and NAME_until leave their block in the way they are told to and return
 * whether the object was held in it. Each runs its block twice where it comes past twice, so that an object that was
 * not released would show.
 */
#define _GNU_SOURCE
#include "testing.h"

#include <errno.h>
#include <fairlead/check.h>
#include <fairlead/event.h>
#include <fairlead/guard.h>
#include <fairlead/report.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum way { AT_THE_END, BY_RETURN, BY_BREAK, BY_CONTINUE, BY_GOTO, WAYS };

static fl_lock lock = FL_LOCK_INIT;
static fl_rlock rlock = FL_RLOCK_INIT;
static fl_rwlock rwlock = FL_RWLOCK_INIT;
static fl_semaphore semaphore = FL_BOUNDED_SEMAPHORE_INIT(1);
static fl_condition condition = FL_CONDITION_INIT;
static fl_lock below = FL_LOCK_INIT;
static fl_condition over_lock = FL_CONDITION_OVER_LOCK(&below);
static fl_rlock rbelow = FL_RLOCK_INIT;
static fl_condition over_rlock = FL_CONDITION_OVER_RLOCK(&rbelow);

/* A break or continue in fl_with leaves the block and no more: what follows runs, with the object released. */
#define WAYS_OUT(name, object, is_held) \
	static bool name##_held(void) \
	{ \
		return is_held; \
	} \
\
	static bool name##_with(enum way way) \
	{ \
		bool inside = false; \
		int round; \
\
		for (round = 0; round < 2; round++) { \
			fl_with (object) { \
				inside = name##_held(); \
				if (way == BY_RETURN) \
					return inside; \
				if (way == BY_BREAK) \
					break; \
				if (way == BY_CONTINUE) \
					continue; \
				if (way == BY_GOTO) \
					goto out; \
			} \
			if (name##_held()) \
				return false; \
		} \
		return inside && round == 2; \
out: \
		return inside && round == 0; \
	} \
\
	static bool name##_until(enum way way) \
	{ \
		bool inside = false; \
		int round; \
\
		for (round = 0; round < 2; round++) { \
			fl_with_until (object, FL_FOREVER, NULL) { \
				inside = name##_held(); \
				if (way == BY_RETURN) \
					return inside; \
				if (way == BY_BREAK) \
					break; \
				if (way == BY_CONTINUE) \
					continue; \
				if (way == BY_GOTO) \
					goto out; \
			} else { \
				return false; \
			} \
			if (name##_held()) \
				return false; \
		} \
		return inside && round == 2; \
out: \
		return inside && round == 0; \
	} \
\
	static bool name##_guard(enum way way) \
	{ \
		bool inside = false; \
		int round; \
\
		for (round = 0; round < 2; round++) { \
			if (name##_held()) \
				return false; \
			fl_guard(object); \
			inside = name##_held(); \
			if (way == BY_RETURN) \
				return inside; \
			if (way == BY_BREAK) \
				break; \
			if (way == BY_CONTINUE) \
				continue; \
			if (way == BY_GOTO) \
				goto out; \
		} \
		return inside && round == (way == BY_BREAK ? 0 : 2); \
out: \
		return inside && round == 0; \
	}

static void try_condition(unsigned index, void *ret_taken)
{
	(void)index;
	if (fl_condition_acquire_try(&condition)) {
		*(bool *)ret_taken = true;
		fl_condition_release(&condition);
	}
}

/* Returns whether another thread could acquire the condition that has a lock of its own. */
static bool condition_is_free(void)
{
	bool taken = false;

	testing_together(1, try_condition, &taken);
	return taken;
}

WAYS_OUT(lock, &lock, fl_lock_locked(&lock))
WAYS_OUT(rlock, &rlock, fl_rlock_count(&rlock) == 1)
WAYS_OUT(read, fl_read(&rwlock), fl_rwlock_readers(&rwlock) == 1)
WAYS_OUT(write, fl_write(&rwlock), fl_rwlock_readers(&rwlock) == -1)
WAYS_OUT(semaphore, &semaphore, fl_semaphore_value(&semaphore) == 0)
WAYS_OUT(condition, &condition, !condition_is_free())
WAYS_OUT(over_lock, &over_lock, fl_lock_locked(&below))
WAYS_OUT(over_rlock, &over_rlock, fl_rlock_count(&rbelow) == 1)

static const struct kind {
	const char *name;
	bool (*held)(void);
	bool (*with)(enum way way);
	bool (*guard)(enum way way);
	bool (*until)(enum way way);
} kinds[] = {
	{"lock", lock_held, lock_with, lock_guard, lock_until},
	{"rlock", rlock_held, rlock_with, rlock_guard, rlock_until},
	{"read side", read_held, read_with, read_guard, read_until},
	{"write side", write_held, write_with, write_guard, write_until},
	{"semaphore", semaphore_held, semaphore_with, semaphore_guard, semaphore_until},
	{"condition", condition_held, condition_with, condition_guard, condition_until},
	{"condition over a lock", over_lock_held, over_lock_with, over_lock_guard, over_lock_until},
	{"condition over an rlock", over_rlock_held, over_rlock_with, over_rlock_guard, over_rlock_until},
};
#define N_KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

START_TEST(with_releases_on_every_way_out)
{
	const struct kind *kind = &kinds[_i];

	for (enum way way = 0; way < WAYS; way++) {
		ck_assert_msg(kind->with(way), "%s, way %d", kind->name, (int)way);
		ck_assert_msg(!kind->held(), "%s is still held, way %d", kind->name, (int)way);
	}
}
END_TEST

START_TEST(guard_releases_on_every_way_out)
{
	const struct kind *kind = &kinds[_i];

	for (enum way way = 0; way < WAYS; way++) {
		ck_assert_msg(kind->guard(way), "%s, way %d", kind->name, (int)way);
		ck_assert_msg(!kind->held(), "%s is still held, way %d", kind->name, (int)way);
	}
}
END_TEST

START_TEST(with_until_releases_on_every_way_out)
{
	const struct kind *kind = &kinds[_i];

	for (enum way way = 0; way < WAYS; way++) {
		ck_assert_msg(kind->until(way), "%s, way %d", kind->name, (int)way);
		ck_assert_msg(!kind->held(), "%s is still held, way %d", kind->name, (int)way);
	}
}
END_TEST

static int return_through_all(void)
{
	fl_guard(&lock);
	fl_with (&rlock)
		fl_with (fl_read(&rwlock)) {
			fl_guard(&semaphore);
			fl_with (&over_lock)
				for (const struct kind *kind = kinds; kind < kinds + N_KINDS; kind++)
					if (kind->held == over_lock_held)
						return lock_held() + rlock_held() + read_held() + semaphore_held() +
						       over_lock_held();
		}
	return -1;
}

START_TEST(a_return_releases_all_that_are_nested)
{
	ck_assert_int_eq(return_through_all(), 5);
	ck_assert(!lock_held() && !rlock_held() && !read_held() && !semaphore_held() && !over_lock_held());
}
END_TEST

/* Which of these were locked when each note below was taken, one bit a lock. */
static fl_lock ordered[3];
static unsigned seen[3];

static void take_note(const int *index)
{
	for (unsigned i = 0; i < 3; i++)
		seen[*index] |= fl_lock_locked(&ordered[i]) ? 1u << i : 0;
}

static void guard_three(void)
{
	fl_guard(&ordered[0]);
	__attribute__((unused, cleanup(take_note))) int first = 0;
	fl_guard(&ordered[1]);
	__attribute__((unused, cleanup(take_note))) int second = 1;
	fl_guard(&ordered[2]);
	__attribute__((unused, cleanup(take_note))) int third = 2;
}

START_TEST(guards_of_one_scope_release_the_last_first)
{
	guard_three();
	ck_assert_uint_eq(seen[2], 7);
	ck_assert_uint_eq(seen[1], 3);
	ck_assert_uint_eq(seen[0], 1);
	ck_assert(!fl_lock_locked(&ordered[0]));
}
END_TEST

static fl_lock *counted_lock(int *calls)
{
	++*calls;
	return &lock;
}

static fl_time counted_time(int *calls)
{
	++*calls;
	return FL_FOREVER;
}

static void guard_counted(int *calls)
{
	fl_guard(counted_lock(calls));
	ck_assert(lock_held());
}

START_TEST(arguments_are_evaluated_once)
{
	int with = 0, guard = 0, until = 0, deadline = 0;
	fl_lock *next = ordered;

	fl_with (counted_lock(&with))
		ck_assert(lock_held());
	guard_counted(&guard);
	fl_with_until (counted_lock(&until), counted_time(&deadline), NULL)
		ck_assert(lock_held());
	fl_with (next++)
		ck_assert(fl_lock_locked(&ordered[0]));
	ck_assert_int_eq(with, 1);
	ck_assert_int_eq(guard, 1);
	ck_assert_int_eq(until, 1);
	ck_assert_int_eq(deadline, 1);
	ck_assert_ptr_eq(next, &ordered[1]);
	ck_assert(!lock_held() && !fl_lock_locked(&ordered[0]));
}
END_TEST

START_TEST(the_pointer_may_change_inside)
{
	fl_lock *current = &ordered[0];

	fl_with (current)
		current = &ordered[1];
	ck_assert(!fl_lock_locked(&ordered[0]));
	fl_with_until (current, 0, NULL)
		current = NULL;
	ck_assert(!fl_lock_locked(&ordered[1]));
}
END_TEST

START_TEST(what_may_be_acquired_again_is_counted)
{
	fl_semaphore seats = FL_SEMAPHORE_INIT(2);

	fl_with (&rlock)
		fl_with (&rlock)
			ck_assert_uint_eq(fl_rlock_count(&rlock), 2);
	ck_assert_uint_eq(fl_rlock_count(&rlock), 0);
	fl_with (fl_read(&rwlock)) {
		fl_with (fl_read(&rwlock))
			ck_assert_int_eq(fl_rwlock_readers(&rwlock), 1);
		ck_assert_int_eq(fl_rwlock_readers(&rwlock), 1);
	}
	ck_assert_int_eq(fl_rwlock_readers(&rwlock), 0);
	fl_with (&seats)
		fl_with (&seats)
			ck_assert_uint_eq(fl_semaphore_value(&seats), 0);
	ck_assert_uint_eq(fl_semaphore_value(&seats), 2);
}
END_TEST

/* Returns 1 if the body ran, 2 if an else branch did, 0 if nothing. */
static int else_of_the_if(bool yes)
{
	int ran = 0;

	if (yes)
		fl_with (&lock)
			ran = 1;
	else
		ran = 2;
	return ran;
}

START_TEST(with_is_one_statement)
{
	int ran = 0;

	ck_assert_int_eq(else_of_the_if(true), 1);
	ck_assert_int_eq(else_of_the_if(false), 2);
	fl_with (&lock)
		switch (else_of_the_if(false)) {
		case 2:
			ran = 1;
			break;
		default:
			ran = 2;
		}
	ck_assert_int_eq(ran, 1);
	ck_assert(!lock_held());
}
END_TEST

/* Returns 1 if the lock was had before the deadline and the note, else 2. */
static int ran_until(fl_time deadline, fl_note *note)
{
	int ran = 0;

	fl_with_until (&lock, deadline, note)
		ran = 1;
	else
		ran = 2;
	return ran;
}

START_TEST(with_until_gives_up)
{
	fl_note stop = FL_NOTE_INIT;
	int ran = 0;

	ck_assert_int_eq(ran_until(0, NULL), 1);
	fl_lock_acquire(&lock);
	ck_assert_int_eq(ran_until(0, NULL), 2);
	ck_assert_int_eq(ran_until(fl_after(FL_MS(1)), NULL), 2);
	fl_note_cancel(&stop);
	ck_assert_int_eq(ran_until(FL_FOREVER, &stop), 2);
	fl_with_until (&lock, 0, NULL)
		ran = 1;
	ck_assert_int_eq(ran, 0);
	ck_assert_msg(lock_held(), "a guard released what it had not acquired");
	fl_lock_release(&lock);
	ck_assert_int_eq(ran_until(FL_FOREVER, &stop), 1);
}
END_TEST

static long counter;

static void count(unsigned index, void *arg)
{
	(void)arg;
	for (int i = 0; i < 5000; i++) {
		if (index) {
			fl_with (&lock)
				counter++;
		} else {
			fl_guard(&lock);
			counter++;
		}
	}
}

START_TEST(bodies_exclude_each_other)
{
	counter = 0;
	testing_together(2, count, NULL);
	ck_assert_int_eq(counter, 10000);
}
END_TEST

/* What a child process leaves behind for its parent. */
struct left {
	int ran;
	int misuses;
	char object[16];
	const void *address;
};

static struct left *left;

static void remember(const fl_report *report, void *arg)
{
	(void)arg;
	if (report->kind != FL_REPORT_MISUSE)
		return;
	left->misuses++;
	left->address = report->address;
	strncpy(left->object, report->object, sizeof(left->object) - 1);
}

/* Runs body in a child process whose reports are remembered and otherwise ignored. Returns its status as waitpid
 * does. */
static int in_child(void (*body)(void))
{
	const struct rlimit no_core = {0, 0};
	int status;
	pid_t child;

	left = mmap(NULL, sizeof(*left), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(left, MAP_FAILED);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		fl_report_set_hook(remember, NULL);
		body();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

static void upgrade(void)
{
	fl_with (fl_read(&rwlock))
		fl_with (fl_write(&rwlock))
			left->ran = 1;
}

static void read_while_writing(void)
{
	fl_guard(fl_write(&rwlock));
	fl_guard(fl_read(&rwlock));
	left->ran = 1;
}

static void upgrade_in_time(void)
{
	fl_with (fl_read(&rwlock))
		fl_with_until (fl_write(&rwlock), FL_FOREVER, NULL)
			left->ran = 1;
		else
			left->ran = 2;
}

static void once_too_often(void)
{
	if (fl_rlock_restore(&rlock, UINT32_MAX) == 0)
		fl_with (&rlock)
			left->ran = 1;
}

static void wait_for_oneself(void)
{
	fl_check_enable(FL_CHECK_ORDER);
	fl_with (&lock)
		fl_with (&lock)
			left->ran = 1;
}

static const struct failure {
	void (*body)(void);
	const char *object;
	const void *address;
} failures[] = {
	{upgrade, "rwlock", &rwlock},         {read_while_writing, "rwlock", &rwlock},
	{upgrade_in_time, "rwlock", &rwlock}, {once_too_often, "rlock", &rlock},
	{wait_for_oneself, "lock", &lock},
};
#define N_FAILURES ((int)(sizeof(failures) / sizeof(failures[0])))

START_TEST(the_body_never_runs_without_the_lock)
{
	const struct failure *failure = &failures[_i];
	int status = in_child(failure->body);

	ck_assert_int_eq(left->ran, 0);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %#x", (unsigned)status);
	ck_assert_int_eq(left->misuses, 1);
	ck_assert_str_eq(left->object, failure->object);
	ck_assert_ptr_eq(left->address, failure->address);
}
END_TEST

static void release_one_more(void)
{
	fl_with (&semaphore)
		left->ran = fl_semaphore_release(&semaphore, 1) == 0;
	left->ran = 2;
}

START_TEST(a_permit_that_cannot_be_given_back_is_reported)
{
	int status = in_child(release_one_more);

	ck_assert_int_eq(left->ran, 1);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %#x", (unsigned)status);
	ck_assert_str_eq(left->object, "semaphore");
	ck_assert_ptr_eq(left->address, &semaphore);
}
END_TEST

static fl_event held = FL_EVENT_INIT, finish = FL_EVENT_INIT;

static void *hold(void *arg)
{
	(void)arg;
	fl_with (&lock)
		fl_with (&rlock) {
			fl_event_set(&held);
			fl_event_wait(&finish);
		}
	return NULL;
}

/* In a child whose parent's other thread held them: acquiring says -EOWNERDEAD, which is not a failure. */
static void inherit(void)
{
	fl_with (&lock)
		left->ran += lock_held();
	fl_with_until (&rlock, 0, NULL)
		left->ran += rlock_held();
	left->ran += !lock_held() && !rlock_held();
}

START_TEST(a_lock_whose_owner_is_gone_is_held)
{
	pthread_t holder;
	int status;

	ck_assert_int_eq(pthread_create(&holder, NULL, hold, NULL), 0);
	fl_event_wait(&held);
	status = in_child(inherit);
	fl_event_set(&finish);
	ck_assert_int_eq(pthread_join(holder, NULL), 0);
	ck_assert_int_eq(left->ran, 3);
	ck_assert_int_eq(left->misuses, 0);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guard");
	TCase *ways = testing_case(suite, "ways"), *forms = testing_case(suite, "forms"),
	      *failing = testing_case(suite, "failing");

	tcase_add_loop_test(ways, with_releases_on_every_way_out, 0, N_KINDS);
	tcase_add_loop_test(ways, guard_releases_on_every_way_out, 0, N_KINDS);
	tcase_add_loop_test(ways, with_until_releases_on_every_way_out, 0, N_KINDS);
	tcase_add_test(ways, a_return_releases_all_that_are_nested);
	tcase_add_test(ways, guards_of_one_scope_release_the_last_first);
	tcase_add_test(forms, arguments_are_evaluated_once);
	tcase_add_test(forms, the_pointer_may_change_inside);
	tcase_add_test(forms, what_may_be_acquired_again_is_counted);
	tcase_add_test(forms, with_is_one_statement);
	tcase_add_test(forms, with_until_gives_up);
	tcase_add_test(forms, bodies_exclude_each_other);
	tcase_add_loop_test(failing, the_body_never_runs_without_the_lock, 0, N_FAILURES);
	tcase_add_test(failing, a_permit_that_cannot_be_given_back_is_reported);
	tcase_add_test(failing, a_lock_whose_owner_is_gone_is_held);
	return testing_run(suite);
}
