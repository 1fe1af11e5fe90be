/*
 * test_queue_wait.c - Queue: who waits gets what it waits for, or an end: a deadline, a note, a shutdown, a fork.
 */
#include "queues.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

/* Waiting. */

START_TEST(a_get_waits_for_a_put)
{
	struct call call;
	int64_t item = 0;

	call_start(&call, get_one, &item);
	waiting_await(getters(), 1);
	ck_assert_int_eq(put(7), 0);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_int_eq(item, 7);
}
END_TEST

START_TEST(a_put_waits_for_room)
{
	struct call call;

	put(1);
	put(2);
	put(3);
	call_start(&call, put_seven, NULL);
	waiting_await(putters(), 1);
	ck_assert_int_eq(take(), 1);
	ck_assert_int_eq(call_end(&call), 0);
	expect((int64_t[]){2, 3, 7}, 3);
}
END_TEST

START_TEST(each_who_waits_gets_one)
{
	struct call calls[8];
	int64_t items[8] = {0}, sum = 0;
	unsigned i;

	remake(FL_QUEUE_FIFO, 0);
	for (i = 0; i < 8; i++) {
		call_start(&calls[i], get_one, &items[i]);
		waiting_await(getters(), i + 1);
	}
	for (i = 0; i < 8; i++)
		put(1 << i);
	for (i = 0; i < 8; i++) {
		ck_assert_int_eq(call_end(&calls[i]), 0);
		sum += items[i];
	}
	ck_assert_int_eq(sum, 255);
}
END_TEST

START_TEST(many_put_at_once_wake_as_many)
{
	const int64_t items[5] = {1, 2, 3, 4, 5};
	int64_t got[5] = {0}, sum = 0;
	struct call calls[5];
	unsigned i;

	remake(FL_QUEUE_FIFO, 0);
	for (i = 0; i < 5; i++) {
		call_start(&calls[i], get_one, &got[i]);
		waiting_await(getters(), i + 1);
	}
	ck_assert_int_eq(fl_queue_put_many(queue, items, 5), 5);
	for (i = 0; i < 5; i++) {
		ck_assert_int_eq(call_end(&calls[i]), 0);
		sum += got[i];
	}
	ck_assert_int_eq(sum, 15);
}
END_TEST

START_TEST(a_deadline_ends_a_wait)
{
	struct asked asked = {.deadline = fl_after(FL_MS(5)), .item = 9};

	ck_assert_int_eq(get_until(&asked), -ETIMEDOUT);
	ck_assert_int_ge(fl_now(), asked.deadline);
	ck_assert_int_eq(asked.item, 9);
	while (put(1) == 0)
		;
	asked.deadline = fl_after(FL_MS(5));
	ck_assert_int_eq(put_until(&asked), -ETIMEDOUT);
	ck_assert_int_ge(fl_now(), asked.deadline);
	ck_assert_uint_eq(fl_queue_size(queue), 3);
}
END_TEST

START_TEST(what_is_there_is_taken_whatever_the_deadline)
{
	fl_note cancelled = FL_NOTE_INIT;
	struct asked asked = {.deadline = INT64_MIN, .note = &cancelled, .item = 5};

	fl_note_cancel(&cancelled);
	ck_assert_int_eq(put_until(&asked), 0);
	asked.item = 0;
	ck_assert_int_eq(get_until(&asked), 0);
	ck_assert_int_eq(asked.item, 5);
	ck_assert_int_eq(get_until(&asked), -ECANCELED);
	asked.note = NULL;
	ck_assert_int_eq(get_until(&asked), -ETIMEDOUT);
}
END_TEST

START_TEST(a_note_ends_a_wait)
{
	fl_note stop = FL_NOTE_INIT;
	struct asked asked = {.deadline = FL_FOREVER, .note = &stop};
	struct call call;

	call_start(&call, get_until, &asked);
	waiting_await(getters(), 1);
	fl_note_cancel(&stop);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
	while (put(1) == 0)
		;
	fl_note_init(&stop, NULL, FL_FOREVER);
	call_start(&call, put_until, &asked);
	waiting_await(putters(), 1);
	fl_note_cancel(&stop);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
	ck_assert_uint_eq(fl_queue_size(queue), 3);
}
END_TEST

