/*
 * test_peer.c - of the threads that use a segment, whoever looks finds out which live, also while they come and go.
 */
#define _GNU_SOURCE
#include "base/lot.h"
#include "calls.h"
#include "testing.h"

#include <fairlead/fairlead.h>
#include <sched.h>

enum { THREADS = 4000 };

static fl_segment *segment;
static fl_lock *lock;
static const struct fl_lot_view *view;

static void set_up(void)
{
	ck_assert_int_eq(fl_segment_open(&segment, NULL, NULL), 0);
	ck_assert_int_eq(fl_segment_lock(segment, "lock", &lock), 1);
	view = fl_lot_view_(lock);
}

static void tear_down(void)
{
	segment = fl_segment_close(segment);
}

static void await(const uint32_t *number)
{
	while (__atomic_load_n(number, __ATOMIC_ACQUIRE) == 0)
		sched_yield();
}

/* The number of the calling thread, which is one of the segment's from then on. */
static uint32_t come(void)
{
	int error = 0;
	const struct fl_lot_mine *mine = fl_lot_mine(lock, &error);

	return mine ? mine->number : FL_PEER_MASK;
}

static int come_and_go(void *ret_number)
{
	__atomic_store_n((uint32_t *)ret_number, come(), __ATOMIC_RELEASE);
	return 0;
}

START_TEST(who_leaves_has_at_no_time_died)
{
	struct call call;

	for (int i = 0; i < THREADS; i++) {
		uint32_t number = 0;

		call_start(&call, come_and_go, &number);
		await(&number);
		do
			ck_assert(!fl_lot_died_(view, number));
		while (fl_lot_alive_(view, number));
		call_end(&call);
		ck_assert(!fl_lot_died_(view, number));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("peer");
	TCase *looking = testing_case_between(suite, "looking", set_up, tear_down);

	tcase_add_test(looking, who_leaves_has_at_no_time_died);
	return testing_run(suite);
}
