/*
 * test_process_ends.c - how processes end, and what is told of it: joins, signals, statuses that others have taken.
 *
 * A child that is to be there sleeps until it is killed, or reads from a pipe until its parent closes that.
 */
#define _GNU_SOURCE
#include "testing.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

static fl_process *process;
static fl_process_status status;
static int pipes[2];

/* Ends when the pipe's other end is closed: by its parent, which alone has it. */
static int wait_for_end(void *arg, size_t size)
{
	char byte;

	EXPECT(size == sizeof(int));
	EXPECT(read(*(int *)arg, &byte, 1) == 0);
	return 7;
}

static void start_waiting(const char *name)
{
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(fl_process_start(&process, &(fl_process_options){.name = name, .keep = pipes, .n_keep = 1},
					  wait_for_end, pipes, sizeof(int)),
			 0);
	close(pipes[0]);
}

static void end_it(void)
{
	ck_assert_int_eq(close(pipes[1]), 0);
}

static void expect_description(const char *expected)
{
	char text[300], whole[300];

	fl_process_describe(process, text, sizeof(text));
	snprintf(whole, sizeof(whole), "process %d '%s' %s", fl_process_pid(process), fl_process_name(process),
		 expected);
	ck_assert_str_eq(text, whole);
}

/* There is no child any more, not even a zombie. */
static void expect_no_children(void)
{
	siginfo_t info;

	ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT), -1);
	ck_assert_int_eq(errno, ECHILD);
}

/* Until it has ended, without asking the library. */
static void await_end(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	ck_assert_int_eq(poll(&poll_fd, 1, -1), 1);
}

/* Joining. */

START_TEST(a_join_has_a_deadline_and_a_note)
{
	fl_note note = FL_NOTE_INIT;

	start_waiting("waits");
	ck_assert_int_eq(fl_process_join_try(process, &status), -EAGAIN);
	ck_assert_int_eq(fl_process_join_until(process, 0, NULL, &status), -ETIMEDOUT);
	ck_assert_int_eq(fl_process_join_until(process, fl_after(FL_MS(5)), NULL, &status), -ETIMEDOUT);
	fl_note_cancel(&note);
	ck_assert_int_eq(fl_process_join_until(process, FL_FOREVER, &note, &status), -ECANCELED);
	ck_assert_uint_eq(status.end, 0);
	ck_assert(fl_process_alive(process));
	expect_description("runs");
	end_it();
	await_end(fl_process_fd(process));
	ck_assert_int_eq(fl_process_join_until(process, 0, &note, &status), 0);
	ck_assert_int_eq(status.result, 7);
	ck_assert(!fl_process_alive(process));
	expect_description("exited with 7");
	ck_assert_int_eq(fl_process_join_try(process, NULL), 0);
	expect_no_children();
	fl_process_close(process);
}
END_TEST

static void *cancel(void *note)
{
	fl_note_cancel(note);
	return NULL;
}

START_TEST(a_note_ends_a_join_that_waits)
{
	fl_note note = FL_NOTE_INIT;
	fl_thread *thread;

	start_waiting(NULL);
	ck_assert_int_eq(fl_thread_start(&thread, NULL, cancel, &note), 0);
	ck_assert_int_eq(fl_process_join_until(process, FL_FOREVER, &note, NULL), -ECANCELED);
	ck_assert_int_eq(fl_thread_join(thread, NULL), 0);
	end_it();
	ck_assert_int_eq(fl_process_join(process, NULL), 0);
	fl_process_close(process);
}
END_TEST

static void join_one(unsigned index, void *arg)
{
	fl_process_status its;

	if (index == 0)
		end_it();
	ck_assert_int_eq(fl_process_join(arg, &its), 0);
	ck_assert_int_eq(its.result, 7);
}

START_TEST(several_threads_join_one)
{
	start_waiting(NULL);
	testing_together(5, join_one, process);
	fl_process_close(process);
}
END_TEST

/* Signals. */

