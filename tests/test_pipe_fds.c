/*
 * test_pipe_fds.c - descriptors that go with messages, and ends of pipes that go to other processes.
 *
 * None may stay behind: each test ends with as many descriptors as it began with.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "pipes.h"
#include "processes.h"
#include "testing.h"

#include <fairlead/fairlead.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

extern char **environ;

static unsigned before;
static const char *program;

static void set_up(void)
{
	before = pipes_descriptors();
	pipes_set_up();
}

static void tear_down(void)
{
	pipes_tear_down();
	ck_assert_uint_eq(pipes_descriptors(), before);
}

/* Descriptors. */

/* Sends n descriptors, each of a file with its number in it, and keeps none. */
static void send_files(size_t size, unsigned n)
{
	static const char data[100000];
	int fds[FL_PIPE_FDS] = {0};

	for (unsigned i = 0; i < n; i++) {
		fds[i] = memfd_create("file", 0);
		ck_assert_int_eq(write(fds[i], &i, sizeof(i)), sizeof(i));
	}
	ck_assert_int_eq(fl_pipe_send_fds(one, data, size, fds, n), 0);
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
}

static void expect_files(const int *fds, size_t n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned number;

		ck_assert_int_eq(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
		ck_assert_int_eq(pread(fds[i], &number, sizeof(number), 0), sizeof(number));
		ck_assert_uint_eq(number, i);
		close(fds[i]);
	}
}

START_TEST(descriptors_go_with_their_message)
{
	static char data[100000];
	int fds[FL_PIPE_FDS];
	size_t size, n;

	for (unsigned i = 0; i <= FL_PIPE_FDS; i++)
		for (unsigned j = 0; j < 3; j++) {
			send_files(j * 50000, i);
			pipes_send_text(one, "none");
			ck_assert_int_eq(fl_pipe_recv_fds(other, data, sizeof(data), &size, fds, &n), 0);
			ck_assert_uint_eq(size, j * 50000);
			ck_assert_uint_eq(n, i);
			expect_files(fds, n);
			ck_assert_int_eq(fl_pipe_recv_fds(other, data, sizeof(data), &size, fds, &n), 0);
			ck_assert_uint_eq(n, 0);
		}
}
END_TEST

START_TEST(those_that_nobody_wants_are_closed)
{
	static char data[100000];
	size_t size;

	send_files(0, 3);
	ck_assert_int_eq(fl_pipe_recv(other, data, sizeof(data), &size), 0);
	ck_assert_uint_eq(pipes_descriptors(), before + 2);
	send_files(100000, FL_PIPE_FDS);
	ck_assert_int_eq(fl_pipe_recv(other, data, sizeof(data), &size), 0);
	ck_assert_uint_eq(pipes_descriptors(), before + 2);
	send_files(10, 5); /* these are never received */
}
END_TEST

START_TEST(a_message_that_is_kept_keeps_its_descriptors)
{
	static char data[100000];
	int fds[FL_PIPE_FDS];
	size_t size, n = 4711;

	for (unsigned i = 0; i < 2; i++) {
		size_t length = i == 0 ? 5 : sizeof(data);

		send_files(length, 5);
		ck_assert_int_eq(fl_pipe_recv_fds(other, data, 4, &size, fds, &n), -EMSGSIZE);
		ck_assert_int_eq(fl_pipe_recv(other, data, 3, &size), -EMSGSIZE);
		ck_assert_uint_eq(n, 4711);
		ck_assert_int_eq(fl_pipe_recv_fds(other, data, sizeof(data), &size, fds, &n), 0);
		ck_assert_uint_eq(size, length);
		ck_assert_uint_eq(n, 5);
		expect_files(fds, n);
		n = 4711;
	}
	send_files(5, 3);
	ck_assert_int_eq(fl_pipe_recv(other, data, 3, &size), -EMSGSIZE);
}
END_TEST

START_TEST(wrong_descriptors_are_refused)
{
	int fds[FL_PIPE_FDS + 1] = {0};

	ck_assert_int_eq(fl_pipe_send_fds(one, "x", 1, fds, FL_PIPE_FDS + 1), -EINVAL);
	fds[1] = -1;
	ck_assert_int_eq(fl_pipe_send_fds(one, "x", 1, fds, 2), -EBADF);
	ck_assert_int_eq(pipes_recv_try(other), -EAGAIN);
}
END_TEST

