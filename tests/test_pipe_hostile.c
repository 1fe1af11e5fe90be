/*
 * test_pipe_hostile.c - a peer that writes what it likes to the socket: it gets an error, and nothing else.
 *
 * `raw` is the peer's end as a bare socket, `other` the end that must put up with it. After each attack a good message
 * is received as ever, and no descriptor is left. What is never right is tried by hand; what else there may be, at
 * random.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "pipes.h"
#include "testing.h"

#include "shm/pipe.h"
#include <fairlead/fairlead.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

static int raw;
static unsigned before;
static char buffer[300000];

static void set_up(void)
{
	before = pipes_descriptors();
	pipes_set_up();
	raw = fl_pipe_fd(one);
}

static void tear_down(void)
{
	pipes_tear_down();
	ck_assert_uint_eq(pipes_descriptors(), before);
}

/* Sends a packet: a head, `size` bytes of nothing, and n_fds descriptors; returns what sendmsg has. */
static ssize_t say(const void *head, size_t head_size, size_t size, unsigned n_fds)
{
	static char nothing[150000];
	static union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(253 * sizeof(int))];
	} control;
	struct iovec parts[2] = {{(void *)(uintptr_t)head, head_size}, {nothing, size}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	if (n_fds > 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		for (unsigned i = 0; i < n_fds; i++)
			memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &raw, sizeof(int));
	}
	return sendmsg(raw, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void say_head(struct fl_pipe_head head, size_t size, unsigned n_fds)
{
	ck_assert_int_gt(say(&head, sizeof(head), size, n_fds), 0);
}

static int receive(void)
{
	size_t size;

	return fl_pipe_recv_until(other, buffer, sizeof(buffer), &size, fl_after(FL_SECONDS(20)), NULL);
}

static void expect_service(void)
{
	pipes_send_text(one, "as ever");
	pipes_expect_text(other, "as ever");
	ck_assert_uint_eq(pipes_descriptors(), before + 2);
}

/* What is never right. */

#define HEAD(...) \
	{ \
		.word = FL_PIPE_WORD, .message = 1, __VA_ARGS__ \
	}

static const struct {
	const char *what;
	struct fl_pipe_head head;
	size_t length;
	unsigned n_fds;
} wrong[] = {
	{"another word", {.word = FL_PIPE_WORD + 1, .size = 5}, 5, 0},
	{"less than it says", HEAD(.size = 5), 4, 0},
	{"more than it says", HEAD(.size = 5), 6, 0},
	{"nothing where there should be something", HEAD(.size = 5), 0, 0},
	{"something where there should be nothing", HEAD(.size = 0), 5, 0},
	{"a first packet that is not full", HEAD(.size = 100000), 5, 0},
	{"a packet that is too full", HEAD(.size = 100000), 65537, 0},
	{"a packet that is much too full", HEAD(.size = 150000), 150000, 0},
	{"too large a message", HEAD(.size = (uint64_t)FL_PIPE_MESSAGE + 1), FL_PIPE_PIECE, 0},
	{"the largest size there is", HEAD(.size = UINT64_MAX), FL_PIPE_PIECE, 0},
	{"the rest of no message", HEAD(.size = 65541, .offset = 65536), 5, 0},
	{"beyond the end", HEAD(.size = 5, .offset = 65536), 5, 0},
	{"at its end", HEAD(.size = 65536, .offset = 65536), 0, 0},
	{"far beyond the end", HEAD(.size = 5, .offset = UINT64_MAX - 65535), 5, 0},
	{"in the middle of a packet", HEAD(.size = 100, .offset = 50), 50, 0},
	{"descriptors that are missing", HEAD(.size = 5, .n_fds = 3), 5, 0},
	{"fewer descriptors than it says", HEAD(.size = 5, .n_fds = 3), 5, 2},
	{"more descriptors than it says", HEAD(.size = 5, .n_fds = 1), 5, 2},
	{"descriptors that it does not speak of", HEAD(.size = 5), 5, 1},
	{"too many descriptors", HEAD(.size = 5, .n_fds = 17), 5, 17},
	{"many too many", HEAD(.size = 5, .n_fds = 16), 5, 100},
	{"as many as a packet can have", HEAD(.size = 5, .n_fds = 253), 5, 253},
	{"no number of descriptors", HEAD(.size = 5, .n_fds = UINT32_MAX), 5, 1},
	{"descriptors with the rest", HEAD(.size = 65541, .offset = 65536, .n_fds = 1), 5, 1},
};

START_TEST(what_is_no_message_is_told_and_dropped)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		say_head(wrong[i].head, wrong[i].length, wrong[i].n_fds);
		ck_assert_msg(receive() == -EPROTO, "%s", wrong[i].what);
		expect_service();
	}
}
END_TEST

