/*
 * fairlead/thread.h - Thread: a function that runs beside the others. Python's threading.Thread.
 *
 *     static void *count(void *arg) { ... return result; }
 *
 *     fl_thread *thread; int error = fl_thread_start(&thread, &(fl_thread_options){.name = "counter"}, count,
 *     &data); if (error < 0)
 *             return error;
 *     ... fl_thread_join(thread, &result);           // waits for its end, and gives the handle back
 *
 * A handle is a reference that somebody holds. Who starts a thread has one and gives it back by joining, or by
 * fl_thread_unref, which leaves the thread running. Whoever else wants to keep a handle takes a reference of its
 * own.
 *
 * Daemon threads, as in Python: exit() waits for all threads that Fairlead has started and that are not daemons,
 * joined or not, and abandons the daemons in the middle of whatever they do. To be exact:
 *   - Returning from main and calling exit() in any thread wait; _exit(), quick_exit() and a deadly signal do not.
 *   - It waits for no thread that could never end because of it: not for the thread that calls exit(), and not for
 *     one that waits for that thread by fl_thread_join, directly or through others. Nor does it wait for the main
 *     thread or for threads that Fairlead did not start. A thread that waits for a lock which the exiting thread
 *     holds is waited for, and so for ever: release first, then exit.
 *   - The waiting is done by an atexit() handler that the first fl_thread_start registers. Handlers that the
 *     program has registered before that run when the threads have ended, as in Python; those it registers later
 *     run before.
 *   - "daemon" is not inherited from the starting thread (in Python it is).
 *
 * A thread has failed if it ends by fl_thread_fail; that is what an uncaught exception is in Python. A hook is
 * told, the process goes on, and a join says -ECHILD. In C++ an exception that leaves the function terminates the
 * program.
 *
 * When not to use it: to have many small things done, a thread each is dear (tens of microseconds and a stack). To
 * end a thread from outside, cancel a note (fairlead/note.h) that it waits with; do not use pthread_cancel on
 * threads that are inside Fairlead's calls. The pthread_ calls for one's own thread are fine, pthread_exit
 * included; pthread_join and pthread_detach are Fairlead's.
 *
 * In a forked child (fairlead/fork.h) the forking thread lives on, with its handle. The handles of all other
 * threads stay valid: those threads are not alive, to join one says -ESRCH at once (a thread that had ended before
 * the fork is joined as ever), and exit() waits for none of them.
 *
 * No call may come from a signal handler. No call fails or returns early because of a signal.
 */
#ifndef FAIRLEAD_THREAD_H
#define FAIRLEAD_THREAD_H

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* A thread's handle. */
typedef struct fl_thread fl_thread;

/* How a thread is to be started. All zero is what a NULL pointer means: the defaults. */
typedef struct fl_thread_options {
	const char *name;  /* NULL: "thread-1", "thread-2", ...; it is copied */
	size_t stack_size; /* in bytes; 0: the system's default (`ulimit -s`, usually 8 MiB) */
	bool daemon;       /* exit() does not wait for it */
	uint8_t fl_spare0[7];
	uint64_t fl_spare[3]; /* these must be zero */
} fl_thread_options;

/* Starts a thread that calls function(arg) and ends when that returns. `ret_thread` receives the handle; with NULL
 * there is none to give back, and nobody joins the thread. `options` may be NULL. What the caller wrote before is
 * seen by the thread. Returns 0;
 * -EAGAIN: the system has no more threads, or no memory for a stack; -ENOMEM: no memory for the handle;
 * -EINVAL: the stack is too small (less than PTHREAD_STACK_MIN and the program's thread-local data), or a spare
 *          field of the options is not zero.
 * Does not wait for the thread to run.  Since 0.1. */
int fl_thread_start(fl_thread **ret_thread, const fl_thread_options *options, void *(*function)(void *arg), void *arg)
	FL_NONNULL(3) FL_MUST_CHECK;

/* Blocks until the thread has ended: its function, and the destructors of its thread-local values (fl_local, pthread
 * keys, C++). `ret_value` may be NULL; it receives what the function returned, or what was given to fl_thread_exit.
 * What the thread wrote is seen. Returns
 * 0, and -ECHILD: the thread has failed (fl_thread_fail), and -ESRCH: it is one of the parent's and a fork left it
 *    behind: there is nothing to wait for any more, and the handle has been given back;
 * -EDEADLK: the thread is the caller, or waits for the caller by fl_thread_join, directly or through others: it would
 *    never end. The handle stays valid.
 * Several threads may join one, each with a reference of its own. The main thread, and a thread that Fairlead did not
 * start, can be waited for too; their value is NULL, unless they end by fl_thread_exit.  Since 0.1. */
int fl_thread_join(fl_thread *thread, void **ret_value) FL_NONNULL(1);

