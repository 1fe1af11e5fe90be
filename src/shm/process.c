/*
 * shm/process.c - what one holds of a process: joining it, sending it signals, asking how it is.
 *
 * All goes by the pidfd, which means this process and never one that has its number later. It is readable when the
 * process has ended, so a wait for that is one for a descriptor (sync/poll.c), with deadlines and notes as everywhere.
 * Who finds it readable first takes the status from the kernel, once (`ended`), which also removes the zombie; all that
 * is asked later is answered from the handle.
 *
 *   [P1] fd is open as long as the handle, also when the process is no more: it stays readable.
 *   [P2] status and taken are written inside the once, and read when that is done.
 *   [P3] A handle that is closed while its process runs goes to the list `left`, and is freed by whoever sweeps the
 *        list after the process has ended: the next start or close.
 *
 * The status may be gone: to wait() in another thread, or since SIGCHLD is ignored. It is known all the same that the
 * process has ended, so nobody waits for ever.
 *
 * Rejected: a thread that waits for children (nobody asked for it); handling SIGCHLD (it is the program's); closing as
 * joining (a close that blocks, perhaps for ever).
 */
#define _GNU_SOURCE
#include "shm/process.h"

#include "base/atomic.h"
#include "base/fork.h"
#include "base/inner.h"
#include "base/keep_errno.h"
#include "sync/wait.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fl_inner lock;
static struct fl_process *left;
static struct fl_process *abandoned; /* the parent's, in a forked child; kept where leak checkers see them */

static bool is_ours(const struct fl_process *process)
{
	return process->owner == getpid();
}

/* Its end. */

static int wait_for(const struct fl_process *process, fl_time deadline, fl_note *note)
{
	struct pollfd fds[2] = {{.fd = process->fd, .events = POLLIN}};

	return fl_wait_fds_(fds, 1, deadline, note);
}

static bool has_ended(const struct fl_process *process)
{
	return wait_for(process, 0, NULL) == 0;
}

/* It has ended by itself: how far did it come? */
static void read_head(const struct fl_process *process, fl_process_status *status)
{
	const struct fl_process_head *head = process->head;

	switch (fl_load_relaxed(&head->state)) {
	case FL_PROCESS_STARTED:
		status->end = FL_PROCESS_FAILED;
		status->result = -ENOEXEC;
		return;
	case FL_PROCESS_BROKEN:
		status->end = FL_PROCESS_FAILED;
		status->result = head->result;
		return;
	default:
		status->end = FL_PROCESS_EXITED;
		status->result = head->state == FL_PROCESS_RETURNED ? head->result : status->exitcode;
	}
}

static void read_status(struct fl_process *process, const siginfo_t *info)
{
	fl_process_status *status = &process->status;

	status->exitcode = info->si_status;
	if (info->si_code == CLD_EXITED) {
		read_head(process, status);
		return;
	}
	*status = (fl_process_status){
		.end = FL_PROCESS_KILLED,
		.exitcode = -info->si_status,
		.signal = info->si_status,
		.result = -ECHILD,
		.core = info->si_code == CLD_DUMPED,
	};
}

/* It has ended, so this returns at once, unless a debugger has to be told first. */
static int reap(void *process_)
{
	struct fl_process *process = process_;
	siginfo_t info;
	int error;

	do
		error = waitid(P_PIDFD, (id_t)process->fd, &info, WEXITED) < 0 ? errno : 0;
	while (error == EINTR);
	if (error == 0)
		read_status(process, &info);
	process->taken = error != 0;
	return 0;
}

static int conclude(struct fl_process *process, fl_process_status *ret_status)
{
	fl_once_call(&process->ended, reap, process);
	if (process->taken)
		return -ECHILD;
	if (ret_status)
		*ret_status = process->status;
	return 0;
}

int fl_process_join_until(fl_process *process, fl_time deadline, fl_note *note, fl_process_status *ret_status)
{
	fl_keep_errno();
	int error;

	if (!is_ours(process))
		return -EPERM;
	error = wait_for(process, deadline, note);
	if (error != 0 && !has_ended(process))
		return error;
	return conclude(process, ret_status);
}

int fl_process_join(fl_process *process, fl_process_status *ret_status)
{
	return fl_process_join_until(process, FL_FOREVER, NULL, ret_status);
}

