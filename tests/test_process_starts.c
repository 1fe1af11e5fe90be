/*
 * test_process_starts.c - how a start of a process fails, and starts by fork.
 *
 * The program that children run is this one; what main() does instead of fl_process_begin, where that is the test, a
 * variable of the environment says.
 */
#define _GNU_SOURCE
#include "starting.h"
#include "testing.h"

#include <dlfcn.h>
#include <errno.h>
#include <fairlead/fairlead.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int be_told(void *arg, size_t size)
{
	EXPECT(size == 6 && memcmp(arg, "hello", 6) == 0);
	return 0;
}

/* How a start fails. */

/* Runs this program with these variables. Returns its exit code. */
static int run_program(const char *path, char *first, char *second)
{
	char name[] = "program", *argv[] = {name, NULL}, *envp[] = {first, second, NULL};
	pid_t child;
	int code;

	ck_assert_int_eq(posix_spawn(&child, path, NULL, NULL, argv, envp), 0);
	ck_assert_int_eq(waitpid(child, &code, 0), child);
	ck_assert(WIFEXITED(code));
	return WEXITSTATUS(code);
}

/* A marker that is meant for another is left alone. */
START_TEST(a_strange_marker_does_nothing)
{
	char marker[] = "FAIRLEAD_PROCESS=0:1", after[] = "TEST_AFTER=5";

	ck_assert_int_eq(run_program("/proc/self/exe", marker, after), 5);
}
END_TEST

START_TEST(what_is_no_function_is_refused)
{
	int (*function)(void *arg, size_t size);
	void *data = malloc(100);

	memcpy(&function, &data, sizeof(function));
	ck_assert_int_eq(fl_process_start(&process, NULL, function, NULL, 0), -EINVAL);
	data = (free(data), &process);
	memcpy(&function, &data, sizeof(function));
	ck_assert_int_eq(fl_process_start(&process, NULL, function, NULL, 0), -EINVAL);
}
END_TEST

START_TEST(so_are_strange_options)
{
	const fl_process_options strange[] = {{.way = 3}, {.n_keep = 1}, {.fl_spare0 = {1}}, {.fl_spare = {0, 0, 1}}};

	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++)
		ck_assert_int_eq(fl_process_start(&process, &strange[i], be_told, NULL, 0), -EINVAL);
	ck_assert_ptr_null(process);
}
END_TEST

/* By main(), when it is told not to begin. */
static int start_without_beginning(void)
{
	int error = fl_process_start(&process, NULL, be_told, "hello", 6);

	return process ? 1 : 100 - error;
}

START_TEST(who_has_not_begun_starts_nothing)
{
	char variable[] = "TEST_START=1";

	ck_assert_int_eq(run_program("/proc/self/exe", variable, NULL), 100 + ENOEXEC);
}
END_TEST

/* A copy of this program that belongs to somebody else; only root can make one. */
START_TEST(nor_does_who_is_privileged)
{
	char path[] = "/tmp/fairlead-test-setuid-XXXXXX", command[200], variable[] = "TEST_START=1";
	int fd = mkstemp(path);
	struct statvfs mount;

	ck_assert_int_eq(fstatvfs(fd, &mount), 0);
	close(fd);
	snprintf(command, sizeof(command), "cp /proc/%d/exe %s && chown 65534 %s && chmod 4755 %s", (int)getpid(), path,
		 path, path);
	if (getuid() == 0 && !(mount.f_flag & ST_NOSUID)) {
		ck_assert_int_eq(system(command), 0);
		ck_assert_int_eq(run_program(path, variable, NULL), 100 + EPERM);
	} else {
		puts("# not tried: only root can, and not everywhere");
	}
	unlink(path);
}
END_TEST

START_TEST(a_child_that_does_not_begin_is_told_of)
{
	char text[200], expected[200];

	setenv("TEST_RETURN", "3", 1);
	start(&(fl_process_options){.name = "lost"}, be_told, "hello", 6);
	ck_assert_int_eq(fl_process_join(process, &status), 0);
	ck_assert_int_eq(status.end, FL_PROCESS_FAILED);
	ck_assert_int_eq(status.result, -ENOEXEC);
	ck_assert_int_eq(status.exitcode, 3);
	fl_process_describe(process, text, sizeof(text));
	snprintf(expected, sizeof(expected),
		 "process %d 'lost' ended before it came to fl_process_begin, with exit code 3",
		 fl_process_pid(process));
	ck_assert_str_eq(text, expected);
	fl_process_close(process);
}
END_TEST

