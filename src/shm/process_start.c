/*
 * shm/process_start.c - making a process that runs a function of this program.
 *
 * The usual way is that of posix_spawn: a child that has its parent's memory, while the calling thread sleeps, puts its
 * descriptors, signals and lifeline in order and runs the program anew; copying no page tables makes it as cheap in a
 * large process as in a small one. posix_spawn itself can't arm a lifeline, and has no pidfd to give that is certain to
 * be the child's. What runs between clone and exec (`in_child` and what it calls) lives on a stack of its own, makes
 * system calls and nothing else: it takes no lock, allocates nothing, and no handler of the parent's may run there, so
 * all signals are blocked, and handlers reset before they are not.
 *
 * The other way is fork(), for programs that have no main() of their own to call fl_process_begin in, or much state
 * that the child is to have. It is refused where there are other threads, since their locks would be held in the child
 * for ever; Fairlead's are not (fairlead/fork.h), but malloc's and everybody else's. As fork() gives no pidfd, the
 * child waits until its parent has opened one: until then its number can't be another's.
 *
 * Rejected: fork and exec (a thousand page tables to copy in a process of some gigabytes); a process that is kept to
 * fork from (Python's forkserver: faster, but what it has is what was when it started, and it is one more to die).
 */
#define _GNU_SOURCE
#include "shm/process.h"

#include "base/atomic.h"
#include "base/keep_errno.h"
#include "thread/thread.h"
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Sanitizers keep notes of stacks and calls that a child with its parent's memory would leave wrong. */
#define UNCHECKED __attribute__((no_sanitize("address", "thread", "undefined")))

#define STACK_SIZE ((size_t)64 << 10)
#define EXEC_FAILED 127

/* One start, made in parts. */
struct launch {
	const fl_process_options *options;
	struct fl_process_function function;
	struct fl_process *process;
	struct fl_process_head *head;
	int memory; /* the memfd */
	int lifeline;
	/* For the child that is to exec: */
	char marker[sizeof(FL_PROCESS_MARKER) + 32];
	char *marker_end; /* behind its digits */
	char *argv[2];
	char **envp;
	sigset_t mask;
};

/* In the child, before it runs the program. */

UNCHECKED static void write_pid(char *end, long pid)
{
	for (; pid > 0; pid /= 10)
		*--end = (char)('0' + pid % 10);
}

/* What the kernel takes; the handler is the first of it. */
struct kernel_action {
	unsigned long handler, flags, restorer, mask[2];
};

/* exec would do so, but they must not run before it. What is ignored stays so. */
UNCHECKED static void reset_handlers(void)
{
	const struct kernel_action by_default = {.handler = (unsigned long)SIG_DFL};
	struct kernel_action action = {0};
	int signal;

	for (signal = 1; signal < _NSIG; signal++)
		if (syscall(SYS_rt_sigaction, signal, NULL, &action, _NSIG / 8) == 0 &&
		    action.handler != (unsigned long)SIG_IGN)
			syscall(SYS_rt_sigaction, signal, &by_default, NULL, _NSIG / 8);
}

UNCHECKED static int keep(int fd)
{
	return syscall(SYS_fcntl, fd, F_SETFD, 0) < 0 ? -errno : 0;
}

/* All others are closed when the program is run. */
UNCHECKED static int keep_descriptors(const struct launch *launch)
{
	int error = 0;
	uint32_t i;

	if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return errno == EINVAL ? -ENOSYS : -errno;
	for (i = 0; error == 0 && i < launch->options->n_keep; i++)
		error = keep(launch->options->keep[i]);
	if (error == 0 && launch->lifeline >= 0)
		error = keep(launch->lifeline);
	return error == 0 ? keep(launch->memory) : error;
}

UNCHECKED static int prepare(const struct launch *launch)
{
	int error;

	write_pid(launch->marker_end, syscall(SYS_getpid));
	reset_handlers();
	error = keep_descriptors(launch);
	return error == 0 && launch->lifeline >= 0 ? fl_lifeline_arm_(launch->lifeline) : error;
}

UNCHECKED static _Noreturn void in_child(const struct launch *launch)
{
	int error = prepare(launch);

	if (error == 0) {
		syscall(SYS_rt_sigprocmask, SIG_SETMASK, &launch->mask, NULL, _NSIG / 8);
		syscall(SYS_execve, "/proc/self/exe", launch->argv, launch->envp);
		error = -errno;
	}
	launch->head->error = error;
	for (;;)
		syscall(SYS_exit_group, EXEC_FAILED);
}

