/*
 * shm/pool_crew.c - a pool's workers: how they are started, killed and buried, and what is said of their deaths.
 *
 * A worker gets two descriptors: one end of its pipe, and a page of memory that it shares with the pool alone, so that
 * one that runs amok can write over no other one's. Both are no longer the pool's own as soon as it runs.
 *
 * A worker that ends before it is ready counts against the pool, one that ends later against the task that it had
 * begun. Who was told to stop, or killed for its task's timeout, counts against nobody. Whether it had begun the first
 * of its tasks is what the page says; that it had begun more can't be (pool.c), so all others are pending again
 * whatever stands there: one that ran amok may have written anything.
 */
#define _GNU_SOURCE
#include "shm/pool.h"

#include "base/atomic.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Starting. */

/* Makes and maps it. Returns its descriptor or a negative errno. */
static int map_page(struct fl_pool_worker *worker)
{
	int fd = memfd_create("fairlead-pool-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *page;

	if (fd < 0)
		return -errno;
	if (fallocate(fd, 0, 0, sizeof(*worker->page)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
		close(fd);
		return -ENOMEM;
	}
	page = mmap(NULL, sizeof(*worker->page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		close(fd);
		return -ENOMEM;
	}
	worker->page = page;
	return fd;
}

/* What the process gets as its argument; the caller frees it. */
static struct fl_pool_hello *make_hello(const fl_pool *pool, const int fds[2], size_t *ret_size)
{
	struct fl_pool_hello *hello = malloc(sizeof(*hello) + pool->initializer_size);

	if (!hello)
		return NULL;
	*hello = pool->hello;
	hello->pipe = fds[0];
	hello->page = fds[1];
	if (pool->initializer_size > 0)
		memcpy(hello + 1, pool->initializer_arg, pool->initializer_size);
	*ret_size = sizeof(*hello) + pool->initializer_size;
	return hello;
}

static int start_process(fl_pool *pool, struct fl_pool_worker *worker, const int fds[2])
{
	struct fl_pool_hello *hello;
	char name[64];
	size_t size;
	int error;

	hello = make_hello(pool, fds, &size);
	if (!hello)
		return -ENOMEM;
	snprintf(name, sizeof(name), "%.40s-%u", pool->name, ++pool->started);
	error = fl_process_start(&worker->process,
				 &(fl_process_options){.name = name, .keep = fds, .n_keep = 2, .die_with_parent = true},
				 fl_pool_serve_, hello, size);
	free(hello);
	return error;
}

static int start(fl_pool *pool, struct fl_pool_worker *worker)
{
	fl_pipe *theirs;
	int fds[2] = {-1, map_page(worker)}, error;

	if (fds[1] < 0)
		return fds[1];
	error = fl_pipe_create(&worker->pipe, &theirs);
	if (error == 0) {
		fds[0] = fl_pipe_fd(theirs);
		error = start_process(pool, worker, fds);
		fl_pipe_close(theirs);
	}
	close(fds[1]);
	return error;
}

static void discard(struct fl_pool_worker *worker)
{
	fl_process_close(worker->process);
	fl_pipe_close(worker->pipe);
	if (worker->page)
		munmap(worker->page, sizeof(*worker->page));
	free(worker);
}

int fl_pool_recruit_(fl_pool *pool)
{
	struct fl_pool_worker *worker = aligned_alloc(_Alignof(struct fl_pool_worker), sizeof(*worker));
	uint32_t i = 0;
	int error;

	if (!worker)
		return -ENOMEM;
	memset(worker, 0, sizeof(*worker));
	error = start(pool, worker);
	if (error != 0) {
		discard(worker);
		return error;
	}
	while (pool->workers[i])
		i++;
	pool->workers[i] = worker;
	fl_store_relaxed(&pool->n_workers, pool->n_workers + 1);
	return 0;
}

/* Ending. */

void fl_pool_kill_(struct fl_pool_worker *worker, const char *verdict)
{
	if (worker->state == FL_POOL_DYING)
		return;
	worker->state = FL_POOL_DYING;
	worker->verdict = verdict;
	if (fl_process_kill(worker->process) != 0)
		return; /* it has ended already */
}

/* Writes "killed worker pool-1-3 (pid 4711) by SIGSEGV", or in what other way it ended. */
static void describe_end(const struct fl_pool_worker *worker, char *ret_text, size_t size)
{
	fl_process_status status = {0};
	const char *name = fl_process_name(worker->process), *abbreviated;
	int pid = fl_process_pid(worker->process);

	if (worker->verdict)
		snprintf(ret_text, size, "had to be ended with worker %s (pid %d), which %s", name, pid,
			 worker->verdict);
	else if (fl_process_join(worker->process, &status) != 0)
		snprintf(ret_text, size, "ended worker %s (pid %d); how, another wait was told", name, pid);
	else if (status.end != FL_PROCESS_KILLED)
		snprintf(ret_text, size, "ended worker %s (pid %d), which exited with %d", name, pid, status.exitcode);
	else if ((abbreviated = sigabbrev_np(status.signal)))
		snprintf(ret_text, size, "killed worker %s (pid %d) by SIG%s", name, pid, abbreviated);
	else
		snprintf(ret_text, size, "killed worker %s (pid %d) by signal %d", name, pid, status.signal);
}

static void fail_overdue(const struct fl_pool_worker *worker, struct fl_pool_task *task, const char *who)
{
	fl_pool_fail_(task, -ETIMEDOUT, "%s ran for longer than %.3f s in worker %s (pid %d), which was killed", who,
		      (double)task->timeout / (double)FL_SECONDS(1), fl_process_name(worker->process),
		      fl_process_pid(worker->process));
}

/* The task that the worker had begun when it ended. */
static void charge(fl_pool *pool, const struct fl_pool_worker *worker, struct fl_pool_task *task, uint32_t turn)
{
	char who[128], how[256];

	fl_pool_describe_task_(task, who, sizeof(who));
	if (worker->overdue && worker->late == turn) {
		fail_overdue(worker, task, who);
		return;
	}
	if (pool->terminating) {
		fl_pool_fail_(task, -ECANCELED, "%s was running when its pool was terminated", who);
		return;
	}
	if (worker->overdue) { /* it was the one after that, and is not to suffer for it */
		fl_pool_prepend_(&pool->pending, task);
		return;
	}
	if (++task->tried < task->tries) {
		fl_pool_prepend_(&pool->pending, task);
		return;
	}
	describe_end(worker, how, sizeof(how));
	task->killed = true;
	if (task->tries > 1)
		fl_pool_fail_(task, -ECHILD, "%s %s, tried %u times", who, how, (unsigned)task->tried);
	else
		fl_pool_fail_(task, -ECHILD, "%s %s", who, how);
}

/* It has ended before it was ready. */
static void count_failure(fl_pool *pool, const struct fl_pool_worker *worker)
{
	char how[400];

	if (++pool->failed < FL_POOL_STARTS)
		return;
	if (worker->refused != 0)
		snprintf(how, sizeof(how), "worker %s: %s", fl_process_name(worker->process),
			 strerror(-worker->refused));
	else
		fl_process_describe(worker->process, how, sizeof(how));
	free(pool->why);
	if (asprintf(&pool->why, "%u workers in a row have failed before they were ready%s, the last one: %s",
		     FL_POOL_STARTS, pool->hello.has_initializer ? ", in the pool's initializer" : "", how) < 0)
		pool->why = NULL;
	fl_inner_acquire(&pool->lock);
	pool->broken = -ENOTRECOVERABLE;
	pool->closed = true;
	fl_inner_release(&pool->lock);
}

static void remove_worker(fl_pool *pool, const struct fl_pool_worker *worker)
{
	uint32_t i = 0;

	while (pool->workers[i] != worker)
		i++;
	pool->workers[i] = NULL;
	fl_store_relaxed(&pool->n_workers, pool->n_workers - 1);
}

void fl_pool_bury_(fl_pool *pool, struct fl_pool_worker *worker)
{
	bool begun = fl_pool_has_begun_(worker, 0);
	uint32_t turn = worker->n > 0 ? fl_pool_slot_(worker, 0)->turn : 0;
	struct fl_pool_task *first = begun ? fl_pool_take_first_(worker) : NULL;

	fl_pool_take_all_back_(pool, worker);
	if (!worker->dismissed)
		fl_store_relaxed(&pool->deaths, pool->deaths + 1);
	if (!worker->dismissed && !worker->ready)
		count_failure(pool, worker);
	remove_worker(pool, worker);
	if (first)
		charge(pool, worker, first, turn);
	discard(worker);
}
