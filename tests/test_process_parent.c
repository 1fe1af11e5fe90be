/*
 * test_process_parent.c - children whose parent ends, in every way and at any moment.
 *
 * The test starts a parent, which starts a child and says its number through a pipe. When a parent is gone its children
 * become the test's, since that is a subreaper: so the test sees how a child ended. That one lives is known by its
 * answering.
 */
#define _GNU_SOURCE
#include "testing.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* What a parent does after it has started its child. */
enum plan { PAUSE, RETURN, CALL_EXEC, END_THREAD, CLOSE_HANDLE, FORK };

/* The argument of a parent and of its child. */
struct task {
	enum plan plan;
	bool die;
	uint32_t way;
	int keep[3]; /* to read from; to write to; the parent goes on when nothing more can come from the third */
};

static fl_process *parent;
static int to_child, from_child;
static pid_t child;

static int be_child(void *arg, size_t size)
{
	const struct task *task = arg;
	pid_t self = getpid();
	char byte;

	EXPECT(size == sizeof(*task) && write(task->keep[1], &self, sizeof(self)) == sizeof(self));
	while (read(task->keep[0], &byte, 1) == 1)
		EXPECT(write(task->keep[1], &byte, 1) == 1);
	return 0;
}

/* Returns its handle, as threads do. */
static void *start_child(void *task_)
{
	const struct task *task = task_;
	const fl_process_options options = {
		.keep = task->keep, .n_keep = 2, .die_with_parent = task->die, .way = task->way};
	fl_process *process;

	EXPECT(fl_process_start(&process, &options, be_child, task, sizeof(*task)) == 0);
	return process;
}

static void wait_for_test(const struct task *task)
{
	char byte;

	EXPECT(read(task->keep[2], &byte, 1) == 0);
}

static void carry_out(const struct task *task, fl_process *process)
{
	pid_t forked;

	if (task->plan == CALL_EXEC)
		execl("/bin/sleep", "sleep", "1000", NULL);
	if (task->plan == CLOSE_HANDLE)
		fl_process_close(process);
	forked = task->plan == FORK ? fork() : 0;
	EXPECT(forked >= 0);
	if (task->plan == FORK && forked > 0)
		EXPECT(write(task->keep[1], &forked, sizeof(forked)) == sizeof(forked));
	if (task->plan == END_THREAD || task->plan == CLOSE_HANDLE)
		EXPECT(write(task->keep[1], "!", 1) == 1);
}

static int be_parent(void *arg, size_t size)
{
	struct task *task = arg;
	fl_thread *thread;
	void *process = NULL;

	EXPECT(size == sizeof(*task));
	if (task->plan == END_THREAD) {
		EXPECT(fl_thread_start(&thread, NULL, start_child, task) == 0);
		EXPECT(fl_thread_join(thread, &process) == 0);
	} else {
		process = start_child(task);
	}
	wait_for_test(task);
	if (task->plan == RETURN) {
		fl_process_close(process);
		return 0;
	}
	carry_out(task, process);
	for (;;)
		pause();
}

static void read_child(void *ret_data, ssize_t size)
{
	ck_assert_int_eq(read(from_child, ret_data, (size_t)size), size);
}

static void start_parent(enum plan plan, bool die, uint32_t way)
{
	struct task task = {.plan = plan, .die = die, .way = way};
	int to[2], from[2], go[2];

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0 && pipe2(go, O_CLOEXEC) == 0);
	task.keep[0] = to[0];
	task.keep[1] = from[1];
	task.keep[2] = go[0];
	to_child = to[1];
	from_child = from[0];
	ck_assert_int_eq(fl_process_start(&parent, &(fl_process_options){.keep = task.keep, .n_keep = 3}, be_parent,
					  &task, sizeof(task)),
			 0);
	close(to[0]);
	close(from[1]);
	close(go[0]);
	read_child(&child, sizeof(child));
	close(go[1]);
}

/* The child answers, so it lives. */
static void expect_life(void)
{
	char byte = 'a';

	ck_assert_int_eq(write(to_child, "b", 1), 1);
	read_child(&byte, 1);
	ck_assert_int_eq(byte, 'b');
}

static void kill_parent(void)
{
	ck_assert_int_eq(fl_process_kill(parent), 0);
	ck_assert_int_eq(fl_process_join(parent, NULL), 0);
	fl_process_close(parent);
}

/* It is, or will be, the test's child. Its pipe stays open, so it has no other reason to end. */
static void expect_death(void)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		ck_assert_int_eq(errno, ECHILD); /* not yet: its parent is about to end */
		sched_yield();
	}
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* A parent that has a thread of the sanitizer's can only be forked anyway. */
static const uint32_t ways[] = {FL_PROCESS_EXEC, FL_PROCESS_FORK_ANYWAY};
#define N_WAYS 2

enum { N_KILLS = 60, N_CHILDREN = 10 };

START_TEST(a_child_dies_when_its_parent_is_killed)
{
	start_parent(PAUSE, true, ways[_i]);
	expect_life();
	kill_parent();
	expect_death();
}
END_TEST

START_TEST(also_while_it_is_stopped)
{
	start_parent(PAUSE, true, ways[_i]);
	ck_assert_int_eq(kill(child, SIGSTOP), 0);
	kill_parent();
	expect_death();
}
END_TEST

START_TEST(or_its_parent_just_ends)
{
	start_parent(RETURN, true, ways[_i]);
	expect_death();
	ck_assert_int_eq(fl_process_join(parent, NULL), 0);
	fl_process_close(parent);
}
END_TEST

