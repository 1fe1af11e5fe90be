/*
 * test_pipe.c - Pipe: messages are whole and in order, waits end when they should, and the peer's end is noticed.
 *
 * Descriptors that go with messages, and ends that go to other processes, are in test_pipe_fds.c.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "pipes.h"
#include "reports.h"
#include "testing.h"

#include <fairlead/fairlead.h>
#include <poll.h>
#include <stdlib.h>

#define SENDERS 4u
#define EACH 400u

static void set_up(void)
{
	reports_catch();
	pipes_set_up();
}

static void tear_down(void)
{
	pipes_tear_down();
	reports_expect_none();
}

/* Messages. */

static const size_t sizes[] = {0, 1, 16, 65535, 65536, 65537, 131072, 131073, 1048579, 20000000};
enum { N_SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static int send_all_sizes(void *pipe)
{
	char *data = malloc(sizes[N_SIZES - 1]);
	int error = 0;

	for (int i = 0; i < N_SIZES && error == 0; i++) {
		memset(data, 'a' + i, sizes[i]);
		error = fl_pipe_send(pipe, sizes[i] > 0 ? data : NULL, sizes[i]);
	}
	free(data);
	return error;
}

static void expect_all_sizes(fl_pipe *pipe)
{
	char *data = malloc(sizes[N_SIZES - 1]);

	for (int i = 0; i < N_SIZES; i++) {
		size_t got = 4711;

		ck_assert_int_eq(fl_pipe_recv(pipe, sizes[i] > 0 ? data : NULL, sizes[i], &got), 0);
		ck_assert_uint_eq(got, sizes[i]);
		for (size_t j = 0; j < got; j += j + 1 < got && j + 1021 >= got ? got - 1 - j : 1021)
			ck_assert_int_eq(data[j], 'a' + i);
	}
	free(data);
}

START_TEST(messages_of_any_size_arrive_whole_and_in_order)
{
	struct call there, back;

	call_start(&there, send_all_sizes, one);
	call_start(&back, send_all_sizes, other);
	expect_all_sizes(other);
	expect_all_sizes(one);
	ck_assert_int_eq(call_end(&there), 0);
	ck_assert_int_eq(call_end(&back), 0);
	ck_assert_int_eq(fl_pipe_send(one, "", (size_t)FL_PIPE_MESSAGE + 1), -EMSGSIZE);
	ck_assert_int_eq(pipes_recv_try(other), -EAGAIN);
}
END_TEST

START_TEST(what_is_too_large_is_kept)
{
	static char in[200000], out[200000];
	struct call call;
	size_t size = 0;

	memset(in, 'x', sizeof(in));
	pipes_send_text(one, "hello");
	pipes_send_text(one, "world");
	ck_assert_int_eq(fl_pipe_recv(other, NULL, 0, &size), -EMSGSIZE);
	ck_assert_uint_eq(size, 5);
	size = 0;
	ck_assert_int_eq(fl_pipe_recv_try(other, out, 4, &size), -EMSGSIZE);
	ck_assert_uint_eq(size, 5);
	ck_assert(fl_pipe_poll(other));
	pipes_expect_text(other, "hello");
	pipes_expect_text(other, "world");
	ck_assert(!fl_pipe_poll(other));
	call_start(&call, send_all_sizes, one);
	for (int i = 0; i < 7; i++) {
		ck_assert_int_eq(fl_pipe_recv(other, out, sizes[i], &size), 0);
		size = sizes[i + 1] - 1;
		if (sizes[i + 1] > 0)
			ck_assert_int_eq(fl_pipe_recv(other, out, sizes[i + 1] - 1, &size), -EMSGSIZE);
		ck_assert_uint_eq(size, sizes[i + 1]);
	}
	other = fl_pipe_close(other);
	ck_assert_int_eq(call_end(&call), -EPIPE);
}
END_TEST

static int send_three(void *pipe)
{
	static const char large[400000];

	return fl_pipe_send(pipe, "first", 5) != 0 || fl_pipe_send(pipe, large, sizeof(large)) != 0 ||
	       fl_pipe_send(pipe, "last", 4) != 0;
}

START_TEST(what_is_too_large_can_be_skipped)
{
	struct call call;
	size_t size;
	char text[4];

	ck_assert_int_eq(fl_pipe_skip(other), -EAGAIN);
	call_start(&call, send_three, one);
	ck_assert_int_eq(fl_pipe_recv(other, text, sizeof(text), &size), -EMSGSIZE);
	ck_assert_int_eq(fl_pipe_skip(other), 0);
	ck_assert_int_eq(fl_pipe_skip(other), -EAGAIN);
	ck_assert_int_eq(fl_pipe_recv(other, text, sizeof(text), &size), -EMSGSIZE);
	ck_assert_uint_eq(size, 400000);
	ck_assert_int_eq(fl_pipe_skip(other), 0);
	pipes_expect_text(other, "last");
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

/* Threads. */

static uint64_t received[SENDERS];

static void race(unsigned index, void *alone)
{
	uint64_t *message = malloc(PIPES_MOST), next[SENDERS] = {0};
	size_t size;

	for (uint64_t n = 0; index < SENDERS && n < EACH; n++)
		ck_assert_int_eq(fl_pipe_send(one, message, pipes_fill(message, index, n)), 0);
	while (index >= SENDERS && __atomic_add_fetch(&received[0], 1, __ATOMIC_RELAXED) <= (uint64_t)SENDERS * EACH) {
		ck_assert_int_eq(fl_pipe_recv(other, message, PIPES_MOST, &size), 0);
		ck_assert(pipes_whole(message, size));
		ck_assert_uint_lt(message[0], SENDERS);
		ck_assert(alone ? message[1] == next[message[0]] : message[1] >= next[message[0]]);
		next[message[0]] = message[1] + 1;
	}
	free(message);
}

START_TEST(many_threads_send_and_one_has_all_in_order)
{
	testing_together(SENDERS + 1, race, one);
	ck_assert_int_eq(pipes_recv_try(other), -EAGAIN);
}
END_TEST

START_TEST(many_threads_send_and_many_receive)
{
	testing_together(2 * SENDERS, race, NULL);
	ck_assert_int_eq(pipes_recv_try(other), -EAGAIN);
}
END_TEST

/* Waiting. */

static int receive(void *note)
{
	char text[10];
	size_t size;

	return fl_pipe_recv_until(other, text, sizeof(text), &size, FL_FOREVER, note);
}

static int poll_for(void *note)
{
	return fl_pipe_poll_until(other, FL_FOREVER, note);
}

static int fill_up(void *note)
{
	static const char data[1000];
	int error;

	do
		error = fl_pipe_send_until(one, data, sizeof(data), FL_FOREVER, note);
	while (error == 0);
	return error;
}

#define LARGE ((size_t)20000000) /* five times what is received without a look at the clock */

static int send_large(void *note)
{
	static const char data[LARGE];

	return fl_pipe_send_until(one, data, sizeof(data), FL_FOREVER, note);
}

START_TEST(a_receiver_waits_for_a_message)
{
	struct call call;

	ck_assert_int_eq(pipes_recv_try(other), -EAGAIN);
	call_start(&call, receive, NULL);
	testing_await_asleep(call.id);
	call_interrupt(&call, 3, 0);
	ck_assert_int_eq(pipes_recv_try(other), -EAGAIN);
	pipes_send_text(one, "now");
	ck_assert_int_eq(call_end(&call), 0);
	call_start(&call, poll_for, NULL);
	testing_await_asleep(call.id);
	pipes_send_text(one, "again");
	ck_assert_int_eq(call_end(&call), 0);
	pipes_expect_text(other, "again");
}
END_TEST

START_TEST(waits_end_with_their_deadline)
{
	static char large[1000000];
	size_t size = 4711;

	ck_assert_int_eq(fl_pipe_recv_until(other, large, 9, &size, fl_after(FL_MS(2)), NULL), -ETIMEDOUT);
	ck_assert_uint_eq(size, 4711);
	ck_assert_int_eq(fl_pipe_poll_until(other, fl_after(FL_MS(2)), NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_pipe_send_until(one, large, sizeof(large), fl_after(FL_MS(2)), NULL), -ETIMEDOUT);
	ck_assert_int_eq(fl_pipe_send_try(one, "x", 1), -EAGAIN);
	/* All that is received of it is that it broke off. */
	ck_assert_int_eq(fl_pipe_recv_until(other, large, sizeof(large), &size, 0, NULL), -ETIMEDOUT);
	pipes_send_text(one, "what comes next");
	pipes_expect_text(other, "what comes next");
}
END_TEST

START_TEST(a_note_ends_each_wait)
{
	int (*const waits[])(void *) = {receive, poll_for, fill_up, send_large};

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		fl_note stop = FL_NOTE_INIT;
		struct call first, second;

		call_start(&first, waits[i], &stop);
		testing_await_asleep(first.id);
		call_start(&second, waits[i], &stop); /* waits for its turn */
		testing_await_asleep(second.id);
		fl_note_cancel(&stop);
		ck_assert_int_eq(call_end(&first), -ECANCELED);
		ck_assert_int_eq(call_end(&second), -ECANCELED);
	}
}
END_TEST

/* What a call is given up with in the middle of a message is there for the next one. */
static void give_up_in_the_middle(size_t buffer, int tries)
{
	static char out[LARGE];
	struct call call;
	size_t size = 0;
	int error = -ETIMEDOUT;

	call_start(&call, send_large, NULL);
	for (int i = 0; i < tries; i++) {
		testing_await_asleep(call.id);
		error = fl_pipe_recv_until(other, out, buffer, &size, 0, NULL);
		ck_assert_int_eq(error, buffer < sizeof(out) ? -EMSGSIZE : -ETIMEDOUT);
	}
	memset(out, 1, sizeof(out));
	ck_assert_int_eq(fl_pipe_recv(other, out, sizeof(out), &size), 0);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_uint_eq(size, sizeof(out));
	ck_assert(out[0] == 0 && memcmp(out, out + 1, size - 1) == 0);
}

START_TEST(a_receive_that_is_given_up_loses_nothing)
{
	give_up_in_the_middle(LARGE, 1);
	give_up_in_the_middle(LARGE, 3);
	give_up_in_the_middle(LARGE - 1, 2);
}
END_TEST

static int send_next(void *unused)
{
	(void)unused;
	return fl_pipe_send(one, "next", 4);
}

/* A sender that gives up in the middle is as one that has never sent that message, whatever was received of it. */
START_TEST(a_send_that_is_given_up_is_not_received)
{
	static char out[LARGE];
	size_t size = 0;

	for (int i = 0; i < 3; i++) {
		fl_note stop = FL_NOTE_INIT;
		struct call call;

		call_start(&call, send_large, &stop);
		for (int j = 0; j < i; j++) {
			testing_await_asleep(call.id);
			ck_assert_int_eq(fl_pipe_recv_try(other, out, sizeof(out), &size), -EAGAIN);
		}
		testing_await_asleep(call.id);
		fl_note_cancel(&stop);
		ck_assert_int_eq(call_end(&call), -ECANCELED);
		ck_assert_int_eq(fl_pipe_recv_try(other, out, i == 2 ? 5 : sizeof(out), &size),
				 i == 2 ? -EMSGSIZE : -EAGAIN);
		call_start(&call, send_next, NULL); /* if the socket is full it waits */
		ck_assert_int_eq(fl_pipe_recv(other, out, sizeof(out), &size), 0);
		ck_assert_uint_eq(size, 4);
		ck_assert_mem_eq(out, "next", 4);
		ck_assert_int_eq(call_end(&call), 0);
	}
}
END_TEST

START_TEST(the_descriptor_is_for_poll_loops)
{
	struct pollfd look = {.fd = fl_pipe_fd(other), .events = POLLIN};

	ck_assert_int_eq(poll(&look, 1, 0), 0);
	pipes_send_text(one, "x");
	ck_assert_int_eq(poll(&look, 1, 0), 1);
	pipes_expect_text(other, "x");
	ck_assert_int_eq(poll(&look, 1, 0), 0);
	one = fl_pipe_close(one);
	ck_assert_int_eq(poll(&look, 1, 0), 1);
}
END_TEST

/* Ends. */

START_TEST(the_end_comes_after_what_was_sent)
{
	size_t size;

	pipes_send_text(other, "never received");
	pipes_send_text(one, "first");
	pipes_send_text(one, "last");
	one = fl_pipe_close(one);
	errno = 4711;
	ck_assert_int_eq(fl_pipe_send(other, "x", 1), -EPIPE);
	ck_assert_int_eq(errno, 4711);
	ck_assert_int_eq(fl_pipe_recv(other, NULL, 0, &size), -EMSGSIZE);
	pipes_expect_text(other, "first");
	ck_assert_int_eq(fl_pipe_send_try(other, "x", 1), -EPIPE);
	pipes_expect_text(other, "last");
	for (int i = 0; i < 3; i++) {
		ck_assert(fl_pipe_poll(other));
		ck_assert_int_eq(pipes_recv_try(other), -EPIPE);
		ck_assert_int_eq(receive(NULL), -EPIPE);
	}
	ck_assert_int_eq(errno, 4711);
}
END_TEST

START_TEST(the_end_is_told_to_who_waits)
{
	int (*const waits[])(void *) = {receive, fill_up, send_large};

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		struct call first, second;

		call_start(&first, waits[i], NULL);
		testing_await_asleep(first.id);
		call_start(&second, waits[i], NULL);
		testing_await_asleep(second.id);
		if (i == 0)
			one = fl_pipe_close(one);
		else
			other = fl_pipe_close(other);
		ck_assert_int_eq(call_end(&first), -EPIPE);
		ck_assert_int_eq(call_end(&second), -EPIPE);
		pipes_tear_down();
		pipes_set_up();
	}
}
END_TEST

START_TEST(the_end_in_the_middle_of_a_message_is_the_end)
{
	static char out[LARGE];
	fl_note stop = FL_NOTE_INIT;
	struct call call;
	size_t size;

	call_start(&call, send_large, &stop);
	testing_await_asleep(call.id);
	ck_assert_int_eq(fl_pipe_recv_try(other, out, 5, &size), -EMSGSIZE);
	fl_note_cancel(&stop);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
	one = fl_pipe_close(one);
	ck_assert_int_eq(fl_pipe_recv(other, out, sizeof(out), &size), -EPIPE);
}
END_TEST

START_TEST(an_end_that_is_used_is_not_closed)
{
	fl_note stop = FL_NOTE_INIT;
	struct call call;

	call_start(&call, receive, &stop);
	testing_await_asleep(call.id);
	fl_pipe_close(other);
	reports_expect("pipe", other, NULL, "closed while a thread receives");
	fl_note_cancel(&stop);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
	fl_note_init(&stop, NULL, FL_FOREVER);
	call_start(&call, fill_up, &stop);
	testing_await_asleep(call.id);
	fl_pipe_close(one);
	reports_expect("pipe", one, NULL, "closed while a thread sends");
	fl_note_cancel(&stop);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
	ck_assert_ptr_null(fl_pipe_close(NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pipe");
	TCase *messages = testing_case_between(suite, "messages", set_up, tear_down);
	TCase *waits = testing_case_between(suite, "waits", set_up, tear_down);
	TCase *ends = testing_case_between(suite, "ends", set_up, tear_down);

	tcase_add_test(messages, messages_of_any_size_arrive_whole_and_in_order);
	tcase_add_test(messages, what_is_too_large_is_kept);
	tcase_add_test(messages, what_is_too_large_can_be_skipped);
	tcase_add_test(messages, many_threads_send_and_one_has_all_in_order);
	tcase_add_test(messages, many_threads_send_and_many_receive);
	tcase_add_test(waits, a_receiver_waits_for_a_message);
	tcase_add_test(waits, waits_end_with_their_deadline);
	tcase_add_test(waits, a_note_ends_each_wait);
	tcase_add_test(waits, a_receive_that_is_given_up_loses_nothing);
	tcase_add_test(waits, a_send_that_is_given_up_is_not_received);
	tcase_add_test(waits, the_descriptor_is_for_poll_loops);
	tcase_add_test(ends, the_end_comes_after_what_was_sent);
	tcase_add_test(ends, the_end_is_told_to_who_waits);
	tcase_add_test(ends, the_end_in_the_middle_of_a_message_is_the_end);
	tcase_add_test(ends, an_end_that_is_used_is_not_closed);
	return testing_run(suite);
}