/* A child with our memory, which calls in_child(launch) on this stack, while we sleep. Returns its pid, or a negative
 * errno. Not by the C library's clone(), since sanitizers take hold of that and think that all memory is the child's
 * alone. On other machines that is made true. */
UNCHECKED static long clone_child(const struct launch *launch, char *stack, int *ret_pidfd)
{
	long flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
#if defined(__x86_64__)
	register const struct launch *arg __asm__("r8") = launch;
	register void (*function)(const struct launch *) __asm__("r9") = in_child;
	long pid;

	__asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\txor %%ebp, %%ebp\n\tmov %%r8, %%rdi\n\t"
			 "call *%%r9\n1:"
			 : "=a"(pid)
			 : "a"(SYS_clone), "D"(flags), "S"(stack), "d"(ret_pidfd), "r"(arg), "r"(function)
			 : "rcx", "r11", "memory", "cc");
	return pid;
#elif defined(__aarch64__)
	register long x0 __asm__("x0") = flags;
	register char *x1 __asm__("x1") = stack;
	register int *x2 __asm__("x2") = ret_pidfd;
	register long x8 __asm__("x8") = SYS_clone;
	register void (*x9)(const struct launch *) __asm__("x9") = in_child;
	register const struct launch *x10 __asm__("x10") = launch;

	__asm__ volatile("svc #0\n\tcbnz x0, 1f\n\tmov x29, xzr\n\tmov x0, x10\n\tblr x9\n1:"
			 : "+r"(x0)
			 : "r"(x1), "r"(x2), "r"(x8), "r"(x9), "r"(x10)
			 : "memory", "cc");
	return x0;
#else
	long pid = syscall(SYS_clone, flags & ~CLONE_VM, NULL, ret_pidfd, NULL, NULL);

	(void)stack;
	if (pid == 0)
		in_child(launch);
	return pid < 0 ? -errno : pid;
#endif
}

/* The usual way. */

static bool is_marker(const char *variable)
{
	return strncmp(variable, FL_PROCESS_MARKER, sizeof(FL_PROCESS_MARKER) - 1) == 0;
}

/* The environment as it is, and what tells the child. Its digits are written by the child. */
static int make_environment(struct launch *launch)
{
	char **from, **to;
	size_t n = 0;

	for (from = environ; from && *from; from++)
		n++;
	launch->envp = to = malloc((n + 2) * sizeof(*to));
	if (!to)
		return -ENOMEM;
	for (from = environ; from && *from && n > 0; from++, n--)
		if (!is_marker(*from))
			*to++ = *from;
	launch->marker_end = launch->marker + snprintf(launch->marker, sizeof(launch->marker), "%s%d:%010d",
						       FL_PROCESS_MARKER, launch->memory, 0);
	*to++ = launch->marker;
	*to = NULL;
	return 0;
}

static int make_arguments(struct launch *launch)
{
	if (asprintf(&launch->argv[0], "%s: %s", program_invocation_short_name, launch->process->name) < 0) {
		launch->argv[0] = NULL;
		return -ENOMEM;
	}
	return make_environment(launch);
}

/* The child has not come to run the program. */
static int bury(struct fl_process *process, int error)
{
	siginfo_t unused;

	while (waitid(P_PIDFD, (id_t)process->fd, &unused, WEXITED) < 0 && errno == EINTR)
		;
	close(process->fd);
	process->fd = -1;
	return error;
}

static int clone_with(struct launch *launch, char *stack)
{
	struct fl_process *process = launch->process;
	sigset_t all;
	long pid;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &launch->mask);
	pid = clone_child(launch, stack + STACK_SIZE, &process->fd);
	pthread_sigmask(SIG_SETMASK, &launch->mask, NULL);
	if (pid < 0) {
		process->fd = -1; /* the kernel may have failed after it had written a number, which is another's now */
		return (int)pid;
	}
	process->pid = (pid_t)pid;
	return launch->head->error != 0 ? bury(process, launch->head->error) : 0;
}

