/*
 * run/completed.c - futures in the order in which they are done.
 *
 * Each future has a callback that puts it at the end of the list of those that have arrived. Whoever asks for the next
 * takes the first of that list, or waits in the queue of the iterator.
 *
 * Invariants:
 *   [C1] order[0] to order[arrived - 1] are the futures that are done, in that order; the first `given` of them have
 *        been returned. All three change only under the bucket's lock.
 *   [C2] refs counts the iterator's owner and each callback that will still be called: the memory outlives both.
 *   [C3] An arrival wakes one waiter, which looks again; the last one to be given wakes all, who then know that there
 *        is none left for them. A waiter that is woken and finds nothing queues again.
 *
 * In a forked child those that belong to the parent's executors do not arrive any more, nor does one that was done at
 * the moment of the fork and whose callbacks were still to be called by a thread that is not here. Who would have to
 * wait while there is such a one is refused. It is looked for only if there can be one, since it takes a look at all.
 *
 * A callback is taken back when the iterator is destroyed, if that is still possible: a future that is never done
 * would keep its iterator, and the iterator the future.
 *
 * Rejected: looking through all futures at each step (n steps of n looks, and not in the order in which they were
 * done); a queue of src/queue, which does this and much that is not needed.
 */
#include "run/executor.h"

#include "base/keep_errno.h"
#include "sync/wait.h"
#include <stdlib.h>

#define STRANDED 255u /* no epoch */

struct arrival {
	struct fl_callback callback;
	fl_future *future;
	fl_completed *completed;
	bool here; /* it has arrived; under the bucket's lock */
};

struct fl_completed {
	uint32_t refs;
	uint8_t epoch; /* fl_fork_epoch_ at its making; or STRANDED: one was left behind even then */
	size_t n, arrived, given;
	fl_future **order; /* behind the arrivals in memory */
	struct arrival arrivals[];
};

static void unref(fl_completed *completed, uint32_t n)
{
	size_t i;

	/* [completed.1] release; pairs with [completed.2] */
	if (fl_sub_release(&completed->refs, n) > n)
		return;
	/* [completed.2] acquire; pairs with [completed.1] */
	if (fl_load_acquire(&completed->refs) != 0)
		return;
	for (i = 0; i < completed->n; i++)
		fl_future_unref(completed->arrivals[i].future);
	free(completed);
}

static void arrive(fl_completed *completed, struct arrival *arrival)
{
	struct fl_wake_list list = {0};
	struct fl_bucket *bucket = fl_park_lock_(completed);
	struct fl_waiter *waiter = fl_park_first_(bucket, completed);

	completed->order[completed->arrived++] = arrival->future;
	arrival->here = true;
	if (waiter)
		fl_park_take_(bucket, waiter, &list);
	fl_park_unlock_(bucket);
	fl_park_wake_(&list);
}

static int has_arrived(fl_future *future, void *arrival_)
{
	struct arrival *arrival = arrival_;

	(void)future;
	arrive(arrival->completed, arrival);
	unref(arrival->completed, 1);
	return 0;
}

size_t fl_completed_size_(size_t n)
{
	size_t each = sizeof(struct arrival) + sizeof(fl_future *), most = (SIZE_MAX - sizeof(fl_completed)) / each;

	return n > most || n >= UINT32_MAX ? 0 : sizeof(fl_completed) + n * each;
}

void fl_completed_begin_(fl_completed *completed, size_t n, fl_future *const *futures)
{
	struct arrival *arrival;
	size_t i;

	completed->refs = (uint32_t)n + 1;
	completed->n = n;
	completed->epoch = fl_fork_epoch_;
	completed->order = (fl_future **)(void *)&completed->arrivals[n];
	for (i = 0; i < n; i++)
		completed->arrivals[i].future = fl_future_ref(futures[i]);
	for (i = 0; i < n; i++) {
		arrival = &completed->arrivals[i];
		arrival->completed = completed;
		if (fl_future_left_behind_(futures[i]))
			completed->epoch = STRANDED;
		arrival->callback = (struct fl_callback){.function = has_arrived, .arg = arrival};
		if (!fl_future_call_(futures[i], &arrival->callback))
			has_arrived(futures[i], arrival);
	}
}

