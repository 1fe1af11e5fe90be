/*
 * test_word.c - the wait word: it waits while the word holds a value, until a deadline, and wakes as many as it is
 * told.
 *
 * A wait may return 0 for nothing; so what is tested is what it may not do: sleep when the word has changed, sleep
 * beyond a deadline, come back with -ETIMEDOUT before it, wake fewer than asked. That a woken thread runs is seen in
 * the kernel's own state of it, which changes before the waking call returns.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "testing.h"

#include "base/word.h"
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static uint32_t word;

struct wait {
	uint32_t *word;
	uint32_t value;
	fl_time deadline;
	enum fl_word_scope scope;
};

static int wait_once(void *arg)
{
	const struct wait *wait = arg;

	return fl_word_wait_(wait->word, wait->value, wait->deadline, wait->scope);
}

/* As every caller must: looks again. */
static int wait_for_change(void *arg)
{
	const struct wait *wait = arg;
	int error = 0;

	while (error == 0 && __atomic_load_n(wait->word, __ATOMIC_ACQUIRE) == wait->value)
		error = fl_word_wait_(wait->word, wait->value, wait->deadline, wait->scope);
	return error;
}

START_TEST(another_value_returns_at_once)
{
	enum fl_word_scope scope = _i ? FL_WORD_SHARED : FL_WORD_PRIVATE;

	word = 5;
	ck_assert_int_eq(fl_word_wait_(&word, 4, FL_FOREVER, scope), 0);
	ck_assert_int_eq(fl_word_wait_(&word, 5 | 0x80000000u, FL_FOREVER, scope), 0);
	ck_assert_int_eq(fl_word_wait_(&word, 0, fl_after(FL_SECONDS(3600)), scope), 0);
}
END_TEST

START_TEST(a_past_deadline_returns_at_once)
{
	static const fl_time past[] = {INT64_MIN, INT64_MIN + 1, -FL_SECONDS(1), -FL_SECONDS(1) - 1, -1, 0, 1};
	enum fl_word_scope scope = _i ? FL_WORD_SHARED : FL_WORD_PRIVATE;
	size_t i;

	word = 0;
	for (i = 0; i < sizeof(past) / sizeof(past[0]); i++)
		ck_assert_int_eq(fl_word_wait_(&word, 0, past[i], scope), -ETIMEDOUT);
	ck_assert_int_eq(fl_word_wait_(&word, 0, fl_now() - 1, scope), -ETIMEDOUT);
}
END_TEST

START_TEST(a_deadline_is_kept_and_not_early)
{
	struct wait wait = {&word, 0, fl_after(FL_MS(3)), _i ? FL_WORD_SHARED : FL_WORD_PRIVATE};

	word = 0;
	ck_assert_int_eq(wait_for_change(&wait), -ETIMEDOUT);
	ck_assert_int_ge(fl_now(), wait.deadline);
}
END_TEST