/* The kernel stores the pidfd's number before the last that may fail, a limit of processes of the cgroup, and takes the
 * descriptor back. So does this: it answers the thread's clone with a number that is another descriptor's. As the
 * kernel does, it writes where nobody expects a thread to. */
__attribute__((no_sanitize("thread"))) static void *answer_clone(void *listener)
{
	struct seccomp_notif request = {0};
	struct seccomp_notif_resp response = {.error = -EAGAIN};

	EXPECT(ioctl(((int *)listener)[0], SECCOMP_IOCTL_NOTIF_RECV, &request) == 0);
	*(int *)(uintptr_t)request.data.args[2] = ((int *)listener)[1];
	response.id = request.id;
	EXPECT(ioctl(((int *)listener)[0], SECCOMP_IOCTL_NOTIF_SEND, &response) == 0);
	return NULL;
}

/* From now on this thread's clones that ask for a pidfd are told of there. Returns -1 if that can't be. */
static int listen_to_clones(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_PIDFD, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

START_TEST(a_clone_that_fails_late_closes_nothing)
{
	int fds[2] = {-1, open("/dev/null", O_RDONLY | O_CLOEXEC)};
	pthread_t thread;

	ck_assert_int_ge(fds[1], 0);
	fds[0] = listen_to_clones();
	if (fds[0] < 0) {
		puts("# not tried: seccomp tells nobody here");
		return;
	}
	ck_assert_int_eq(pthread_create(&thread, NULL, answer_clone, fds), 0);
	ck_assert_int_eq(fl_process_start(&process, NULL, be_told, "hello", 6), -EAGAIN);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_ge(fcntl(fds[1], F_GETFD), 0);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* Modules that come by dlopen. ASan does not want others to be preloaded before it. */
#ifndef __SANITIZE_ADDRESS__

static void copy_module(const char *number, const char *to)
{
	char exe[PATH_MAX] = "", command[2 * PATH_MAX + 100];

	ck_assert_int_gt(readlink("/proc/self/exe", exe, sizeof(exe) - 1), 0);
	*strrchr(exe, '/') = '\0';
	snprintf(command, sizeof(command), "cp '%s/libprocess_module_%s.so' '%s.new' && mv '%s.new' '%s'", exe, number,
		 to, to, to);
	ck_assert_int_eq(system(command), 0);
}

static void start_function_of(const char *path)
{
	int (*function)(void *arg, size_t size);
	void *symbol, *module = dlopen(path, RTLD_NOW);

	ck_assert_ptr_nonnull(module);
	symbol = dlsym(module, "process_module_function");
	memcpy(&function, &symbol, sizeof(function));
	start(NULL, function, NULL, 0);
}

START_TEST(a_function_is_called_in_its_own_module_only)
{
	char path[64], text[300];

	snprintf(path, sizeof(path), "/tmp/fairlead-test-module-%d.so", (int)getpid());
	copy_module("1", path);
	start_function_of(path);
	ck_assert_int_eq(fl_process_join(process, &status), 0);
	ck_assert_int_eq(status.end, FL_PROCESS_FAILED);
	ck_assert_int_eq(status.result, -ENOENT);
	fl_process_describe(process, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, path));
	ck_assert_ptr_nonnull(strstr(text, "is not there: load it before fl_process_begin"));
	fl_process_close(process);
	setenv("LD_PRELOAD", path, 1);
	start_function_of(path);
	join();
	ck_assert_int_eq(status.result, 41);
	copy_module("2", path);
	start_function_of(path);
	ck_assert_int_eq(fl_process_join(process, &status), 0);
	ck_assert_int_eq(status.end, FL_PROCESS_FAILED);
	ck_assert_int_eq(status.result, -ESTALE);
	fl_process_describe(process, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "its file has been replaced"));
	fl_process_close(process);
	unlink(path);
}
END_TEST

#endif

/* By fork. */

static const uint32_t ways[] = {FL_PROCESS_EXEC,
#ifndef __SANITIZE_THREAD__ /* which has a thread of its own */
				FL_PROCESS_FORK,
#endif
				FL_PROCESS_FORK_ANYWAY};
#define N_WAYS ((int)(sizeof(ways) / sizeof(ways[0])))

static int changed = 1;

static int look_at_changed(void *arg, size_t size)
{
	EXPECT(size == 6 && memcmp(arg, "hello", 6) == 0);
	return changed;
}

/* Waits for the thread's end, which exit() would have done. */
static void *finish_late(void *arg)
{
	fl_note note = FL_NOTE_INIT;

	EXPECT(fl_note_wait_until(&note, fl_after(FL_MS(20))) == -ETIMEDOUT);
	EXPECT(write(*(int *)arg, "x", 1) == 1);
	return NULL;
}