START_TEST(kill_kills)
{
	start_waiting("victim");
	ck_assert_int_eq(fl_process_kill(process), 0);
	ck_assert_int_eq(fl_process_join(process, &status), 0);
	ck_assert_int_eq(status.end, FL_PROCESS_KILLED);
	ck_assert_int_eq(status.signal, SIGKILL);
	ck_assert_int_eq(status.exitcode, -SIGKILL);
	ck_assert_int_eq(status.result, -ECHILD);
	ck_assert(!status.core);
	expect_description("was killed by SIGKILL");
	ck_assert_int_eq(fl_process_kill(process), -ESRCH);
	fl_process_close(process);
	end_it();
}
END_TEST

static void exit_with_3(int signal)
{
	(void)signal;
	_exit(3);
}

static int handle_term(void *arg, size_t size)
{
	EXPECT(size == sizeof(int));
	signal(SIGTERM, exit_with_3);
	EXPECT(write(*(int *)arg, "x", 1) == 1);
	for (;;)
		pause();
}

START_TEST(terminate_can_be_handled)
{
	char byte;

	start_waiting(NULL);
	ck_assert_int_eq(fl_process_terminate(process), 0);
	ck_assert_int_eq(fl_process_join(process, &status), 0);
	ck_assert_int_eq(status.exitcode, -SIGTERM);
	fl_process_close(process);
	end_it();
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(fl_process_start(&process, &(fl_process_options){.keep = &pipes[1], .n_keep = 1}, handle_term,
					  &pipes[1], sizeof(int)),
			 0);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	ck_assert_int_eq(fl_process_terminate(process), 0);
	ck_assert_int_eq(fl_process_join(process, &status), 0);
	ck_assert_int_eq(status.end, FL_PROCESS_EXITED);
	ck_assert_int_eq(status.exitcode, 3);
	fl_process_close(process);
}
END_TEST

START_TEST(a_stopped_process_has_not_ended)
{
	siginfo_t info;

	start_waiting(NULL);
	ck_assert_int_eq(fl_process_signal(process, SIGSTOP), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)fl_process_pid(process), &info, WSTOPPED), 0);
	ck_assert_int_eq(fl_process_join_try(process, NULL), -EAGAIN);
	ck_assert_int_eq(fl_process_signal(process, 0), 0);
	ck_assert_int_eq(fl_process_signal(process, 1000), -EINVAL);
	end_it();
	ck_assert_int_eq(fl_process_signal(process, SIGCONT), 0);
	ck_assert_int_eq(fl_process_join(process, &status), 0);
	ck_assert_int_eq(status.result, 7);
	fl_process_close(process);
}
END_TEST

/* No core file is left behind. */
static int crash(void *arg, size_t size)
{
	EXPECT(size == sizeof(int) && setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) == 0);
	signal(*(int *)arg, SIG_DFL); /* a sanitizer's handler would exit */
	raise(*(int *)arg);
	return 0;
}

START_TEST(a_crash_is_told)
{
	const int signals[] = {SIGSEGV, SIGABRT, SIGRTMIN};
	char names[][32] = {"SIGSEGV", "SIGABRT", ""}, expected[128];

	snprintf(names[2], sizeof(names[2]), "signal %d", SIGRTMIN);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(fl_process_start(&process, NULL, crash, &signals[i], sizeof(int)), 0);
		ck_assert_int_eq(fl_process_join(process, &status), 0);
		ck_assert_int_eq(status.end, FL_PROCESS_KILLED);
		ck_assert_int_eq(status.signal, signals[i]);
		snprintf(expected, sizeof(expected), "was killed by %s", names[i]);
		expect_description(expected);
		process = fl_process_close(process);
	}
}
END_TEST

static int return_negative(void *arg, size_t size)
{
	(void)arg;
	return -(int)size;
}

START_TEST(an_error_is_described)
{
	ck_assert_int_eq(fl_process_start(&process, NULL, return_negative, "abc", 3), 0);
	ck_assert_int_eq(fl_process_join(process, NULL), 0);
	expect_description("returned -3");
	fl_process_close(process);
}
END_TEST

/* What others have taken. */

START_TEST(a_status_that_another_wait_took_is_lost)
{
	start_waiting("taken");
	end_it();
	ck_assert_int_eq(wait(NULL), fl_process_pid(process));
	ck_assert_int_eq(fl_process_join(process, &status), -ECHILD);
	ck_assert_int_eq(fl_process_join_try(process, &status), -ECHILD);
	ck_assert_uint_eq(status.end, 0);
	ck_assert(!fl_process_alive(process));
	ck_assert_int_eq(fl_process_kill(process), -ESRCH);
	expect_description("has ended; how, another wait was told, or nobody, as SIGCHLD is ignored");
	fl_process_close(process);
}
END_TEST

