/*
 * stress_executors.c - stress for Executor and Future: work that is handed over, waited for in every way, by other
 * work too, cancelled, and cut short by a shutdown.
 *
 * All workers submit to one executor, of one to four threads, LIFE pieces of work each. Then each waits until all of
 * its futures are done, and the last one shuts the executor down; or somebody has done so before, perhaps with all that
 * was pending cancelled. When its threads have ended they begin again with another one.
 *
 * A piece of work writes to plain memory of whoever submitted it, and so do its callbacks: work that is done a second
 * time shows, and to ThreadSanitizer whatever a future does not order. Of each piece this must hold in the end: it was
 * done once, and its future has the result or the error that it returned; or it was cancelled, by somebody who was told
 * so or with a shutdown, and was not done. Its callbacks were called once. Work that is lost, and a future that is
 * never done, leave somebody waiting, which the watchdog notices: most lives have no shutdown that would help.
 *
 * Some work submits other work and waits for it, in a manner that does it there and then or in one that lends the place
 * to another thread. Of the latter no more than MOST_LENDING wait at a time: more than 256 would not be lent a place
 * for, and all threads could wait for work that stands behind them.
 */
#define _GNU_SOURCE
#include "stress.h"

#include <errno.h>
#include <string.h>

enum { LIFE = 64, CHILDREN = 3, MOST_LENDING = 16, FEW = 6 };

enum manner { PLAIN, FAILING, ASKING, WITHOUT_FUTURE };

struct job {
	enum manner manner;
	unsigned number, how;
	unsigned runs, calls; /* of the work, of the callback */
	bool submitted, called, cancelled;
	fl_future *future; /* NULL: it has none, or it was given back early */
};

static struct {
	fl_executor *executor;
	unsigned threads, lives, submitting;
	int is_shut, drops, lending;
	struct job jobs[STRESS_MOST_THREADS][LIFE];
	pthread_barrier_t gate;
} office;

/* ---- work that asks for other work ---- */

static int run_job(fl_task *task, void *job_);

static unsigned submit_children(struct job *children, fl_future **futures, unsigned n)
{
	unsigned i;
	int error = 0;

	for (i = 0; i < n; i++) {
		children[i] = (struct job){.manner = i == 1 ? FAILING : PLAIN, .number = i};
		error = fl_executor_submit(&futures[i], office.executor, run_job, &children[i]);
		if (error != 0)
			break;
	}
	stress_check(error == 0 || (error == -EPIPE && stress_load(&office.is_shut)), "submit returned %d", error);
	return i;
}

static void iterate(unsigned n, fl_future **futures)
{
	fl_completed *completed;
	fl_future *next;
	unsigned found = 0;

	stress_check(fl_completed_create(&completed, n, futures) == 0, "no iterator");
	FL_COMPLETED_EACH (completed, next) {
		stress_check(fl_future_done(next), "given before it was done");
		found++;
	}
	stress_check(found == n, "%u of %u came", found, n);
	fl_completed_destroy(completed);
}

static void wait_for_any(unsigned n, fl_future **futures)
{
	fl_waitable things[CHILDREN];
	unsigned i;
	int which;

	for (i = 0; i < n; i++)
		things[i] = fl_future_waitable(futures[i]);
	which = fl_wait_any(n, things, FL_FOREVER, NULL);
	stress_check(which >= 0 && fl_future_done(futures[which]), "wait_any returned %d", which);
}

/* A wait that may lend the place. */
static void wait_lending(unsigned how, unsigned n, fl_future **futures)
{
	int result;

	switch (how % 4) {
	case 0:
		result = fl_wait(n, futures, FL_FIRST_COMPLETED, FL_FOREVER, NULL);
		stress_check(result >= 1 && result <= (int)n, "wait returned %d", result);
		break;
	case 1:
		result = fl_future_wait_until(futures[0], fl_after((fl_time)how * 1000), NULL);
		stress_check(result == 0 || result == -ETIMEDOUT, "returned %d", result);
		break;
	case 2:
		wait_for_any(n, futures);
		break;
	default:
		iterate(n, futures);
	}
}

static void check_child(const struct job *child, fl_future *future)
{
	int error = fl_future_result(future, NULL, 0);

	stress_check(fl_future_done(future), "it is not done");
	if (fl_future_cancelled(future))
		stress_check(child->runs == 0 && stress_load(&office.drops), "cancelled by nobody");
	else
		stress_check(child->runs == 1 && error == (child->manner == FAILING ? -EIO : 0), "%u times, error %d",
			     child->runs, error);
}

