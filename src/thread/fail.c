/*
 * thread/fail.c - how a thread ends before its function returns: fl_thread_exit, and fl_thread_fail with its hook.
 *
 * C has no exceptions, so failing is a call. It does what an uncaught exception does in a Python thread: a hook is
 * told, the thread ends, the others go on; in the main thread the process ends.
 */
#define _GNU_SOURCE
#include "thread/thread.h"

#include "base/atomic.h"
#include "base/fork.h"
#include "base/inner.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WHAT_SIZE 1024

static struct fl_inner lock;
static fl_thread_fail_hook the_hook;
static void *the_arg;

void fl_thread_set_fail_hook(fl_thread_fail_hook hook, void *arg)
{
	fl_inner_acquire(&lock);
	the_hook = hook;
	the_arg = arg;
	fl_inner_release(&lock);
}

void (*fl_thread_leaving_)(void);

static void leave(void)
{
	if (fl_thread_leaving_)
		fl_thread_leaving_();
}

static void print(const char *name, const char *what)
{
	char text[WHAT_SIZE + 256];
	int n = snprintf(text, sizeof(text), "fairlead: thread '%.200s' failed: %s\n", name, what);

	/* In one piece, so that two threads' failures do not get mixed up. Nobody is left to be told if it cannot
	 * be written. */
	if (write(STDERR_FILENO, text, (size_t)n) < 0)
		return;
}

static void tell(fl_thread *thread, const char *what)
{
	fl_thread_fail_hook hook;
	void *arg;

	fl_inner_acquire(&lock);
	hook = the_hook;
	arg = the_arg;
	fl_inner_release(&lock);
	if (hook)
		hook(thread, what, arg);
	else
		print(thread ? fl_thread_name(thread) : "?", what);
}

void fl_thread_exit(void *value)
{
	fl_thread *self = fl_thread_self();

	leave();
	if (self)
		self->value = value;
	pthread_exit(value);
}

void fl_thread_fail(const char *format, ...)
{
	fl_thread *self = fl_thread_self();
	char what[WHAT_SIZE];
	bool again = self && self->failed;
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	leave();
	if (self)
		self->failed = true;
	if (!again)
		tell(self, what);
	if (syscall(SYS_gettid) == getpid())
		exit(EXIT_FAILURE);
	pthread_exit(NULL);
}

static void after_fork(void)
{
	lock.state = 0;
}

__attribute__((constructor)) static void begin(void)
{
	fl_fork_register_(after_fork);
}
