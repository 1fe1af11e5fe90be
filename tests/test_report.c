/*
 * test_report.c - what a report says, who gets it, and what happens afterwards.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "reports.h"
#include "testing.h"

#include "base/name.h"
#include "base/report.h"
#include "base/self.h"
#include <errno.h>
#include <fairlead/fairlead.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static fl_lock lock = FL_LOCK_INIT;

static void release_lock(void *arg)
{
	fl_lock_release(arg);
}

START_TEST(a_misuse_says_everything_and_aborts)
{
	fl_lock_name(&lock, "till");
	reports_expect_abort(release_lock, &lock, "lock", &lock, "till", "nobody holds it");
}
END_TEST

START_TEST(an_object_without_a_name_is_shown_without)
{
	reports_expect_abort(release_lock, &lock, "lock", &lock, NULL, "nobody holds it");
}
END_TEST

START_TEST(the_hook_gets_every_field)
{
	char expected[128];
	struct caught caught;

	ck_assert_int_eq(pthread_setname_np(pthread_self(), "cashier"), 0);
	fl_lock_name(&lock, "till");
	reports_catch();
	fl_lock_release(&lock);
	ck_assert_int_eq(reports_look(&caught), 1);
	ck_assert_int_eq(caught.kind, FL_REPORT_MISUSE);
	ck_assert_str_eq(caught.object, "lock");
	ck_assert_str_eq(caught.name, "till");
	ck_assert_ptr_eq(caught.address, &lock);
	ck_assert_str_eq(caught.thread_name, "cashier");
	ck_assert_int_eq(caught.thread_id, gettid());
	ck_assert_msg(strlen(caught.what) > 0, "says nothing");
	ck_assert_msg(strchr(caught.what, '\n') == NULL, "more than one line");
	snprintf(expected, sizeof(expected), "fairlead: misuse: lock 'till' at %p: ", (void *)&lock);
	ck_assert_msg(strncmp(caught.text, expected, strlen(expected)) == 0, "%s", caught.text);
	ck_assert_ptr_nonnull(strstr(caught.text, caught.what));
	snprintf(expected, sizeof(expected), "in thread %d 'cashier'\n", gettid());
	ck_assert_msg(strstr(caught.text, expected) != NULL, "%s", caught.text);
	ck_assert_int_eq(caught.text[strlen(caught.text) - 1], '\n');
}
END_TEST

static int misuse_elsewhere(void *arg)
{
	(void)arg;
	pthread_setname_np(pthread_self(), "somebody else");
	fl_lock_release(&lock);
	return gettid();
}

START_TEST(the_thread_is_the_one_that_did_it)
{
	struct caught caught;
	int id;

	reports_catch();
	id = call_elsewhere(misuse_elsewhere, NULL);
	ck_assert_int_eq(reports_look(&caught), 1);
	ck_assert_int_eq(caught.thread_id, id);
	ck_assert_str_eq(caught.thread_name, "somebody else");
	ck_assert_str_eq(caught.name, "(none)");
}
END_TEST

/* Where the misuse happens: has to be found in the backtrace. */
static void __attribute__((noinline)) wrong_place(void)
{
	fl_lock_release(&lock);
	__asm__ volatile("" ::: "memory"); /* no tail call: a frame that is gone is in no backtrace */
}

static bool saw_wrong_place;

static void look_for_wrong_place(const fl_report *report, void *arg)
{
	size_t i;

	for (i = 0; i < report->n_frames; i++) {
		uintptr_t offset = (uintptr_t)report->frames[i] - (uintptr_t)wrong_place;

		saw_wrong_place |= offset < 256;
	}
	*(int *)arg += 1;
}

START_TEST(the_backtrace_leads_to_the_place)
{
	int n = 0;

	fl_report_set_hook(look_for_wrong_place, &n);
	wrong_place();
	ck_assert_int_eq(n, 1);
	ck_assert_msg(saw_wrong_place, "no frame in the function that did it");
}
END_TEST