static void ask_others(unsigned how)
{
	struct job children[CHILDREN];
	fl_future *futures[CHILDREN];
	unsigned n = submit_children(children, futures, 1 + how % CHILDREN), i;

	if (n > 0 && how % 2 == 0 && stress_add(&office.lending, 1) <= MOST_LENDING)
		wait_lending(how / 2, n, futures);
	if (n > 0 && how % 2 == 0)
		stress_add(&office.lending, -1);
	if (n > 0 && how % 4 == 1)
		stress_check(fl_wait(n, futures, FL_ALL_COMPLETED, FL_FOREVER, NULL) == (int)n, "not all");
	for (i = 0; i < n; i++) {
		check_child(&children[i], futures[i]);
		fl_future_unref(futures[i]);
	}
}

static void run_plain(void *job_)
{
	struct job *job = job_;

	job->runs++;
	stress_check(job->runs == 1, "done twice");
}

static int run_job(fl_task *task, void *job_)
{
	struct job *job = job_;

	run_plain(job);
	if (job->manner == ASKING)
		ask_others(job->how);
	if (job->manner == FAILING)
		return fl_task_fail(task, -EIO, "%u", job->number);
	return fl_task_return(task, &job->number, sizeof(job->number));
}

static int count_call(fl_future *future, void *job_)
{
	struct job *job = job_;

	stress_check(fl_future_done(future), "called before it was done");
	job->calls++;
	return 0;
}

/* ---- those who submit ---- */

static void shut_down(bool drop)
{
	if (drop)
		stress_store(&office.drops, 1);
	stress_store(&office.is_shut, 1);
	stress_check(fl_executor_shutdown(office.executor, false, drop) == 0, "not shut down");
}

/* Returns whether it was put. */
static bool submit(struct stress_worker *worker, struct job *job)
{
	static const enum manner manners[] = {PLAIN, PLAIN, PLAIN, FAILING, ASKING, ASKING, WITHOUT_FUTURE};
	int error;

	job->manner = manners[stress_random(worker, sizeof(manners) / sizeof(manners[0]))];
	job->how = stress_random(worker, 64);
	job->number = stress_random(worker, 1000);
	if (job->manner == WITHOUT_FUTURE)
		error = fl_executor_start(office.executor, run_plain, job);
	else
		error = fl_executor_submit(&job->future, office.executor, run_job, job);
	job->submitted = error == 0;
	stress_check(error == 0 || (error == -EPIPE && stress_load(&office.is_shut)), "submit returned %d", error);
	return job->submitted;
}

static void add_callback(struct job *job)
{
	job->called = true;
	stress_check(fl_future_add_done_callback(job->future, count_call, job) == 0, "no memory");
}

static void wait_for_one(struct stress_worker *worker, fl_future *future)
{
	struct stress_way way = stress_way(worker);
	int error;

	stress_calls(worker, "fl_future_wait_until", future);
	error = fl_future_wait_until(future, way.deadline, way.note);
	stress_check(error != 0 || fl_future_done(future), "it is not done");
	stress_ended(worker, way, error);
}

/* For some of those up to the n-th. */
static void wait_for_few(struct stress_worker *worker, const struct job *jobs, unsigned n)
{
	struct stress_way way = stress_way(worker);
	enum fl_wait_when when = (enum fl_wait_when)stress_random(worker, 3);
	fl_future *futures[FEW];
	unsigned n_futures = 0;
	int result;

	for (; n > 0 && n_futures < FEW; n--)
		if (jobs[n - 1].future)
			futures[n_futures++] = jobs[n - 1].future;
	stress_calls(worker, "fl_wait", n_futures > 0 ? futures[0] : NULL);
	result = fl_wait(n_futures, futures, when, way.deadline, way.note);
	stress_check(result <= (int)n_futures, "%d of %u", result, n_futures);
	stress_check(result < 0 || when != FL_ALL_COMPLETED || result == (int)n_futures, "%d of %u", result, n_futures);
	stress_ended(worker, way, result < 0 ? result : 0);
}

