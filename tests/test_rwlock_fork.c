/*
 * test_rwlock_fork.c - an RWLock in a forked child: what the thread that forked holds it still holds, and nobody
 * waits for the others.
 *
 * A child has one thread, and a copy of locks that other threads of the parent were holding or waiting for. A writer
 * that is gone may have left a half-made change, so the next who acquires is told; readers that are gone have changed
 * nothing.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <stdlib.h>

static fl_rwlock lock = FL_RWLOCK_INIT;

/* A thread of the parent that holds one side. */
static struct {
	bool writes;
	fl_event has_it, let_go;
} holder;

static int hold(void *unused)
{
	(void)unused;
	if (holder.writes)
		fl_rwlock_acquire_write(&lock);
	else
		fl_rwlock_acquire_read(&lock);
	fl_event_set(&holder.has_it);
	fl_event_wait(&holder.let_go);
	if (holder.writes)
		fl_rwlock_release_write(&lock);
	else
		fl_rwlock_release_read(&lock);
	return 0;
}

/* A child of a process in which another thread writes: that thread will never release it. */
static void inherit(void *unused)
{
	(void)unused;
	if (fl_rwlock_acquire_read(&lock) != -EOWNERDEAD)
		_Exit(1);
	fl_rwlock_release_read(&lock);
	if (fl_rwlock_acquire_write(&lock) != 0)
		_Exit(2);
	fl_rwlock_release_write(&lock);
}

/* A call that cannot say that the owner is gone does not take the lock, or says that it did. */
static void try_to_inherit(void *unused)
{
	(void)unused;
	if (fl_rwlock_acquire_read_try(&lock))
		fl_rwlock_release_read(&lock);
	if (fl_rwlock_acquire_write_try(&lock))
		fl_rwlock_release_write(&lock);
	if (fl_rwlock_readers(&lock) > 0)
		_Exit(1);
	if (fl_rwlock_acquire_write_until(&lock, fl_after(FL_SECONDS(5)), NULL) == -ETIMEDOUT)
		_Exit(2);
	fl_rwlock_release_write(&lock);
}

/* A child of a process in which another thread reads. */
static void write_after_readers(void *unused)
{
	(void)unused;
	if (fl_rwlock_acquire_write_until(&lock, fl_after(FL_SECONDS(5)), NULL) != 0)
		_Exit(1);
	fl_rwlock_release_write(&lock);
}

static const struct {
	bool writes; /* what a thread of the parent does meanwhile */
	void (*body)(void *unused);
} children[] = {{true, inherit}, {true, try_to_inherit}, {false, write_after_readers}};

START_TEST(a_child_does_not_wait_for_threads_of_its_parent)
{
	struct call call;
	char said[1024];
	int status;

	holder.writes = children[_i].writes;
	call_start(&call, hold, NULL);
	fl_event_wait(&holder.has_it);
	status = reports_of_child(children[_i].body, NULL, said, sizeof(said), NULL);
	fl_event_set(&holder.let_go);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_msg(status == 0, "status %#x: %s", (unsigned)status, said);
}
END_TEST

#ifndef CALLS_NOT_IN_CHILD

/* What another thread of the child can have: bit 0 the read side, bit 1 the write side. It comes first. */
static int try_both(void *unused)
{
	int had = 0;

	(void)unused;
	if (fl_rwlock_acquire_write_until(&lock, 0, NULL) != -ETIMEDOUT)
		had |= 2;
	if (fl_rwlock_acquire_read_until(&lock, 0, NULL) == 0)
		had |= 1;
	return had;
}

static void keep_reading(void *unused)
{
	(void)unused;
	if (call_elsewhere(try_both, NULL) != 1)
		_Exit(1);
	if (fl_rwlock_readers(&lock) != 2) /* that thread has ended without releasing */
		_Exit(2);
	fl_rwlock_release_read(&lock);
	if (fl_rwlock_readers(&lock) != 1)
		_Exit(3);
}

static void keep_writing(void *unused)
{
	(void)unused;
	if (call_elsewhere(try_both, NULL) != 0)
		_Exit(1);
	if (fl_rwlock_readers(&lock) != -1)
		_Exit(2);
	fl_rwlock_release_write(&lock);
	if (call_elsewhere(try_both, NULL) != 2)
		_Exit(3);
}

static void expect_child_well(void (*body)(void *unused))
{
	char said[1024];
	int status = reports_of_child(body, NULL, said, sizeof(said), NULL);

	ck_assert_msg(status == 0, "status %#x: %s", (unsigned)status, said);
}

START_TEST(the_thread_that_forks_keeps_what_it_reads)
{
	fl_rwlock_acquire_read(&lock);
	expect_child_well(keep_reading);
}
END_TEST

START_TEST(the_thread_that_forks_keeps_what_it_writes)
{
	fl_rwlock_acquire_write(&lock);
	expect_child_well(keep_writing);
}
END_TEST

#endif

int main(void)
{
	Suite *suite = suite_create("rwlock_fork");
	TCase *forked = testing_case(suite, "forked");

	tcase_add_loop_test(forked, a_child_does_not_wait_for_threads_of_its_parent, 0, 3);
#ifndef CALLS_NOT_IN_CHILD
	tcase_add_test(forked, the_thread_that_forks_keeps_what_it_reads);
	tcase_add_test(forked, the_thread_that_forks_keeps_what_it_writes);
#endif
	return testing_run(suite);
}
