/*
 * thread/thread.h - what a thread's handle is, and what the files of this folder need of each other.
 *
 * A handle is counted. Two references exist from the start: that of whoever started the thread, and the thread's
 * own, which it drops as the last thing it does. Joining is two steps: wait until `done` is set, which takes
 * deadlines and notes, and then reap: pthread_join, which at that moment has nothing left to wait for but the C
 * library. So the pthread is joined by the first that joins the handle, or detached by whoever drops the last
 * reference.
 *
 * The thread's end is noticed by the destructor of a pthread key, which comes to pass however the thread ends: by
 * returning, by pthread_exit, by being cancelled, and whoever started it. The destructor puts itself off to a late
 * one of the rounds that pthread keys get, so that what other keys' destructors and locals do is done when a join
 * returns, and fl_thread_self() works in them.
 *
 * Rejected: a detached thread and nothing but `done` (its stack and kernel thread would still exist after a join: a
 * loop that starts and joins threads could then run out of them); waiting in pthread_join (no notes).
 */
#ifndef FL_THREAD_THREAD_H
#define FL_THREAD_THREAD_H

#include <fairlead/event.h>
#include <fairlead/once.h>
#include <fairlead/thread.h>
#include <pthread.h>
#include <sys/types.h>

/* One of the names that a thread has had. */
struct fl_thread_name {
	struct fl_thread_name *next;
	const char *text; /* behind it in memory */
};

/*
 * Invariants:
 *   [T1] refs is the number of references; the handle is freed by whoever takes it to 0. The main thread's never
 *        gets there.
 *   [T2] A thread is in the list (thread/all.c) from before its starter's fl_thread_start returns, and before its
 *        function is called, until it ends. next, previous, enlisted and joining change only under the list's lock.
 *   [T3] What the thread writes here (pthread, tid, value, failed) it writes before `begun` or `done` is set, and
 *        others read it after that; name excepted, which is atomic.
 *   [T4] joining is not NULL only while the thread waits without deadline and note for that other thread, to which
 *        it holds a reference.
 */
struct fl_thread {
	struct fl_thread *next, *previous;
	struct fl_thread *joining;
	uint32_t refs;
	uint32_t forks; /* fl_thread_forks_() when it was started; if that has changed, its pthread is the parent's */
	bool started;   /* by Fairlead; else adopted, or the main thread */
	bool daemon;
	bool enlisted;
	bool failed;    /* ended by fl_thread_fail */
	bool gone;      /* a fork left it behind */
	bool watched;   /* the key's destructor will be called */
	uint8_t rounds; /* of pthread keys' destructors, so far */
	pid_t tid;
	fl_event begun, done;
	fl_once reaped;
	pthread_t pthread;
	void *(*function)(void *arg);
	void *arg, *value;
	struct fl_thread_name *names; /* all it has had; the thread's own */
	struct fl_thread_name *name;  /* the present one */
};

/* thread.c */

extern __thread struct fl_thread *fl_thread_self_ __attribute__((tls_model("initial-exec")));

/* Makes the calling thread, which has the handle, notice its end. Returns false if that cannot be. */
bool fl_thread_watch_end_(struct fl_thread *thread);

/* all.c: the list of the living. */

/* Puts the thread into the list, unless it is or was there. */
void fl_thread_enlist_(struct fl_thread *thread);

/* Takes a thread that ends out of the list. */
void fl_thread_delist_(struct fl_thread *thread);

/* The calling thread is about to wait for `thread` without a deadline: -EDEADLK if that waits for the caller. */
int fl_thread_wait_begin_(struct fl_thread *thread);
void fl_thread_wait_end_(void);

/* How many times the process, or the one it was forked from, has forked. */
uint32_t fl_thread_forks_(void);

/* Makes sure that exit() waits. Returns 0, -ENOMEM. */
int fl_thread_wait_at_exit_(void);

/* Makes sure that exit() calls what is given, before it waits; once for each `registered`. Returns 0, -ENOMEM. */
int fl_thread_call_at_exit_(fl_once *registered, void (*call)(void));

/* What exit() does then: blocks until all threads that it waits for have ended. */
void fl_thread_wait_for_all_(void);

/* The handle of the main thread, if that is the calling one; else NULL. */
struct fl_thread *fl_thread_main_(void);

/* name.c */

/* Gives a new handle its first name; NULL: "<kind>-<number>". Returns 0, -ENOMEM. */
int fl_thread_first_name_(struct fl_thread *thread, const char *name, const char *kind);

/* Shows the calling thread's name to the kernel, as much of it as it takes. */
void fl_thread_show_name_(const char *name);

void fl_thread_forget_names_(struct fl_thread *thread);

/* fail.c: called before fl_thread_exit and fl_thread_fail end the calling thread, in its frames; NULL: nothing. Set by
 * a constructor. */
extern void (*fl_thread_leaving_)(void);

/* thread.c again, for timers: as fl_thread_start, with the kind of name that a thread without one gets. */
int fl_thread_start_(fl_thread **ret_thread, const fl_thread_options *options, const char *kind,
		     void *(*function)(void *arg), void *arg);

/* cpu.c: what fl_cpu_count returns for a thread that may run on `affinity` processors, with /proc and /sys found
 * under `root`. */
int fl_cpu_count_under_(const char *root, int affinity);

#endif
