/*
 * test_process.c - starting processes: what they run, what they have, what they print.
 *
 * The test program is also the program that its children run, so its main() calls fl_process_begin. Check's assertions
 * belong to the test; a child has EXPECT, whose failure is its exit code, or tells what it saw through a pipe.
 */
#define _GNU_SOURCE
#include "starting.h"
#include "testing.h"

#include <dirent.h>
#include <errno.h>
#include <fairlead/fairlead.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* What is run. */

static int be_told(void *arg, size_t size)
{
	EXPECT(size == 6 && memcmp(arg, "hello", 6) == 0);
	return 0;
}

START_TEST(a_function_is_run_with_its_argument)
{
	run(NULL, be_told, "hello", 6);
}
END_TEST

static int check_nothing(void *arg, size_t size)
{
	EXPECT(!arg && size == 0);
	return 0;
}

START_TEST(and_with_none)
{
	run(NULL, check_nothing, NULL, 0);
}
END_TEST

#define LARGE ((3 << 20) + 5)

static int check_large(void *arg, size_t size)
{
	unsigned char *bytes = arg;

	EXPECT(size == LARGE && (uintptr_t)arg % 4096 == 0);
	for (size_t i = 0; i < size; i++) {
		EXPECT(bytes[i] == i % 251);
		bytes[i] = 1;
	}
	return 0;
}

START_TEST(an_argument_may_be_large_and_is_a_copy)
{
	unsigned char *bytes = malloc(LARGE);

	for (size_t i = 0; i < LARGE; i++)
		bytes[i] = i % 251;
	run(NULL, check_large, bytes, LARGE);
	for (size_t i = 0; i < LARGE; i++)
		ck_assert_uint_eq(bytes[i], i % 251);
	free(bytes);
}
END_TEST

static const int results[][2] = {{0, 0}, {7, 7}, {255, 255}, {256, 1}, {-1, 1}, {-ENOENT, 1}, {INT_MIN, 1}};
#define N_RESULTS ((int)(sizeof(results) / sizeof(results[0])))

static int give_back(void *arg, size_t size)
{
	EXPECT(size == sizeof(int));
	return *(int *)arg;
}

START_TEST(what_it_returns_is_told)
{
	start(NULL, give_back, &results[_i][0], sizeof(int));
	join();
	ck_assert_int_eq(status.end, FL_PROCESS_EXITED);
	ck_assert_int_eq(status.result, results[_i][0]);
	ck_assert_int_eq(status.exitcode, results[_i][1]);
	ck_assert_int_eq(status.signal, 0);
}
END_TEST

static int call_exit(void *arg, size_t size)
{
	EXPECT(size == sizeof(int));
	exit(*(int *)arg);
}

START_TEST(it_may_call_exit)
{
	int code = 9;

	start(NULL, call_exit, &code, sizeof(code));
	join();
	ck_assert_int_eq(status.end, FL_PROCESS_EXITED);
	ck_assert_int_eq(status.exitcode, 9);
	ck_assert_int_eq(status.result, 9);
}
END_TEST

static int nested(void *arg, size_t size)
{
	fl_process *child;
	fl_process_status its;
	int depth;

	EXPECT(size == sizeof(depth));
	depth = *(int *)arg - 1;
	if (depth < 0)
		return 0;
	fl_process_begin(); /* does nothing */
	EXPECT(fl_process_start(&child, NULL, nested, &depth, sizeof(depth)) == 0);
	EXPECT(fl_process_join(child, &its) == 0);
	fl_process_close(child);
	return its.result + 1;
}

START_TEST(it_may_start_processes_in_turn)
{
	int depth = 3;

	start(NULL, nested, &depth, sizeof(depth));
	join();
	ck_assert_int_eq(status.result, 3);
}
END_TEST

/* From a parent with threads that are anywhere, in malloc above all. */

static bool stop;

static void *hammer(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		free(malloc((size_t)rand() % 10000 + 1));
	return arg;
}

static int use_malloc(void *arg, size_t size)
{
	(void)arg;
	for (size_t i = 0; i < 1000; i++)
		free(malloc(i * size + 1));
	return 0;
}

static void start_ten(unsigned index, void *arg)
{
	fl_process *own;
	fl_process_status its;

	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(fl_process_start(&own, NULL, use_malloc, &index, sizeof(index)), 0);
		ck_assert_int_eq(fl_process_join(own, &its), 0);
		ck_assert_int_eq(its.result, 0);
		fl_process_close(own);
	}
	(void)arg;
}

