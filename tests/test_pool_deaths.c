/*
 * test_pool_deaths.c - workers that die, hang or go mad: what it costs, and what is said of it.
 */
#define _GNU_SOURCE
#include "pools.h"

#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Waits for it, and expects this error with a message in which the worker's pid is written as #. */
static void expect_message(fl_future *future, int error, const char *expected)
{
	char text[300];
	const char *from;
	char *to = text;

	ck_assert_int_eq(fl_future_result(future, NULL, 0), error);
	for (from = fl_future_message(future); *from && to < text + sizeof(text) - 8; from++) {
		*to++ = *from;
		if (strncmp(from, "(pid ", 5) == 0) {
			to = stpcpy(to, "pid #");
			from += strcspn(from, ")") - 1;
		}
	}
	*to = '\0';
	ck_assert_str_eq(text, expected);
	fl_future_unref(future);
}

static fl_future *submit_named(const char *name, uint32_t tries, fl_time timeout, fl_pool_work work, int number)
{
	const fl_pool_task_options options = {.name = name, .tries = tries, .timeout = timeout};
	fl_future *future;

	ck_assert_int_eq(fl_pool_submit_with(&future, pool, &options, work, &number, sizeof(number)), 0);
	return future;
}

static int call_exit(fl_task *task, void *arg, size_t size)
{
	(void)task;
	pools_log(-1);
	exit(pools_number(arg, size));
}

/* What is said. */

START_TEST(a_death_is_told_with_task_worker_and_signal)
{
	pools_make(&(fl_pool_options){.max_workers = 1, .name = "crew"});
	expect_message(pools_submit(pools_die, SIGSEGV), -ECHILD,
		       "task 1 killed worker crew-3 (pid #) by SIGSEGV, tried 3 times");
	expect_message(submit_named("thumbnail", 1, 0, pools_die, SIGKILL), -ECHILD,
		       "task 2 'thumbnail' killed worker crew-4 (pid #) by SIGKILL");
	expect_message(submit_named("leave", 2, 0, call_exit, 4), -ECHILD,
		       "task 3 'leave' ended worker crew-6 (pid #), which exited with 4, tried 2 times");
	expect_message(submit_named(NULL, 1, 0, pools_die, SIGRTMIN), -ECHILD,
		       "task 4 killed worker crew-7 (pid #) by signal 34");
	ck_assert_int_eq(pools_count(-1), 7);
	ck_assert_uint_eq(fl_pool_deaths(pool), 7);
	pools_expect(pools_submit(pools_square, 5), 25);
}
END_TEST

/* Kills its first two workers, and is done by the third. */
static int die_twice(fl_task *task, void *arg, size_t size)
{
	(void)task;
	pools_log(pools_number(arg, size));
	if (pools_logged() < 3)
		pools_raise(SIGKILL);
	return 0;
}

START_TEST(a_task_is_tried_again)
{
	fl_future *future;

	pools_make(NULL);
	future = pools_submit(die_twice, 1);
	ck_assert_int_eq(fl_future_result(future, NULL, 0), 0);
	fl_future_unref(future);
	ck_assert_int_eq(pools_logged(), 3);
	ck_assert_uint_eq(fl_pool_deaths(pool), 2);
}
END_TEST

START_TEST(a_status_that_others_took_is_no_hang)
{
	signal(SIGCHLD, SIG_IGN);
	pools_make(&(fl_pool_options){.name = "crew", .tries = 1});
	expect_message(pools_submit(pools_die, SIGKILL), -ECHILD,
		       "task 1 ended worker crew-1 (pid #); how, another wait was told");
}
END_TEST

/* What it costs. */

/* Of the tasks that were sent with it, none is done twice, and none is missing. */
START_TEST(a_death_costs_its_own_task_only)
{
	enum { N = 600 };
	fl_future *futures[N];

	pools_make(&(fl_pool_options){.max_workers = 2, .tries = 1});
	for (int i = 0; i < N; i++)
		futures[i] = i % 150 == 100 ? pools_submit(pools_die, SIGKILL) : pools_submit(pools_square, i);
	for (int i = 0; i < N; i++)
		if (i % 150 == 100)
			pools_expect_error(futures[i], -ECHILD);
		else
			pools_expect(futures[i], i * i);
	ck_assert_int_eq(pools_logged(), N);
	ck_assert_int_eq(pools_count(-1), 4);
	for (int i = 0; i < N; i++)
		if (i % 150 > 90 && i % 150 != 100)
			ck_assert_int_eq(pools_count(i), 1);
	ck_assert_uint_eq(fl_pool_deaths(pool), 4);
}
END_TEST