START_TEST(names_are_copied_cut_and_forgotten)
{
	static const char longer[] = "a name that is longer than forty-seven bytes, a little";
	char name[sizeof(longer)];
	struct caught caught;

	reports_catch();
	memcpy(name, longer, sizeof(name));
	fl_lock_name(&lock, name);
	memset(name, 'x', sizeof(name) - 1);
	fl_lock_release(&lock);
	reports_look(&caught);
	ck_assert_uint_eq(strlen(caught.name), 47);
	ck_assert_mem_eq(caught.name, longer, 47);
	fl_lock_name(&lock, "short");
	fl_lock_release(&lock);
	reports_expect("lock", &lock, "short", "nobody holds it");
	fl_lock_name(&lock, "");
	fl_lock_release(&lock);
	reports_expect("lock", &lock, "", "nobody holds it");
	fl_lock_name(&lock, NULL);
	fl_lock_release(&lock);
	reports_expect("lock", &lock, NULL, "nobody holds it");
	fl_lock_name(&lock, NULL);
}
END_TEST

START_TEST(a_name_ends_with_its_object)
{
	reports_catch();
	fl_lock_init(&lock, "first");
	fl_lock_destroy(&lock);
	fl_lock_release(&lock);
	reports_expect("lock", &lock, NULL, "nobody holds it");
	fl_lock_init(&lock, "second");
	fl_lock_release(&lock);
	reports_expect("lock", &lock, "second", "nobody holds it");
	fl_lock_init(&lock, NULL);
	fl_lock_release(&lock);
	reports_expect("lock", &lock, NULL, "nobody holds it");
}
END_TEST

START_TEST(many_names_are_kept_apart)
{
	enum { N = 5000 };
	static fl_lock locks[N];
	char name[FL_NAME_SIZE], expected[32];
	int i;

	for (i = 0; i < N; i++) {
		snprintf(expected, sizeof(expected), "lock %d", i);
		fl_lock_init(&locks[i], expected);
	}
	for (i = 0; i < N; i += 2)
		fl_lock_destroy(&locks[i]);
	for (i = 0; i < N; i++) {
		snprintf(expected, sizeof(expected), "lock %d", i);
		if (i % 2)
			ck_assert_str_eq(fl_name_get_(&locks[i], name), expected);
		else
			ck_assert_ptr_null(fl_name_get_(&locks[i], name));
	}
}
END_TEST

static fl_lock own_locks[4][64];

static void name_and_forget(unsigned index, void *arg)
{
	char expected[32], name[FL_NAME_SIZE];
	int i;

	(void)arg;
	for (i = 0; i < 20000; i++) {
		fl_lock *mine = &own_locks[index][i % 64];

		snprintf(expected, sizeof(expected), "%u/%d", index, i);
		fl_lock_name(mine, expected);
		ck_assert_str_eq(fl_name_get_(mine, name), expected);
		if (i % 3 == 0)
			fl_lock_destroy(mine);
	}
}

START_TEST(names_may_be_given_by_many_threads)
{
	testing_together(4, name_and_forget, NULL);
}
END_TEST

static void count_report(const fl_report *report, void *arg)
{
	(void)report;
	++*(int *)arg;
}

START_TEST(the_last_hook_counts)
{
	int first = 0, second = 0;

	fl_report_set_hook(count_report, &first);
	fl_lock_release(&lock);
	fl_report_set_hook(count_report, &second);
	fl_lock_release(&lock);
	fl_lock_release(&lock);
	ck_assert_int_eq(first, 1);
	ck_assert_int_eq(second, 2);
	fl_report_set_hook(NULL, NULL);
	reports_expect_abort(release_lock, &lock, "lock", &lock, NULL, "nobody holds it");
	ck_assert_int_eq(second, 2);
}
END_TEST

static jmp_buf out;

static void jump_out(const fl_report *report, void *arg)
{
	(void)report;
	(void)arg;
	longjmp(out, 1);
}

