/*
 * test_segment_fork.c - forks while other threads open and close segments: no child keeps its parent's place, or the
 * lock that the parent had. When the parent has been killed, all of its segments are those of the dead. And nobody is
 * kept from forking.
 */
#define _GNU_SOURCE
#include "processes.h"
#include "segments.h"
#include "testing.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <pthread.h>

#define ROUNDS 40
#define FORKS 12
#define CANCELS 300

static fl_segment *segment;
static int end[2]; /* of the test: who reads from it lives until then */

static void set_up(void)
{
	processes_set_up();
	segments_set_up();
	ck_assert_int_eq(pipe(end), 0);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

static void tear_down(void)
{
	close(end[0]), close(end[1]);
	processes_tear_down();
}

/* A child that does nothing with what it has inherited, and lives longer than its parent. */
static void fork_one_that_stays(void)
{
	pid_t child = fork();
	char byte;

	EXPECT(child >= 0);
	if (child > 0)
		return;
	close(end[1]);
	process_tell(&shared->ready);
	_exit(read(end[0], &byte, 1) == 0 ? 0 : 1);
}

static int see_no_living(const fl_segment_info *info, void *unused)
{
	(void)unused;
	ck_assert_int_eq(info->error, 0);
	ck_assert_uint_eq(info->alive, 0);
	return 0;
}

/* With the children still there: nobody is attached, and nobody has the lock. Then they end. */
static void expect_nobody(void)
{
	ck_assert_int_eq(fl_segment_list(segments_directory(), see_no_living, NULL), 0);
	ck_assert_int_ge(fl_segment_clean(segments_directory(), NULL, NULL), 0);
	ck_assert_int_eq(segments_open(&segment, "shop", 0), 0);
	segment = fl_segment_close(segment);
	close(end[1]), end[1] = -1;
	while (wait(NULL) > 0)
		;
	ck_assert_int_eq(errno, ECHILD);
}

/* One that has the segment's lock. */

static int stay_inside(void *object, void *unused)
{
	(void)object, (void)unused;
	process_tell(&shared->ready);
	process_await(&shared->go_on, 1);
	return 0;
}

static void hold_the_lock(void *unused)
{
	static const fl_segment_type type = FL_SEGMENT_TYPE(uint64_t, 1);
	void *object;

	(void)unused;
	EXPECT(segments_open(&segment, "shop", 0) == 0);
	EXPECT(fl_segment_object(segment, "n", &type, stay_inside, NULL, &object) == 1);
	for (;;)
		pause();
}

/* In a thread of the parent, which waits for that lock in the middle of a call. */

static pid_t sleeper;

static void *open_it(void *unused)
{
	__atomic_store_n(&sleeper, gettid(), __ATOMIC_RELEASE);
	EXPECT(segments_open(&segment, "shop", 0) == 0);
	process_tell(&shared->ready);
	return unused;
}

static void *close_it(void *unused)
{
	__atomic_store_n(&sleeper, gettid(), __ATOMIC_RELEASE);
	fl_segment_close(segment);
	return unused;
}

static void fork_while_asleep_in(void *(*call)(void *unused))
{
	pthread_t thread;

	EXPECT(pthread_create(&thread, NULL, call, NULL) == 0);
	while (__atomic_load_n(&sleeper, __ATOMIC_ACQUIRE) == 0)
		sched_yield();
	testing_await_asleep(sleeper);
	fork_one_that_stays();
	for (;;)
		pause();
}

static void fork_while_opening(void *unused)
{
	(void)unused;
	close(end[1]);
	fork_while_asleep_in(open_it);
}

START_TEST(a_child_of_the_middle_of_opening_keeps_no_place)
{
	pid_t holder = process_start(hold_the_lock, NULL), parent;

	process_await(&shared->ready, 1);
	parent = process_start(fork_while_opening, NULL);
	process_await(&shared->ready, 2);
	process_tell(&shared->go_on);
	process_await(&shared->ready, 3);
	process_kill(parent);
	process_kill(holder);
	expect_nobody();
}
END_TEST

static void fork_while_closing(void *unused)
{
	(void)unused;
	close(end[1]);
	EXPECT(segments_open(&segment, "shop", 0) == 0);
	process_tell(&shared->ready);
	process_await(&shared->ready, 2);
	fork_while_asleep_in(close_it);
}

START_TEST(a_child_of_the_middle_of_closing_keeps_no_place)
{
	pid_t parent = process_start(fork_while_closing, NULL), holder;

	process_await(&shared->ready, 1);
	holder = process_start(hold_the_lock, NULL);
	process_await(&shared->ready, 3);
	process_kill(parent);
	process_kill(holder);
	expect_nobody();
}
END_TEST

/* At any moment. */

/* Opens and closes, each time with some changes in between. */
static void *open_and_close(void *unused)
{
	for (unsigned round = 0;; round++) {
		fl_segment *mine;
		uint64_t *n;

		EXPECT(segments_open(&mine, "shop", FL_SEGMENT_STALE) == 0);
		for (unsigned i = 0; i < round % 64; i++) {
			EXPECT(segments_number(mine, "n", &n) >= 0);
			EXPECT(fl_segment_delete(mine, "n") == 0);
		}
		fl_segment_close(mine);
	}
	return unused;
}

static void fork_while_others_open_and_close(void *unused)
{
	pthread_t thread;

	(void)unused;
	close(end[1]);
	EXPECT(pthread_create(&thread, NULL, open_and_close, NULL) == 0);
	for (int i = 0; i < FORKS; i++)
		fork_one_that_stays();
	kill(getpid(), SIGKILL);
}

START_TEST(no_child_keeps_anything_of_its_parent)
{
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		pid_t parent = process_start(fork_while_others_open_and_close, NULL);

		ck_assert_int_eq(process_end(parent), SIGKILL);
		process_await(&shared->ready, round * FORKS);
		expect_nobody();
		close(end[0]);
		ck_assert_int_eq(pipe(end), 0);
	}
}
END_TEST