static int clone_and_exec(struct launch *launch)
{
	char *stack;
	int error = make_arguments(launch);

	if (error == 0) {
		stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
		error = stack == MAP_FAILED ? -ENOMEM : clone_with(launch, stack);
		if (stack != MAP_FAILED)
			munmap(stack, STACK_SIZE);
	}
	free(launch->envp);
	free(launch->argv[0]);
	return error;
}

/* By fork(). */

/* A directory has a link from each one in it, and two more. */
static bool has_other_threads(void)
{
	struct stat status;

	return stat("/proc/self/task", &status) == 0 && status.st_nlink > 3;
}

/* Where there may be other threads, only the streams that everybody has: one of them might be reading from another,
 * and hold it as long as nothing comes. */
static void flush(uint32_t way)
{
	if (way == FL_PROCESS_FORK) {
		fflush(NULL);
		return;
	}
	fflush(stdout);
	fflush(stderr);
}

static _Noreturn void in_forked(const struct launch *launch, int gate)
{
	struct fl_process_head *head = launch->head;
	char unused;
	ssize_t got;
	int code;

	do
		got = read(gate, &unused, 1);
	while (got < 0 && errno == EINTR);
	close(gate);
	if (got != 1)
		_exit(EXEC_FAILED);
	if (launch->lifeline >= 0 && (fl_lifeline_arm_(launch->lifeline) != 0 || fl_lifeline_is_cut_(launch->lifeline)))
		raise(SIGKILL);
	prctl(PR_SET_NAME, head->name);
	code = fl_process_run_(head, launch->memory);
	/* Not by exit(): what the parent has registered there is the parent's. */
	fl_thread_wait_for_all_();
	flush(launch->options->way);
	_exit(code);
}

/* The child is ours, alive or dead, until we have waited for it, so its number is still its own. */
static int open_pidfd(struct fl_process *process)
{
	process->fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	return process->fd < 0 ? -errno : 0;
}

static int fork_with(struct launch *launch, const int gate[2])
{
	struct fl_process *process = launch->process;
	int error;

	process->pid = fork();
	if (process->pid < 0)
		return -errno;
	if (process->pid == 0) {
		close(gate[1]);
		in_forked(launch, gate[0]);
	}
	error = open_pidfd(process);
	if (error == 0 && write(gate[1], "", 1) != 1)
		error = -errno;
	return error;
}

