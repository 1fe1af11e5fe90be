/*
 * test_pool_full.c - a worker that is stopped, and whose pipe is full of tasks that were taken back.
 */
#define _GNU_SOURCE
#include "pools.h"

#include <dirent.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

static int tell_pid(fl_task *task, void *arg, size_t size)
{
	int pid = getpid();

	(void)arg, (void)size;
	return fl_task_return(task, &pid, sizeof(pid));
}

static int ignore(fl_task *task, void *arg, size_t size)
{
	(void)task, (void)arg, (void)size;
	pools_log(0);
	return 0;
}

/* Starts the pool's first worker, and stops it. Returns its pid. */
static pid_t stop_a_worker(void)
{
	fl_future *future;
	siginfo_t info;
	int pid = 0;

	ck_assert_int_eq(fl_pool_submit(&future, pool, tell_pid, NULL, 0), 0);
	ck_assert_int_eq(fl_future_result(future, &pid, sizeof(pid)), 0);
	fl_future_unref(future);
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
	return pid;
}

/* The pool's end of the pipe: the one socket of packets that there is. */
static int find_socket(void)
{
	int fd, type;
	socklen_t size = sizeof(type);

	for (fd = 3; fd < 100; fd++)
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET)
			return fd;
	ck_abort_msg("there is no pipe");
	return -1;
}

static bool is_full(int fd)
{
	int used = 0, room = 0;
	socklen_t size = sizeof(room);

	ck_assert_int_eq(ioctl(fd, SIOCOUTQ, &used), 0);
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &size), 0);
	return used >= room;
}

static fl_future *submit_large(void)
{
	static const char bytes[30000];
	fl_future *future;

	ck_assert_int_eq(fl_pool_submit(&future, pool, ignore, bytes, sizeof(bytes)), 0);
	return future;
}

/* The same, when it is being sent, or was. Nobody does it. */
static fl_future *send_large(void)
{
	fl_future *future = submit_large();

	while (!fl_future_running(future))
		sched_yield();
	return future;
}

static void expect_cancelled(fl_future *future)
{
	ck_assert_int_eq(fl_future_wait_until(future, FL_FOREVER, NULL), 0);
	ck_assert(fl_future_cancelled(future));
	fl_future_unref(future);
}

/* What a stopped worker is sent stays in its pipe, also when it is cancelled. */
static void fill_pipe(void)
{
	int fd = find_socket();
	fl_future *future;

	while (!is_full(fd)) {
		future = send_large();
		fl_future_cancel(future);
		expect_cancelled(future);
	}
}

static pid_t find_thread(const char *name)
{
	DIR *directory = opendir("/proc/self/task");
	char path[300], is[32];
	struct dirent *entry;
	pid_t thread = 0;
	FILE *file;

	while ((entry = readdir(directory))) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		file = fopen(path, "r");
		if (file && fscanf(file, "%31s", is) == 1 && strcmp(is, name) == 0)
			thread = atoi(entry->d_name);
		if (file)
			fclose(file);
	}
	closedir(directory);
	return thread;
}

/* Returns a task that found no room, when the pool's thread sleeps again. */
static fl_future *submit_one_too_many(void)
{
	fl_future *future;

	fill_pipe();
	future = send_large();
	testing_await_asleep(find_thread("full"));
	ck_assert(fl_future_running(future));
	return future;
}

START_TEST(what_found_no_room_is_cancelled_at_once)
{
	fl_future *future;

	pools_make(&(fl_pool_options){.max_workers = 1, .name = "full"});
	stop_a_worker();
	future = submit_one_too_many();
	fl_future_cancel(future);
	expect_cancelled(future);
	ck_assert_int_eq(pools_logged(), 0);
}
END_TEST

/* It passes over all that was taken back, and has nothing to answer. */
START_TEST(what_found_no_room_is_sent_when_there_is)
{
	fl_future *future;
	pid_t worker;

	pools_make(&(fl_pool_options){.max_workers = 1, .name = "full"});
	worker = stop_a_worker();
	future = submit_one_too_many();
	ck_assert_int_eq(kill(worker, SIGCONT), 0);
	ck_assert_int_eq(fl_future_result(future, NULL, 0), 0);
	fl_future_unref(future);
	ck_assert_int_eq(pools_logged(), 1);
	ck_assert_uint_eq(fl_pool_deaths(pool), 0);
}
END_TEST

/* Who can be sent nothing is not idle. */
START_TEST(or_goes_to_a_new_worker)
{
	fl_future *future;
	pid_t worker;

	pools_make(&(fl_pool_options){.max_workers = 2, .name = "full"});
	worker = stop_a_worker();
	fill_pipe();
	ck_assert_uint_eq(fl_pool_workers(pool), 1);
	for (int i = 0; i < 3; i++) {
		future = submit_large();
		ck_assert_int_eq(fl_future_result(future, NULL, 0), 0);
		fl_future_unref(future);
	}
	ck_assert_uint_eq(fl_pool_workers(pool), 2);
	ck_assert_int_eq(kill(worker, SIGCONT), 0);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *full;

	fl_process_begin();
	suite = suite_create("pool_full");
	full = testing_case_between(suite, "full", pools_set_up, pools_tear_down);
	tcase_add_test(full, what_found_no_room_is_cancelled_at_once);
	tcase_add_test(full, what_found_no_room_is_sent_when_there_is);
	tcase_add_test(full, or_goes_to_a_new_worker);
	return testing_run(suite);
}