START_TEST(who_gives_up_leaves_the_item_to_the_next)
{
	fl_note stop = FL_NOTE_INIT;
	struct asked asked = {.deadline = FL_FOREVER, .note = &stop};
	struct call first, second;
	int64_t item = 0;

	call_start(&first, get_until, &asked);
	waiting_await(getters(), 1);
	call_start(&second, get_one, &item);
	waiting_await(getters(), 2);
	fl_note_cancel(&stop);
	ck_assert_int_eq(call_end(&first), -ECANCELED);
	put(4);
	ck_assert_int_eq(call_end(&second), 0);
	ck_assert_int_eq(item, 4);
}
END_TEST

START_TEST(a_signal_ends_no_wait)
{
	struct call call;
	int64_t item = 0;

	call_start(&call, get_one, &item);
	waiting_await(getters(), 1);
	call_interrupt(&call, 5, 0);
	ck_assert(!call_returned(&call));
	put(3);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_int_eq(item, 3);
}
END_TEST

/* Done, and joined. */

START_TEST(join_waits_until_all_is_done)
{
	struct call call;

	ck_assert_int_eq(fl_queue_join(queue), 0);
	put(1);
	put(2);
	ck_assert_uint_eq(fl_queue_unfinished(queue), 2);
	ck_assert_int_eq(fl_queue_join_until(queue, fl_after(FL_MS(1)), NULL), -ETIMEDOUT);
	call_start(&call, join, NULL);
	waiting_await(&queue->done, 1);
	take();
	fl_queue_task_done(queue);
	take();
	ck_assert_uint_eq(waiting_for(&queue->done), 1);
	fl_queue_task_done(queue);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_uint_eq(fl_queue_unfinished(queue), 0);
	ck_assert_int_eq(fl_queue_join(queue), 0);
}
END_TEST

START_TEST(done_more_often_than_put_is_reported)
{
	put(1);
	fl_queue_task_done(queue);
	reports_expect_none();
	fl_queue_task_done(queue);
	reports_expect("queue", queue, "basket", "task_done was called more often than items were put");
	put(1);
	ck_assert_uint_eq(fl_queue_unfinished(queue), 1);
}
END_TEST

START_TEST(a_note_ends_a_join)
{
	fl_note stop = FL_NOTE_INIT;

	put(1);
	fl_note_cancel(&stop);
	ck_assert_int_eq(fl_queue_join_until(queue, FL_FOREVER, &stop), -ECANCELED);
}
END_TEST

/* Shutting down. */

START_TEST(shutdown_ends_puts_at_once_and_gets_when_it_is_drained)
{
	struct call call;
	int64_t item;

	put(1);
	put(2);
	put(3);
	call_start(&call, put_seven, NULL);
	waiting_await(putters(), 1);
	ck_assert(!fl_queue_is_shutdown(queue));
	fl_queue_shutdown(queue);
	fl_queue_shutdown(queue);
	ck_assert(fl_queue_is_shutdown(queue));
	ck_assert_int_eq(call_end(&call), -EPIPE);
	ck_assert_int_eq(put(4), -EPIPE);
	ck_assert_int_eq(take(), 1);
	ck_assert_int_eq(put(4), -EPIPE);
	ck_assert_int_eq(take(), 2);
	ck_assert_int_eq(take(), 3);
	ck_assert_int_eq(fl_queue_get(queue, &item), -EPIPE);
	ck_assert_int_eq(fl_queue_get_try(queue, &item), -EPIPE);
	ck_assert_int_eq(fl_queue_get_many(queue, &item, 1), -EPIPE);
}
END_TEST

START_TEST(shutdown_wakes_all_who_wait)
{
	struct call calls[4];
	int64_t items[4];
	unsigned i;

	for (i = 0; i < 4; i++) {
		call_start(&calls[i], get_one, &items[i]);
		waiting_await(getters(), i + 1);
	}
	fl_queue_shutdown(queue);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(call_end(&calls[i]), -EPIPE);
}
END_TEST

