/*
 * test_shared_threads.c - processes with several threads that wait for what other processes have: killed all at once,
 * and running another program.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "processes.h"
#include "testing.h"
#include "waiting_shared.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <fcntl.h>

enum { PROCESSES = 4, THREADS = 6, ROUNDS = 60 };

static fl_segment *segment;
static fl_lock *lock;

static void set_up(void)
{
	processes_set_up();
	ck_assert_int_eq(fl_segment_open(&segment, NULL, NULL), 0);
	ck_assert_int_eq(fl_segment_lock(segment, "lock", &lock), 1);
	ck_assert(fl_lock_acquire_try(lock));
	fl_lock_release(lock);
}

static void tear_down(void)
{
	segment = fl_segment_close(segment);
	processes_tear_down();
}

static int acquire(void *unused)
{
	(void)unused;
	return fl_lock_acquire(lock);
}

/* In a child: its first thread, which is the first to use the segment, has the lock, or waits as all the others do. */
static void hold_or_wait(void *holds)
{
	struct call calls[THREADS];

	if (*(bool *)holds)
		EXPECT(fl_lock_acquire(lock) == 0);
	process_tell(&shared->ready);
	for (int i = 0; i < THREADS; i++)
		call_start(&calls[i], acquire, NULL);
	if (!*(bool *)holds)
		acquire(NULL);
	for (;;)
		pause();
}

/* The kernel wakes one who sleeps on a death. It may be one who is being killed himself, and whose own process's death
 * woke another one of those. */
START_TEST(one_who_lives_is_told)
{
	pid_t children[PROCESSES];
	struct call call;

	for (unsigned i = 0; i < PROCESSES; i++) {
		bool holds = i == 0;

		children[i] = process_start(hold_or_wait, &holds);
		process_await(&shared->ready, i + 1);
	}
	shared_waiting_await(lock, PROCESSES * THREADS + PROCESSES - 1);
	call_start(&call, acquire, NULL);
	testing_await_asleep(call.id);
	for (unsigned i = 0; i < PROCESSES; i++)
		kill(children[i], SIGKILL);
	ck_assert_int_eq(call_end(&call), -EOWNERDEAD);
	for (unsigned i = 0; i < PROCESSES; i++)
		ck_assert_int_eq(process_end(children[i]), SIGKILL);
}
END_TEST

/* In a child: another thread than the first one has the lock, and runs another program. */
static int hold_and_exec(void *unused)
{
	(void)unused;
	if (fl_lock_acquire(lock) == 0)
		execlp("sleep", "sleep", "1000", (char *)NULL);
	return -1;
}

static void exec_in_thread(void *unused)
{
	struct call call;

	(void)unused;
	call_start(&call, hold_and_exec, NULL);
	call_end(&call);
}

static void inherit(void *unused)
{
	(void)unused;
	EXPECT(fl_lock_acquire(lock) == -EOWNERDEAD);
	EXPECT(fl_lock_mend(lock) == 0);
	fl_lock_release(lock);
}

START_TEST(who_runs_another_program_is_dead_to_the_next_process)
{
	int ends[2];
	pid_t child;
	char byte;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	child = process_start(exec_in_thread, NULL);
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], &byte, 1), 0);
	close(ends[0]);
	process_await_asleep(child); /* by now it has left the segment */
	ck_assert_int_eq(process_end(process_start(inherit, NULL)), 0);
	ck_assert_int_eq(fl_lock_acquire(lock), 0);
	fl_lock_release(lock);
	process_kill(child);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shared_threads");
	TCase *threads = testing_case_between(suite, "threads", set_up, tear_down);

	tcase_add_loop_test(threads, one_who_lives_is_told, 0, ROUNDS);
	tcase_add_test(threads, who_runs_another_program_is_dead_to_the_next_process);
	return testing_run(suite);
}