/* A thread that is cancelled loses what it has in hand. */
static void *open_and_close_another(void *unused)
{
	const fl_segment_options small = {.size = 4096, .max_size = 65536};

	for (;;) {
		fl_segment *mine;

		EXPECT(fl_segment_open(&mine, NULL, &small) == 0);
		fl_segment_close(mine);
	}
	return unused;
}

static void fork_after_cancelling(void *unused)
{
	uint32_t random = 1;

	(void)unused;
	for (int i = 0; i < CANCELS; i++) {
		pthread_t thread;
		pid_t child;

		EXPECT(pthread_create(&thread, NULL, open_and_close_another, NULL) == 0);
		random = random * 1664525u + 1013904223u;
		for (volatile uint32_t n = random >> 15; n > 0; n--)
			;
		EXPECT(pthread_cancel(thread) == 0 && pthread_join(thread, NULL) == 0);
		child = fork();
		EXPECT(child >= 0);
		if (child == 0)
			_exit(0);
		EXPECT(waitpid(child, NULL, 0) == child);
	}
}

START_TEST(a_cancelled_thread_keeps_nobody_from_forking)
{
	ck_assert_int_eq(process_end(process_start(fork_after_cancelling, NULL)), 0);
}
END_TEST

static Suite *fork_suite(void)
{
	Suite *suite = suite_create("segment_fork");
	TCase *moments = testing_case_between(suite, "moments", set_up, tear_down);

	tcase_add_test(moments, a_child_of_the_middle_of_opening_keeps_no_place);
	tcase_add_test(moments, a_child_of_the_middle_of_closing_keeps_no_place);
	tcase_add_test(moments, no_child_keeps_anything_of_its_parent);
	tcase_add_test(moments, a_cancelled_thread_keeps_nobody_from_forking);
	return suite;
}

int main(void)
{
	return testing_run(fork_suite());
}