START_TEST(threads_of_the_parent_do_not_matter)
{
	fl_thread *threads[2];

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(fl_thread_start(&threads[i], NULL, hammer, NULL), 0);
	testing_together(4, start_ten, NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(fl_thread_join(threads[i], NULL), 0);
}
END_TEST

/* What it has. */

/* Reads a file of /proc/PID, with a zero for each newline. */
static void read_of(int pid, const char *file, char text[200])
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = read(fd, text, 199);
	ck_assert_int_ge(got, 0);
	text[got] = '\0';
	text[strcspn(text, "\n")] = '\0';
	close(fd);
}

/* Says that it is there, and waits until its parent has looked: two descriptors are its argument. */
static int wait_to_be_seen(void *arg, size_t size)
{
	const int *pipes = arg;
	char byte = 'x';

	EXPECT(size == 2 * sizeof(int));
	EXPECT(write(pipes[1], &byte, 1) == 1);
	EXPECT(read(pipes[0], &byte, 1) == 0);
	return 0;
}

static void start_to_be_seen(const char *name, int to[2], int from[2])
{
	int of_child[2];
	char byte;

	ck_assert_int_eq(pipe2(to, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(from, O_CLOEXEC), 0);
	of_child[0] = to[0];
	of_child[1] = from[1];
	start(&(fl_process_options){.name = name, .keep = of_child, .n_keep = 2}, wait_to_be_seen, of_child,
	      sizeof(of_child));
	ck_assert_int_eq(read(from[0], &byte, 1), 1);
}

static void see_no_more(int to[2], int from[2])
{
	for (int i = 0; i < 2; i++) {
		close(to[i]);
		close(from[i]);
	}
	join();
	ck_assert_int_eq(status.result, 0);
}

START_TEST(its_name_is_shown)
{
	int to[2], from[2];
	char text[200], expected[200];

	start_to_be_seen("a worker of the pool", to, from);
	read_of(fl_process_pid(process), "comm", text);
	ck_assert_str_eq(text, "a worker of the");
	read_of(fl_process_pid(process), "cmdline", text);
	snprintf(expected, sizeof(expected), "%s: a worker of the pool", program_invocation_short_name);
	ck_assert_str_eq(text, expected);
	ck_assert_str_eq(fl_process_name(process), "a worker of the pool");
	see_no_more(to, from);
}
END_TEST

START_TEST(without_one_it_is_numbered)
{
	fl_process *second;

	start(NULL, be_told, "hello", 6);
	ck_assert_int_eq(fl_process_start(&second, NULL, be_told, "hello", 6), 0);
	ck_assert_str_eq(fl_process_name(process), "process-1");
	ck_assert_str_eq(fl_process_name(second), "process-2");
	join();
	ck_assert_int_eq(fl_process_join(second, NULL), 0);
	fl_process_close(second);
}
END_TEST

/* How many descriptors there are, the one for looking not counted. */
static int count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(directory))
		n++;
	closedir(directory);
	return n - 3;
}

/* Its argument: which to find; the second is to be closed on exec, the first not. */
static int look_at_descriptors(void *arg, size_t size)
{
	const int *kept = arg;

	EXPECT(size == 2 * sizeof(int));
	EXPECT(count_descriptors() == 5);
	EXPECT(fcntl(kept[0], F_GETFD) == 0 && fcntl(kept[1], F_GETFD) == FD_CLOEXEC);
	return 0;
}

START_TEST(it_has_the_descriptors_that_it_is_given_and_no_others)
{
	int kept[2] = {open("/dev/null", O_RDONLY), open("/dev/null", O_RDONLY | O_CLOEXEC)};
	int not_kept = open("/dev/null", O_RDONLY), before = count_descriptors();

	run(&(fl_process_options){.keep = kept, .n_keep = 2}, look_at_descriptors, kept, sizeof(kept));
	ck_assert_int_eq(count_descriptors(), before);
	close(not_kept);
	ck_assert_int_eq(fl_process_start(&process, &(fl_process_options){.keep = &not_kept, .n_keep = 1},
					  look_at_descriptors, kept, sizeof(kept)),
			 -EBADF);
	ck_assert_int_eq(count_descriptors(), before - 1);
}
END_TEST

static void handle(int signal)
{
	(void)signal;
}

