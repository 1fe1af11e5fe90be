/*
 * thread/thread.c - starting and joining threads. What a handle is, and its invariants, are in thread/thread.h.
 *
 * errno: pthread functions return their errors, but may write errno on the way (mmap, mprotect). It is put back.
 */
#define _GNU_SOURCE
#include "thread/thread.h"

#include "base/atomic.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The round of pthread keys' destructors in which a thread is counted as ended: not the last of the 4, in which
 * sanitizers take down what their instrumented code needs. */
#define LAST_ROUND 3

__thread struct fl_thread *fl_thread_self_ __attribute__((tls_model("initial-exec")));
static __thread bool over __attribute__((tls_model("initial-exec"))); /* has ended, as far as Fairlead is concerned */
static pthread_key_t end_key;
static bool have_key;

/* References. */

static bool can_reap(const struct fl_thread *thread)
{
	return thread->started && thread->forks == fl_thread_forks_();
}

static void destroy(struct fl_thread *thread)
{
	if (can_reap(thread) && !fl_once_done(&thread->reaped))
		pthread_detach(thread->pthread);
	fl_thread_forget_names_(thread);
	free(thread);
}

fl_thread *fl_thread_ref(fl_thread *thread)
{
	fl_add_relaxed(&thread->refs, 1);
	return thread;
}

fl_thread *fl_thread_unref(fl_thread *thread)
{
	/* [thread.1] release; pairs with [thread.2] */
	if (!thread || fl_sub_release(&thread->refs, 1) > 1)
		return NULL;
	/* [thread.2] acquire; pairs with [thread.1] */
	if (fl_load_acquire(&thread->refs) == 0)
		destroy(thread);
	return NULL;
}

/* A thread's end. */

static void finish(struct fl_thread *thread)
{
	over = true;
	fl_thread_self_ = NULL;
	/* In this order: a fork in between finds it in the list, and sees that it has ended. */
	fl_event_set(&thread->done);
	fl_thread_delist_(thread);
	fl_thread_unref(thread);
}

static void at_end(void *thread_)
{
	struct fl_thread *thread = thread_;

	thread->rounds++;
	if (thread->rounds < LAST_ROUND && pthread_setspecific(end_key, thread) == 0)
		return;
	finish(thread);
}

bool fl_thread_watch_end_(struct fl_thread *thread)
{
	return have_key && pthread_setspecific(end_key, thread) == 0;
}

/* Before the constructors that have no priority: one of them may ask for its thread. */
__attribute__((constructor(102))) static void begin(void)
{
	have_key = pthread_key_create(&end_key, at_end) == 0;
}

/* Starting. */

/* There was no memory to have the key's destructor called; locals are then destroyed after the thread has been
 * counted as ended. */
static void finish_unwatched(void *thread_)
{
	struct fl_thread *thread = thread_;

	if (fl_unlikely(!thread->watched))
		finish(thread);
}

static void *run(void *thread_)
{
	struct fl_thread *thread = thread_;
	void *value;

	thread->pthread = pthread_self();
	thread->tid = (pid_t)syscall(SYS_gettid);
	fl_thread_self_ = thread;
	fl_thread_show_name_(fl_thread_name(thread));
	fl_thread_enlist_(thread);
	fl_event_set(&thread->begun);
	thread->watched = fl_thread_watch_end_(thread);
	pthread_cleanup_push(finish_unwatched, thread);
	value = thread->function(thread->arg);
	thread->value = value;
	pthread_cleanup_pop(1);
	return value;
}

static struct fl_thread *make(const fl_thread_options *options, const char *kind, void *(*function)(void *arg),
			      void *arg)
{
	struct fl_thread *thread = calloc(1, sizeof(*thread));

	if (!thread)
		return NULL;
	thread->refs = 2;
	thread->forks = fl_thread_forks_();
	thread->started = true;
	thread->daemon = options->daemon;
	thread->function = function;
	thread->arg = arg;
	if (fl_thread_first_name_(thread, options->name, kind) == 0)
		return thread;
	free(thread);
	return NULL;
}

/* The C library rounds down to whole pages, which would be less than was asked for. */
static size_t whole_pages(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), rest = size % page;

	return rest == 0 || size > SIZE_MAX - page ? size : size + page - rest;
}

static int create(struct fl_thread *thread, size_t stack_size)
{
	pthread_attr_t attributes;
	pthread_t
		unused; /* the thread says who it is by itself, since it may be joined before pthread_create returns */
	int error = pthread_attr_init(&attributes);

	if (error != 0)
		return -error;
	if (stack_size != 0)
		error = pthread_attr_setstacksize(&attributes, whole_pages(stack_size));
	if (error == 0)
		error = pthread_create(&unused, &attributes, run, thread);
	pthread_attr_destroy(&attributes);
	return -error;
}