int fl_process_join_try(fl_process *process, fl_process_status *ret_status)
{
	int error = fl_process_join_until(process, 0, NULL, ret_status);

	return error == -ETIMEDOUT ? -EAGAIN : error;
}

/* Signals. */

int fl_process_signal(fl_process *process, int signal)
{
	fl_keep_errno();

	if (!is_ours(process))
		return -EPERM;
	if (has_ended(process))
		return -ESRCH;
	return syscall(SYS_pidfd_send_signal, process->fd, signal, NULL, 0) < 0 ? -errno : 0;
}

int fl_process_terminate(fl_process *process)
{
	return fl_process_signal(process, SIGTERM);
}

int fl_process_kill(fl_process *process)
{
	return fl_process_signal(process, SIGKILL);
}

/* Asking. */

bool fl_process_alive(fl_process *process)
{
	fl_keep_errno();
	bool alive = !has_ended(process);

	if (!alive && is_ours(process))
		conclude(process, NULL);
	return alive;
}

int fl_process_pid(const fl_process *process)
{
	return (int)process->pid;
}

int fl_process_fd(const fl_process *process)
{
	return process->fd;
}

const char *fl_process_name(const fl_process *process)
{
	return process->name;
}

static void describe_failure(const struct fl_process *process, char *ret_text, size_t size)
{
	if (process->status.result == -ENOEXEC)
		snprintf(ret_text, size, "ended before it came to fl_process_begin, with exit code %d",
			 process->status.exitcode);
	else
		snprintf(ret_text, size, "did not run: %.*s", (int)sizeof(process->head->why), process->head->why);
}

static void describe_death(const fl_process_status *status, char *ret_text, size_t size)
{
	const char *name = sigabbrev_np(status->signal);

	if (name)
		snprintf(ret_text, size, "was killed by SIG%s%s", name, status->core ? ", with a core dump" : "");
	else
		snprintf(ret_text, size, "was killed by signal %d%s", status->signal,
			 status->core ? ", with a core dump" : "");
}

static void describe_end(const struct fl_process *process, char *ret_text, size_t size)
{
	const fl_process_status *status = &process->status;

	if (process->taken)
		snprintf(ret_text, size, "has ended; how, another wait was told, or nobody, as SIGCHLD is ignored");
	else if (status->end == FL_PROCESS_KILLED)
		describe_death(status, ret_text, size);
	else if (status->end == FL_PROCESS_FAILED)
		describe_failure(process, ret_text, size);
	else if (status->result != status->exitcode)
		snprintf(ret_text, size, "returned %d", status->result);
	else
		snprintf(ret_text, size, "exited with %d", status->exitcode);
}

void fl_process_describe(fl_process *process, char *ret_text, size_t size)
{
	char what[400] = "runs";

	if (!fl_process_alive(process)) {
		if (is_ours(process))
			describe_end(process, what, sizeof(what));
		else
			snprintf(what, sizeof(what), "has ended, which its parent knows more of");
	}
	snprintf(ret_text, size, "process %d '%s' %s", (int)process->pid, process->name, what);
}

/* Giving it back. */

void fl_process_free_(struct fl_process *process)
{
	if (process->head)
		munmap(process->head, process->head_size);
	if (process->fd >= 0)
		close(process->fd);
	free(process);
}

static void put_left(struct fl_process *process)
{
	fl_inner_acquire(&lock);
	process->next = left;
	left = process;
	fl_inner_release(&lock);
}

static struct fl_process *take_all_left(void)
{
	struct fl_process *all;

	fl_inner_acquire(&lock);
	all = left;
	left = NULL;
	fl_inner_release(&lock);
	return all;
}

void fl_process_sweep_(void)
{
	struct fl_process *process, *next;

	for (process = take_all_left(); process; process = next) {
		next = process->next;
		if (fl_process_alive(process))
			put_left(process);
		else
			fl_process_free_(process);
	}
}

fl_process *fl_process_close(fl_process *process)
{
	fl_keep_errno();

	fl_process_sweep_();
	if (process && is_ours(process) && fl_process_alive(process))
		put_left(process);
	else if (process)
		fl_process_free_(process);
	return NULL;
}

static void after_fork(void)
{
	lock.state = 0;
	abandoned = left;
	left = NULL;
}

__attribute__((constructor(104))) static void begin(void)
{
	fl_fork_register_(after_fork);
}