static int end_with_a_thread(void *arg, size_t size)
{
	static int fd;

	EXPECT(size == sizeof(fd));
	fd = *(int *)arg;
	EXPECT(fl_thread_start(NULL, NULL, finish_late, &fd) == 0);
	return 0;
}

START_TEST(a_forked_one_has_what_there_was)
{
	int changed_here = changed = 2;

	start(&(fl_process_options){.way = ways[1], .name = "forked"}, look_at_changed, "hello", 6);
	join();
	ck_assert_int_eq(status.result, changed_here);
	start(NULL, look_at_changed, "hello", 6);
	join();
	ck_assert_int_eq(status.result, 1);
}
END_TEST

START_TEST(threads_are_waited_for)
{
	int pipes[2];
	char byte;

	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	run(&(fl_process_options){.way = ways[_i], .keep = &pipes[1], .n_keep = 1}, end_with_a_thread, &pipes[1],
	    sizeof(int));
	close(pipes[1]);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
}
END_TEST

static void *sleep_for_ever(void *event)
{
	fl_event_wait(event);
	return NULL;
}

/* As when a signal's handler was called: the next wait is interrupted. */
static bool interrupted;

pid_t waitpid(pid_t child, int *ret_status, int options)
{
	if (interrupted) {
		interrupted = false;
		errno = EINTR;
		return -1;
	}
	return (pid_t)syscall(SYS_wait4, child, ret_status, options, NULL);
}

/* With room for one descriptor more each time, until there are enough: the last that is missing is the pidfd, when the
 * child is there already. */
START_TEST(one_that_cannot_be_had_leaves_no_zombie)
{
	const fl_process_options options = {.way = FL_PROCESS_FORK_ANYWAY};
	struct rlimit limit;
	int error = -EMFILE;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (limit.rlim_cur = 3; error == -EMFILE; limit.rlim_cur++) {
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
		interrupted = true;
		error = fl_process_start(&process, &options, be_told, "hello", 6);
		interrupted = false;
		if (error != 0)
			ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	}
	ck_assert_int_eq(error, 0);
	join();
}
END_TEST

START_TEST(a_process_with_threads_is_not_forked_unless_asked)
{
	fl_event event = FL_EVENT_INIT;
	fl_thread *thread;

	ck_assert_int_eq(fl_thread_start(&thread, NULL, sleep_for_ever, &event), 0);
	ck_assert_int_eq(fl_process_start(&process, &(fl_process_options){.way = FL_PROCESS_FORK}, be_told, "hello", 6),
			 -EBUSY);
	run(&(fl_process_options){.way = FL_PROCESS_FORK_ANYWAY}, be_told, "hello", 6);
	fl_event_set(&event);
	ck_assert_int_eq(fl_thread_join(thread, NULL), 0);
}
END_TEST

static void add_failures(Suite *suite)
{
	TCase *fails = testing_case(suite, "fails");

	tcase_add_test(fails, a_strange_marker_does_nothing);
	tcase_add_test(fails, what_is_no_function_is_refused);
	tcase_add_test(fails, so_are_strange_options);
	tcase_add_test(fails, who_has_not_begun_starts_nothing);
	tcase_add_test(fails, nor_does_who_is_privileged);
	tcase_add_test(fails, a_child_that_does_not_begin_is_told_of);
	tcase_add_test(fails, a_clone_that_fails_late_closes_nothing);
#ifndef __SANITIZE_ADDRESS__
	tcase_add_test(fails, a_function_is_called_in_its_own_module_only);
#endif
}

static void add_forks(Suite *suite)
{
	TCase *forked = testing_case(suite, "forked");

	tcase_add_test(forked, a_forked_one_has_what_there_was);
#ifdef __SANITIZE_THREAD__ /* which has no threads in forked children */
	tcase_add_loop_test(forked, threads_are_waited_for, 0, 1);
#else
	tcase_add_loop_test(forked, threads_are_waited_for, 0, N_WAYS);
#endif
	tcase_add_test(forked, one_that_cannot_be_had_leaves_no_zombie);
	tcase_add_test(forked, a_process_with_threads_is_not_forked_unless_asked);
}

int main(void)
{
	const char *code = getenv("TEST_RETURN");
	Suite *suite;

	if (code)
		return atoi(code);
	if (getenv("TEST_START"))
		_exit(start_without_beginning()); /* a privileged program can't be looked at for leaks */
	fl_process_begin();
	code = getenv("TEST_AFTER");
	if (code)
		return atoi(code);
	suite = suite_create("process_starts");
	add_failures(suite);
	add_forks(suite);
	return testing_run(suite);
}