int fl_completed_create(fl_completed **ret_completed, size_t n, fl_future *const *futures)
{
	fl_keep_errno();
	size_t size = fl_completed_size_(n);
	fl_completed *completed = size == 0 ? NULL : calloc(1, size);

	if (!completed)
		return -ENOMEM;
	fl_completed_begin_(completed, n, futures);
	*ret_completed = completed;
	return 0;
}

fl_completed *fl_completed_destroy(fl_completed *completed)
{
	fl_keep_errno();
	uint32_t mine = 1;
	size_t i;

	if (!completed)
		return NULL;
	for (i = 0; i < completed->n; i++)
		if (fl_future_uncall_(completed->arrivals[i].future, &completed->arrivals[i].callback))
			mine++;
	unref(completed, mine);
	return NULL;
}

/* Takes the next if there is one, or queues the waiter: 0, -EPIPE, -EAGAIN. */
static int take_or_queue(fl_completed *completed, fl_future **ret_future, struct fl_waiter *waiter)
{
	struct fl_wake_list list = {0};
	struct fl_bucket *bucket = fl_park_lock_(completed);
	int error = 0;

	if (completed->given < completed->arrived) {
		*ret_future = completed->order[completed->given++];
		if (completed->given == completed->n)
			fl_park_take_all_(bucket, completed, &list);
	} else if (completed->given == completed->n) {
		error = -EPIPE;
	} else {
		error = -EAGAIN;
		if (waiter)
			fl_park_push_(bucket, waiter, completed);
	}
	fl_park_unlock_(bucket);
	fl_park_wake_(&list);
	return error;
}

/* Whether one of those that have not arrived never will. */
static bool is_stranded(fl_completed *completed)
{
	struct fl_bucket *bucket;
	bool stranded = false;
	size_t i;

	if (fl_likely(completed->epoch == fl_fork_epoch_))
		return false;
	bucket = fl_park_lock_(completed);
	for (i = 0; !stranded && i < completed->n; i++)
		stranded = !completed->arrivals[i].here && fl_future_left_behind_(completed->arrivals[i].future);
	fl_park_unlock_(bucket);
	return stranded;
}

/* The waiter is queued. A worker lends its place meanwhile: see run/crew.c. */
static int wait_lending(struct fl_waiter *waiter, fl_completed *completed, fl_time deadline, fl_note *note)
{
	fl_executor *executor = fl_tls_.worker ? fl_tls_.worker->executor : NULL;
	bool lent = executor && fl_crew_lend_(executor);
	int error = fl_wait_(waiter, completed, deadline, note, NULL);

	if (lent)
		fl_crew_take_back_(executor);
	return error;
}

int fl_completed_next_until(fl_completed *completed, fl_future **ret_future, fl_time deadline, fl_note *note)
{
	struct fl_waiter waiter = {0};
	int error = take_or_queue(completed, ret_future, NULL);

	while (error == -EAGAIN) {
		error = is_stranded(completed) ? -EPERM : fl_wait_refused_(deadline, note);
		if (error != 0)
			return error;
		error = take_or_queue(completed, ret_future, &waiter);
		if (error != -EAGAIN)
			return error;
		error = wait_lending(&waiter, completed, deadline, note);
		if (error == 0) /* something may have come */
			error = take_or_queue(completed, ret_future, NULL);
	}
	return error;
}

fl_future *fl_completed_next(fl_completed *completed)
{
	fl_future *future = NULL;

	return fl_completed_next_until(completed, &future, FL_FOREVER, NULL) == 0 ? future : NULL;
}