START_TEST(shutdown_now_drops_and_lets_join_return)
{
	struct call call;
	int64_t item;

	put(1);
	put(2);
	put(3);
	ck_assert_int_eq(take(), 1);
	call_start(&call, join, NULL);
	waiting_await(&queue->done, 1);
	ck_assert_uint_eq(fl_queue_shutdown_now(queue), 2);
	ck_assert_uint_eq(fl_queue_shutdown_now(queue), 0);
	ck_assert_int_eq(fl_queue_get(queue, &item), -EPIPE);
	ck_assert_uint_eq(fl_queue_unfinished(queue), 1);
	fl_queue_task_done(queue);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

START_TEST(shutdown_now_lets_join_return_whatever_was_said_to_be_done)
{
	put(1);
	put(2);
	put(3);
	take();
	fl_queue_task_done(queue);
	fl_queue_task_done(queue); /* of an item that is still in the queue */
	ck_assert_uint_eq(fl_queue_shutdown_now(queue), 2);
	ck_assert_uint_eq(fl_queue_unfinished(queue), 0);
	ck_assert_int_eq(fl_queue_join_until(queue, INT64_MIN, NULL), 0);
}
END_TEST

START_TEST(each_goes_on_until_the_end)
{
	int64_t item, sum = 0;
	int32_t small;

	put(1);
	put(2);
	put(3);
	fl_queue_shutdown(queue);
	FL_QUEUE_EACH (queue, item) {
		sum += item;
		fl_queue_task_done(queue);
	}
	ck_assert_int_eq(sum, 6);
	FL_QUEUE_EACH (queue, small)
		ck_abort_msg("got %d", (int)small);
	reports_expect("queue", queue, "basket", "an item of 8 bytes was to be got into a variable of 4");
}
END_TEST

/* Its end, and forks. */

static int get_any(void *unused)
{
	int64_t item;

	(void)unused;
	return fl_queue_get(queue, &item);
}

START_TEST(destroying_one_that_is_waited_for_is_reported)
{
	struct call call;

	call_start(&call, get_any, NULL);
	waiting_await(getters(), 1);
	fl_queue_destroy(queue);
	reports_expect("queue", queue, "basket", "destroyed while it is waited for");
	put(1);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

static int child(void)
{
	int64_t item;

	EXPECT(fl_queue_get_until(queue, &item, fl_after(FL_SECONDS(10)), NULL) == 0 && item == 1);
	EXPECT(fl_queue_get_until(queue, &item, fl_after(FL_MS(1)), NULL) == -ETIMEDOUT);
	EXPECT(fl_queue_put(queue, &item) == 0);
	EXPECT(fl_queue_get(queue, &item) == 0);
	return 0;
}

START_TEST(a_forked_child_has_what_was_in_it)
{
	struct call call;
	int status;
	pid_t pid;

	call_start(&call, get_any, NULL); /* it waits in the parent, and is not in the child */
	waiting_await(getters(), 1);
	call_freeze(&call);
	put(1);
	pid = fork();
	if (pid == 0)
		_exit(child());
	call_thaw(&call);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

static bool readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) == 1;
}

/* The queue is its own: what it takes and puts there changes nothing in the parent. */
static int child_with_descriptor(int fd)
{
	int64_t item;

	EXPECT(fl_queue_get_try(queue, &item) == 0 && item == 1);
	EXPECT(fl_queue_get_try(queue, &item) == -EAGAIN);
	EXPECT(readable(fd));
	EXPECT(fl_queue_fd(queue) == fd && fl_queue_fd(queue) == fd);
	EXPECT(!readable(fd));
	EXPECT(fl_queue_put(queue, &item) == 0);
	EXPECT(readable(fd));
	EXPECT(fl_queue_get_try(queue, &item) == 0);
	EXPECT(fl_queue_get_try(queue, &item) == -EAGAIN);
	EXPECT(!readable(fd));
	return 0;
}

/* Forks, and returns how the child ended. */
static int end_of_child(int (*run)(int fd), int fd)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(run(fd));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(a_forked_child_leaves_the_parent_s_descriptor_alone)
{
	int fd = fl_queue_fd(queue);

	put(1);
	ck_assert_int_eq(end_of_child(child_with_descriptor, fd), 0);
	ck_assert(readable(fd));
	ck_assert_int_eq(take(), 1);
	ck_assert_int_eq(take(), -1);
	ck_assert(!readable(fd));
}
END_TEST

static int child_that_puts(int fd)
{
	int64_t item = 1;

	EXPECT(fl_queue_put(queue, &item) == 0);
	EXPECT(!readable(fd));
	EXPECT(fl_queue_fd(queue) == fd);
	EXPECT(readable(fd));
	return 0;
}

START_TEST(a_put_in_a_forked_child_does_not_ring_in_the_parent)
{
	int fd = fl_queue_fd(queue);

	ck_assert_int_eq(end_of_child(child_that_puts, fd), 0);
	ck_assert(!readable(fd));
	put(1);
	ck_assert(readable(fd));
}
END_TEST

static int child_of_broken(void)
{
	int64_t item = 1;

	EXPECT(fl_queue_put(queue, &item) == -ENOTRECOVERABLE);
	EXPECT(fl_queue_get(queue, &item) == -ENOTRECOVERABLE);
	EXPECT(fl_queue_get_try(queue, &item) == -ENOTRECOVERABLE);
	EXPECT(fl_queue_shutdown_now(queue) == 0);
	return 0;
}

static int hold_the_lock_and_fork(void *unused)
{
	(void)unused;
	return fl_lock_enter(&queue->put.lock);
}

static int child_that_joins(int unused)
{
	(void)unused;
	EXPECT(fl_queue_join(queue) == -ENOTRECOVERABLE);
	EXPECT(fl_queue_join_until(queue, fl_after(FL_MS(1)), NULL) == -ENOTRECOVERABLE);
	return 0;
}

START_TEST(a_join_of_what_a_fork_left_behind_does_not_wait)
{
	put(1);
	ck_assert_int_eq(call_elsewhere(hold_the_lock_and_fork, NULL), 0);
	ck_assert_int_eq(end_of_child(child_that_joins, 0), 0);
	queue->put.lock.fl_word = 0; /* whose thread has ended */
}
END_TEST

START_TEST(a_fork_in_the_midst_of_a_call_is_said)
{
	int status;
	pid_t pid;

	ck_assert_int_eq(call_elsewhere(hold_the_lock_and_fork, NULL), 0);
	pid = fork();
	if (pid == 0)
		_exit(child_of_broken());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	queue->put.lock.fl_word = 0; /* whose thread has ended */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue_wait");
	TCase *tcase = testing_case_between(suite, "waiting", set_up, tear_down);

	tcase_add_test(tcase, a_get_waits_for_a_put);
	tcase_add_test(tcase, a_put_waits_for_room);
	tcase_add_test(tcase, each_who_waits_gets_one);
	tcase_add_test(tcase, many_put_at_once_wake_as_many);
	tcase_add_test(tcase, a_deadline_ends_a_wait);
	tcase_add_test(tcase, what_is_there_is_taken_whatever_the_deadline);
	tcase_add_test(tcase, a_note_ends_a_wait);
	tcase_add_test(tcase, who_gives_up_leaves_the_item_to_the_next);
	tcase_add_test(tcase, a_signal_ends_no_wait);
	tcase_add_test(tcase, join_waits_until_all_is_done);
	tcase_add_test(tcase, done_more_often_than_put_is_reported);
	tcase_add_test(tcase, a_note_ends_a_join);
	tcase_add_test(tcase, shutdown_ends_puts_at_once_and_gets_when_it_is_drained);
	tcase_add_test(tcase, shutdown_wakes_all_who_wait);
	tcase_add_test(tcase, shutdown_now_drops_and_lets_join_return);
	tcase_add_test(tcase, shutdown_now_lets_join_return_whatever_was_said_to_be_done);
	tcase_add_test(tcase, each_goes_on_until_the_end);
	tcase_add_test(tcase, destroying_one_that_is_waited_for_is_reported);
	tcase_add_test(tcase, a_forked_child_has_what_was_in_it);
	tcase_add_test(tcase, a_forked_child_leaves_the_parent_s_descriptor_alone);
	tcase_add_test(tcase, a_put_in_a_forked_child_does_not_ring_in_the_parent);
	tcase_add_test(tcase, a_join_of_what_a_fork_left_behind_does_not_wait);
	tcase_add_test(tcase, a_fork_in_the_midst_of_a_call_is_said);
	return testing_run(suite);
}