START_TEST(the_hook_may_jump_out)
{
	fl_event event = FL_EVENT_INIT;

	fl_report_set_hook(jump_out, NULL);
	if (setjmp(out) == 0) {
		fl_lock_release(&lock);
		ck_abort_msg("not reported");
	}
	fl_lock_name(&lock, "usable"); /* no inner lock was left behind */
	ck_assert_int_eq(fl_lock_acquire(&lock), 0);
	fl_lock_release(&lock);
	ck_assert_int_eq(fl_event_wait_until(&event, fl_after(1), NULL), -ETIMEDOUT);
}
END_TEST

/* The hook may use Fairlead itself, but for the object in question: report again, even. */
static void use_others(const fl_report *report, void *arg)
{
	static fl_lock other = FL_LOCK_INIT;
	int *depth = arg;

	if (report->address == &other)
		return;
	++*depth;
	fl_lock_name(&other, "other");
	ck_assert_str_eq(report->name, "till");
	fl_lock_acquire(&other);
	fl_lock_release(&other);
	fl_lock_release(&other);
	ck_assert_str_eq(report->name, "till");
}

START_TEST(the_hook_may_use_other_objects)
{
	int depth = 0;

	fl_lock_name(&lock, "till");
	fl_report_set_hook(use_others, &depth);
	fl_lock_release(&lock);
	ck_assert_int_eq(depth, 1);
}
END_TEST

static void report_kind(void *kind)
{
	fl_report_(*(enum fl_report_kind *)kind, "pair", &lock, "  one more line\n", "number %d", 17);
}

static const struct {
	enum fl_report_kind kind;
	const char *word;
} kinds[] = {
	{FL_REPORT_ORDER, "lock order"},
	{FL_REPORT_DEADLOCK, "deadlock"},
	{FL_REPORT_CALLBACK, "failed callback"},
};

START_TEST(only_a_misuse_aborts)
{
	enum fl_report_kind kind = kinds[_i].kind;
	char said[16384], expected[128];
	int status = reports_of_child(report_kind, &kind, said, sizeof(said), NULL);

	ck_assert_msg(status == 0, "status %#x; it said: %s", (unsigned)status, said);
	snprintf(expected, sizeof(expected), "fairlead: %s: pair at %p: number 17\n", kinds[_i].word, (void *)&lock);
	ck_assert_msg(strncmp(said, expected, strlen(expected)) == 0, "'%s'", said);
	ck_assert_ptr_nonnull(strstr(said, "\n  one more line\n"));
}
END_TEST

static void report_into_nothing(void *kind)
{
	close(STDERR_FILENO);
	report_kind(kind);
}

START_TEST(only_a_misuse_aborts_also_without_standard_error)
{
	enum fl_report_kind kind = kinds[_i].kind;
	char said[16384];
	int status = reports_of_child(report_into_nothing, &kind, said, sizeof(said), NULL);

	ck_assert_msg(status == 0, "status %#x", (unsigned)status);
}
END_TEST

static void misuse_into_nothing(void *unused)
{
	enum fl_report_kind kind = FL_REPORT_MISUSE;

	(void)unused;
	report_into_nothing(&kind);
}

START_TEST(a_misuse_aborts_also_without_standard_error)
{
	char said[16384];
	int status = reports_of_child(misuse_into_nothing, NULL, said, sizeof(said), NULL);

	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %#x", (unsigned)status);
}
END_TEST

START_TEST(a_long_report_is_cut_and_not_overrun)
{
	static char more[20000], sentence[4000];
	struct caught caught;

	memset(more, 'm', sizeof(more) - 2);
	more[sizeof(more) - 2] = '\n';
	memset(sentence, 's', sizeof(sentence) - 1);
	reports_catch();
	fl_report_(FL_REPORT_CALLBACK, "pair", &lock, more, "%s", sentence);
	ck_assert_int_eq(reports_look(&caught), 1);
	ck_assert_uint_ge(strlen(caught.what), 200);
	ck_assert_uint_le(strlen(caught.what), strlen(sentence));
	ck_assert_ptr_nonnull(strstr(caught.text, caught.what));
}
END_TEST