static int look_around(void *arg, size_t size)
{
	const pid_t *parent = arg;
	const char *value = getenv("TEST_PROCESS");
	struct sigaction action;
	sigset_t mask;

	EXPECT(size == sizeof(*parent) && getppid() == *parent);
	EXPECT(value && strcmp(value, "as it is") == 0);
	EXPECT(!getenv("FAIRLEAD_PROCESS"));
	sigprocmask(SIG_SETMASK, NULL, &mask);
	EXPECT(sigismember(&mask, SIGUSR1) && !sigismember(&mask, SIGUSR2) && !sigismember(&mask, SIGTERM));
	EXPECT(sigaction(SIGUSR2, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
	EXPECT(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
	return 0;
}

START_TEST(the_rest_is_as_it_was)
{
	pid_t parent = getpid();
	sigset_t mask, after;

	setenv("TEST_PROCESS", "as it is", 1);
	signal(SIGUSR2, handle);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	errno = 77;
	run(NULL, look_around, &parent, sizeof(parent));
	ck_assert_int_eq(errno, 77);
	sigprocmask(SIG_SETMASK, NULL, &after);
	ck_assert(sigismember(&after, SIGUSR1) && !sigismember(&after, SIGTERM));
	ck_assert(signal(SIGUSR2, SIG_DFL) == handle);
}
END_TEST

/* A child that has its parent's memory until it runs the program must not run its handlers. Signals come for both. */

static pid_t handling_process;
static int n_handled, n_strange;

static void note_who(int signal)
{
	(void)signal;
	__atomic_add_fetch(getpid() == handling_process ? &n_handled : &n_strange, 1, __ATOMIC_RELAXED);
}

static void *signal_all(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		kill(0, SIGUSR2);
	return arg;
}

START_TEST(no_handler_of_the_parent_runs_in_a_child)
{
	fl_thread *thread;

	setpgid(0, 0);
	handling_process = getpid();
	signal(SIGUSR2, note_who);
	ck_assert_int_eq(fl_thread_start(&thread, NULL, signal_all, NULL), 0);
	for (int i = 0; i < 50; i++) {
		start(NULL, be_told, "hello", 6);
		join(); /* killed by the signal, or not */
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	ck_assert_int_eq(fl_thread_join(thread, NULL), 0);
	ck_assert_int_gt(__atomic_load_n(&n_handled, __ATOMIC_RELAXED), 0);
	ck_assert_int_eq(__atomic_load_n(&n_strange, __ATOMIC_RELAXED), 0);
}
END_TEST

/* What is printed. */

static int print_some(void *arg, size_t size)
{
	EXPECT(size == sizeof(int));
	fputs("child", stdout);
	fprintf(stdout, "%d ", *(int *)arg);
	return *(int *)arg;
}

/* Standard output becomes a file, and so is written in large pieces. */
static FILE *begin_output(int *ret_saved)
{
	FILE *file = tmpfile();

	fflush(stdout);
	*ret_saved = dup(STDOUT_FILENO);
	dup2(fileno(file), STDOUT_FILENO);
	setvbuf(stdout, NULL, _IOFBF, 4096);
	return file;
}

static void end_output(FILE *file, int saved, char text[200])
{
	ssize_t got;

	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	got = pread(fileno(file), text, 199, 0);
	fclose(file);
	ck_assert_int_ge(got, 0);
	text[got] = '\0';
}

static const uint32_t ways[] = {FL_PROCESS_EXEC,
#ifndef __SANITIZE_THREAD__ /* which has a thread of its own */
				FL_PROCESS_FORK,
#endif
				FL_PROCESS_FORK_ANYWAY};
#define N_WAYS ((int)(sizeof(ways) / sizeof(ways[0])))

START_TEST(what_is_printed_stays_in_order)
{
	int saved, values[] = {0, -EIO, 3};
	FILE *file = begin_output(&saved);
	char text[200];

	for (int i = 0; i < 3; i++) {
		printf("before%d ", i);
		start(&(fl_process_options){.way = ways[_i]}, print_some, &values[i], sizeof(int));
		join();
		ck_assert_int_eq(status.result, values[i]);
		printf("after%d ", i);
	}
	end_output(file, saved, text);
	ck_assert_str_eq(text, "before0 child0 after0 before1 child-5 after1 before2 child3 after2 ");
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *what, *has, *prints;

	fl_process_begin();
	suite = suite_create("process");
	what = testing_case(suite, "what is run");
	has = testing_case(suite, "what it has");
	prints = testing_case(suite, "prints");
	tcase_add_test(what, a_function_is_run_with_its_argument);
	tcase_add_test(what, and_with_none);
	tcase_add_test(what, an_argument_may_be_large_and_is_a_copy);
	tcase_add_loop_test(what, what_it_returns_is_told, 0, N_RESULTS);
	tcase_add_test(what, it_may_call_exit);
	tcase_add_test(what, it_may_start_processes_in_turn);
	tcase_add_test(what, threads_of_the_parent_do_not_matter);
	tcase_add_test(has, its_name_is_shown);
	tcase_add_test(has, without_one_it_is_numbered);
	tcase_add_test(has, it_has_the_descriptors_that_it_is_given_and_no_others);
	tcase_add_test(has, the_rest_is_as_it_was);
	tcase_add_test(has, no_handler_of_the_parent_runs_in_a_child);
	tcase_add_loop_test(prints, what_is_printed_stays_in_order, 0, N_WAYS);
	return testing_run(suite);
}
