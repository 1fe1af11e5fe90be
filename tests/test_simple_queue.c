/*
 * test_simple_queue.c - SimpleQueue: a put may come from a signal handler that interrupted a put, and nothing is lost.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

static fl_simple_queue *queue;

static void set_up(void)
{
	reports_catch();
	ck_assert_int_eq(fl_simple_queue_create(&queue, sizeof(uint64_t)), 0);
}

static void tear_down(void)
{
	ck_assert_ptr_null(fl_simple_queue_destroy(queue));
	reports_expect_none();
}

static int put(uint64_t item)
{
	return fl_simple_queue_put(queue, &item);
}

static uint64_t take(void)
{
	uint64_t item = UINT64_MAX;

	ck_assert_int_eq(fl_simple_queue_get(queue, &item), 0);
	return item;
}

START_TEST(it_is_first_in_first_out)
{
	uint64_t i, next = 0;

	for (i = 0; i < 10000; i++) {
		ck_assert_int_eq(put(i), 0);
		if (i % 3 == 0)
			ck_assert_uint_eq(take(), next++);
		ck_assert_uint_eq(fl_simple_queue_size(queue), i + 1 - next);
	}
	while (next < 10000)
		ck_assert_uint_eq(take(), next++);
	ck_assert(fl_simple_queue_empty(queue));
	ck_assert_int_eq(fl_simple_queue_get_try(queue, &i), -EAGAIN);
	ck_assert_int_eq(fl_simple_queue_get_until(queue, &i, fl_after(FL_MS(1)), NULL), -ETIMEDOUT);
}
END_TEST

START_TEST(items_may_have_any_size)
{
	static const uint32_t sizes[] = {1, 7, 8, 9, 100, FL_SIMPLE_QUEUE_ITEM};
	static char in[FL_SIMPLE_QUEUE_ITEM], out[FL_SIMPLE_QUEUE_ITEM];
	fl_simple_queue *some = NULL;
	unsigned i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(in, (int)i + 1, sizes[i]);
		ck_assert_int_eq(fl_simple_queue_create(&some, sizes[i]), 0);
		ck_assert_int_eq(fl_simple_queue_put(some, in), 0);
		ck_assert_int_eq(fl_simple_queue_put(some, in), 0);
		ck_assert_int_eq(fl_simple_queue_get(some, out), 0);
		ck_assert_int_eq(memcmp(in, out, sizes[i]), 0);
		fl_simple_queue_destroy(some);
	}
	ck_assert_int_eq(fl_simple_queue_create(&some, FL_SIMPLE_QUEUE_ITEM + 1), -EINVAL);
	ck_assert_ptr_null(fl_simple_queue_destroy(NULL));
}
END_TEST

static int get(void *ret_item)
{
	return fl_simple_queue_get(queue, ret_item);
}

static int get_with_note(void *note)
{
	uint64_t item;

	return fl_simple_queue_get_until(queue, &item, FL_FOREVER, note);
}

/* A queue begins with its semaphore's line: whoever waits is queued there, wherever that is in it. */
static void await_getter(const struct call *call)
{
	testing_await_asleep(call->id);
}

START_TEST(a_get_waits_for_a_put)
{
	struct call call;
	uint64_t item = 0;

	call_start(&call, get, &item);
	await_getter(&call);
	put(5);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_uint_eq(item, 5);
}
END_TEST

START_TEST(a_note_ends_a_wait)
{
	fl_note stop = FL_NOTE_INIT;
	struct call call;

	call_start(&call, get_with_note, &stop);
	await_getter(&call);
	fl_simple_queue_destroy(queue);
	reports_expect("simple queue", queue, NULL, "destroyed while it is waited for");
	fl_note_cancel(&stop);
	ck_assert_int_eq(call_end(&call), -ECANCELED);
}
END_TEST

/* Signals. */

#define BY_HANDLER (UINT64_C(1) << 32)

static uint64_t handled;

static void handler(int number)
{
	uint64_t item = BY_HANDLER + handled;
	int saved = errno;

	(void)number;
	errno = 4711;
	if (fl_simple_queue_put(queue, &item) == 0 && errno == 4711)
		handled++;
	errno = saved;
}

static bool stop_signals;

static void *bombard(void *thread)
{
	while (!__atomic_load_n(&stop_signals, __ATOMIC_RELAXED))
		pthread_kill(*(pthread_t *)thread, SIGUSR2);
	return NULL;
}