static void wait_for(pid_t child)
{
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static int fork_one(struct launch *launch)
{
	int gate[2], error;

	if (launch->options->way == FL_PROCESS_FORK && has_other_threads())
		return -EBUSY;
	if (pipe2(gate, O_CLOEXEC) < 0)
		return -errno;
	error = fork_with(launch, gate);
	close(gate[0]);
	close(gate[1]);
	if (error != 0 && launch->process->pid > 0) /* it reads that the gate is closed, and ends */
		wait_for(launch->process->pid);
	return error;
}

/* What both share. */

static void mark(struct fl_process_head *head, const fl_process_options *options)
{
	uint32_t i;

	for (i = 0; i < options->n_keep; i++)
		if (fcntl(options->keep[i], F_GETFD) & FD_CLOEXEC)
			head->marked[head->n_marked++] = options->keep[i];
}

static void fill_head(const struct launch *launch, const void *arg, size_t size)
{
	struct fl_process_head *head = launch->head;

	head->magic = FL_PROCESS_MAGIC;
	head->offset = launch->process->head_size;
	head->size = size;
	head->function = launch->function;
	head->lifeline = launch->lifeline;
	snprintf(head->name, sizeof(head->name), "%.*s", (int)sizeof(head->name) - 1, launch->process->name);
	if (size > 0)
		memcpy((char *)head + head->offset, arg, size);
	mark(head, launch->options);
}

static size_t whole_pages(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

/* Maps the head, for as long as there is a handle, and the argument while it is copied there. */
static int fill(struct launch *launch, const void *arg, size_t size)
{
	struct fl_process *process = launch->process;
	size_t head = process->head_size;
	char *memory = mmap(NULL, head + size, PROT_READ | PROT_WRITE, MAP_SHARED, launch->memory, 0);

	if (memory == MAP_FAILED)
		return -errno;
	process->head = launch->head = (void *)memory;
	fill_head(launch, arg, size);
	if (size > 0)
		munmap(memory + head, whole_pages(size));
	return 0;
}

/* The memory is there before it is written, so that there is an error and no SIGBUS if there is none. */
static int make_memory(struct launch *launch, const void *arg, size_t size)
{
	size_t head = whole_pages(sizeof(*launch->head) + launch->options->n_keep * sizeof(launch->head->marked[0]));

	if (size > (size_t)INT64_MAX - 2 * head)
		return -ENOMEM;
	launch->process->head_size = head;
	launch->memory = memfd_create("fairlead-process", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (launch->memory < 0)
		return -errno;
	if (fallocate(launch->memory, 0, 0, (off_t)(head + size)) < 0)
		return errno == ENOSPC || errno == EFBIG ? -ENOMEM : -errno;
	if (fcntl(launch->memory, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -errno;
	return fill(launch, arg, size);
}

static int make(struct launch *launch, const void *arg, size_t size)
{
	int error = 0;

	if (launch->options->die_with_parent) {
		launch->lifeline = fl_lifeline_open_();
		error = launch->lifeline < 0 ? launch->lifeline : 0;
	}
	if (error == 0)
		error = make_memory(launch, arg, size);
	if (error != 0)
		return error;
	flush(launch->options->way);
	error = launch->options->way == FL_PROCESS_EXEC ? clone_and_exec(launch) : fork_one(launch);
	return error;
}

static struct fl_process *make_handle(const char *name)
{
	static uint32_t n_unnamed;
	char numbered[32];
	struct fl_process *process;
	size_t size;

	if (!name) {
		snprintf(numbered, sizeof(numbered), "process-%u", (unsigned)fl_add_relaxed(&n_unnamed, 1) + 1);
		name = numbered;
	}
	size = strlen(name) + 1;
	process = calloc(1, sizeof(*process) + size);
	if (!process)
		return NULL;
	memcpy(process->name, name, size);
	process->owner = getpid();
	process->fd = -1;
	return process;
}

static int start(fl_process **ret_process, struct launch *launch, const void *arg, size_t size)
{
	int error;

	fl_process_sweep_();
	launch->process = make_handle(launch->options->name);
	if (!launch->process)
		return -ENOMEM;
	error = make(launch, arg, size);
	if (launch->memory >= 0)
		close(launch->memory);
	if (launch->lifeline >= 0)
		close(launch->lifeline);
	if (error != 0)
		fl_process_free_(launch->process);
	else if (ret_process)
		*ret_process = launch->process;
	else
		fl_process_close(launch->process);
	return error;
}

static bool good(const fl_process_options *options)
{
	static const fl_process_options zero;

	return options->way <= FL_PROCESS_FORK_ANYWAY && (options->keep || options->n_keep == 0) &&
	       options->n_keep <= INT16_MAX &&
	       memcmp(options->fl_spare0, zero.fl_spare0, sizeof(zero.fl_spare0)) == 0 &&
	       memcmp(options->fl_spare, zero.fl_spare, sizeof(zero.fl_spare)) == 0;
}

/* Whether the new process would know what it was started for, if the program is run anew. */
static int refuse_exec(void)
{
	if (getauxval(AT_SECURE))
		return -EPERM;
	return fl_process_has_begun_() ? 0 : -ENOEXEC;
}

/* Before there are descriptors of our own, one of which might have that number. */
static bool are_open(const fl_process_options *options)
{
	uint32_t i;

	for (i = 0; i < options->n_keep; i++)
		if (fcntl(options->keep[i], F_GETFD) < 0)
			return false;
	return true;
}

int fl_process_start(fl_process **ret_process, const fl_process_options *options,
		     int (*function)(void *arg, size_t size), const void *arg, size_t size)
{
	fl_keep_errno();
	static const fl_process_options defaults;
	struct launch launch = {.options = options ? options : &defaults, .memory = -1, .lifeline = -1};
	const void *address;
	int error = 0;

	memcpy(&address, &function, sizeof(address)); /* a conversion that C has no words for */
	if (!good(launch.options))
		return -EINVAL;
	if (launch.options->way == FL_PROCESS_EXEC)
		error = refuse_exec();
	if (error == 0 && !are_open(launch.options))
		error = -EBADF;
	if (error == 0)
		error = fl_process_name_function_(address, &launch.function);
	return error != 0 ? error : start(ret_process, &launch, arg, size);
}