/* The worker has a child, which has its end of the pipe, too. */
static int leave_a_child(fl_task *task, void *arg, size_t size)
{
	int gate[2];
	char byte;

	(void)task;
	EXPECT(pools_number(arg, size) == 1 && pipe(gate) == 0);
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, 0);
		EXPECT(write(gate[1], "", 1) == 1);
		for (;;)
			pause();
	}
	EXPECT(read(gate[0], &byte, 1) == 1);
	pools_raise(SIGKILL);
	return 0;
}

static int reap_orphans(void)
{
	int n = 0, pid;
	char path[64];
	FILE *file;

	for (;;) {
		snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
		file = fopen(path, "r");
		if (!file || fscanf(file, "%d", &pid) != 1)
			pid = 0;
		if (file)
			fclose(file);
		if (pid == 0)
			return n;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		n++;
	}
}

START_TEST(a_death_is_noticed_whoever_has_its_pipe)
{
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pools_make(&(fl_pool_options){.max_workers = 1, .tries = 1});
	pools_expect_error(pools_submit(leave_a_child, 1), -ECHILD);
	pools_expect(pools_submit(pools_square, 2), 4);
	pool = fl_pool_destroy(pool);
	ck_assert_int_eq(reap_orphans(), 1);
}
END_TEST

/* The worker's end of the pipe: the one socket that it has. */
static int find_socket(void)
{
	int fd, type;
	socklen_t size = sizeof(type);

	for (fd = 3; fd < 100; fd++)
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET)
			return fd;
	return -1;
}

static int talk_nonsense(fl_task *task, void *arg, size_t size)
{
	(void)task;
	EXPECT(pools_number(arg, size) == 1 && send(find_socket(), "nonsense", 8, 0) == 8);
	for (;;)
		pause();
	return 0;
}

static int close_all(fl_task *task, void *arg, size_t size)
{
	(void)task;
	EXPECT(pools_number(arg, size) == 1 && close(find_socket()) == 0);
	for (;;)
		pause();
	return 0;
}

START_TEST(a_worker_that_goes_mad_is_replaced)
{
	pools_make(&(fl_pool_options){.max_workers = 1, .name = "crew", .tries = 2});
	expect_message(
		pools_submit(talk_nonsense, 1), -ECHILD,
		"task 1 had to be ended with worker crew-2 (pid #), which has sent what is no answer, tried 2 times");
	expect_message(pools_submit(close_all, 1), -ECHILD,
		       "task 2 killed worker crew-4 (pid #) by SIGKILL, tried 2 times");
	pools_expect(pools_submit(pools_square, 2), 4);
}
END_TEST

/* What worker and pool share: says that the next thousand tasks have begun, too. */
static void spoil_page(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[300];
	uint64_t *turns = NULL;
	unsigned long from;

	while (!turns && fgets(line, sizeof(line), maps))
		if (strstr(line, "fairlead-pool-page") && sscanf(line, "%lx", &from) == 1)
			turns = (void *)from;
	fclose(maps);
	EXPECT(turns);
	*turns += 1000;
}

/* When tasks were sent after it, or it is clear that none will be. */
static int run_amok(fl_task *task, void *arg, size_t size)
{
	struct pollfd more = {.fd = find_socket(), .events = POLLIN};

	(void)task;
	pools_log(-1);
	EXPECT(pools_number(arg, size) == 1 && poll(&more, 1, 2000) >= 0);
	spoil_page();
	pools_raise(SIGKILL);
	return 0;
}

/* Short tasks have taught the pool to send some ahead. */
START_TEST(what_it_has_written_costs_no_other_task)
{
	enum { N = 300, LEFT = 30 };
	fl_future *amok, *futures[N];

	pools_make(&(fl_pool_options){.max_workers = 1, .tries = 1});
	for (int i = 0; i < N; i++)
		futures[i] = pools_submit(pools_square, i);
	for (int i = 0; i < N; i++)
		pools_expect(futures[i], i * i);
	amok = pools_submit(run_amok, 1);
	pools_await(N + 1);
	for (int i = 0; i < LEFT; i++)
		futures[i] = pools_submit(pools_square, i);
	pools_expect_error(amok, -ECHILD);
	for (int i = 0; i < LEFT; i++)
		pools_expect(futures[i], i * i);
	ck_assert_int_eq(pools_logged(), N + 1 + LEFT);
	ck_assert_uint_eq(fl_pool_deaths(pool), 1);
}
END_TEST

