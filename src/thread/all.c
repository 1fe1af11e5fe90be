/*
 * thread/all.c - the list of the living threads: to enumerate them, to wait for them at exit, to find threads that
 * join each other in a circle, and to bury those that a fork leaves behind.
 *
 * One list under one inner lock, oldest thread first. Who waits for whom is in the handles (`joining`), and each of
 * the two questions asked about it is a walk along those: does this wait, in the end, wait for me?
 *
 * exit() waits on `changed`, which is set whenever the answer to "is there still somebody to wait for?" may have
 * become no: a thread has ended, or has begun to wait for the exiting one. It is cleared before each look, so
 * nothing is missed. Nobody sets it before `exiting` is.
 *
 * Fork. The child's list is read as the fork found it, perhaps in the middle of a change by a thread that is no
 * more. Following `next` from the first is safe at any moment: an entry is complete before it is linked, and one
 * that is taken out still leads on.
 */
#define _GNU_SOURCE
#include "thread/thread.h"

#include "base/atomic.h"
#include "base/fork.h"
#include "base/inner.h"
#include <errno.h>
#include <fairlead/fork.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct fl_inner lock;
static struct fl_thread *first, *last;
static struct fl_thread main_thread;
static struct fl_thread
	*abandoned; /* handles that only threads left behind by a fork had; kept where leak checkers see them */
static uint32_t n_forks;
static bool exiting;
static fl_event changed;

uint32_t fl_thread_forks_(void)
{
	return fl_load_relaxed(&n_forks);
}

/* The list. */

static void append(struct fl_thread *thread)
{
	thread->enlisted = true;
	thread->next = NULL;
	thread->previous = last;
	/* [all.1] release; pairs with [all.2] */
	fl_store_release(last ? &last->next : &first, thread);
	last = thread;
}

static void take_out(struct fl_thread *thread)
{
	/* [all.1] release; pairs with [all.2] */
	fl_store_release(thread->previous ? &thread->previous->next : &first, thread->next);
	*(thread->next ? &thread->next->previous : &last) = thread->previous;
}

/* The way a fork's child reads it. */
static struct fl_thread *follow(struct fl_thread **link)
{
	/* [all.2] acquire; pairs with [all.1] */
	return fl_load_acquire(link);
}

void fl_thread_enlist_(struct fl_thread *thread)
{
	fl_inner_acquire(&lock);
	if (!thread->enlisted)
		append(thread);
	fl_inner_release(&lock);
}

void fl_thread_delist_(struct fl_thread *thread)
{
	bool tell;

	fl_inner_acquire(&lock);
	take_out(thread);
	tell = exiting;
	fl_inner_release(&lock);
	if (tell)
		fl_event_set(&changed);
}

/* Enumerating. */

/* Counts the living, and stores references to them unless `threads` is NULL. Under the lock. */
static int look(fl_thread **threads)
{
	struct fl_thread *thread;
	int n = 0;

	for (thread = first; thread; thread = thread->next)
		if (fl_thread_is_alive(thread)) {
			if (threads)
				threads[n] = fl_thread_ref(thread);
			n++;
		}
	return n;
}

/* The length of the list, in which there may be some who have just ended. */
static int length(void)
{
	struct fl_thread *thread;
	int n = 0;

	for (thread = first; thread; thread = thread->next)
		n++;
	return n;
}

static int count(void)
{
	int n;

	fl_inner_acquire(&lock);
	n = look(NULL);
	fl_inner_release(&lock);
	return n;
}

/* Makes room for `more` pointers. */
static int grow(fl_thread ***threads, int more)
{
	int saved = errno;
	fl_thread **bigger = realloc(*threads, (size_t)more * sizeof(*bigger));

	errno = saved;
	if (!bigger)
		return -ENOMEM;
	*threads = bigger;
	return 0;
}

int fl_thread_all(fl_thread ***ret_threads)
{
	fl_thread **threads = NULL;
	int room, n;

	if (!ret_threads)
		return count();
	/* Memory is not asked for under the lock; the list may be longer again when there is some. */
	for (room = 0;; room = n) {
		fl_inner_acquire(&lock);
		n = length();
		if (n <= room)
			break;
		fl_inner_release(&lock);
		if (grow(&threads, n) != 0) {
			free(threads);
			return -ENOMEM;
		}
	}
	n = look(threads);
	fl_inner_release(&lock);
	*ret_threads = threads;
	return n;
}

void fl_thread_all_release(int n, fl_thread **threads)
{
	while (n-- > 0)
		fl_thread_unref(threads[n]);
	free(threads);
}