static void handle(struct stress_worker *worker, struct job *jobs, unsigned n)
{
	struct job *job = &jobs[n];

	if (job->future && stress_random(worker, 3) == 0)
		add_callback(job);
	if (job->future && stress_random(worker, 8) == 0)
		job->cancelled = fl_future_cancel(job->future);
	if (job->future && stress_random(worker, 8) == 0)
		wait_for_one(worker, job->future);
	if (stress_random(worker, 32) == 0)
		wait_for_few(worker, jobs, n);
	if (job->future && stress_random(worker, 8) == 0)
		job->future = fl_future_unref(job->future);
}

static void await_all(struct stress_worker *worker, const struct job *jobs)
{
	fl_future *futures[LIFE];
	unsigned i, n = 0;

	for (i = 0; i < LIFE; i++)
		if (jobs[i].future)
			futures[n++] = jobs[i].future;
	stress_calls(worker, "fl_completed_next", n > 0 ? futures[0] : NULL);
	iterate(n, futures);
	stress_calls(worker, NULL, NULL);
}

static void submit_all(struct stress_worker *worker)
{
	struct job *jobs = office.jobs[worker->index];
	unsigned shut_at = stress_random(worker, 4 * LIFE * worker->threads), i;

	for (i = 0; i < LIFE; i++) {
		stress_round(worker);
		if (i == shut_at)
			shut_down(stress_random(worker, 2) == 0);
		if (!submit(worker, &jobs[i]))
			break;
		handle(worker, jobs, i);
		stress_dwell(worker);
	}
	await_all(worker, jobs);
	if (__atomic_sub_fetch(&office.submitting, 1, __ATOMIC_RELAXED) == 0)
		shut_down(false);
}

/* ---- an executor's life ---- */

static void make(struct stress_worker *worker)
{
	fl_executor_options options = {.max_threads = 1 + stress_random(worker, 4)};

	office.is_shut = office.drops = 0;
	office.submitting = office.threads;
	memset(office.jobs, 0, sizeof(office.jobs[0]) * office.threads);
	stress_check(fl_executor_create(&office.executor, &options) == 0, "no executor");
}

static void check_outcome(const struct job *job)
{
	unsigned number = 0;
	int error;

	stress_check(fl_future_done(job->future), "a future that is never done");
	stress_check(fl_future_cancelled(job->future) == (job->runs == 0), "cancelled, and done");
	error = fl_future_result(job->future, &number, sizeof(number));
	if (job->runs == 0)
		stress_check(error == -ECANCELED, "error %d", error);
	else if (job->manner == FAILING)
		stress_check(error == -EIO, "error %d", error);
	else
		stress_check(error == 0 && number == job->number, "error %d, %u and not %u", error, number,
			     job->number);
}

static void check_job(struct job *job)
{
	bool may_be_left = !job->submitted || job->cancelled || office.drops;

	stress_check(job->runs == 1 || (job->runs == 0 && may_be_left), "done %u times", job->runs);
	stress_check(job->runs == 0 || (job->submitted && !job->cancelled), "done, and should not be");
	stress_check(job->calls == job->called, "called %u times", job->calls);
	if (job->future)
		check_outcome(job);
	fl_future_unref(job->future);
}

static void end(struct stress_worker *worker)
{
	unsigned i, k;

	stress_calls(worker, "fl_executor_destroy", office.executor);
	fl_executor_destroy(office.executor);
	stress_calls(worker, NULL, NULL);
	for (i = 0; i < office.threads; i++)
		for (k = 0; k < LIFE; k++)
			check_job(&office.jobs[i][k]);
}

/* All wait for each other, and the first of them does something alone. */
static void meet(struct stress_worker *worker, void (*alone)(struct stress_worker *worker))
{
	pthread_barrier_wait(&office.gate);
	if (worker->index == 0)
		alone(worker);
	pthread_barrier_wait(&office.gate);
}

static void work(struct stress_worker *worker)
{
	unsigned life;

	for (life = 0; life < office.lives; life++) {
		meet(worker, make);
		submit_all(worker);
		meet(worker, end);
	}
}

static void set_up(unsigned threads, uint64_t rounds)
{
	office.threads = threads;
	office.lives = (unsigned)(rounds / LIFE) + 1;
	pthread_barrier_init(&office.gate, NULL, threads);
}

static void check(uint64_t had)
{
	stress_check(had > 0, "nothing was waited for");
	pthread_barrier_destroy(&office.gate);
}

const struct stress_kind stress_executors[] = {
	{"executor", set_up, work, check, false},
	{0},
};
