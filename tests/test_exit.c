/*
 * test_exit.c - what exit() waits for: threads that are not daemons, and that can end.
 *
 * Each test is a child process whose threads say what they do on standard error, a line each; what it said, and its
 * status, is compared. A child that waits for ever is found by the time-out.
 */
#define _GNU_SOURCE
#include "reports.h"
#include "testing.h"

#include <errno.h>
#include <fairlead/event.h>
#include <fairlead/thread.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static fl_event never, ready;
static fl_thread *quitter;
static pid_t quitter_id;

static void say(const char *line)
{
	ssize_t n = (ssize_t)strlen(line);

	if (write(STDERR_FILENO, line, (size_t)n) != n)
		_exit(99);
}

/* exit(7), in a child that has inherited what its parent had not yet written. */
static void quit(void)
{
	if (dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO) < 0)
		_exit(98);
	exit(7);
}

/* Starts a thread. Its handle is good as long as it runs, as all do whose handle is used. */
static fl_thread *start(void *(*function)(void *arg), bool daemon)
{
	const fl_thread_options options = {.daemon = daemon};
	fl_thread *thread;

	if (fl_thread_start(&thread, &options, function, NULL) != 0)
		_exit(97);
	fl_thread_unref(thread);
	return thread;
}

/* Ends only after the thread that exits has begun to wait. */
static void *worker(void *arg)
{
	fl_event_wait(&ready);
	testing_await_asleep(quitter_id);
	say("worker\n");
	return arg;
}

static void main_quits(void)
{
	quitter_id = gettid();
	fl_event_set(&ready);
	quit();
}

static void threads_are_waited_for(void *arg)
{
	(void)arg;
	start(worker, false);
	start(worker, false);
	main_quits();
}

static void *daemon_worker(void *arg)
{
	fl_event_wait(&never);
	say("daemon\n");
	return arg;
}

static void daemons_are_abandoned(void *arg)
{
	(void)arg;
	start(daemon_worker, true);
	start(worker, false);
	main_quits();
}

/* A thread of which nobody knows when the waiting begins. */
static void *starter(void *arg)
{
	worker(arg);
	start(worker, false);
	return arg;
}

static void threads_started_meanwhile_are_waited_for(void *arg)
{
	(void)arg;
	start(starter, false);
	main_quits();
}

static void *quit_in_thread(void *arg)
{
	(void)arg;
	fl_event_wait(&ready);
	say("quitter\n");
	quit();
	return NULL;
}

/* Main joins the thread that exits, which must not wait for itself. */
static void a_thread_that_exits_does_not_wait_for_itself(void *arg)
{
	(void)arg;
	quitter = start(quit_in_thread, false);
	fl_event_set(&ready);
	fl_thread_join(quitter, NULL);
	say("joined\n");
}

static void *join_quitter(void *arg)
{
	fl_thread_join(quitter, NULL);
	say("joined\n");
	return arg;
}

static fl_thread *middle;

static void *join_middle(void *arg)
{
	fl_thread_join(middle, NULL);
	say("joined\n");
	return arg;
}

/* Both wait before the exit: one for the thread that exits, one for the first. */
static void who_waits_for_the_exiting_thread_is_not_waited_for(void *arg)
{
	(void)arg;
	quitter = start(quit_in_thread, false);
	middle = start(join_quitter, false);
	testing_await_asleep(fl_thread_id(start(join_middle, false)));
	testing_await_asleep(fl_thread_id(middle));
	fl_event_set(&ready);
	fl_event_wait(&never);
}

static void *join_late(void *arg)
{
	fl_event_wait(&ready);
	testing_await_asleep(fl_thread_id(quitter));
	say("late\n");
	return join_quitter(arg);
}

/* It begins to wait when the exit already waits for it. */
static void who_begins_to_wait_is_not_waited_for_any_more(void *arg)
{
	(void)arg;
	quitter = start(quit_in_thread, false);
	start(join_late, false);
	fl_event_set(&ready);
	fl_event_wait(&never);
}

static void *join_a_moment(void *arg)
{
	fl_event_wait(&ready);
	testing_await_asleep(fl_thread_id(quitter));
	if (fl_thread_join_until(quitter, fl_after(FL_MS(1)), NULL, NULL) == -ETIMEDOUT)
		say("gave up\n");
	return arg;
}

static void who_waits_with_a_deadline_is_waited_for(void *arg)
{
	(void)arg;
	quitter = start(quit_in_thread, false);
	start(join_a_moment, false);
	fl_event_set(&ready);
	fl_event_wait(&never);
}