/* The thread that is interrupted puts and gets itself, so that a handler meets it in each of its steps. */
START_TEST(a_handler_puts_into_the_midst_of_anything)
{
	const uint64_t n = 200000;
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	uint64_t i, item, mine = 0, from_handler = 0;
	pthread_t self = pthread_self(), thread;

	sigaction(SIGUSR2, &action, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, bombard, &self), 0);
	for (i = 0; i < n || mine < n;) {
		if (i < n)
			ck_assert_int_eq(put(i++), 0);
		if (i % 5 == 0 && i < n)
			continue;
		item = take();
		if (item >= BY_HANDLER)
			ck_assert_uint_eq(item - BY_HANDLER, from_handler++);
		else
			ck_assert_uint_eq(item, mine++);
	}
	__atomic_store_n(&stop_signals, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	signal(SIGUSR2, SIG_IGN);
	while (fl_simple_queue_get_try(queue, &item) == 0)
		ck_assert_uint_eq(item - BY_HANDLER, from_handler++);
	ck_assert_uint_eq(from_handler, handled);
	ck_assert_uint_gt(handled, 0);
}
END_TEST

/* Many threads. */

#define THREADS 16u
#define EACH 5000u
static uint64_t got;

static void race(unsigned index, void *unused)
{
	uint64_t next[THREADS] = {0}, item;
	unsigned i;

	(void)unused;
	if (index < THREADS) {
		for (i = 0; i < EACH; i++)
			ck_assert_int_eq(put((uint64_t)index << 32 | i), 0);
		return;
	}
	for (i = 0; i < EACH; i++) {
		while (fl_simple_queue_get_until(queue, &item, fl_after(FL_US(index % 4 * 20)), NULL) != 0)
			;
		ck_assert_uint_ge((uint32_t)item, next[item >> 32]);
		next[item >> 32] = (uint32_t)item + 1;
		__atomic_add_fetch(&got, 1, __ATOMIC_RELAXED);
	}
}

START_TEST(all_that_is_put_is_got_in_order)
{
	testing_together(2 * THREADS, race, NULL);
	ck_assert_uint_eq(got, THREADS * EACH);
	ck_assert(fl_simple_queue_empty(queue));
}
END_TEST

static int child(void)
{
	uint64_t item = 7;

	EXPECT(fl_simple_queue_get(queue, &item) == 0 && item == 1);
	EXPECT(fl_simple_queue_put(queue, &item) == 0);
	EXPECT(fl_simple_queue_get(queue, &item) == 0 && item == 2);
	EXPECT(fl_simple_queue_get(queue, &item) == 0 && item == 1);
	EXPECT(fl_simple_queue_get_try(queue, &item) == -EAGAIN);
	return 0;
}

START_TEST(a_forked_child_has_what_was_in_it)
{
	int status;
	pid_t pid;

	put(1);
	put(2);
	pid = fork();
	if (pid == 0)
		_exit(child());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(take(), 1);
	ck_assert_uint_eq(take(), 2);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__ /* which needs memory itself */

/* Without memory nothing is put, and nothing that was is lost. */
static int child_without_memory(void)
{
	const struct rlimit none = {0, 0};
	uint64_t i, item, n;

	EXPECT(put(0) == 0);
	EXPECT(setrlimit(RLIMIT_AS, &none) == 0);
	for (n = 1; put(n) == 0; n++)
		EXPECT(n < 100000);
	for (i = 0; i < n; i++)
		EXPECT(fl_simple_queue_get(queue, &item) == 0 && item == i);
	EXPECT(put(4) == 0);
	return 0;
}

START_TEST(without_memory_it_says_so)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(child_without_memory());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

#endif

int main(void)
{
	Suite *suite = suite_create("simple_queue");
	TCase *tcase = testing_case_between(suite, "simple", set_up, tear_down);

	tcase_add_test(tcase, it_is_first_in_first_out);
	tcase_add_test(tcase, items_may_have_any_size);
	tcase_add_test(tcase, a_get_waits_for_a_put);
	tcase_add_test(tcase, a_note_ends_a_wait);
	tcase_add_test(tcase, a_handler_puts_into_the_midst_of_anything);
	tcase_add_test(tcase, all_that_is_put_is_got_in_order);
	tcase_add_test(tcase, a_forked_child_has_what_was_in_it);
#ifndef __SANITIZE_ADDRESS__
	tcase_add_test(tcase, without_memory_it_says_so);
#endif
	return testing_run(suite);
}