START_TEST(what_the_kernel_could_not_count_still_waits)
{
	static const fl_time far[] = {FL_FOREVER, FL_FOREVER - 1, FL_FOREVER / 2, FL_SECONDS(9223372036)};
	struct wait wait = {&word, 0, far[_i], FL_WORD_PRIVATE};
	struct call call;

	word = 0;
	call_start(&call, wait_for_change, &wait);
	testing_await_asleep(call.id);
	__atomic_store_n(&word, 1, __ATOMIC_RELEASE);
	fl_word_wake_(&word, 1, FL_WORD_PRIVATE);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

enum { SLEEPERS = 6 };

static int n_asleep(const struct call calls[SLEEPERS])
{
	int i, n = 0;

	for (i = 0; i < SLEEPERS; i++)
		n += testing_is_asleep(calls[i].id);
	return n;
}

START_TEST(a_wake_wakes_as_many_as_it_is_told)
{
	struct wait wait = {&word, 7, FL_FOREVER, _i ? FL_WORD_SHARED : FL_WORD_PRIVATE};
	struct call calls[SLEEPERS];
	int i, left = SLEEPERS;

	word = 7;
	for (i = 0; i < SLEEPERS; i++)
		call_start(&calls[i], wait_once, &wait);
	for (i = 0; i < SLEEPERS; i++)
		testing_await_asleep(calls[i].id);
	for (i = 1; i <= 2; i++) {
		fl_word_wake_(&word, i, wait.scope);
		left -= i;
		ck_assert_int_eq(n_asleep(calls), left);
	}
	fl_word_wake_(&word, FL_WAKE_ALL, wait.scope);
	for (i = 0; i < SLEEPERS; i++)
		ck_assert_int_eq(call_end(&calls[i]), 0);
}
END_TEST

START_TEST(a_wake_is_of_one_word)
{
	static uint32_t words[2];
	struct wait wait = {&words[0], 0, FL_FOREVER, FL_WORD_PRIVATE};
	struct call call;

	call_start(&call, wait_once, &wait);
	testing_await_asleep(call.id);
	fl_word_wake_(&words[1], FL_WAKE_ALL, FL_WORD_PRIVATE);
	ck_assert(testing_is_asleep(call.id));
	fl_word_wake_(&words[0], 1, FL_WORD_PRIVATE);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

START_TEST(nobody_to_wake_is_no_error)
{
	fl_word_wake_(&word, 1, FL_WORD_PRIVATE);
	fl_word_wake_(&word, FL_WAKE_ALL, FL_WORD_SHARED);
}
END_TEST

/* The thread that is woken may be gone, and its stack with it, when the wake-up comes. */
START_TEST(memory_that_is_gone_may_be_woken)
{
	uint32_t *gone = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(gone, MAP_FAILED);
	ck_assert_int_eq(munmap(gone, 4096), 0);
	errno = ENOTTY;
	ck_assert_int_eq(fl_word_wake_(gone, 1, FL_WORD_PRIVATE), 0);
	ck_assert_int_eq(errno, ENOTTY);
}
END_TEST

START_TEST(errno_is_left_alone)
{
	word = 0;
	errno = ENOTTY;
	fl_word_wait_(&word, 1, FL_FOREVER, FL_WORD_PRIVATE);  /* EAGAIN */
	fl_word_wait_(&word, 0, fl_after(1), FL_WORD_PRIVATE); /* ETIMEDOUT */
	fl_word_wake_(&word, 1, FL_WORD_PRIVATE);
	ck_assert_int_eq(errno, ENOTTY);
}
END_TEST

/* Without SA_RESTART a signal ends the system call; with it the kernel begins it again, with the same absolute
 * deadline. */
START_TEST(a_signal_is_no_error_and_moves_no_deadline)
{
	struct wait wait = {&word, 0, fl_after(FL_MS(50)), FL_WORD_PRIVATE};
	struct call call;

	word = 0;
	call_start(&call, wait_for_change, &wait);
	call_interrupt(&call, 50, _i ? SA_RESTART : 0);
	ck_assert_int_eq(call_end(&call), -ETIMEDOUT);
	ck_assert_int_ge(fl_now(), wait.deadline);
}
END_TEST

START_TEST(signals_do_not_end_a_wait_that_looks_again)
{
	struct wait wait = {&word, 0, FL_FOREVER, FL_WORD_PRIVATE};
	struct call call;

	word = 0;
	call_start(&call, wait_for_change, &wait);
	testing_await_asleep(call.id);
	call_interrupt(&call, 50, 0);
	ck_assert(!call_returned(&call));
	__atomic_store_n(&word, 1, __ATOMIC_RELEASE);
	fl_word_wake_(&word, 1, FL_WORD_PRIVATE);
	ck_assert_int_eq(call_end(&call), 0);
}
END_TEST

START_TEST(processes_wait_for_each_other)
{
	uint32_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct wait ping, pong;
	int i, status;
	pid_t child;

	ck_assert_ptr_ne(shared, MAP_FAILED);
	child = fork();
	ck_assert_int_ge(child, 0);
	for (i = 0; i < 1000; i++) {
		uint32_t turn = (uint32_t)(2 * i);

		ping = (struct wait){shared, turn, FL_FOREVER, FL_WORD_SHARED};
		pong = (struct wait){shared, turn + 1, FL_FOREVER, FL_WORD_SHARED};
		if (child == 0 && wait_for_change(&ping) != 0)
			_exit(1);
		__atomic_store_n(shared, turn + (child == 0 ? 2 : 1), __ATOMIC_RELEASE);
		fl_word_wake_(shared, 1, FL_WORD_SHARED);
		if (child != 0)
			ck_assert_int_eq(wait_for_change(&pong), 0);
	}
	if (child == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* Each wakes the other as often as it is woken; a lost wake-up would hang. */
static void ping_pong(unsigned index, void *arg)
{
	uint32_t i;

	(void)arg;
	for (i = index; i < 20000; i += 2) {
		struct wait mine = {&word, i, FL_FOREVER, FL_WORD_PRIVATE};

		__atomic_store_n(&word, i + 1, __ATOMIC_RELEASE);
		fl_word_wake_(&word, 1, FL_WORD_PRIVATE);
		mine.value = i + 1;
		if (i + 2 < 20000 + index)
			wait_for_change(&mine);
	}
}

static void second_first(unsigned index, void *arg)
{
	struct wait begin = {&word, 0, FL_FOREVER, FL_WORD_PRIVATE};

	if (index == 1)
		wait_for_change(&begin);
	ping_pong(index, arg);
}

START_TEST(no_wake_up_is_lost)
{
	word = 0;
	testing_together(2, second_first, NULL);
	ck_assert_uint_eq(word, 20000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("word");
	TCase *waiting = testing_case(suite, "waiting"), *waking = testing_case(suite, "waking"),
	      *signals = testing_case(suite, "signals");

	tcase_add_loop_test(waiting, another_value_returns_at_once, 0, 2);
	tcase_add_loop_test(waiting, a_past_deadline_returns_at_once, 0, 2);
	tcase_add_loop_test(waiting, a_deadline_is_kept_and_not_early, 0, 2);
	tcase_add_loop_test(waiting, what_the_kernel_could_not_count_still_waits, 0, 4);
	tcase_add_test(waiting, errno_is_left_alone);
	tcase_add_loop_test(waking, a_wake_wakes_as_many_as_it_is_told, 0, 2);
	tcase_add_test(waking, a_wake_is_of_one_word);
	tcase_add_test(waking, nobody_to_wake_is_no_error);
	tcase_add_test(waking, memory_that_is_gone_may_be_woken);
	tcase_add_test(waking, processes_wait_for_each_other);
	tcase_add_test(waking, no_wake_up_is_lost);
	tcase_add_loop_test(signals, a_signal_is_no_error_and_moves_no_deadline, 0, 2);
	tcase_add_test(signals, signals_do_not_end_a_wait_that_looks_again);
	return testing_run(suite);
}