/* The same after a good beginning, which is dropped with it; its descriptors, too. */
START_TEST(nor_is_it_in_the_middle_of_a_message)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		say_head((struct fl_pipe_head)HEAD(.size = 200000, .n_fds = 2), FL_PIPE_PIECE, 2);
		say_head(wrong[i].head, wrong[i].length, wrong[i].n_fds);
		ck_assert_msg(receive() == -EPROTO, "%s", wrong[i].what);
		expect_service();
	}
}
END_TEST

static const struct {
	const char *what;
	struct fl_pipe_head head;
} wrong_rests[] = {
	{"of another message", {.word = FL_PIPE_WORD, .message = 2, .size = 200000, .offset = 65536}},
	{"of another size", {.word = FL_PIPE_WORD, .message = 1, .size = 200001, .offset = 65536}},
	{"that comes later", {.word = FL_PIPE_WORD, .message = 1, .size = 200000, .offset = 131072}},
};

START_TEST(a_rest_must_be_that_of_the_message)
{
	for (size_t i = 0; i < sizeof(wrong_rests) / sizeof(wrong_rests[0]); i++) {
		say_head((struct fl_pipe_head)HEAD(.size = 200000), FL_PIPE_PIECE, 0);
		say_head(wrong_rests[i].head, FL_PIPE_PIECE, 0);
		ck_assert_msg(receive() == -EPROTO, "%s", wrong_rests[i].what);
		expect_service();
	}
}
END_TEST

START_TEST(packets_without_a_whole_head_are_none)
{
	static const struct fl_pipe_head head = HEAD(.size = 0);

	for (size_t i = 1; i < sizeof(head); i++) {
		ck_assert_int_eq(say(&head, i, 0, i % 3), i);
		ck_assert_int_eq(receive(), -EPROTO);
	}
	/* An empty one looks like the end, which the peer may claim. */
	ck_assert_int_eq(say(NULL, 0, 0, 0), 0);
	ck_assert_int_eq(receive(), -EPIPE);
	ck_assert_int_eq(say(NULL, 0, 0, 1), 0);
	ck_assert_int_eq(receive(), -EPROTO);
	expect_service();
}
END_TEST

/* Whoever has had the socket before may have asked for what nobody expects: credentials, descriptors of processes. */
START_TEST(what_else_comes_with_packets_is_passed_over)
{
	static const int options[] = {SO_PASSCRED, SO_PASSPIDFD};
	int on = 1;

	for (int i = 0; i < 2; i++)
		setsockopt(fl_pipe_fd(other), SOL_SOCKET, options[i], &on, sizeof(on));
	expect_service();
	say_head((struct fl_pipe_head)HEAD(.size = 5, .n_fds = FL_PIPE_FDS), 5, FL_PIPE_FDS);
	ck_assert_int_eq(receive(), 0);
	expect_service();
	say_head((struct fl_pipe_head)HEAD(.size = 5, .n_fds = FL_PIPE_FDS), 5, 253);
	ck_assert_int_eq(receive(), -EPROTO);
	expect_service();
}
END_TEST

START_TEST(who_adopts_a_socket_asks_for_no_more_than_messages)
{
	int on = 1, fd = dup(fl_pipe_fd(other));
	socklen_t size = sizeof(on);
	fl_pipe *again;

	setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	ck_assert_int_eq(fl_pipe_adopt(&again, fd), 0);
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, &size), 0);
	ck_assert_int_eq(on, 0);
	fl_pipe_close(again);
}
END_TEST