/* With no room for one of its descriptors a message is lost, is said to be, and leaves nothing. */
static void lose_a_message(void *unused)
{
	static char data[100000];
	struct rlimit limit;
	int fds[FL_PIPE_FDS];
	size_t size, n;

	(void)unused;
	send_files(10, 5);
	send_files(sizeof(data), 5);
	pipes_send_text(one, "after");
	EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = (rlim_t)(fl_pipe_fd(one) > fl_pipe_fd(other) ? fl_pipe_fd(one) : fl_pipe_fd(other)) + 3;
	EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	EXPECT(fl_pipe_recv_fds(other, data, sizeof(data), &size, fds, &n) == -EMFILE);
	EXPECT(fl_pipe_recv(other, data, sizeof(data), &size) == -EMFILE);
	EXPECT(fl_pipe_recv(other, data, sizeof(data), &size) == 0 && size == 5 && memcmp(data, "after", 5) == 0);
	limit.rlim_cur = limit.rlim_max;
	EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	EXPECT(pipes_descriptors() == before + 2);
}

START_TEST(without_room_for_descriptors_the_message_is_lost)
{
	ck_assert_int_eq(process_end(process_start(lose_a_message, NULL)), 0);
}
END_TEST

/* Ends. */

START_TEST(an_end_can_be_sent_and_adopted)
{
	fl_pipe *mine, *theirs, *again;
	int fd, fds[FL_PIPE_FDS];
	size_t size, n;

	ck_assert_int_eq(fl_pipe_create(&mine, &theirs), 0);
	pipes_send_text(mine, "before");
	fd = fl_pipe_fd(theirs);
	ck_assert_int_eq(fl_pipe_send_fds(one, NULL, 0, &fd, 1), 0);
	theirs = fl_pipe_close(theirs);
	pipes_send_text(mine, "on its way");
	ck_assert_int_eq(fl_pipe_recv_fds(other, NULL, 0, &size, fds, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(fl_pipe_adopt(&again, fds[0]), 0);
	ck_assert_int_eq(fl_pipe_fd(again), fds[0]);
	pipes_expect_text(again, "before");
	pipes_expect_text(again, "on its way");
	pipes_send_text(again, "answer");
	pipes_expect_text(mine, "answer");
	fl_pipe_close(mine);
	ck_assert_int_eq(pipes_recv_try(again), -EPIPE);
	fl_pipe_close(again);
}
END_TEST

START_TEST(an_end_whose_peer_is_gone_can_be_adopted)
{
	int fd = fcntl(fl_pipe_fd(other), F_DUPFD_CLOEXEC, 3);
	fl_pipe *again;

	pipes_send_text(one, "last");
	pipes_tear_down();
	ck_assert_int_eq(fl_pipe_adopt(&again, fd), 0);
	pipes_expect_text(again, "last");
	ck_assert_int_eq(pipes_recv_try(again), -EPIPE);
	fl_pipe_close(again);
}
END_TEST

static int listening(void)
{
	const struct sockaddr_un nameless = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&nameless, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

START_TEST(what_is_no_end_is_not_adopted)
{
	int pair[2], streams[2], fds[7];
	fl_pipe *none = one;

	ck_assert_int_eq(pipe(pair), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, streams), 0);
	fds[0] = pair[0];
	fds[1] = pair[1];
	fds[2] = streams[0];
	fds[3] = streams[1];
	fds[4] = open("/dev/null", O_RDWR);
	fds[5] = listening();
	fds[6] = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	for (int i = 0; i < 7; i++) {
		ck_assert_int_eq(fl_pipe_adopt(&none, fds[i]), -EINVAL);
		ck_assert_int_eq(fcntl(fds[i], F_GETFD), 0);
		close(fds[i]);
		ck_assert_int_eq(fl_pipe_adopt(&none, fds[i]), -EBADF);
	}
	ck_assert_int_eq(fl_pipe_adopt(&none, -1), -EBADF);
	ck_assert_ptr_eq(none, one);
}
END_TEST

/* What this program does when it is started with a number: it sends back what comes there. */
static int echo(int fd)
{
	static char data[200000];
	fl_pipe *end;
	size_t size;

	if (fl_pipe_adopt(&end, fd) != 0 || fcntl(fd, F_GETFD) != FD_CLOEXEC)
		return 1;
	while (fl_pipe_recv(end, data, sizeof(data), &size) == 0)
		if (fl_pipe_send(end, data, size) != 0)
			return 2;
	fl_pipe_close(end);
	return 0;
}

START_TEST(an_end_can_be_inherited)
{
	static char data[200000], got[200000];
	char number[12];
	char *const arguments[] = {(char *)(uintptr_t)program, number, NULL};
	posix_spawn_file_actions_t actions;
	size_t size;
	pid_t child;

	snprintf(number, sizeof(number), "%d", fl_pipe_fd(other));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fl_pipe_fd(other), fl_pipe_fd(other));
	ck_assert_int_eq(posix_spawn(&child, program, &actions, NULL, arguments, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	other = fl_pipe_close(other);
	for (size_t i = 0; i < 20; i++) {
		memset(data, (int)i, i * 10000);
		ck_assert_int_eq(fl_pipe_send(one, data, i * 10000), 0);
		ck_assert_int_eq(fl_pipe_recv(one, got, sizeof(got), &size), 0);
		ck_assert_uint_eq(size, i * 10000);
		ck_assert_int_eq(memcmp(data, got, size), 0);
	}
	one = fl_pipe_close(one);
	ck_assert_int_eq(process_end(child), 0);
}
END_TEST

/* A forked child goes on with an end; what the parent had kept is the parent's. */
static void answer(void *unused)
{
	char text[10];
	size_t size;

	(void)unused;
	one = fl_pipe_close(one);
	EXPECT(fl_pipe_recv(other, text, sizeof(text), &size) == 0);
	EXPECT(size == 6 && memcmp(text, "second", 6) == 0);
	EXPECT(fl_pipe_send(other, "child", 5) == 0);
	EXPECT(fl_pipe_recv(other, text, sizeof(text), &size) == -EPIPE);
	other = fl_pipe_close(other);
	EXPECT(pipes_descriptors() == before);
}

START_TEST(a_forked_child_goes_on_and_leaves_what_was_kept)
{
	size_t size;
	pid_t child;

	send_files(5, 2);
	ck_assert_int_eq(fl_pipe_recv(other, NULL, 0, &size), -EMSGSIZE);
	pipes_send_text(one, "second");
	child = process_start(answer, NULL);
	pipes_expect_text(one, "child");
	one = fl_pipe_close(one);
	ck_assert_int_eq(process_end(child), 0);
	ck_assert_int_eq(fl_pipe_recv(other, (char[5]){0}, 5, &size), 0);
	ck_assert_int_eq(pipes_recv_try(other), -EPIPE);
}
END_TEST

static int receive(void *note)
{
	size_t size;

	return fl_pipe_recv_until(other, NULL, 0, &size, FL_FOREVER, note);
}

static int fill_up(void *note)
{
	static const char large[1000000];

	return fl_pipe_send_until(one, large, sizeof(large), FL_FOREVER, note);
}

/* The threads that were at it are the parent's; the child goes on without them. */
static void go_on(void *unused)
{
	char text[10];
	size_t size;

	(void)unused;
	EXPECT(fl_pipe_send_try(other, "from child", 10) == 0);
	EXPECT(fl_pipe_recv_try(one, text, sizeof(text), &size) == 0 && size == 10);
	EXPECT(fl_pipe_send_try(one, "x", 1) == -EAGAIN); /* it is as full as before */
	EXPECT(fl_pipe_recv_try(other, text, sizeof(text), &size) == -EMSGSIZE);
	pipes_tear_down();
	EXPECT(pipes_descriptors() == before + 1); /* what the parent's thread waits with */
}

static void leave(void *unused)
{
	char text[10];
	size_t size;

	(void)unused;
	EXPECT(fl_pipe_recv_try(other, text, sizeof(text), &size) == -EAGAIN);
	EXPECT(!fl_pipe_poll(other));
	pipes_tear_down();
}

START_TEST(a_child_is_not_held_up_by_threads_of_its_parent)
{
	fl_note stop = FL_NOTE_INIT;
	struct call sender, receiver;

	call_start(&sender, fill_up, &stop);
	testing_await_asleep(sender.id);
	ck_assert_int_eq(process_end(process_start(go_on, NULL)), 0);
	fl_note_cancel(&stop);
	ck_assert_int_eq(call_end(&sender), -ECANCELED);
	pipes_tear_down();
	pipes_set_up();
	fl_note_init(&stop, NULL, FL_FOREVER);
	call_start(&receiver, receive, &stop);
	testing_await_asleep(receiver.id);
	ck_assert_int_eq(process_end(process_start(leave, NULL)), 0);
	fl_note_cancel(&stop);
	ck_assert_int_eq(call_end(&receiver), -ECANCELED);
}
END_TEST

int main(int n, char **arguments)
{
	Suite *suite;
	TCase *fds, *ends;

	if (n > 1)
		return echo(atoi(arguments[1]));
	program = arguments[0];
	suite = suite_create("pipe_fds");
	fds = testing_case_between(suite, "fds", set_up, tear_down);
	ends = testing_case_between(suite, "ends", set_up, tear_down);
	tcase_add_test(fds, descriptors_go_with_their_message);
	tcase_add_test(fds, those_that_nobody_wants_are_closed);
	tcase_add_test(fds, a_message_that_is_kept_keeps_its_descriptors);
	tcase_add_test(fds, wrong_descriptors_are_refused);
	tcase_add_test(fds, without_room_for_descriptors_the_message_is_lost);
	tcase_add_test(ends, an_end_can_be_sent_and_adopted);
	tcase_add_test(ends, an_end_whose_peer_is_gone_can_be_adopted);
	tcase_add_test(ends, what_is_no_end_is_not_adopted);
	tcase_add_test(ends, an_end_can_be_inherited);
	tcase_add_test(ends, a_forked_child_goes_on_and_leaves_what_was_kept);
	tcase_add_test(ends, a_child_is_not_held_up_by_threads_of_its_parent);
	return testing_run(suite);
}