/* As /proc has it: 'Z' for a zombie. */
static char state_of(pid_t pid)
{
	char path[64], state = '?';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
	fclose(file);
	return state;
}

/* That program does not wait for the child, which stays a zombie. */
START_TEST(or_runs_another_program)
{
	start_parent(CALL_EXEC, true, ways[_i]);
	while (state_of(child) != 'Z')
		sched_yield();
	ck_assert(fl_process_alive(parent));
	kill_parent();
	expect_death();
}
END_TEST

START_TEST(or_has_a_forked_child_that_lives_on)
{
	pid_t forked;

	start_parent(FORK, true, ways[_i]);
	read_child(&forked, sizeof(forked));
	kill_parent();
	expect_death();
	ck_assert_int_eq(kill(forked, SIGKILL), 0);
	ck_assert_int_eq(waitpid(forked, NULL, 0), forked);
}
END_TEST

START_TEST(the_end_of_the_thread_that_started_it_does_not_matter)
{
	char byte;

	start_parent(END_THREAD, true, ways[_i]);
	read_child(&byte, 1);
	ck_assert_int_eq(byte, '!');
	expect_life();
	kill_parent();
	expect_death();
}
END_TEST

START_TEST(nor_does_the_closing_of_its_handle)
{
	char byte;

	start_parent(CLOSE_HANDLE, true, ways[_i]);
	read_child(&byte, 1);
	expect_life();
	kill_parent();
	expect_death();
}
END_TEST

START_TEST(unless_asked_a_child_lives_on)
{
	int status;

	start_parent(PAUSE, false, ways[_i]);
	kill_parent();
	expect_life();
	close(to_child);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* At any moment: parents that do nothing but start children. */

static int sleep_for_ever(void *arg, size_t size)
{
	EXPECT(!arg && size == 0);
	for (;;)
		pause();
}

static int start_many(void *arg, size_t size)
{
	const struct task *task = arg;
	const fl_process_options options = {.die_with_parent = true, .way = task->way};

	EXPECT(size == sizeof(*task));
	for (int i = 0; i < N_CHILDREN; i++)
		EXPECT(fl_process_start(NULL, &options, sleep_for_ever, NULL, 0) == 0);
	EXPECT(write(task->keep[1], "!", 1) == 1);
	for (;;)
		pause();
}

/* Returns what can be read from when it has started them all. */
static int start_parent_of_many(uint32_t way)
{
	struct task task = {.way = way};
	const fl_process_options options = {.keep = &task.keep[1], .n_keep = 1};

	ck_assert_int_eq(pipe2(task.keep, O_CLOEXEC), 0);
	ck_assert_int_eq(fl_process_start(&parent, &options, start_many, &task, sizeof(task)), 0);
	close(task.keep[1]);
	return task.keep[0];
}

/* Kills the parent and waits for its children: for ever, if there is one that does not die. Returns how many. */
static int kill_many(int fd)
{
	int n = 0;

	kill_parent();
	while (waitpid(-1, NULL, 0) > 0)
		n++;
	ck_assert_int_eq(errno, ECHILD);
	close(fd);
	return n;
}

/* How long it takes to start them all. */
static fl_time measure_starts(uint32_t way)
{
	fl_time begin = fl_now(), time;
	int fd = start_parent_of_many(way);
	char byte;

	ck_assert_int_eq(read(fd, &byte, 1), 1);
	time = fl_now() - begin;
	ck_assert_int_eq(kill_many(fd), N_CHILDREN);
	return time;
}

/* A different time each time. */
static void sleep_a_while(fl_time most)
{
	static uint64_t random = 88172645463325252;
	fl_note note = FL_NOTE_INIT;

	random ^= random << 13;
	random ^= random >> 7;
	random ^= random << 17;
	ck_assert_int_eq(fl_note_wait_until(&note, fl_after((fl_time)(random >> 20) % most)), -ETIMEDOUT);
}

START_TEST(whenever_the_parent_is_killed_no_child_stays)
{
	fl_time time;
	int n = 0;

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	time = measure_starts(ways[_i]);
	for (int i = 0; i < N_KILLS; i++) {
		int fd = start_parent_of_many(ways[_i]);

		sleep_a_while(time);
		n += kill_many(fd);
	}
	printf("# %d of %d children had been started\n", n, N_KILLS * N_CHILDREN);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *dies, *lives, *any;

	fl_process_begin();
	suite = suite_create("process_parent");
	dies = testing_case(suite, "dies");
	lives = testing_case(suite, "lives on");
	any = testing_case(suite, "at any moment");
	tcase_add_loop_test(dies, a_child_dies_when_its_parent_is_killed, 0, N_WAYS);
	tcase_add_loop_test(dies, also_while_it_is_stopped, 0, N_WAYS);
	tcase_add_loop_test(dies, or_its_parent_just_ends, 0, N_WAYS);
	tcase_add_loop_test(dies, or_runs_another_program, 0, N_WAYS);
	tcase_add_loop_test(dies, or_has_a_forked_child_that_lives_on, 0, N_WAYS);
	tcase_add_loop_test(lives, the_end_of_the_thread_that_started_it_does_not_matter, 0, N_WAYS);
	tcase_add_loop_test(lives, nor_does_the_closing_of_its_handle, 0, N_WAYS);
	tcase_add_loop_test(lives, unless_asked_a_child_lives_on, 0, N_WAYS);
	tcase_add_loop_test(any, whenever_the_parent_is_killed_no_child_stays, 0, N_WAYS);
	return testing_run(suite);
}
