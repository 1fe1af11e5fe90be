/*
 * check/unmodelled.c - calls that the checker has no model of: the check ends when one is met, and says which.
 *
 * Another process, made by fork or from another program: its steps could not be put in an order with those of this one.
 * Timers and signals that come by descriptor: they are the kernel's, and in real time. Asynchronous input and output:
 * the C library has threads of its own for it.
 *
 * Not here, for they need no model: shared memory and files go through as they are, and belong to the program alone;
 * what dlopen leaves behind is for the process engine, like all that the kernel keeps.
 */
#include "run.h"

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
