/*
 * check/unmodelled.c - calls that the checker has no model of: the check ends when one is met, and says which.
 *
 * Another process, made by fork or from another program: its steps could not be put in an order with those of this one.
 * Timers and signals that come by descriptor: they are the kernel's, and in real time. Asynchronous input and output:
 * the C library has threads of its own for it.
 *
 * A thread that waits in any other system call, as for a file's lock or a message queue, holds up all others, some of
 * which it may wait for. That is no failure of the program: after some seconds it is said what it waits in.
 *
 * Not here, for they need no model: shared memory and files go through as they are, and belong to the program alone;
 * what dlopen leaves behind is for the process engine, like all that the kernel keeps.
 */
#include "unmodelled.h"

#include "run.h"
#include "trace.h"

#include <aio.h>
#include <dlfcn.h>
#include <errno.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* Before main it is what it is elsewhere. */
#define UNMODELLED(type, name, parameters, arguments) \
	EXPORT type name parameters \
	{ \
		type(*real) parameters; \
\
		if (controlled()) \
			not_modelled(#name "()"); \
		real = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
		return real arguments; \
	}

UNMODELLED(pid_t, fork, (void), ())
UNMODELLED(pid_t, _Fork, (void), ())
UNMODELLED(pid_t, vfork, (void), ())
UNMODELLED(int, system, (const char *command), (command))
UNMODELLED(FILE *, popen, (const char *command, const char *how), (command, how))
UNMODELLED(int, daemon, (int here, int open), (here, open))
UNMODELLED(int, execv, (const char *path, char *const *argv), (path, argv))
UNMODELLED(int, execvp, (const char *path, char *const *argv), (path, argv))
UNMODELLED(int, execve, (const char *path, char *const *argv, char *const *envp), (path, argv, envp))
UNMODELLED(int, execvpe, (const char *path, char *const *argv, char *const *envp), (path, argv, envp))
UNMODELLED(int, fexecve, (int fd, char *const *argv, char *const *envp), (fd, argv, envp))
UNMODELLED(int, posix_spawn,
	   (pid_t *restrict ret_pid, const char *restrict path, const posix_spawn_file_actions_t *restrict actions,
	    const posix_spawnattr_t *restrict attributes, char *const *restrict argv, char *const *restrict envp),
	   (ret_pid, path, actions, attributes, argv, envp))
UNMODELLED(int, posix_spawnp,
	   (pid_t * ret_pid, const char *path, const posix_spawn_file_actions_t *actions,
	    const posix_spawnattr_t *attributes, char *const *argv, char *const *envp),
	   (ret_pid, path, actions, attributes, argv, envp))
UNMODELLED(int, timer_create, (clockid_t clock, struct sigevent *restrict event, timer_t *restrict ret_timer),
	   (clock, event, ret_timer))
UNMODELLED(int, timerfd_create, (clockid_t clock, int flags), (clock, flags))
UNMODELLED(int, signalfd, (int fd, const sigset_t *set, int flags), (fd, set, flags))
UNMODELLED(int, aio_read, (struct aiocb * block), (block))
UNMODELLED(int, aio_write, (struct aiocb * block), (block))
UNMODELLED(int, lio_listio, (int mode, struct aiocb *const *restrict list, int n, struct sigevent *restrict event),
	   (mode, list, n, event))
UNMODELLED(int, mq_notify, (mqd_t queue, const struct sigevent *event), (queue, event))

/* Their arguments cannot be passed on. */
static int refuse(const char *what)
{
	if (controlled())
		not_modelled(what);
	errno = ENOSYS;
	return -1;
}

EXPORT int clone(int (*call)(void *), void *stack, int flags, void *arg, ...)
{
	(void)call;
	(void)stack;
	(void)flags;
	(void)arg;
	return refuse("clone()");
}

EXPORT int execl(const char *path, const char *arg, ...)
{
	(void)path;
	(void)arg;
	return refuse("execl()");
}

EXPORT int execlp(const char *path, const char *arg, ...)
{
	(void)path;
	(void)arg;
	return refuse("execlp()");
}

EXPORT int execle(const char *path, const char *arg, ...)
{
	(void)path;
	(void)arg;
	return refuse("execle()");
}

#define WAITED INT64_C(5000000000)
#define WAITED_ELSEWHERE INT64_C(20000000000)
#define SYSTEM_CALL 0x050f

/* The first place that is in another file: whoever called what is there. */
static uintptr_t caller_of(const struct check_place *place, const Dl_info *inner)
{
	Dl_info info;

	for (unsigned i = 0; i < CHECK_FRAMES && place->pc[i] != 0; i++) {
		if (dladdr((void *)place->pc[i], &info) != 0 && info.dli_fbase != inner->dli_fbase)
			return place->pc[i] - 1;
	}
	return 0;
}

/* The kernel has made the call again, or has ended it for the signal by which we look. */
static bool is_call(uintptr_t pc)
{
	return *(const uint16_t *)pc == SYSTEM_CALL || *(const uint16_t *)(pc - 2) == SYSTEM_CALL;
}

static void describe(uintptr_t pc, char *text, size_t size)
{
	Dl_info inner = {.dli_sname = NULL}, outer = {.dli_fname = "?"};
	struct check_place place;
	uintptr_t caller;

	dladdr((void *)pc, &inner);
	trace_place(&place, pc);
	caller = caller_of(&place, &inner);
	if (caller != 0)
		dladdr((void *)caller, &outer);
	raw_print(text, size, "T%u waits in a system call, in %s, called from %s+0x%lx", self()->id,
		  inner.dli_sname != NULL ? inner.dli_sname : "a function", outer.dli_fname,
		  caller - (uintptr_t)outer.dli_fbase);
}

/* Of kernel threads it is not always the one that runs which gets the signal. */
void unmodelled_wait(uintptr_t pc, int64_t ns)
{
	char text[CHECK_TEXT];
	bool here;

	if (ns < WAITED || !is_call(pc))
		return;
	here = (uintptr_t)__builtin_thread_pointer() == self()->fiber.fs;
	if (!here && ns < WAITED_ELSEWHERE)
		return;
	if (here)
		describe(pc, text, sizeof(text));
	else
		raw_print(text, sizeof(text), "T%u waits in a system call", self()->id);
	not_modelled(text);
}