static bool good(const fl_thread_options *options)
{
	static const fl_thread_options zero;

	return memcmp(options->fl_spare0, zero.fl_spare0, sizeof(zero.fl_spare0)) == 0 &&
	       memcmp(options->fl_spare, zero.fl_spare, sizeof(zero.fl_spare)) == 0;
}

static int start(fl_thread **ret_thread, const fl_thread_options *options, const char *kind,
		 void *(*function)(void *arg), void *arg)
{
	struct fl_thread *thread;
	int error = fl_thread_wait_at_exit_();

	if (error != 0)
		return error;
	thread = make(options, kind, function, arg);
	if (!thread)
		return -ENOMEM;
	error = create(thread, options->stack_size);
	if (error != 0) {
		fl_thread_forget_names_(thread);
		free(thread);
		return error;
	}
	fl_thread_enlist_(thread);
	if (ret_thread)
		*ret_thread = thread;
	else
		fl_thread_unref(thread);
	return 0;
}

int fl_thread_start_(fl_thread **ret_thread, const fl_thread_options *options, const char *kind,
		     void *(*function)(void *arg), void *arg)
{
	static const fl_thread_options defaults;
	int saved = errno, error;

	if (!options)
		options = &defaults;
	error = good(options) ? start(ret_thread, options, kind, function, arg) : -EINVAL;
	errno = saved;
	return error;
}

int fl_thread_start(fl_thread **ret_thread, const fl_thread_options *options, void *(*function)(void *arg), void *arg)
{
	return fl_thread_start_(ret_thread, options, "thread", function, arg);
}

/* Joining. */

static int reap(void *thread_)
{
	struct fl_thread *thread = thread_;
	void *value;

	pthread_join(thread->pthread, &value);
	thread->value = value; /* what it already is, unless the thread called pthread_exit itself */
	return 0;
}

/* The thread has ended: takes what it left, and gives the reference back. */
static int conclude(struct fl_thread *thread, void **ret_value)
{
	int error = 0;

	if (can_reap(thread))
		fl_once_call(&thread->reaped, reap, thread);
	if (thread->gone)
		error = -ESRCH;
	else if (thread->failed)
		error = -ECHILD;
	else if (ret_value)
		*ret_value = thread->value;
	fl_thread_unref(thread);
	return error;
}

static int wait_for_ever(struct fl_thread *thread)
{
	int error = fl_thread_wait_begin_(thread);

	if (error != 0)
		return error;
	fl_event_wait(&thread->done);
	fl_thread_wait_end_();
	return 0;
}

int fl_thread_join_until(fl_thread *thread, fl_time deadline, fl_note *note, void **ret_value)
{
	int error = 0;

	if (thread == fl_thread_self_)
		return -EDEADLK;
	if (deadline == FL_FOREVER && !note && !fl_event_is_set(&thread->done))
		error = wait_for_ever(thread);
	else
		error = fl_event_wait_until(&thread->done, deadline, note);
	return error != 0 ? error : conclude(thread, ret_value);
}

int fl_thread_join(fl_thread *thread, void **ret_value)
{
	return fl_thread_join_until(thread, FL_FOREVER, NULL, ret_value);
}

/* Asking. */

/* Makes a handle for a thread that somebody else started. */
static struct fl_thread *adopt(void)
{
	struct fl_thread *thread = fl_thread_main_();
	char name[32] = "";

	if (thread)
		return fl_thread_self_ = thread;
	thread = calloc(1, sizeof(*thread));
	if (!thread)
		return NULL;
	pthread_getname_np(pthread_self(), name, sizeof(name));
	if (fl_thread_first_name_(thread, name, NULL) != 0 || !fl_thread_watch_end_(thread)) {
		fl_thread_forget_names_(thread);
		free(thread);
		return NULL;
	}
	thread->refs = 1;
	thread->daemon = true;
	thread->tid = (pid_t)syscall(SYS_gettid);
	fl_event_set(&thread->begun);
	fl_thread_self_ = thread;
	fl_thread_enlist_(thread);
	return thread;
}

fl_thread *fl_thread_self(void)
{
	struct fl_thread *thread = fl_thread_self_;
	int saved;

	if (fl_likely(thread != NULL) || over)
		return thread;
	saved = errno;
	thread = adopt();
	errno = saved;
	return thread;
}

bool fl_thread_is_alive(const fl_thread *thread)
{
	return !fl_event_is_set(&thread->done);
}

bool fl_thread_is_daemon(const fl_thread *thread)
{
	return thread->daemon;
}

int fl_thread_id(fl_thread *thread)
{
	fl_event_wait(&thread->begun);
	return (int)thread->tid;
}
