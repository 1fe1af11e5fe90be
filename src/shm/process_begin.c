/*
 * shm/process_begin.c - in a process that was started to run a function: the function is found and run.
 *
 * How does a process know that it was started for that? By a variable of the environment, FAIRLEAD_PROCESS=FD:PID,
 * which names the descriptor of the memory that it shares with its parent (shm/process.h), and itself. The latter makes
 * it harmless where it does not belong: the process takes it out of its environment before main() begins, so none of
 * its children has it, and if one had it all the same it would see that another is meant. A privileged program
 * (AT_SECURE) does not look at it, since it names code to be run; fl_process_start refuses to start one.
 *
 * The constructor takes what was handed over, and fl_process_begin runs it. A program that never comes to
 * fl_process_begin in the child would run as if it had been started by hand; what it can't do is start processes in
 * turn, for which fl_process_begin must have been called. So the worst mistake costs one process, and the parent is
 * told that the function was not reached.
 *
 * Rejected: arguments instead of the environment (a program that looks at its arguments before it calls
 * fl_process_begin would stumble over them); to run the function in the constructor (the program's own constructors,
 * which run later, have then not initialised what it stands on).
 */
#define _GNU_SOURCE
#include "shm/process.h"

#include "base/atomic.h"
#include "base/keep_errno.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define COULD_NOT_RUN 127 /* the shell's exit code for it */

static struct fl_process_head *handed;
static int handed_fd = -1; /* -1: nothing was handed to this process, or it is being run */
static bool has_begun;

bool fl_process_has_begun_(void)
{
	return fl_load_relaxed(&has_begun);
}

/* Taking what was handed over. */

static bool is_whole(const struct fl_process_head *head, size_t size)
{
	return size >= sizeof(*head) && head->magic == FL_PROCESS_MAGIC && head->offset <= size &&
	       head->size <= size - head->offset && head->offset >= sizeof(*head) &&
	       head->n_marked <= (head->offset - sizeof(*head)) / sizeof(head->marked[0]);
}

static struct fl_process_head *map_head(int fd)
{
	struct fl_process_head *head;
	struct stat status;

	if (fstat(fd, &status) < 0 || status.st_size < (off_t)sizeof(*head))
		return NULL;
	head = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return head != MAP_FAILED && is_whole(head, (size_t)status.st_size) ? head : NULL;
}

/* What this process runs by exec later has none of it. */
static void close_on_exec(const struct fl_process_head *head)
{
	uint32_t i;

	for (i = 0; i < head->n_marked; i++)
		fcntl(head->marked[i], F_SETFD, FD_CLOEXEC);
	if (head->lifeline >= 0)
		fcntl(head->lifeline, F_SETFD, FD_CLOEXEC);
	fcntl(handed_fd, F_SETFD, FD_CLOEXEC);
}

__attribute__((constructor(105))) static void take(void)
{
	const char *value = secure_getenv("FAIRLEAD_PROCESS");
	int fd, pid;

	if (!value || sscanf(value, "%d:%d", &fd, &pid) != 2 || pid != getpid())
		return;
	unsetenv("FAIRLEAD_PROCESS");
	handed_fd = fd;
	handed = map_head(fd);
	if (!handed)
		return;
	close_on_exec(handed);
	prctl(PR_SET_NAME, handed->name);
}

/* Running it. */

/* The rest of what was handed over goes; the head stays. */
static int copy_argument(const struct fl_process_head *head, int fd, void **ret_arg)
{
	void *arg = NULL;

	if (head->size > 0)
		arg = mmap(NULL, head->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, (off_t)head->offset);
	close(fd);
	if (arg == MAP_FAILED)
		return -ENOMEM;
	*ret_arg = arg;
	return 0;
}

static const char *explain(int error)
{
	return error == -ESTALE   ? "is not the parent's: its file has been replaced"
	       : error == -ENOENT ? "is not there: load it before fl_process_begin"
				  : "is there, but there is no memory for the argument";
}

static int give_up(struct fl_process_head *head, int error)
{
	snprintf(head->why, sizeof(head->why), "the function's module, %s, %s",
		 head->function.module[0] ? head->function.module : "the program", explain(error));
	head->result = error;
	fl_store_relaxed(&head->state, FL_PROCESS_BROKEN);
	return COULD_NOT_RUN;
}

int fl_process_run_(struct fl_process_head *head, int fd)
{
	int (*function)(void *arg, size_t size);
	void *arg = NULL, *address;
	int error = copy_argument(head, fd, &arg);

	if (error == 0)
		error = fl_process_find_function_(&head->function, &address);
	if (error != 0)
		return give_up(head, error);
	fl_store_relaxed(&head->state, FL_PROCESS_BEGUN);
	memcpy(&function, &address, sizeof(function)); /* a conversion that C has no words for */
	error = function(arg, head->size);
	head->result = error;
	fl_store_relaxed(&head->state, FL_PROCESS_RETURNED);
	return error >= 0 && error <= 255 ? error : 1;
}

void fl_process_begin(void)
{
	fl_keep_errno();
	int fd = handed_fd;

	fl_store_relaxed(&has_begun, true);
	if (fl_likely(fd < 0))
		return;
	handed_fd = -1;
	if (!handed)
		_exit(COULD_NOT_RUN);
	exit(fl_process_run_(handed, fd));
}