/* How many messages the kernel will have no memory for. */
static int refused;

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	if (refused > 0) {
		refused--;
		errno = ENOBUFS;
		return -1;
	}
	return syscall(SYS_sendmsg, fd, message, flags);
}

static int refuse_one(fl_task *task, void *arg, size_t size)
{
	int n = pools_number(arg, size);

	refused = 1;
	return fl_task_return(task, &n, sizeof(n));
}

/* The pool finds the slip when it buries the worker. */
START_TEST(who_cannot_ring_loses_no_result)
{
	fl_future *future;

	pools_make(&(fl_pool_options){.max_workers = 1, .tries = 1});
	pools_expect(pools_submit(pools_square, 2), 4);
	future = pools_submit(refuse_one, 3);
	pools_expect(future, 3);
	for (int i = 0; i < 100; i++)
		pools_expect(pools_submit(pools_square, i), i * i);
	ck_assert_uint_eq(fl_pool_deaths(pool), 1);
}
END_TEST

/* Time. */

START_TEST(a_task_that_overruns_is_ended)
{
	fl_future *future;

	pools_make(&(fl_pool_options){.max_workers = 1, .name = "crew", .timeout = FL_MS(30)});
	future = pools_submit(pools_hang, 1);
	pools_expect(submit_named(NULL, 0, FL_FOREVER, pools_square, 3), 9);
	expect_message(future, -ETIMEDOUT,
		       "task 1 ran for longer than 0.030 s in worker crew-1 (pid #), which was killed");
	ck_assert_int_eq(pools_count(1), 1);
	pool = fl_pool_destroy(pool);
	pools_make(&(fl_pool_options){.max_workers = 2});
	future = submit_named("slow", 0, FL_MS(20), pools_hang, 2);
	for (int i = 0; i < 100; i++)
		pools_expect(pools_submit(pools_square, i), i * i);
	pools_expect_error(future, -ETIMEDOUT);
}
END_TEST

static int stop_itself(fl_task *task, void *arg, size_t size)
{
	(void)task;
	EXPECT(pools_number(arg, size) == 1);
	raise(SIGSTOP);
	return 0;
}

START_TEST(so_is_one_that_was_stopped)
{
	pools_make(&(fl_pool_options){.max_workers = 1});
	pools_expect_error(submit_named(NULL, 0, FL_MS(20), stop_itself, 1), -ETIMEDOUT);
	pools_expect(pools_submit(pools_square, 3), 9);
}
END_TEST

/* The parent. */

static int be_parent(void *arg, size_t size)
{
	fl_future *future;
	int n = 1;

	(void)arg, (void)size;
	EXPECT(fl_pool_create(&pool, &(fl_pool_options){.max_workers = 3}) == 0);
	for (int i = 0; i < 3; i++)
		EXPECT(fl_pool_submit(&future, pool, pools_hang, &n, sizeof(n)) == 0);
	for (;;)
		pause();
	return 0;
}

/* Workers become the test's when their parent is gone. */
START_TEST(workers_die_with_their_parent)
{
	fl_process *parent;
	int status, n = 0;

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert_int_eq(fl_process_start(&parent, NULL, be_parent, NULL, 0), 0);
	pools_await(3);
	ck_assert_int_eq(fl_process_kill(parent), 0);
	ck_assert_int_eq(fl_process_join(parent, NULL), 0);
	fl_process_close(parent);
	while (wait(&status) > 0) {
		ck_assert(WIFSIGNALED(status));
		ck_assert_int_eq(WTERMSIG(status), SIGKILL);
		n++;
	}
	ck_assert_int_eq(n, 3);
}
END_TEST

/* At random. */

struct outcome {
	uint64_t hash;
	int pid;
};

static uint64_t hash_of(unsigned n)
{
	uint64_t hash = n;

	for (unsigned i = 0; i < 200000; i++)
		hash = hash * 6364136223846793005u + 1442695040888963407u;
	return hash;
}

static int compute(const void *item, void *ret_result, fl_task *task, void *arg)
{
	struct outcome *outcome = ret_result;
	unsigned n;

	(void)task, (void)arg;
	memcpy(&n, item, sizeof(n));
	pools_log((int)n);
	outcome->hash = hash_of(n);
	outcome->pid = getpid();
	return 0;
}