/* Time. */

static bool over;

static int flood(void *kind)
{
	struct fl_pipe_head head = HEAD(.size = 200000);

	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		if (!kind)
			head.message++;
		if (say(&head, sizeof(head), FL_PIPE_PIECE, 1) < 0)
			sched_yield();
		head.n_fds = 1;
	}
	return 0;
}

/* Beginnings without end, as fast as they are received, hold nobody beyond its deadline. */
START_TEST(beginnings_without_end_have_an_end)
{
	for (int i = 0; i < 2; i++) {
		fl_note stop = FL_NOTE_INIT;
		struct call call;
		size_t size;

		over = false;
		call_start(&call, flood, i == 0 ? NULL : &over);
		for (int j = 0; j < 10; j++) {
			int error = fl_pipe_recv_until(other, buffer, sizeof(buffer), &size, fl_after(FL_MS(20)), NULL);

			ck_assert(error == -ETIMEDOUT || error == -EPROTO);
		}
		fl_note_cancel(&stop);
		ck_assert(fl_pipe_recv_until(other, buffer, sizeof(buffer), &size, FL_FOREVER, &stop) != 0);
		__atomic_store_n(&over, true, __ATOMIC_RELAXED);
		call_end(&call);
		while (fl_pipe_recv_try(other, buffer, sizeof(buffer), &size) != -EAGAIN)
			;
	}
	pipes_tear_down();
	pipes_set_up();
	raw = fl_pipe_fd(one);
	expect_service();
}
END_TEST

static long resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long all, resident;

	ck_assert_int_eq(fscanf(file, "%ld %ld", &all, &resident), 2);
	fclose(file);
	return resident * sysconf(_SC_PAGESIZE);
}

/* Messages that say that they are large, and are never finished, cost their receiver one packet. */
START_TEST(a_size_is_only_a_number)
{
	struct fl_pipe_head head = HEAD(.size = FL_PIPE_MESSAGE);
	size_t size = 0;
	long at_first = 0;

	for (int i = 0; i < 1000; i++) {
		head.message++;
		say_head(head, FL_PIPE_PIECE, 0);
		ck_assert_int_eq(fl_pipe_recv_try(other, buffer, sizeof(buffer), &size), -EMSGSIZE);
		ck_assert_uint_eq(size, FL_PIPE_MESSAGE);
		if (i == 10)
			at_first = resident_bytes();
	}
	ck_assert_int_lt(resident_bytes() - at_first, 4000000);
	ck_assert_int_eq(fl_pipe_skip(other), 0);
	expect_service();
}
END_TEST

/* A note is waited with by a descriptor; without room for one the wait fails, and what there is of a message stays. */
START_TEST(a_wait_that_fails_loses_nothing)
{
	struct rlimit limit, none;
	fl_note note = FL_NOTE_INIT;
	size_t size = 0;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 3;
	say_head((struct fl_pipe_head)HEAD(.size = 65541), FL_PIPE_PIECE, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(fl_pipe_recv_until(other, buffer, sizeof(buffer), &size, FL_FOREVER, &note), -EMFILE);
	ck_assert_int_eq(fl_pipe_recv_try(other, buffer, sizeof(buffer), &size), -EAGAIN);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	say_head((struct fl_pipe_head)HEAD(.size = 65541, .offset = 65536), 5, 0);
	ck_assert_int_eq(receive(), 0);
	expect_service();
}
END_TEST

/* The peer does not read, and does not answer. */
START_TEST(who_does_not_read_keeps_nobody_beyond_the_deadline)
{
	int error;

	do
		error = fl_pipe_send_until(other, buffer, sizeof(buffer), fl_after(FL_MS(20)), NULL);
	while (error == 0);
	ck_assert_int_eq(error, -ETIMEDOUT);
	ck_assert_int_eq(fl_pipe_send_try(other, "x", 1), -EAGAIN);
	shutdown(raw, SHUT_RD);
	ck_assert_int_eq(fl_pipe_send(other, "x", 1), -EPIPE);
	shutdown(raw, SHUT_WR);
	ck_assert_int_eq(receive(), -EPIPE);
}
END_TEST

/* Anything. */

static uint64_t random_state = 88172645463325252;

static uint64_t random_below(uint64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 11) % n;
}

