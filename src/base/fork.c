/*
 * base/fork.c - a child process has one thread, and a copy of a memory in which others were at work. Here the
 * library's own tables are put in order for it: waiting threads are forgotten, inner locks are free, and the threads
 * left behind are marked as gone, so that a lock one of them held can be acquired with -EOWNERDEAD.
 *
 * It runs by pthread_atfork, so fork() needs nothing. A child made by a bare system call, where the handlers do not
 * run, calls fl_after_fork_child(). Both come to the same: what has been done for a process is not done again.
 */
#define _GNU_SOURCE
#include "base/fork.h"

#include "base/name.h"
#include "base/park.h"
#include "base/quick.h"
#include "base/self.h"
#include <fairlead/fork.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_HANDLERS 16

static void (*handlers[MAX_HANDLERS])(void);
static int n_handlers;
static pid_t process;
uint8_t fl_fork_epoch_;

void fl_fork_register_(void (*handler)(void))
{
	if (n_handlers == MAX_HANDLERS)
		abort(); /* raise MAX_HANDLERS: a child without it would hang */
	handlers[n_handlers++] = handler;
}

static void set_in_order(void)
{
	int i;

	process = getpid();
	fl_fork_epoch_ = fl_fork_epoch_ < 63 ? (uint8_t)(fl_fork_epoch_ + 1) : 1;
	fl_self_after_fork_();
	fl_park_after_fork_();
	fl_name_after_fork_();
	fl_quick_begin_();
	for (i = 0; i < n_handlers; i++)
		handlers[i]();
}

/* ThreadSanitizer's, where it is there: it is not to compare what is done here with what other threads did, for they
 * did it in the parent, and this is a copy. */
__attribute__((weak)) void AnnotateIgnoreReadsBegin(const char *file, int line);
__attribute__((weak)) void AnnotateIgnoreReadsEnd(const char *file, int line);
__attribute__((weak)) void AnnotateIgnoreWritesBegin(const char *file, int line);
__attribute__((weak)) void AnnotateIgnoreWritesEnd(const char *file, int line);

static void in_child(void)
{
	const bool compared = AnnotateIgnoreReadsBegin;

	if (compared) {
		AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
		AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
	}
	set_in_order();
	if (compared) {
		AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
		AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
	}
}

void fl_after_fork_child(void)
{
	if (getpid() != process)
		in_child();
}

__attribute__((constructor(101))) static void begin(void)
{
	process = getpid();
	fl_quick_begin_();
	pthread_atfork(NULL, NULL, in_child);
}