/* Not if it has been buried meanwhile. */
static bool kill_worker(pid_t pid)
{
	siginfo_t info;

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && kill(pid, SIGKILL) == 0;
}

/* Whoever has answered last is killed, in the middle of whatever it does by now: so it is a worker that was ready, of
 * which any number may die. */
static void survive(unsigned n, size_t chunk, unsigned each, bool ordered)
{
	unsigned *items = calloc(n, sizeof(*items)), *seen = calloc(n, sizeof(*seen)), got, kills = 0, before;
	fl_pool_items map = {.function = compute,
			     .n = n,
			     .items = items,
			     .item_size = sizeof(*items),
			     .result_size = sizeof(struct outcome),
			     .chunk = chunk};
	fl_pool_results *results;
	fl_pool_result result;
	struct outcome outcome;
	int more;

	for (unsigned i = 0; i < n; i++)
		items[i] = i;
	before = (unsigned)pools_logged();
	ck_assert_int_eq((ordered ? fl_pool_imap : fl_pool_imap_unordered)(&results, pool, &map), 0);
	for (got = 0; (more = fl_pool_results_next(results, &result)) == 1; got++) {
		ck_assert_msg(result.error == 0, "%s", result.message);
		memcpy(&outcome, result.value, sizeof(outcome));
		ck_assert(outcome.hash == hash_of((unsigned)result.index));
		ck_assert_uint_eq(seen[result.index]++, 0);
		if (ordered)
			ck_assert_uint_eq(result.index, got);
		if (got % each == each - 1)
			kills += kill_worker(outcome.pid);
	}
	ck_assert_int_eq(more, 0);
	ck_assert_uint_eq(got, n);
	fl_pool_results_destroy(results);
	ck_assert_uint_gt(kills, 0);
	ck_assert_uint_gt(fl_pool_deaths(pool), 0);
	/* What had been begun was done again, and nothing else. */
	ck_assert_uint_le((unsigned)pools_logged() - before, n + fl_pool_deaths(pool) * chunk);
	free(items);
	free(seen);
}

START_TEST(all_arrive_whoever_is_killed)
{
	pools_make(&(fl_pool_options){.max_workers = 3, .tries = 1000});
	survive(1500, 1, 20, false);
}
END_TEST

START_TEST(in_order_too)
{
	pools_make(&(fl_pool_options){.max_workers = 3, .tries = 1000});
	survive(1000, 1, 20, true);
}
END_TEST

START_TEST(and_in_chunks)
{
	pools_make(&(fl_pool_options){.max_workers = 2, .tries = 1000});
	survive(1500, 7, 40, false);
}
END_TEST

START_TEST(and_with_more_workers_than_processors)
{
	pools_make(&(fl_pool_options){.max_workers = 12, .tries = 1000, .max_tasks = 50});
	survive(1000, 1, 20, false);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *said, *cost, *timing, *parent, *random;

	fl_process_begin();
	suite = suite_create("pool_deaths");
	said = testing_case_between(suite, "said", pools_set_up, pools_tear_down);
	cost = testing_case_between(suite, "cost", pools_set_up, pools_tear_down);
	timing = testing_case_between(suite, "time", pools_set_up, pools_tear_down);
	parent = testing_case_between(suite, "parent", pools_set_up, pools_tear_down);
	random = testing_case_between(suite, "random", pools_set_up, pools_tear_down);
	tcase_add_test(said, a_death_is_told_with_task_worker_and_signal);
	tcase_add_test(said, a_task_is_tried_again);
	tcase_add_test(said, a_status_that_others_took_is_no_hang);
	tcase_add_test(cost, a_death_costs_its_own_task_only);
	tcase_add_test(cost, a_death_is_noticed_whoever_has_its_pipe);
	tcase_add_test(cost, a_worker_that_goes_mad_is_replaced);
	tcase_add_test(cost, what_it_has_written_costs_no_other_task);
	tcase_add_test(cost, who_cannot_ring_loses_no_result);
	tcase_add_test(timing, a_task_that_overruns_is_ended);
	tcase_add_test(timing, so_is_one_that_was_stopped);
	tcase_add_test(parent, workers_die_with_their_parent);
	tcase_add_test(random, all_arrive_whoever_is_killed);
	tcase_add_test(random, in_order_too);
	tcase_add_test(random, and_in_chunks);
	tcase_add_test(random, and_with_more_workers_than_processors);
	return testing_run(suite);
}
