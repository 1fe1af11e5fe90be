/*
 * test_shared_stopped.c - who waits for an object that processes share, and is stopped (SIGSTOP), is in nobody's way:
 * what he would have been given goes to the next one.
 */
#include "calls.h"
#include "processes.h"
#include "testing.h"
#include "waiting_shared.h"

#include "shm/shared_queue.h"

#include <errno.h>
#include <fairlead/fairlead.h>

static fl_segment *segment;
static fl_lock *lock;
static fl_semaphore *semaphore, *seats;
static fl_condition *condition;
static fl_rwlock *rwlock;
static fl_shared_queue *queue;

static void set_up(void)
{
	const fl_shared_queue_options options = {.item_size = sizeof(int), .limit = 4};

	processes_set_up();
	ck_assert_int_eq(fl_segment_open(&segment, NULL, NULL), 0);
	ck_assert_int_eq(fl_segment_lock(segment, "lock", &lock), 1);
	ck_assert_int_eq(fl_segment_semaphore(segment, "semaphore", 0, &semaphore), 1);
	ck_assert_int_eq(fl_segment_semaphore_holders(segment, "seats", 1, &seats), 1);
	ck_assert_int_eq(fl_segment_condition(segment, "condition", &condition), 1);
	ck_assert_int_eq(fl_segment_rwlock(segment, "rwlock", 4, &rwlock), 1);
	ck_assert_int_eq(fl_segment_queue(segment, "queue", &options, &queue), 1);
	/* A process that comes has all who wait look again: so this one does that now. */
	ck_assert(fl_lock_acquire_try(lock));
	fl_lock_release(lock);
}

static void tear_down(void)
{
	segment = fl_segment_close(segment);
	processes_tear_down();
}

/* Each waits once. */

static int wait_for_lock(void *unused)
{
	int error = fl_lock_acquire(lock);

	(void)unused;
	if (error == 0)
		fl_lock_release(lock);
	return error;
}

static int wait_to_read(void *unused)
{
	int error = fl_rwlock_acquire_read(rwlock);

	(void)unused;
	if (error == 0)
		fl_rwlock_release_read(rwlock);
	return error;
}

static int wait_to_write(void *unused)
{
	int error = fl_rwlock_acquire_write(rwlock);

	(void)unused;
	if (error == 0)
		fl_rwlock_release_write(rwlock);
	return error;
}

static int wait_for_permit(void *semaphore_)
{
	return fl_semaphore_acquire(semaphore_);
}

static int wait_for_item(void *unused)
{
	int item, size = fl_shared_queue_get(queue, &item, sizeof(item), NULL);

	(void)unused;
	return size == sizeof(item) ? 0 : size;
}

static int wait_for_condition(void *unused)
{
	int error = fl_condition_acquire(condition);

	(void)unused;
	if (error == 0)
		error = fl_condition_wait(condition);
	fl_condition_release(condition);
	return error;
}

static void read_in_child(void *unused)
{
	process_tell(&shared->ready);
	wait_to_read(unused);
}

/* The first to wait is a process that is stopped, the next one a thread. */

struct wait {
	int (*body)(void *arg);
	void *arg;
	const void *key; /* what those who wait are found by */
	pid_t stopped;
	struct call call;
};

static void wait_in_child(void *wait_)
{
	const struct wait *wait = wait_;

	wait->body(wait->arg);
}

static void begin(struct wait *wait)
{
	wait->stopped = process_start(wait_in_child, wait);
	shared_waiting_await(wait->key, 1);
	process_await_asleep(wait->stopped);
	process_stop(wait->stopped);
	call_start(&wait->call, wait->body, wait->arg);
	shared_waiting_await(wait->key, 2);
	testing_await_asleep(wait->call.id);
}

static void end(struct wait *wait)
{
	ck_assert_int_eq(call_end(&wait->call), 0);
	process_kill(wait->stopped);
}

START_TEST(a_lock_goes_to_the_next_one)
{
	struct wait wait = {.body = wait_for_lock, .key = lock};

	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	begin(&wait);
	fl_lock_release(lock);
	end(&wait);
}
END_TEST

/* After a hundred releases to whoever comes first it would be kept for the one that waits longest. */
START_TEST(a_lock_is_not_kept_for_one)
{
	struct wait wait = {.body = wait_for_lock, .key = lock};

	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	begin(&wait);
	lock->fl_passed = 100;
	fl_lock_release(lock);
	end(&wait);
	ck_assert(fl_lock_acquire_try(lock));
	fl_lock_release(lock);
}
END_TEST

START_TEST(a_permit_goes_to_the_next_one)
{
	struct wait wait = {.body = wait_for_permit, .arg = semaphore, .key = semaphore};

	begin(&wait);
	ck_assert_int_eq(fl_semaphore_release(semaphore, 1), 0);
	end(&wait);
}
END_TEST

START_TEST(a_permit_is_not_kept_for_one)
{
	struct wait wait = {.body = wait_for_permit, .arg = semaphore, .key = semaphore};

	begin(&wait);
	semaphore->fl_epoch = 100;
	ck_assert_int_eq(fl_semaphore_release(semaphore, 1), 0);
	end(&wait);
}
END_TEST

START_TEST(nor_one_that_knows_its_holder)
{
	struct wait wait = {.body = wait_for_permit, .arg = seats, .key = seats};

	ck_assert_int_eq(fl_semaphore_acquire(seats), 0);
	begin(&wait);
	seats->fl_epoch = 100;
	ck_assert_int_eq(fl_semaphore_release(seats, 1), 0);
	end(&wait);
}
END_TEST

START_TEST(an_item_goes_to_the_next_one)
{
	struct wait wait = {.body = wait_for_item, .key = &queue->getters};

	begin(&wait);
	ck_assert_int_eq(fl_shared_queue_put(queue, &(int){1}, sizeof(int)), 0);
	end(&wait);
}
END_TEST

/* Both are notified, and then wait for the lock. */
START_TEST(who_was_notified_gets_on)
{
	struct wait wait = {.body = wait_for_condition, .key = condition};

	begin(&wait);
	ck_assert_int_eq(fl_condition_acquire(condition), 0);
	fl_condition_notify_all(condition);
	fl_condition_release(condition);
	end(&wait);
}
END_TEST

/* A reader that waits is let in before the next writer. */
START_TEST(nor_is_it_kept_for_a_reader)
{
	pid_t reader;
	struct call writer;

	ck_assert_int_eq(fl_rwlock_acquire_write(rwlock), 0);
	reader = process_start(read_in_child, NULL);
	process_await(&shared->ready, 1);
	process_await_asleep(reader);
	process_stop(reader);
	call_start(&writer, wait_to_write, NULL);
	testing_await_asleep(writer.id);
	fl_rwlock_release_write(rwlock);
	ck_assert_int_eq(call_end(&writer), 0);
	process_kill(reader);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shared_stopped");
	TCase *stopped = testing_case_between(suite, "stopped", set_up, tear_down);

	tcase_add_test(stopped, a_lock_goes_to_the_next_one);
	tcase_add_test(stopped, a_lock_is_not_kept_for_one);
	tcase_add_test(stopped, a_permit_goes_to_the_next_one);
	tcase_add_test(stopped, a_permit_is_not_kept_for_one);
	tcase_add_test(stopped, nor_one_that_knows_its_holder);
	tcase_add_test(stopped, nor_is_it_kept_for_a_reader);
	tcase_add_test(stopped, an_item_goes_to_the_next_one);
	tcase_add_test(stopped, who_was_notified_gets_on);
	return testing_run(suite);
}