/* As fl_thread_join; also returns -ETIMEDOUT when the deadline passes and -ECANCELED when `note` (may be NULL) is
 * cancelled. The handle then stays valid, as with -EDEADLK. A thread that has ended is joined whatever the deadline
 * and the note say. With a deadline or a note, only joining oneself is -EDEADLK, since the wait can end otherwise.
 * (Once the thread is over, what is left of it, the C library's own cleaning, is waited for without the deadline.) */
int fl_thread_join_until(fl_thread *thread, fl_time deadline, fl_note *note, void **ret_value) FL_NONNULL(1)
	FL_MUST_CHECK;

/* Takes one more reference, and returns the handle. Does not block. */
fl_thread *fl_thread_ref(fl_thread *thread) FL_ALL_NONNULL;

/* Gives a reference back without waiting; the thread, if it lives, runs on, and what its function returns is lost if
 * nobody else joins it. NULL is allowed. Returns NULL. Does not block. */
fl_thread *fl_thread_unref(fl_thread *thread);

/* Returns the calling thread's handle: no reference, and valid while the thread runs. A thread that Fairlead did not
 * start gets one when it first asks, as a daemon; the main thread has one from the start. NULL if there is no memory
 * for it, and in destructors of pthread keys that run after the thread has been counted as ended. Does not block. */
fl_thread *fl_thread_self(void);

/* Returns the thread's name. The main thread is "main"; a thread that Fairlead did not start has the name that the
 * kernel knew when it got its handle. The string lives as long as the handle. Does not block. */
const char *fl_thread_name(const fl_thread *thread) FL_ALL_NONNULL;

/* Names the calling thread. gdb, ps and top show the first 15 bytes; fl_thread_name returns all. (What ps shows for
 * the main thread it shows for the process.) Each different name that a thread has had stays in memory as long as its
 * handle, so do not count in it. Returns 0, -ENOMEM. Does not block. */
int fl_thread_set_name(const char *name) FL_ALL_NONNULL;

/* Returns whether the thread has been started and has not ended. The answer "no" is final. Never blocks. */
bool fl_thread_is_alive(const fl_thread *thread) FL_ALL_NONNULL;

/* Returns whether exit() would leave the thread alone. Never blocks. */
bool fl_thread_is_daemon(const fl_thread *thread) FL_ALL_NONNULL;

/* Returns the kernel's id of the thread (gettid); after its end, the one it had, which may be another's by then.
 * Blocks for the moment that a new thread needs to come to life. */
int fl_thread_id(fl_thread *thread) FL_ALL_NONNULL;

/* Lists the threads that live at this moment: the main thread, those that Fairlead has started, and others that have
 * asked for their handle; the longest-living first. Python's threading.enumerate(). Returns how many, and stores an
 * array of as many handles, each with a reference, so that none goes away while it is looked at: give all of it back
 * with fl_thread_all_release. With NULL it only counts. Returns -ENOMEM otherwise. Does not block.  Since 0.1. */
int fl_thread_all(fl_thread ***ret_threads) FL_MUST_CHECK;

/* Gives back what fl_thread_all has stored: the references of n threads, and the array. */
void fl_thread_all_release(int n, fl_thread **threads);

/* Ends the calling thread, as if its function had returned `value`. Guards are not released (fairlead/guard.h), but
 * pthread cleanup handlers and C++ destructors run, as with pthread_exit. In the main thread: the process goes on
 * until its last thread ends. */
void fl_thread_exit(void *value) __attribute__((noreturn));

/* Ends the calling thread as failed. `format` and what follows, as for printf, say why, in up to 1023 bytes. The
 * hook is told; then it is as with fl_thread_exit, and whoever joins the thread gets -ECHILD. In the main thread:
 * the hook is told, and the process exits with EXIT_FAILURE, which waits for the threads as any exit() does. */
void fl_thread_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2))) FL_NONNULL(1);

/* Receives the failure of a thread, on that thread: Python's threading.excepthook. `what` lives until it returns.
 * `thread` is NULL if Fairlead did not start the thread and there was no memory for a handle. If the hook itself
 * calls fl_thread_fail, the thread ends without a second call. */
typedef void (*fl_thread_fail_hook)(fl_thread *thread, const char *what, void *arg);

/* Makes `hook` be told of failures, with `arg`; NULL restores the default, which prints
 * "fairlead: thread 'name' failed: why" to standard error. Any thread may call it. Does not block.  Since 0.1. */
void fl_thread_set_fail_hook(fl_thread_fail_hook hook, void *arg);

/* Returns how many processors the process can use: those that the calling thread may run on (its affinity mask),
 * but not more than the processor time that its cgroup and their ancestors (version 2, cpu.max, or version 1,
 * cpu.cfs_quota_us) are allowed, rounded up; at least 1. As many threads as that can compute at once. It reads some
 * small files, which takes tens of microseconds: ask when it matters, not each time.  Since 0.1. */
int fl_cpu_count(void);

FL_END_DECLS

#endif