static uint64_t some(uint64_t usual, uint64_t step)
{
	static const uint64_t edges[] = {0, 1, 65535, 65536, 65537, 131072, FL_PIPE_MESSAGE, UINT32_MAX, UINT64_MAX};

	switch (random_below(8)) {
	case 0:
		return edges[random_below(sizeof(edges) / sizeof(edges[0]))];
	case 1:
		return random_below(step + 1);
	default:
		return usual;
	}
}

/* Sends one packet that is nearly right, the next one of a row or another. */
static void say_something(struct fl_pipe_head *head)
{
	struct fl_pipe_head said;
	uint64_t left;

	if (head->offset >= head->size || random_below(8) == 0)
		*head = (struct fl_pipe_head)HEAD(.size = random_below(3) * 65536 + random_below(100),
						  .n_fds = (uint32_t)random_below(4));
	said = *head;
	said.word = (uint32_t)some(said.word, 10);
	said.n_fds = (uint32_t)some(said.n_fds, 20);
	said.size = some(said.size, 200000);
	said.offset = some(said.offset, 200000);
	said.message = some(said.message, 3);
	left = said.size - said.offset;
	left = some(left < FL_PIPE_PIECE ? left : FL_PIPE_PIECE, 70000);
	say(&said, random_below(20) == 0 ? random_below(sizeof(said)) : sizeof(said), left < 150000 ? left : 150000,
	    (unsigned)(said.n_fds <= 253 ? said.n_fds : 253));
	head->offset += FL_PIPE_PIECE;
	head->n_fds = 0;
}

START_TEST(whatever_is_sent_is_a_message_or_an_error)
{
	struct fl_pipe_head head = {0};
	uint64_t n[2] = {0};

	for (int i = 0; i < 20000; i++) {
		int fds[FL_PIPE_FDS], error;
		size_t size = SIZE_MAX, n_fds = SIZE_MAX,
		       room = random_below(2) ? sizeof(buffer) : random_below(200000);

		say_something(&head);
		error = fl_pipe_recv_fds_until(other, buffer, room, &size, fds, &n_fds, 0, NULL);
		ck_assert(error == 0 || error == -ETIMEDOUT || error == -EMSGSIZE || error == -EPROTO ||
			  error == -EPIPE);
		if (error == 0)
			fl_pipe_close_fds_(n_fds, fds);
		ck_assert(error != 0 || (size <= room && n_fds <= FL_PIPE_FDS));
		ck_assert(error != -EMSGSIZE || (size > room && size <= FL_PIPE_MESSAGE));
		if (error == -EMSGSIZE && random_below(2) == 0)
			ck_assert_int_eq(fl_pipe_skip(other), 0);
		n[error == 0]++;
	}
	ck_assert_uint_gt(n[0], 1000);
	ck_assert_uint_gt(n[1], 1000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pipe_hostile");
	TCase *packets = testing_case_between(suite, "packets", set_up, tear_down);
	TCase *others = testing_case_between(suite, "others", set_up, tear_down);

	tcase_add_test(packets, what_is_no_message_is_told_and_dropped);
	tcase_add_test(packets, nor_is_it_in_the_middle_of_a_message);
	tcase_add_test(packets, a_rest_must_be_that_of_the_message);
	tcase_add_test(packets, packets_without_a_whole_head_are_none);
	tcase_add_test(packets, what_else_comes_with_packets_is_passed_over);
	tcase_add_test(packets, who_adopts_a_socket_asks_for_no_more_than_messages);
	tcase_add_test(packets, whatever_is_sent_is_a_message_or_an_error);
	tcase_add_test(others, beginnings_without_end_have_an_end);
	tcase_add_test(others, a_size_is_only_a_number);
	tcase_add_test(others, a_wait_that_fails_loses_nothing);
	tcase_add_test(others, who_does_not_read_keeps_nobody_beyond_the_deadline);
	return testing_run(suite);
}
