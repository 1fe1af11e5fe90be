/*
 * base/report.c - what happens when a contract is broken: gather everything that helps, tell the hook or standard
 * error, and abort if nobody took it in hand.
 *
 * The backtrace is glibc's backtrace(3), symbols by dladdr(3): names of exported functions, and for others the module
 * and offset, which addr2line takes. Everything is in fixed buffers on the stack: a report may come from a process
 * that is out of memory.
 */
#define _GNU_SOURCE
#include "base/report.h"

#include "base/atomic.h"
#include "base/name.h"
#include "base/self.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__has_include)
#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define HAVE_BACKTRACE
#endif
#endif

#define MAX_FRAMES 32
#define TEXT_SIZE 8192

static fl_report_hook the_hook;
static void *the_arg;

void fl_report_set_hook(fl_report_hook hook, void *arg)
{
	fl_store_relaxed(&the_arg, arg);
	/* [report.1] release; pairs with [report.2] */
	fl_store_release(&the_hook, hook);
}

/* Text that grows in a fixed buffer and stops at its end. */
struct text {
	char *at;
	size_t left;
};

static void append(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(struct text *text, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->at, text->left, format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= text->left)
		n = (int)text->left - 1;
	text->at += n;
	text->left -= (size_t)n;
}

void fl_report_site_(const void *site, char *ret_text, size_t size)
{
	Dl_info info = {0};

	if (!site || !dladdr(site, &info) || !info.dli_fname)
		snprintf(ret_text, size, "%p", site);
	else if (info.dli_sname)
		snprintf(ret_text, size, "%s+0x%tx (%s)", info.dli_sname,
			 (const char *)site - (const char *)info.dli_saddr, info.dli_fname);
	else
		snprintf(ret_text, size, "%s+0x%tx", info.dli_fname, (const char *)site - (const char *)info.dli_fbase);
}

/* A thread's name, as the kernel has it. */
static void thread_name(pid_t tid, char *ret_name, size_t size)
{
	char path[64];
	FILE *file;

	ret_name[0] = '\0';
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", (int)tid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(ret_name, (int)size, file))
		ret_name[strcspn(ret_name, "\n")] = '\0';
	fclose(file);
}

void fl_report_thread_(unsigned number, char *ret_text, size_t size)
{
	struct fl_record *record = fl_self_find_(number);
	char name[32];

	if (!record) {
		snprintf(ret_text, size, "a thread that has ended");
		return;
	}
	thread_name(record->tid, name, sizeof(name));
	snprintf(ret_text, size, "thread %d '%s'", (int)record->tid, name);
}

static const char *kind_word(enum fl_report_kind kind)
{
	switch (kind) {
	case FL_REPORT_ORDER:
		return "lock order";
	case FL_REPORT_DEADLOCK:
		return "deadlock";
	case FL_REPORT_CALLBACK:
		return "failed callback";
	default:
		return "misuse";
	}
}

static void append_frames(struct text *text, const fl_report *report)
{
	char site[512];
	size_t i;

	for (i = 0; i < report->n_frames; i++) {
		fl_report_site_(report->frames[i], site, sizeof(site));
		append(text, "    #%-2zu %s\n", i, site);
	}
}

static void compose(struct text *text, const fl_report *report, const char *more)
{
	append(text, "fairlead: %s: %s", kind_word(report->kind), report->object);
	if (report->name)
		append(text, " '%s'", report->name);
	append(text, " at %p: %s\n  in thread %d '%s'\n", report->address, report->what, report->thread_id,
	       report->thread_name);
	if (more)
		append(text, "%s", more);
	append_frames(text, report);
}

static void deliver(const fl_report *report)
{
	/* [report.2] acquire; pairs with [report.1] */
	fl_report_hook hook = fl_load_acquire(&the_hook);
	ssize_t written;

	if (hook) {
		hook(report, fl_load_relaxed(&the_arg));
		return;
	}
	written = write(STDERR_FILENO, report->text, strlen(report->text));
	(void)written; /* there is nowhere else to say it */
	if (report->kind == FL_REPORT_MISUSE)
		abort();
}

void fl_report_(enum fl_report_kind kind, const char *object, const void *address, const char *more, const char *what,
		...)
{
	char name[FL_NAME_SIZE], sentence[512], thread[32], buffer[TEXT_SIZE];
	struct text text = {buffer, sizeof(buffer)};
	void *frames[MAX_FRAMES] = {0};
	fl_report report = {
		.kind = kind, .object = object, .address = address, .what = sentence, .text = buffer, .frames = frames};
	va_list args;

	va_start(args, what);
	vsnprintf(sentence, sizeof(sentence), what, args);
	va_end(args);
	report.name = fl_name_get_(address, name);
	report.thread_id = (int)syscall(SYS_gettid);
	thread_name(report.thread_id, thread, sizeof(thread));
	report.thread_name = thread;
#ifdef HAVE_BACKTRACE
	report.n_frames = (size_t)backtrace(frames, MAX_FRAMES);
#endif
	compose(&text, &report, more);
	deliver(&report);
}