START_TEST(so_is_one_when_sigchld_is_ignored)
{
	signal(SIGCHLD, SIG_IGN);
	start_waiting(NULL);
	ck_assert_int_eq(fl_process_join_try(process, &status), -EAGAIN);
	end_it();
	ck_assert_int_eq(fl_process_join(process, &status), -ECHILD);
	fl_process_close(process);
}
END_TEST

/* Handles. */

START_TEST(a_process_outlives_its_handle)
{
	fl_process *next;
	int pid, fd;

	start_waiting(NULL);
	pid = fl_process_pid(process);
	fd = dup(fl_process_fd(process));
	ck_assert_ptr_null(fl_process_close(process));
	ck_assert_int_eq(kill(pid, 0), 0);
	end_it();
	await_end(fd);
	close(fd);
	ck_assert_int_eq(fl_process_start(&next, NULL, return_negative, NULL, 0), 0);
	ck_assert_int_eq(kill(pid, 0), -1); /* not even a zombie */
	ck_assert_int_eq(fl_process_join(next, NULL), 0);
	fl_process_close(next);
	expect_no_children();
}
END_TEST

START_TEST(nobody_needs_to_have_one)
{
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(fl_process_start(NULL, &(fl_process_options){.keep = pipes, .n_keep = 1}, wait_for_end, pipes,
					  sizeof(int)),
			 0);
	end_it();
	while (waitid(P_ALL, 0, &(siginfo_t){0}, WEXITED | WNOWAIT) < 0)
		ck_assert_int_eq(errno, EINTR);
	ck_assert_ptr_null(fl_process_close(NULL));
	expect_no_children();
	close(pipes[0]);
}
END_TEST

START_TEST(asking_leaves_no_zombie)
{
	start_waiting(NULL);
	end_it();
	await_end(fl_process_fd(process));
	ck_assert(!fl_process_alive(process));
	expect_no_children();
	fl_process_close(process);
}
END_TEST

static void use_as_stranger(void)
{
	EXPECT(fl_process_join(process, NULL) == -EPERM);
	EXPECT(fl_process_join_try(process, NULL) == -EPERM);
	EXPECT(fl_process_kill(process) == -EPERM);
	EXPECT(fl_process_alive(process));
	EXPECT(fl_process_close(process) == NULL);
	_exit(0);
}

START_TEST(a_forked_child_has_no_part_in_it)
{
	pid_t child;
	int code;

	start_waiting(NULL);
	child = fork();
	if (child == 0)
		use_as_stranger();
	ck_assert_int_eq(waitpid(child, &code, 0), child);
	ck_assert_int_eq(code, 0);
	end_it();
	ck_assert_int_eq(fl_process_join(process, &status), 0);
	ck_assert_int_eq(status.result, 7);
	fl_process_close(process);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *joins, *signals, *taken, *handles;

	fl_process_begin();
	suite = suite_create("process_ends");
	joins = testing_case(suite, "joins");
	signals = testing_case(suite, "signals");
	taken = testing_case(suite, "taken");
	handles = testing_case(suite, "handles");
	tcase_add_test(joins, a_join_has_a_deadline_and_a_note);
	tcase_add_test(joins, a_note_ends_a_join_that_waits);
	tcase_add_test(joins, several_threads_join_one);
	tcase_add_test(signals, kill_kills);
	tcase_add_test(signals, terminate_can_be_handled);
	tcase_add_test(signals, a_stopped_process_has_not_ended);
	tcase_add_test(signals, a_crash_is_told);
	tcase_add_test(signals, an_error_is_described);
	tcase_add_test(taken, a_status_that_another_wait_took_is_lost);
	tcase_add_test(taken, so_is_one_when_sigchld_is_ignored);
	tcase_add_test(handles, a_process_outlives_its_handle);
	tcase_add_test(handles, nobody_needs_to_have_one);
	tcase_add_test(handles, asking_leaves_no_zombie);
	tcase_add_test(handles, a_forked_child_has_no_part_in_it);
	return testing_run(suite);
}
