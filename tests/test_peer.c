/*
 * test_peer.c - of the threads that use a segment, whoever looks finds out which live, while they come, go and die.
 */
#define _GNU_SOURCE
#include "base/lot.h"
#include "calls.h"
#include "processes.h"
#include "sync/lock_shared.h"
#include "testing.h"
#include "waiting_shared.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <sched.h>

enum { THREADS = 4000, HANDOVERS = 1000, DEAD = 60, KILLS = 1000 };

static fl_segment *segment;
static fl_lock *lock;
static const struct fl_lot_view *view;

static void set_up(void)
{
	processes_set_up();
	ck_assert_int_eq(fl_segment_open(&segment, NULL, NULL), 0);
	ck_assert_int_eq(fl_segment_lock(segment, "lock", &lock), 1);
	view = fl_lot_view_(lock);
}

static void tear_down(void)
{
	segment = fl_segment_close(segment);
	processes_tear_down();
}

/* The number of the calling thread, which is one of the segment's from then on. */
static uint32_t come(void)
{
	int error = 0;
	const struct fl_lot_mine *mine = fl_lot_mine(lock, &error);

	return mine ? mine->number : FL_PEER_MASK;
}

/* A thread that comes, and goes when it may. */
struct link {
	struct call call;
	uint32_t number, may_go;
};

static int come_and_go(void *link_)
{
	struct link *link = link_;

	__atomic_store_n(&link->number, come(), __ATOMIC_RELEASE);
	process_await(&link->may_go, 1);
	return 0;
}

/* Returns when it has come. */
static void link_start(struct link *link)
{
	call_start(&link->call, come_and_go, link);
	process_await(&link->number, 1);
}

static void link_end(struct link *link)
{
	process_tell(&link->may_go);
	ck_assert_int_eq(call_end(&link->call), 0);
}

START_TEST(who_leaves_has_at_no_time_died)
{
	for (int i = 0; i < THREADS; i++) {
		struct link link = {.may_go = 1};

		link_start(&link);
		do
			ck_assert(!fl_lot_died_(view, link.number));
		while (fl_lot_alive_(view, link.number));
		ck_assert_int_eq(call_end(&link.call), 0);
		ck_assert(!fl_lot_died_(view, link.number));
	}
}
END_TEST

/* In a child: the first one leaves, and the pages behind its own are those of others when the child is killed. */
static void leave_the_first_page(void *unused)
{
	static struct link links[DEAD];

	(void)unused;
	for (int i = 0; i < DEAD; i++)
		link_start(&links[i]);
	link_end(&links[0]);
	process_stay();
}

/* Who looks is stopped wherever he is while the next one comes and the one before goes. */
static struct {
	pthread_t thread;
	uint32_t asked, stopped, may_go_on; /* which handover */
	uint32_t begun, done;
} looker;

static void stop(int number_of_signal)
{
	uint32_t handover = __atomic_load_n(&looker.asked, __ATOMIC_ACQUIRE);

	(void)number_of_signal;
	__atomic_store_n(&looker.stopped, handover, __ATOMIC_RELEASE);
	process_await(&looker.may_go_on, handover);
}

static void stop_looker(uint32_t handover)
{
	__atomic_store_n(&looker.asked, handover, __ATOMIC_RELEASE);
	while (__atomic_load_n(&looker.stopped, __ATOMIC_ACQUIRE) != handover) {
		pthread_kill(looker.thread, SIGUSR1);
		sched_yield();
	}
}

/* One after the other, on the page before those of the dead and the one behind them. */
static int relay(void *links_)
{
	struct link *links = links_;

	process_await(&looker.begun, 1);
	for (uint32_t i = 1; i < HANDOVERS; i++) {
		stop_looker(i);
		link_start(&links[i]);
		link_end(&links[i - 1]);
		__atomic_store_n(&looker.may_go_on, i, __ATOMIC_RELEASE);
	}
	process_tell(&looker.done);
	return 0;
}

START_TEST(a_process_of_which_one_is_always_there_is_found)
{
	static struct link links[HANDOVERS];
	struct sigaction action = {.sa_handler = stop};
	struct call call;
	unsigned not_found = 0;

	process_kill(process_start_ready(leave_the_first_page, NULL));
	link_start(&links[0]);
	looker.thread = pthread_self();
	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	call_start(&call, relay, links);
	/* No assertion in between: Check's take a mutex, and other threads' wait for who is stopped with it. */
	process_tell(&looker.begun);
	while (__atomic_load_n(&looker.done, __ATOMIC_ACQUIRE) == 0) {
		not_found += fl_lot_living_(view, view->process_id) == 0;
#ifdef TESTING_SANITIZED
		sched_yield(); /* TSan hands signals over at such calls only */
#endif
	}
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_uint_eq(not_found, 0);
	link_end(&links[HANDOVERS - 1]);
}
END_TEST

/* In a child. */
static void wait_for_lock(void *unused)
{
	(void)unused;
	process_tell(&shared->ready);
	fl_lock_acquire(lock);
	process_stay();
}

START_TEST(what_is_kept_for_one_who_dies_has_had_no_holder)
{
	for (int i = 0; i < KILLS; i++) {
		pid_t waiter;
		int result;

		ck_assert_int_eq(fl_lock_acquire(lock), 0);
		waiter = process_start_ready(wait_for_lock, NULL);
		shared_waiting_await(lock, 1);
		process_await_asleep(waiter); /* or it would find that it is kept for it */
		/* What a release leaves after a hundred overtakings. */
		fl_store_seq_cst(&lock->fl_word, fl_lot_first_(view, lock) | FL_LOCK_SHARED_HANDED);
		ck_assert_int_eq(kill(waiter, SIGKILL), 0);
		do
			result = fl_lock_acquire_until(lock, 0, NULL);
		while (result == -ETIMEDOUT);
		ck_assert_int_eq(result, 0);
		fl_lock_release(lock);
		ck_assert_int_eq(process_end(waiter), SIGKILL);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("peer");
	TCase *looking = testing_case_between(suite, "looking", set_up, tear_down);

	tcase_add_test(looking, who_leaves_has_at_no_time_died);
	tcase_add_test(looking, a_process_of_which_one_is_always_there_is_found);
	tcase_add_test(looking, what_is_kept_for_one_who_dies_has_had_no_holder);
	return testing_run(suite);
}
