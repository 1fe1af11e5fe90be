/*
 * check/exit.c - the ways out of the process: exit, abort, a failed assertion.
 *
 * exit() is a scheduling point: other threads may still do something before the process ends, and while the destructors
 * of the program run.
 *
 * exit() calls the oldest of its functions last. Behind that the C library would write out what is buffered and end the
 * process, by a system call that the snapshot engine has to catch as a signal, a tenth of a short execution. Where
 * nobody reads what the program writes, the execution ends in the oldest function instead, which is the checker's; but
 * not if it has streams of its own, which may have functions of its own (fopencookie).
 */
#include "engine.h"
#include "exception.h"
#include "signals.h"
#include "thread.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern int __cxa_atexit(void (*call)(void *), void *arg, void *library);
extern FILE
	*_IO_list_all; /* the C library's list of streams, the newest first; standard error was the last of its own */

static void last(int code, void *unused)
{
	(void)unused;
	if (controlled() && memory->asked.quiet && memory->asked.same_output == CHECK_SAME_NO && _IO_list_all == stderr)
		engine_exit(code);
}

/* In front of all other constructors (-z initfirst). */
__attribute__((constructor)) static void begin(void)
{
	on_exit(last, NULL);
}

EXPORT NO_RETURN void exit(int code)
{
	static void (*real)(int);

	if (real == NULL)
		real = (void (*)(int))dlsym(RTLD_NEXT, "exit");
	if (controlled()) {
		sched_point(CHECK_PROCESS_EXIT, 0, true, CALLER);
		trace_value((uint64_t)code, 0, CHECK_VALUE);
		thread_finish_objects(self());
	}
	real(code);
	__builtin_unreachable();
}

/* The C library has it in the part that is linked into each program. A program that was linked with the sanitizer's
 * runtime has found it there, and looks for it here. */
EXPORT int atexit(void (*call)(void));
int atexit(void (*call)(void))
{
	return __cxa_atexit((void (*)(void *))call, NULL, NULL);
}

EXPORT NO_RETURN void _exit(int code)
{
	if (controlled()) {
		sched_point(CHECK_PROCESS_EXIT, 0, true, CALLER);
		engine_exit(code);
	}
	for (;;)
		__asm__ volatile("syscall" : : "a"(231), "D"(code) : "rcx", "r11", "memory");
}

EXPORT NO_RETURN void _Exit(int code)
{
	_exit(code);
}

/* Outside of a check, as the C library does it. */
static NO_RETURN void really_abort(void)
{
	void (*real)(void) = (void (*)(void))dlsym(RTLD_NEXT, "abort");

	real();
	__builtin_unreachable();
}

EXPORT NO_RETURN void abort(void)
{
	char text[CHECK_TEXT];

	if (controlled() && signal_has_handler(SIGABRT))
		signal_raise(SIGABRT, CALLER);
	if (controlled() && exception_describe(text, sizeof(text)))
		fail(CHECK_ABORT, CALLER, "%s", text);
	if (controlled())
		fail(CHECK_ABORT, CALLER, "abort()");
	really_abort();
}

EXPORT NO_RETURN void __assert_fail(const char *expression, const char *file, unsigned line, const char *function);
NO_RETURN void __assert_fail(const char *expression, const char *file, unsigned line, const char *function)
{
	(void)function;
	if (controlled())
		fail(CHECK_ASSERTION, CALLER, "%s:%u: assertion `%s' failed", file, line, expression);
	raw_say("%s:%u: assertion `%s' failed", file, line, expression);
	really_abort();
}

EXPORT NO_RETURN void __assert_perror_fail(int error, const char *file, unsigned line, const char *function);
NO_RETURN void __assert_perror_fail(int error, const char *file, unsigned line, const char *function)
{
	(void)function;
	if (controlled())
		fail(CHECK_ASSERTION, CALLER, "%s:%u: unexpected error %d", file, line, error);
	raw_say("%s:%u: unexpected error %d", file, line, error);
	really_abort();
}