/* Who waits for whom. */

/* Whether `thread` is `other` or waits, in the end, for it. */
static bool leads_to(const struct fl_thread *thread, const struct fl_thread *other)
{
	while (thread && thread != other)
		thread = thread->joining;
	return thread && thread == other;
}

int fl_thread_wait_begin_(struct fl_thread *thread)
{
	struct fl_thread *self = fl_thread_self_; /* NULL: nobody can wait for it */
	bool circle, tell;

	if (!self)
		return 0;
	fl_inner_acquire(&lock);
	circle = leads_to(thread, self);
	if (!circle)
		self->joining = thread;
	tell = exiting;
	fl_inner_release(&lock);
	if (tell)
		fl_event_set(&changed);
	return circle ? -EDEADLK : 0;
}

void fl_thread_wait_end_(void)
{
	if (!fl_thread_self_)
		return;
	fl_inner_acquire(&lock);
	fl_thread_self_->joining = NULL;
	fl_inner_release(&lock);
}

/* Exit. */

static bool is_waited_for(const struct fl_thread *thread)
{
	return thread->started && !thread->daemon && fl_thread_is_alive(thread) && !leads_to(thread, fl_thread_self_);
}

static bool somebody_is_waited_for(void)
{
	struct fl_thread *thread;

	fl_inner_acquire(&lock);
	exiting = true;
	for (thread = first; thread && !is_waited_for(thread);)
		thread = thread->next;
	fl_inner_release(&lock);
	return thread != NULL;
}

void fl_thread_wait_for_all_(void)
{
	fl_after_fork_child(); /* in case this is a child that should have, and did not */
	for (fl_event_clear(&changed); somebody_is_waited_for(); fl_event_clear(&changed))
		fl_event_wait(&changed);
}

static int register_call(void *call)
{
	return atexit(*(void (**)(void))call) == 0 ? 0 : -ENOMEM;
}

int fl_thread_wait_at_exit_(void)
{
	static fl_once registered = FL_ONCE_INIT;
	void (*call)(void) = fl_thread_wait_for_all_;

	return fl_once_call(&registered, register_call, &call);
}

/* What is registered last is called first. */
int fl_thread_call_at_exit_(fl_once *registered, void (*call)(void))
{
	int error = fl_thread_wait_at_exit_();

	return error != 0 ? error : fl_once_call(registered, register_call, &call);
}

/* Beginning, and beginning again in a child. */

static bool in_main(void)
{
	return syscall(SYS_gettid) == getpid();
}

struct fl_thread *fl_thread_main_(void)
{
	if (!in_main() || !fl_thread_is_alive(&main_thread))
		return NULL;
	fl_thread_watch_end_(&main_thread);
	return &main_thread;
}

/* Makes the main thread's handle that of the first thread of this process, which is the calling one. */
static void become_main(void)
{
	static struct fl_thread_name name = {.text = "main"};

	/* Two more than anybody will give back: it is not to be freed. */
	main_thread = (struct fl_thread){.refs = main_thread.refs + 2, .name = &name};
	main_thread.tid = getpid();
	fl_event_set(&main_thread.begun);
}

static void bury(struct fl_thread *thread)
{
	bool alive = fl_thread_is_alive(thread);

	thread->joining = NULL;
	thread->begun = thread->done = (fl_event)FL_EVENT_INIT;
	fl_event_set(&thread->begun);
	fl_event_set(&thread->done);
	thread->gone = alive;
	/* Its own reference. Nothing is freed here: malloc may be out of order in a child made by a bare system
	 * call. */
	thread->refs--;
	if (thread->refs == 0) {
		thread->next = abandoned;
		abandoned = thread;
	}
}

static void after_fork(void)
{
	struct fl_thread *self = fl_thread_self_, *thread, *next;

	n_forks++;
	lock.state = 0;
	exiting = false;
	changed = (fl_event)FL_EVENT_INIT;
	for (thread = follow(&first); thread; thread = next) {
		next = follow(&thread->next);
		if (thread != self)
			bury(thread);
	}
	if (!self) {
		become_main();
		self = fl_thread_self_ = &main_thread;
		fl_thread_watch_end_(self);
	}
	self->tid = getpid();
	self->joining = NULL;
	first = last = NULL;
	append(self);
}

__attribute__((constructor(103))) static void begin(void)
{
	fl_fork_register_(after_fork);
	become_main();
	append(&main_thread);
	if (in_main()) {
		fl_thread_self_ = &main_thread;
		fl_thread_watch_end_(&main_thread);
	}
}
