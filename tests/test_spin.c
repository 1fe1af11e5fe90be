/*
 * test_spin.c - what is learned when the processor is offered to the other side of a wait.
 *
 * How long an offer took is what the test says, not the machine: it moves the instant at which the wait began.
 */
#define _GNU_SOURCE
#include "testing.h"

#include "base/spin.h"
#include <sched.h>
#include <unistd.h>

#define OFFERS 8u

static void stay_on_one_processor(void)
{
	cpu_set_t all, one;
	int i = 0;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	while (!CPU_ISSET(i, &all))
		i++;
	CPU_ZERO(&one);
	CPU_SET(i, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
}

/* Begins to offer, as one that is not discouraged, and makes the first offer, which took that long. */
static void offer_once(struct fl_spin *spin, uint16_t *hint, bool crowd, fl_time took)
{
	*hint = 0;
	fl_spin_begin_(spin, hint, FL_FOREVER, crowd ? FL_SPIN_CROWD : FL_SPIN_HERE);
	ck_assert(spin->yields);
	ck_assert(fl_spin_again_(spin));
	/* What does not take long is still to come: so it cannot take long meanwhile either. */
	spin->begun = took > 0 ? fl_now() - took : fl_now() + FL_SECONDS(600);
}

/* What becomes of a discouragement. */
static uint32_t learn(uint32_t discouragement, bool happened, bool crowd, fl_time took)
{
	struct fl_spin spin;
	uint16_t hint;

	offer_once(&spin, &hint, crowd, took);
	hint = (uint16_t)(discouragement << 12 | 7);
	fl_spin_end_(&spin, happened);
	ck_assert_uint_eq(hint & 0xfff, 7); /* offers teach nothing about budgets */
	return hint >> 12;
}

START_TEST(a_success_takes_back_one_in_vain)
{
	ck_assert_uint_eq(learn(0, true, false, 0), 0);
	ck_assert_uint_eq(learn(1, true, false, 0), 0);
	ck_assert_uint_eq(learn(14, true, false, 0), 13);
	ck_assert_uint_eq(learn(0, false, false, 0), 1);
	ck_assert_uint_eq(learn(9, false, false, 0), 10);
	ck_assert_uint_eq(learn(10, false, false, 0), 10);
	ck_assert_uint_eq(learn(13, false, false, 0), 13);
}
END_TEST

START_TEST(what_others_take_counts_more)
{
	for (int happened = 0; happened < 2; happened++) {
		ck_assert_uint_eq(learn(0, happened, false, FL_MS(1)), 4);
		ck_assert_uint_eq(learn(9, happened, false, FL_MS(1)), 13);
		ck_assert_uint_eq(learn(11, happened, false, FL_MS(1)), 14);
		ck_assert_uint_eq(learn(14, happened, false, FL_MS(1)), 14);
	}
}
END_TEST

START_TEST(a_crowd_forgets_at_once)
{
	ck_assert_uint_eq(learn(10, true, true, 0), 0);
	ck_assert_uint_eq(learn(0, false, true, 0), 1);
	ck_assert_uint_eq(learn(3, true, true, FL_MS(1)), 4);
	ck_assert_uint_eq(learn(10, false, true, FL_MS(1)), 10);
}
END_TEST

static uint32_t count_offers(bool crowd, fl_time first_took)
{
	struct fl_spin spin;
	uint16_t hint;
	uint32_t n = 1;

	for (offer_once(&spin, &hint, crowd, first_took); fl_spin_again_(&spin);)
		n++;
	return n;
}

START_TEST(offers_end_when_others_take_them)
{
	ck_assert_uint_eq(count_offers(false, 0), OFFERS);
	ck_assert_uint_eq(count_offers(false, FL_MS(1)), 1);
	ck_assert_uint_eq(count_offers(true, FL_MS(1)), OFFERS);
}
END_TEST

START_TEST(who_is_discouraged_offers_rarely)
{
	uint16_t hint = 14 << 12;
	struct fl_spin spin;
	uint32_t tried = 0;

	for (uint32_t i = 0; i < 10000; i++) {
		fl_spin_begin_(&spin, &hint, FL_FOREVER, FL_SPIN_HERE);
		ck_assert(spin.tried || !fl_spin_again_(&spin));
		tried += spin.tried;
	}
	ck_assert_uint_le(tried, 100);
}
END_TEST

/* An offer that nobody takes is over at once. On a busy machine it takes some tries until there is one. */
static bool looks_elsewhere(void)
{
	struct fl_spin spin;
	uint16_t hint = 0;
	bool looks = false;

	fl_spin_begin_(&spin, &hint, FL_FOREVER, FL_SPIN_ELSEWHERE);
	while (!looks && fl_spin_again_(&spin))
		looks = !spin.yields;
	fl_spin_end_(&spin, looks);
	return looks;
}

START_TEST(what_nobody_takes_is_looked_for_elsewhere)
{
	struct fl_spin spin;
	uint16_t hint = 0;

	if (sysconf(_SC_NPROCESSORS_ONLN) == 1)
		return;
	while (!looks_elsewhere())
		;
	/* From then on without an offer, until it was in vain. */
	fl_spin_begin_(&spin, &hint, FL_FOREVER, FL_SPIN_ELSEWHERE);
	ck_assert(!spin.yields);
	ck_assert(fl_spin_again_(&spin));
	fl_spin_end_(&spin, false);
	fl_spin_begin_(&spin, &hint, FL_FOREVER, FL_SPIN_HERE);
	fl_spin_end_(&spin, false);
	hint = 0;
	fl_spin_begin_(&spin, &hint, FL_FOREVER, FL_SPIN_ELSEWHERE);
	ck_assert(spin.yields);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spin");
	TCase *offers = testing_case_between(suite, "offers", stay_on_one_processor, NULL);

	tcase_add_test(offers, a_success_takes_back_one_in_vain);
	tcase_add_test(offers, what_others_take_counts_more);
	tcase_add_test(offers, a_crowd_forgets_at_once);
	tcase_add_test(offers, offers_end_when_others_take_them);
	tcase_add_test(offers, who_is_discouraged_offers_rarely);
	tcase_add_test(offers, what_nobody_takes_is_looked_for_elsewhere);
	return testing_run(suite);
}
