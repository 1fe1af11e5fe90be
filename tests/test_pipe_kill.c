/*
 * test_pipe_kill.c - pipes whose processes are killed at random instants: only whole messages arrive, in order.
 *
 * Some messages are one packet, some are several, and a killed sender is mostly in the middle of one. The positive
 * control sends the same over a socket of streams with the size in front, as such pipes are mostly written: the same
 * test must find a torn message there, or it would find none anywhere.
 */
#define _GNU_SOURCE
#include "pipes.h"
#include "processes.h"
#include "testing.h"

#include <fairlead/fairlead.h>
#include <sys/socket.h>

enum { N_KILLS = 300 };

static uint64_t message[PIPES_MOST / 8];

static void tear_down(void)
{
	pipes_tear_down();
	processes_tear_down();
}

static void set_up(void)
{
	processes_set_up();
	pipes_set_up();
}

/* Sends for ever, as the sender of that number. */
static void send_all(void *number)
{
	other = fl_pipe_close(other);
	process_tell(&shared->ready);
	for (uint64_t n = 0;; n++)
		EXPECT(fl_pipe_send(one, message, pipes_fill(message, (uint64_t)(uintptr_t)number, n)) == 0);
}

/* A process of its own that kills the n-th victim so long after it has begun, since this one is busy meanwhile. */
static pid_t kill_later(pid_t victim, uint32_t n, fl_time after)
{
	pid_t killer = fork();

	if (killer == 0) {
		fl_note note = FL_NOTE_INIT;

		process_await(&shared->ready, n + 1);
		if (fl_note_wait_until(&note, fl_after(after)) != -ETIMEDOUT || kill(victim, SIGKILL) != 0)
			_exit(1);
		_exit(0);
	}
	ck_assert_int_gt(killer, 0);
	return killer;
}

/* Receives all that this sender has sent, up to the error, which is returned; all of it must be whole. */
static int receive_all(uint64_t number, uint64_t *ret_n)
{
	uint64_t n = 0;
	size_t size;
	int error;

	while ((error = fl_pipe_recv(other, message, sizeof(message), &size)) == 0) {
		ck_assert(pipes_whole(message, size));
		ck_assert_uint_eq(message[0], number);
		ck_assert_uint_eq(message[1], n++);
	}
	*ret_n = n;
	return error;
}

START_TEST(a_killed_sender_has_sent_whole_messages)
{
	uint64_t n, all = 0;

	for (uint32_t i = 0; i < N_KILLS; i++) {
		pid_t sender = process_start(send_all, (void *)(uintptr_t)i);
		pid_t killer = kill_later(sender, i, FL_US(i * 10));

		one = fl_pipe_close(one);
		ck_assert_int_eq(receive_all(i, &n), -EPIPE);
		ck_assert_int_eq(process_end(sender), SIGKILL);
		ck_assert_int_eq(process_end(killer), 0);
		all += n;
		pipes_tear_down();
		pipes_set_up();
	}
	ck_assert_uint_gt(all, N_KILLS);
}
END_TEST

/* The end is kept open here and handed to one sender after the other; what a dead one had begun is nobody's. */
START_TEST(the_next_sender_by_the_same_end_is_not_mixed_with_a_killed_one)
{
	uint64_t last = UINT64_MAX, n = 0, all = 0;
	size_t size;
	int error;

	for (uint32_t i = 0; i < N_KILLS; i++) {
		pid_t sender = process_start(send_all, (void *)(uintptr_t)i);
		pid_t killer = kill_later(sender, i, FL_US(i * 10));

		process_await(&shared->ready, i + 1);
		while ((error = fl_pipe_recv_until(other, message, sizeof(message), &size, fl_after(FL_MS(4)), NULL)) ==
		       0) {
			ck_assert(pipes_whole(message, size));
			ck_assert(message[0] == last ? message[1] == n : message[1] == 0);
			last = message[0];
			n = message[1] + 1;
			all++;
		}
		ck_assert_int_eq(error, -ETIMEDOUT);
		ck_assert_int_eq(process_end(sender), SIGKILL);
		ck_assert_int_eq(process_end(killer), 0);
	}
	ck_assert_uint_gt(all, N_KILLS);
}
END_TEST

/* Killed receivers are noticed by who sends, at once. */
static void take_all(void *unused)
{
	size_t size;

	(void)unused;
	one = fl_pipe_close(one);
	process_tell(&shared->ready);
	while (fl_pipe_recv(other, message, sizeof(message), &size) == 0)
		EXPECT(pipes_whole(message, size));
	EXPECT(false);
}

START_TEST(a_killed_receiver_ends_sending)
{
	for (uint32_t i = 0; i < N_KILLS; i++) {
		pid_t receiver = process_start(take_all, NULL), killer = kill_later(receiver, i, FL_US(i * 5));
		int error = 0;

		other = fl_pipe_close(other);
		for (uint64_t n = 0; error == 0; n++)
			error = fl_pipe_send(one, message, pipes_fill(message, 1, n));
		ck_assert_int_eq(error, -EPIPE);
		ck_assert_int_eq(process_end(receiver), SIGKILL);
		ck_assert_int_eq(process_end(killer), 0);
		pipes_tear_down();
		pipes_set_up();
	}
}
END_TEST

/* The positive control. */

static int stream[2];

static void send_stream(void *unused)
{
	(void)unused;
	close(stream[1]);
	process_tell(&shared->ready);
	for (uint64_t n = 0;; n++) {
		uint64_t size = pipes_fill(message, 0, n);

		EXPECT(send(stream[0], &size, sizeof(size), MSG_NOSIGNAL) == sizeof(size));
		EXPECT(send(stream[0], message, size, MSG_NOSIGNAL) == (ssize_t)size);
	}
}

/* Returns whether the stream ended in the middle of a message. */
static bool receive_torn(void)
{
	uint64_t size;

	while (recv(stream[1], &size, sizeof(size), MSG_WAITALL) == sizeof(size))
		if (recv(stream[1], message, size, MSG_WAITALL) != (ssize_t)size)
			return true;
	return false;
}

START_TEST(which_is_not_so_with_a_stream)
{
	int torn = 0;

	for (uint32_t i = 0; i < N_KILLS; i++) {
		pid_t sender, killer;

		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
		sender = process_start(send_stream, NULL);
		killer = kill_later(sender, i, FL_US(i * 10));
		close(stream[0]);
		torn += receive_torn();
		process_end(sender);
		process_end(killer);
		close(stream[1]);
	}
	ck_assert_int_gt(torn, 0);
	printf("# of %d killed senders %d left a torn message in a stream\n", N_KILLS, torn);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pipe_kill");
	TCase *tcase = testing_case_between(suite, "kill", set_up, tear_down);

	tcase_add_test(tcase, a_killed_sender_has_sent_whole_messages);
	tcase_add_test(tcase, the_next_sender_by_the_same_end_is_not_mixed_with_a_killed_one);
	tcase_add_test(tcase, a_killed_receiver_ends_sending);
	tcase_add_test(tcase, which_is_not_so_with_a_stream);
	return testing_run(suite);
}