static void say_early(void)
{
	say("registered before\n");
}

static void say_late(void)
{
	say("registered after\n");
}

static void handlers_registered_before_run_after_the_threads(void *arg)
{
	(void)arg;
	atexit(say_early);
	start(worker, false);
	atexit(say_late);
	main_quits();
}

static void *outlive_main(void *main_thread)
{
	void *value = &never;

	if (fl_thread_join(main_thread, &value) == 0 && value == &ready)
		say("main is over\n");
	return NULL;
}

/* The last thread to end exits, with 0. */
static void main_may_end_before_the_others(void *arg)
{
	fl_thread *thread;

	(void)arg;
	if (dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO) < 0)
		_exit(98);
	if (fl_thread_start(&thread, NULL, outlive_main, fl_thread_ref(fl_thread_self())) != 0)
		_exit(97);
	fl_thread_exit(&ready);
}

/* In a forked child nobody is left to be waited for; nor in one made by the bare system call, which has not said
 * so. */
static void fork_and_quit(bool bare)
{
	int status;
	pid_t child;

	start(daemon_worker, false);
	child = bare ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
	if (child == 0)
		quit();
	if (waitpid(child, &status, 0) != child)
		_exit(96);
	say("child has ended\n");
	_exit(WEXITSTATUS(status));
}

static void a_forked_child_waits_for_nobody(void *arg)
{
	(void)arg;
	fork_and_quit(false);
}

static void a_bare_child_waits_for_nobody(void *arg)
{
	(void)arg;
	fork_and_quit(true);
}

static void *fork_in_thread(void *arg)
{
	a_forked_child_waits_for_nobody(arg);
	return NULL;
}

static void a_child_forked_by_a_thread_waits_for_nobody(void *arg)
{
	start(fork_in_thread, false);
	daemon_worker(arg);
}

static const struct {
	const char *name;
	void (*body)(void *arg);
	const char *says;
	int status;
} exits[] = {
#define EXIT(body, says, status) \
	{ \
#body, body, says, status \
	}
	EXIT(threads_are_waited_for, "worker\nworker\n", 7),
	EXIT(daemons_are_abandoned, "worker\n", 7),
	EXIT(threads_started_meanwhile_are_waited_for, "worker\nworker\n", 7),
	EXIT(a_thread_that_exits_does_not_wait_for_itself, "quitter\n", 7),
	EXIT(who_waits_for_the_exiting_thread_is_not_waited_for, "quitter\n", 7),
	EXIT(who_begins_to_wait_is_not_waited_for_any_more, "quitter\nlate\n", 7),
	EXIT(who_waits_with_a_deadline_is_waited_for, "quitter\ngave up\n", 7),
	EXIT(handlers_registered_before_run_after_the_threads, "registered after\nworker\nregistered before\n", 7),
	EXIT(a_forked_child_waits_for_nobody, "child has ended\n", 7),
	/* What TSan does not survive, where the main thread has ended or was never: the last 3. */
	EXIT(main_may_end_before_the_others, "main is over\n", 0),
	EXIT(a_bare_child_waits_for_nobody, "child has ended\n", 7),
	EXIT(a_child_forked_by_a_thread_waits_for_nobody, "child has ended\n", 7),
};
#if defined(__SANITIZE_THREAD__)
#define N_LEFT_OUT 3
#else
#define N_LEFT_OUT 0
#endif
#define N_EXITS ((int)(sizeof(exits) / sizeof(exits[0])) - N_LEFT_OUT)

#if defined(__SANITIZE_ADDRESS__)
/* LeakSanitizer asks this at exit. It writes of threads that it cannot stop, those of a forked child's parent, to
 * standard error, which is compared here; and the threads of these tests are left as they are on purpose. */
int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
	return 1;
}
#endif

START_TEST(exit_waits_for_the_right_threads)
{
	char said[1000];
	int status = reports_of_child(exits[_i].body, NULL, said, sizeof(said), NULL);

	ck_assert_msg(strcmp(said, exits[_i].says) == 0, "%s: said '%s', not '%s'", exits[_i].name, said,
		      exits[_i].says);
	ck_assert_msg(status == W_EXITCODE(exits[_i].status, 0), "%s: status %#x", exits[_i].name, (unsigned)status);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("exit");

	tcase_add_loop_test(testing_case(suite, "exit"), exit_waits_for_the_right_threads, 0, N_EXITS);
	return testing_run(suite);
}
