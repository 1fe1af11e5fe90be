/*
 * test_frames_hostile.c - peers of a frame channel that do what they like: each harms nobody but itself.
 *
 * They are written with the parts of src/frame/ that speak the protocol, and then say and write what they should not.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "framing.h"
#include "processes.h"
#include "testing.h"

#include "frame/channel.h"
#include "frame/message.h"
#include "frame/page.h"
#include "frame/place.h"
#include <errno.h>
#include <fairlead/fairlead.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define SIZE ((size_t)65536)

static void set_up(void)
{
	processes_set_up();
	framing_serve(NULL);
}

static void tear_down(void)
{
	framing_tear_down();
	processes_tear_down();
}

static uint64_t published;

/* Others are served as ever. */
static void expect_service(void)
{
	ck_assert_int_eq(framing_open(0, FL_FOREVER), 0);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(framing_publish(frames, SIZE, ++published), 0);
		framing_expect_next(published);
	}
	fl_frames_done(&frame);
	reader = fl_frames_reader_close(reader);
}

/* Hostile readers. */

static int connect_to_it(void)
{
	struct fl_frames_place place;
	int fd;

	ck_assert_int_eq(fl_frames_find_(&place, "cam"), 0);
	fd = fl_frames_connect_(&place);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void await_packet(int fd)
{
	struct pollfd look = {.fd = fd, .events = POLLIN};

	ck_assert_int_eq(poll(&look, 1, 20000), 1);
}

/* Returns what the answer was, with its descriptors. */
static int32_t say_hello(int fd, uint32_t every, uint32_t held, int fds[FL_FRAMES_MAX_FDS])
{
	const struct fl_frames_message hello = {.word = FL_FRAMES_HELLO, .every = every, .held = held, .name = "evil"};
	struct fl_frames_message answer;

	ck_assert_int_eq(fl_frames_send_(fd, &hello, NULL, 0), 0);
	await_packet(fd);
	ck_assert_int_eq(fl_frames_receive_(fd, &answer, fds), 0);
	if (answer.word == FL_FRAMES_WELCOME)
		return 0;
	ck_assert_uint_eq(answer.word, FL_FRAMES_REFUSED);
	return answer.error;
}

/* Waits until the other side has hung up. */
static void expect_end(int fd)
{
	char byte;

	for (;;) {
		await_packet(fd);
		if (recv(fd, &byte, 1, 0) <= 0)
			break;
	}
	close(fd);
}

START_TEST(frames_can_be_read_and_nothing_else)
{
	int socket = connect_to_it(), fds[FL_FRAMES_MAX_FDS], again;
	char path[64], byte = 1;
	void *start;

	framing_publish(frames, SIZE, ++published);
	ck_assert_int_eq(say_hello(socket, 0, 1, fds), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	again = open(path, O_RDWR);
	for (int i = 0; i < 2; i++) {
		int fd = i == 0 ? fds[0] : again;

		if (fd < 0)
			continue;
		ck_assert_ptr_eq(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
		start = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
		ck_assert_ptr_ne(start, MAP_FAILED);
		ck_assert_int_ne(mprotect(start, 4096, PROT_READ | PROT_WRITE), 0);
		ck_assert_int_ne(madvise(start, 4096, MADV_REMOVE), 0);
		munmap(start, 4096);
		ck_assert_int_lt(pwrite(fd, &byte, 1, 0), 0);
		ck_assert_int_ne(ftruncate(fd, 0), 0);
		ck_assert_int_ne(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
		ck_assert_int_ne(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	}
	ck_assert_int_ne(ftruncate(fds[1], 0), 0);
	expect_service();
	close(again);
	fl_frames_close_fds_(fds);
	close(socket);
}
END_TEST

static const struct {
	const char *what;
	uint32_t every, held;
	int error;
} wrong_wishes[] = {
	{"too long a queue", 129, 1, -EINVAL},
	{"too many in hand", 0, 17, -EINVAL},
	{"all there are", UINT32_MAX, UINT32_MAX, -EINVAL},
	{"more than is left", 128, 16, -EUSERS},
};

START_TEST(wrong_wishes_are_refused)
{
	int fds[FL_FRAMES_MAX_FDS];

	for (size_t i = 0; i < sizeof(wrong_wishes) / sizeof(wrong_wishes[0]); i++) {
		int fd = connect_to_it();

		ck_assert_int_eq(say_hello(fd, wrong_wishes[i].every, wrong_wishes[i].held, fds),
				 wrong_wishes[i].error);
		expect_end(fd);
	}
	ck_assert_int_eq(fl_frames_readers(frames, 0, NULL), 0);
	expect_service();
}
END_TEST

static const uint32_t wrong_words[] = {
	0, FL_FRAMES_WELCOME, FL_FRAMES_BELL, FL_FRAMES_ROOM, FL_FRAMES_HELLO + 1, UINT32_MAX};

START_TEST(who_says_something_else_is_sent_away)
{
	for (size_t i = 0; i < sizeof(wrong_words) / sizeof(wrong_words[0]); i++) {
		int before = connect_to_it(), after = connect_to_it(), fds[FL_FRAMES_MAX_FDS];

		ck_assert_int_eq(fl_frames_say_(before, (enum fl_frames_word)wrong_words[i]), 0);
		expect_end(before);
		ck_assert_int_eq(say_hello(after, 0, 1, fds), 0);
		fl_frames_close_fds_(fds);
		if (wrong_words[i] == FL_FRAMES_ROOM) {
			close(after);
			continue; /* nobody asked, but it is nothing wrong to say */
		}
		ck_assert_int_eq(fl_frames_say_(after, (enum fl_frames_word)wrong_words[i]), 0);
		expect_end(after);
	}
	expect_service();
}
END_TEST

START_TEST(packets_of_other_lengths_are_no_messages)
{
	static const char noise[70000];
	static const size_t lengths[] = {0, 1, 79, 81, 4096, 70000};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		int fd = connect_to_it();

		ck_assert_int_ge(send(fd, noise, lengths[i], MSG_NOSIGNAL), 0);
		expect_end(fd);
	}
	expect_service();
}
END_TEST

START_TEST(descriptors_that_nobody_asked_for_are_closed)
{
	int passed[2], fd = connect_to_it(), fds[FL_FRAMES_MAX_FDS];
	const struct fl_frames_message room = {.word = FL_FRAMES_ROOM};
	char byte;

	ck_assert_int_eq(say_hello(fd, 1, 1, fds), 0);
	fl_frames_close_fds_(fds);
	for (int i = 0; i < 50; i++) {
		ck_assert_int_eq(pipe(passed), 0);
		ck_assert_int_eq(fl_frames_send_(fd, &room, (int[]){passed[1], passed[1]}, 2), 0);
		close(passed[1]);
		/* The pipe ends when its last writer is closed. */
		ck_assert_int_eq(read(passed[0], &byte, 1), 0);
		close(passed[0]);
	}
	close(fd);
	expect_service();
}
END_TEST

START_TEST(a_crowd_that_says_nothing_keeps_nobody_out)
{
	int crowd[200];

	for (int i = 0; i < 200; i++) {
		crowd[i] = connect_to_it();
		if (i % 20 == 0)
			expect_service();
	}
	for (int i = 0; i < 200; i++)
		close(crowd[i]);
	expect_service();
}
END_TEST

/* Whatever is in a page, and however it changes, others get whole frames, and the producer always finds a slot. */
static void scribble(void *every)
{
	int socket = connect_to_it(), fds[FL_FRAMES_MAX_FDS];
	struct fl_pins *pins;
	uint64_t random = 88172645463325252;
	uint32_t *words;

	EXPECT(say_hello(socket, every ? 3 : 0, 2, fds) == 0);
	EXPECT(fl_frames_page_map_(&pins, fds[1]) == 0);
	process_tell(&shared->ready);
	words = (uint32_t *)pins;
	for (;;) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		__atomic_store_n(&words[random % (sizeof(*pins) / 4)],
				 random & 1 << 20 ? (uint32_t)(random >> 32) : (uint32_t)(random >> 32) % 16,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&pins->armed, 1, __ATOMIC_RELAXED);
	}
}

START_TEST(a_page_full_of_lies_spoils_nothing_of_others)
{
	pid_t children[2];
	const fl_frame_info info = {.size = SIZE};
	fl_frames_stats stats;
	void *data;

	children[0] = process_start(scribble, NULL);
	children[1] = process_start(scribble, shared);
	process_await(&shared->ready, 2);
	ck_assert_int_eq(framing_open(0, FL_FOREVER), 0);
	for (uint64_t n = 1; n < 3000; n++) {
		ck_assert_int_eq(fl_frames_loan(frames, SIZE, &data), 0);
		framing_fill(data, SIZE, n);
		ck_assert_int_ge(fl_frames_publish_until(frames, &info, fl_after(FL_US(n % 100)), NULL), 0);
		ck_assert_int_eq(framing_look(&frame), 0);
		ck_assert(framing_whole(frame.data, frame.info.size, frame.sequence));
		ck_assert_uint_eq(frame.sequence, n);
	}
	fl_frames_readers(frames, 0, NULL);
	fl_frames_stats_get(frames, &stats);
	ck_assert_uint_eq(stats.published, 2999);
	process_kill(children[0]);
	process_kill(children[1]);
}
END_TEST

/* Hostile producers. */

static struct fl_frames_memory *memory;
static struct fl_pins *pins;
static int listener, guest, pins_fd;

static void set_up_alone(void)
{
	struct fl_frames_place place;

	processes_set_up();
	ck_assert_int_eq(fl_frames_find_(&place, "cam"), 0);
	listener = fl_frames_listen_(&place);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(fl_frames_memory_make_(&memory, 0, 4, SIZE, true), 0);
	pins_fd = fl_frames_page_make_(&pins);
	ck_assert_int_ge(pins_fd, 0);
}

static int open_hostile(void *unused)
{
	(void)unused;
	return framing_open(0, fl_after(FL_SECONDS(20)));
}

/* Lets the reader in with these descriptors, and returns what its opening came to. */
static int welcome_with(int first, int second, unsigned n)
{
	const struct fl_frames_message welcome = {.word = FL_FRAMES_WELCOME};
	struct call call;

	call_start(&call, open_hostile, NULL);
	await_packet(listener);
	guest = accept(listener, NULL, NULL);
	ck_assert_int_ge(guest, 0);
	ck_assert_int_eq(fl_frames_send_(guest, &welcome, (int[]){first, second}, n), 0);
	return call_end(&call);
}

static int make_memfd(size_t size, unsigned seals)
{
	int fd = memfd_create("lie", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

START_TEST(a_memory_that_is_none_is_not_mapped)
{
	ck_assert_int_eq(welcome_with(-1, -1, 0), -EPROTO);
	ck_assert_int_eq(welcome_with(pins_fd, -1, 1), -EPROTO);
	ck_assert_int_eq(welcome_with(STDIN_FILENO, pins_fd, 2), -EPROTO);
	ck_assert_int_eq(welcome_with(make_memfd(1 << 20, F_SEAL_SHRINK), pins_fd, 2), -EPROTO);
	ck_assert_int_eq(welcome_with(make_memfd(100, F_SEAL_SHRINK), pins_fd, 2), -EPROTO);
	ck_assert_int_eq(welcome_with(memory->fd, make_memfd(4096, 0), 2), -EPROTO);
	ck_assert_int_eq(welcome_with(memory->fd, make_memfd(8192, F_SEAL_SHRINK), 2), -EPROTO);
	ck_assert_int_eq(welcome_with(memory->fd, pins_fd, 2), 0);
}
END_TEST

/* A copy of the memory's head with one thing changed. */
static int lying_memory(void (*lie)(struct fl_frames_head *head))
{
	int fd = make_memfd(memory->size, F_SEAL_SHRINK | F_SEAL_GROW);
	struct fl_frames_head *head = mmap(NULL, memory->slots_at, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(head, MAP_FAILED);
	memcpy(head, memory->head, memory->slots_at);
	lie(head);
	return fd;
}

static void other_magic(struct fl_frames_head *head)
{
	head->magic++;
}

static void other_version(struct fl_frames_head *head)
{
	head->version++;
}

static void no_slots(struct fl_frames_head *head)
{
	head->n_slots = 0;
}

static void more_slots(struct fl_frames_head *head)
{
	head->n_slots++;
}

static void most_slots(struct fl_frames_head *head)
{
	head->n_slots = UINT32_MAX;
}

static void larger_slots(struct fl_frames_head *head)
{
	head->slot_size += 4096;
}

static void odd_slots(struct fl_frames_head *head)
{
	head->slot_size--;
}

static void endless_slots(struct fl_frames_head *head)
{
	head->slot_size = UINT64_MAX - 4095;
}

START_TEST(a_memory_that_contradicts_itself_is_not_believed)
{
	static void (*const lies[])(struct fl_frames_head * head) = {
		other_magic, other_version, no_slots, more_slots, most_slots, larger_slots, odd_slots, endless_slots};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		ck_assert_int_eq(welcome_with(lying_memory(lies[i]), pins_fd, 2), -EPROTO);
}
END_TEST

static void publish_lie(uint64_t latest, struct fl_frames_slot slot)
{
	if (fl_frames_slot_of(latest) < memory->n_slots)
		memory->head->slots[fl_frames_slot_of(latest)] = slot;
	fl_pins_publish_(memory->head, latest);
}

START_TEST(a_frame_that_lies_outside_is_not_handed_over)
{
	const struct fl_frames_slot good = {.sequence = 1, .info = {.size = 8}};
	struct fl_frames_slot bad[5] = {good, good, good, good, good};

	bad[0].sequence = 2;
	bad[1].info.size = SIZE + 1;
	bad[2].info.n_planes = 77;
	bad[3].info = (fl_frame_info){.format = FL_PIXELS_RGB24,
				      .width = 1 << 20,
				      .height = 1 << 20,
				      .n_planes = 1,
				      .stride = {3 << 20},
				      .size = SIZE};
	bad[4].info.size = UINT64_MAX;
	for (size_t i = 0; i < 5; i++) {
		ck_assert_int_eq(welcome_with(memory->fd, pins_fd, 2), 0);
		publish_lie(fl_frames_latest_of(1, 0), bad[i]);
		ck_assert_int_eq(framing_look(&frame), -EPROTO);
		ck_assert_int_eq(fl_frames_latest(reader, &frame), -EPROTO);
		reader = fl_frames_reader_close(reader);
		memory->head->latest = 0;
	}
	ck_assert_int_eq(welcome_with(memory->fd, pins_fd, 2), 0);
	publish_lie(fl_frames_latest_of(1, 9), good); /* there are 4 slots */
	ck_assert_int_eq(framing_look(&frame), -EPROTO);
	publish_lie(fl_frames_latest_of(1, 3), good);
	ck_assert_int_eq(fl_frames_latest(reader, &frame), 0);
}
END_TEST

START_TEST(a_memory_that_moved_nowhere_ends_it)
{
	ck_assert_int_eq(welcome_with(memory->fd, pins_fd, 2), 0);
	fl_frames_memory_set_state_(memory, FL_FRAMES_MOVED);
	ck_assert_int_eq(framing_look(&frame), -EPROTO);
}
END_TEST

START_TEST(endless_talk_ends_it)
{
	ck_assert_int_eq(welcome_with(memory->fd, pins_fd, 2), 0);
	while (fl_frames_say_(guest, FL_FRAMES_BELL) == 0)
		;
	ck_assert_int_ge(fl_frames_fd(reader), 0);
	ck_assert_int_eq(framing_look(&frame), -ETIMEDOUT);
	ck_assert_int_eq(fl_frames_say_(guest, FL_FRAMES_HELLO), 0);
	ck_assert_int_eq(framing_look(&frame), -EPROTO);
}
END_TEST

START_TEST(who_does_not_answer_is_not_waited_for_long)
{
	ck_assert_int_eq(framing_open(0, 0), -ETIMEDOUT);
}
END_TEST

START_TEST(who_hangs_up_without_a_word_is_not_the_last)
{
	struct call call;

	call_start(&call, open_hostile, NULL);
	await_packet(listener);
	guest = accept(listener, NULL, NULL);
	close(guest);
	close(listener);
	framing_serve(NULL);
	ck_assert_int_eq(call_end(&call), 0);
	reader = fl_frames_reader_close(reader);
	expect_service();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frames_hostile");
	TCase *readers = testing_case_between(suite, "readers", set_up, tear_down),
	      *producers = testing_case_between(suite, "producers", set_up_alone, tear_down);

	tcase_add_test(readers, frames_can_be_read_and_nothing_else);
	tcase_add_test(readers, wrong_wishes_are_refused);
	tcase_add_test(readers, who_says_something_else_is_sent_away);
	tcase_add_test(readers, packets_of_other_lengths_are_no_messages);
	tcase_add_test(readers, descriptors_that_nobody_asked_for_are_closed);
	tcase_add_test(readers, a_crowd_that_says_nothing_keeps_nobody_out);
	tcase_add_test(readers, a_page_full_of_lies_spoils_nothing_of_others);
	tcase_add_test(producers, a_memory_that_is_none_is_not_mapped);
	tcase_add_test(producers, a_memory_that_contradicts_itself_is_not_believed);
	tcase_add_test(producers, a_frame_that_lies_outside_is_not_handed_over);
	tcase_add_test(producers, a_memory_that_moved_nowhere_ends_it);
	tcase_add_test(producers, endless_talk_ends_it);
	tcase_add_test(producers, who_does_not_answer_is_not_waited_for_long);
	tcase_add_test(producers, who_hangs_up_without_a_word_is_not_the_last);
	return testing_run(suite);
}