START_TEST(errno_survives_a_report)
{
	reports_catch();
	errno = ENOTTY;
	fl_lock_release(&lock);
	ck_assert_int_eq(errno, ENOTTY);
	ck_assert_int_eq(reports_look(NULL), 1);
}
END_TEST

static void report_often(unsigned index, void *arg)
{
	int i;

	(void)index;
	(void)arg;
	for (i = 0; i < 100; i++)
		fl_report_(FL_REPORT_CALLBACK, "pair", &lock, NULL, "from %d", gettid());
}

START_TEST(threads_may_report_at_once)
{
	struct caught caught;
	char expected[32];

	reports_catch();
	testing_together(4, report_often, NULL);
	ck_assert_int_eq(reports_look(&caught), 400);
	snprintf(expected, sizeof(expected), "from %d", caught.thread_id);
	ck_assert_str_eq(caught.what, expected);
}
END_TEST

START_TEST(a_code_address_is_named)
{
	char text[512];

	fl_report_site_((const char *)(uintptr_t)malloc + 4, text, sizeof(text));
	ck_assert_msg(strstr(text, "+0x4") != NULL && strstr(text, "alloc") != NULL, "%s", text);
	fl_report_site_(NULL, text, sizeof(text));
	ck_assert_msg(strlen(text) > 0, "empty");
	fl_report_site_(text, text, sizeof(text));
	ck_assert_msg(strncmp(text, "0x", 2) == 0, "%s", text);
	fl_report_site_((const char *)(uintptr_t)malloc, text, 5);
	ck_assert_uint_lt(strlen(text), 5);
}
END_TEST

static int own_number(void *arg)
{
	(void)arg;
	return (int)fl_self();
}

START_TEST(a_threads_number_is_explained)
{
	char text[64], expected[64];

	pthread_setname_np(pthread_self(), "numbered");
	fl_report_thread_(fl_self(), text, sizeof(text));
	snprintf(expected, sizeof(expected), "thread %d 'numbered'", gettid());
	ck_assert_str_eq(text, expected);
	fl_report_thread_((unsigned)call_elsewhere(own_number, NULL), text, sizeof(text));
	ck_assert_str_eq(text, "a thread that has ended");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report");
	TCase *saying = testing_case(suite, "saying"), *naming = testing_case(suite, "naming"),
	      *hooks = testing_case(suite, "hooks"), *kinds_ = testing_case(suite, "kinds");

	tcase_add_test(saying, a_misuse_says_everything_and_aborts);
	tcase_add_test(saying, an_object_without_a_name_is_shown_without);
	tcase_add_test(saying, the_hook_gets_every_field);
	tcase_add_test(saying, the_thread_is_the_one_that_did_it);
	tcase_add_test(saying, the_backtrace_leads_to_the_place);
	tcase_add_test(saying, a_long_report_is_cut_and_not_overrun);
	tcase_add_test(saying, a_code_address_is_named);
	tcase_add_test(saying, a_threads_number_is_explained);
	tcase_add_test(naming, names_are_copied_cut_and_forgotten);
	tcase_add_test(naming, a_name_ends_with_its_object);
	tcase_add_test(naming, many_names_are_kept_apart);
	tcase_add_test(naming, names_may_be_given_by_many_threads);
	tcase_add_test(hooks, the_last_hook_counts);
	tcase_add_test(hooks, the_hook_may_jump_out);
	tcase_add_test(hooks, the_hook_may_use_other_objects);
	tcase_add_test(hooks, errno_survives_a_report);
	tcase_add_test(hooks, threads_may_report_at_once);
	tcase_add_loop_test(kinds_, only_a_misuse_aborts, 0, 3);
	tcase_add_loop_test(kinds_, only_a_misuse_aborts_also_without_standard_error, 0, 3);
	tcase_add_test(kinds_, a_misuse_aborts_also_without_standard_error);
	return testing_run(suite);
}
