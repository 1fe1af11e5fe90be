/*
 * test_thread.c - threads: starting, joining, names, failing, enumerating, and what exit() waits for.
 *
 * What happens at exit is tried in child processes, which tell what they do on standard error, a line each.
 */
#define _GNU_SOURCE
#include "reports.h"
#include "testing.h"
#include "waiting.h"

#include <dlfcn.h>
#include <errno.h>
#include <fairlead/event.h>
#include <fairlead/thread.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static fl_event go, here;
static fl_thread *one, *two, *three;

static fl_thread *start(void *(*function)(void *arg), void *arg)
{
	fl_thread *thread = NULL;

	ck_assert_int_eq(fl_thread_start(&thread, NULL, function, arg), 0);
	ck_assert_ptr_nonnull(thread);
	return thread;
}

static fl_thread *start_daemon(void *(*function)(void *arg), void *arg)
{
	const fl_thread_options options = {.daemon = true};
	fl_thread *thread = NULL;

	ck_assert_int_eq(fl_thread_start(&thread, &options, function, arg), 0);
	return thread;
}

static void *give_back(void *arg)
{
	return arg;
}

static void *wait_for_go(void *arg)
{
	fl_event_set(&here);
	fl_event_wait(&go);
	return arg;
}

/* Starting. */

START_TEST(a_thread_returns_its_value)
{
	int object;
	void *value = NULL;

	errno = 4711;
	ck_assert_int_eq(fl_thread_join(start(give_back, &object), &value), 0);
	ck_assert_ptr_eq(value, &object);
	ck_assert_int_eq(fl_thread_join(start(give_back, NULL), NULL), 0);
	ck_assert_int_eq(errno, 4711);
}
END_TEST

START_TEST(options_that_cannot_be_are_refused)
{
	fl_thread *thread = NULL;
	const fl_thread_options small = {.stack_size = 1}, huge = {.stack_size = (size_t)1 << 60};
	fl_thread_options later = {.name = "later"};

	errno = 4711;
	ck_assert_int_eq(fl_thread_start(&thread, &small, give_back, NULL), -EINVAL);
	ck_assert_int_eq(fl_thread_start(&thread, &huge, give_back, NULL), -EAGAIN);
	later.fl_spare[2] = 1;
	ck_assert_int_eq(fl_thread_start(&thread, &later, give_back, NULL), -EINVAL);
	ck_assert_ptr_null(thread);
	ck_assert_int_eq(errno, 4711);
	ck_assert_int_eq(fl_thread_all(NULL), 1);
}
END_TEST

static void *measure_stack(void *arg)
{
	pthread_attr_t attributes;

	ck_assert_int_eq(pthread_getattr_np(pthread_self(), &attributes), 0);
	ck_assert_int_eq(pthread_attr_getstacksize(&attributes, arg), 0);
	pthread_attr_destroy(&attributes);
	return NULL;
}

START_TEST(the_stack_has_the_size_asked_for)
{
	const fl_thread_options options = {.stack_size = 12345678};
	fl_thread *thread;
	size_t size = 0;

	ck_assert_int_eq(fl_thread_start(&thread, &options, measure_stack, &size), 0);
	ck_assert_int_eq(fl_thread_join(thread, NULL), 0);
	ck_assert_uint_ge(size, 12345678);
	ck_assert_uint_lt(size, 12345678 + 65536);
}
END_TEST

static void *set_go(void *arg)
{
	fl_event_set(&go);
	return arg;
}

START_TEST(nobody_needs_the_handle)
{
	ck_assert_int_eq(fl_thread_start(NULL, NULL, set_go, NULL), 0);
	fl_event_wait(&go);
	ck_assert_ptr_null(fl_thread_unref(start(give_back, NULL)));
	ck_assert_ptr_null(fl_thread_unref(NULL));
	while (fl_thread_all(NULL) > 1)
		sched_yield();
}
END_TEST

/* Joining. */

START_TEST(joining_gives_up_and_the_handle_stays)
{
	int untouched;
	void *value = &untouched;
	fl_thread *thread = start(wait_for_go, &go);
	fl_note note = FL_NOTE_INIT;

	ck_assert_int_eq(fl_thread_join_until(thread, 0, NULL, &value), -ETIMEDOUT);
	ck_assert_int_eq(fl_thread_join_until(thread, fl_after(FL_MS(1)), NULL, &value), -ETIMEDOUT);
	fl_note_cancel(&note);
	ck_assert_int_eq(fl_thread_join_until(thread, FL_FOREVER, &note, &value), -ECANCELED);
	ck_assert_ptr_eq(value, &untouched);
	ck_assert(fl_thread_is_alive(thread));
	fl_event_set(&go);
	while (fl_thread_is_alive(thread))
		sched_yield();
	ck_assert_int_eq(fl_thread_join_until(thread, 0, &note, &value), 0);
	ck_assert_ptr_eq(value, &go);
}
END_TEST

static void *join_self(void *arg)
{
	fl_thread *self = fl_thread_self();

	ck_assert_int_eq(fl_thread_join(self, NULL), -EDEADLK);
	ck_assert_int_eq(fl_thread_join_until(self, 0, NULL, NULL), -EDEADLK);
	return arg;
}

START_TEST(nobody_joins_itself)
{
	ck_assert_int_eq(fl_thread_join(start(join_self, NULL), NULL), 0);
	join_self(NULL);
}
END_TEST

/* Joins the thread at `arg`, once all handles are there. */
static void *join_other(void *arg)
{
	int error;

	fl_event_wait(&go);
	error = fl_thread_join(*(fl_thread **)arg, NULL);
	if (error == -EDEADLK)
		fl_thread_unref(*(fl_thread **)arg);
	return (void *)(intptr_t)error;
}

/* 1 waits for 2 waits for 3 waits for 1: whoever comes last is told, and the others get what they wait for. */
START_TEST(a_circle_of_joins_is_refused)
{
	intptr_t result = 0;
	void *value;
	fl_thread *refs[3];

	one = start(join_other, &two);
	two = start(join_other, &three);
	three = start(join_other, &one);
	refs[0] = fl_thread_ref(one);
	refs[1] = fl_thread_ref(two);
	refs[2] = fl_thread_ref(three);
	fl_event_set(&go);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(fl_thread_join(refs[i], &value), 0);
		result += (intptr_t)value;
	}
	ck_assert_int_eq(result, -EDEADLK);
}
END_TEST

static void join_go(unsigned index, void *thread)
{
	void *value = NULL;

	(void)index;
	ck_assert_int_eq(fl_thread_join(thread, &value), 0);
	ck_assert_ptr_eq(value, &go);
}

START_TEST(several_join_one)
{
	for (int round = 0; round < 100; round++) {
		fl_thread *thread = start(wait_for_go, &go);

		for (int i = 0; i < 3; i++)
			fl_thread_ref(thread);
		if (round % 2)
			fl_event_set(&go);
		else
			ck_assert_int_eq(fl_thread_start(NULL, NULL, set_go, NULL), 0);
		testing_together(4, join_go, thread);
		fl_event_clear(&go);
	}
}
END_TEST

static pthread_key_t key;
static pid_t joiner;
static bool destroyed;

static void destroy_late(void *handle)
{
	ck_assert_ptr_eq(fl_thread_self(), handle);
	testing_await_asleep(joiner);
	destroyed = true;
}

static void *leave_a_value(void *arg)
{
	ck_assert_int_eq(pthread_setspecific(key, fl_thread_self()), 0);
	return arg;
}

START_TEST(a_join_waits_for_destructors)
{
	joiner = gettid();
	ck_assert_int_eq(pthread_key_create(&key, destroy_late), 0);
	ck_assert_int_eq(fl_thread_join(start(leave_a_value, NULL), NULL), 0);
	ck_assert(destroyed);
	ck_assert_int_eq(fl_thread_all(NULL), 1);
}
END_TEST

static void *exit_by_fairlead(void *arg)
{
	fl_thread_exit(arg);
}

static void *exit_by_pthread(void *arg)
{
	pthread_exit(arg);
}

START_TEST(a_thread_may_end_in_the_middle)
{
	void *value = NULL;

	ck_assert_int_eq(fl_thread_join(start(exit_by_fairlead, &go), &value), 0);
	ck_assert_ptr_eq(value, &go);
	ck_assert_int_eq(fl_thread_join(start(exit_by_pthread, &here), &value), 0);
	ck_assert_ptr_eq(value, &here);
}
END_TEST

#ifndef TESTING_SANITIZED
#define WITHOUT_KEYS
static bool no_memory_for_keys;

/* Stands before the C library's, for the test below. */
int pthread_setspecific(pthread_key_t which, const void *value)
{
	static int (*real)(pthread_key_t which, const void *value);

	if (__atomic_load_n(&no_memory_for_keys, __ATOMIC_RELAXED))
		return ENOMEM;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_setspecific");
	return real(which, value);
}

START_TEST(a_thread_ends_also_without_memory_for_keys)
{
	void *value = NULL;

	__atomic_store_n(&no_memory_for_keys, true, __ATOMIC_RELAXED);
	ck_assert_int_eq(fl_thread_join(start(give_back, &go), &value), 0);
	ck_assert_ptr_eq(value, &go);
	ck_assert_int_eq(fl_thread_join(start(exit_by_fairlead, &here), &value), 0);
	ck_assert_ptr_eq(value, &here);
	ck_assert_int_eq(fl_thread_all(NULL), 1);
	__atomic_store_n(&no_memory_for_keys, false, __ATOMIC_RELAXED);
}
END_TEST
#endif

/* Names. */

static void expect_kernel_name(fl_thread *thread, const char *name)
{
	char path[64], line[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", fl_thread_id(thread));
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	ck_assert_str_eq(line, name);
}

static const struct {
	const char *name, *kernel;
} names[] = {
	{"camera", "camera"},
	{"fifteen letters", "fifteen letters"},
	{"a name longer than the kernel takes", "a name longer t"},
	{"fourteen bytes\xc3\xa9", "fourteen bytes"},
	{"", ""},
};
#define N_NAMES ((int)(sizeof(names) / sizeof(names[0])))

START_TEST(a_name_is_seen)
{
	const fl_thread_options options = {.name = names[_i].name};
	fl_thread *thread;

	ck_assert_int_eq(fl_thread_start(&thread, &options, wait_for_go, NULL), 0);
	fl_event_wait(&here);
	ck_assert_str_eq(fl_thread_name(thread), names[_i].name);
	expect_kernel_name(thread, names[_i].kernel);
	fl_event_set(&go);
	ck_assert_int_eq(fl_thread_join(thread, NULL), 0);
}
END_TEST

static void *rename_self(void *arg)
{
	fl_thread *self = fl_thread_self();
	const char *before = fl_thread_name(self);

	(void)arg;
	ck_assert_int_eq(strncmp(before, "thread-", 7), 0);
	ck_assert_int_eq(fl_thread_set_name("another"), 0);
	ck_assert_str_eq(fl_thread_name(self), "another");
	expect_kernel_name(self, "another");
	ck_assert_int_eq(fl_thread_set_name(before), 0);
	ck_assert_ptr_eq(fl_thread_name(self), before);
	return (void *)(uintptr_t)gettid();
}

START_TEST(a_thread_renames_itself)
{
	fl_thread *thread = start(rename_self, NULL);
	int id = fl_thread_id(thread);
	void *value;

	ck_assert_int_eq(fl_thread_join(thread, &value), 0);
	ck_assert_int_eq((int)(intptr_t)value, id);
	ck_assert_str_eq(fl_thread_name(fl_thread_self()), "main");
	ck_assert_int_eq(fl_thread_id(fl_thread_self()), gettid());
}
END_TEST

static void rename_and_read(unsigned index, void *thread)
{
	const char *mine[] = {"aaaaaaaaaaaaaaaaaaaaaaaa", "bb", "cccccccc"};

	for (int i = 0; i < 3000; i++) {
		if (index == 0) {
			ck_assert_int_eq(fl_thread_set_name(mine[i % 3]), 0);
			if (i == 0) {
				*(fl_thread **)thread = fl_thread_ref(fl_thread_self());
				fl_event_set(&go);
			}
		} else {
			const char *name;

			fl_event_wait(&go);
			name = fl_thread_name(*(fl_thread **)thread);
			ck_assert_msg(strcmp(name, mine[0]) == 0 || strcmp(name, mine[1]) == 0 ||
					      strcmp(name, mine[2]) == 0,
				      "a name is '%s'", name);
		}
	}
}

START_TEST(a_name_is_never_torn)
{
	testing_together(2, rename_and_read, &one);
	fl_thread_unref(one);
}
END_TEST

/* Who is there. */

static void *foreign(void *arg)
{
	fl_thread *self = fl_thread_self();

	ck_assert_ptr_nonnull(self);
	ck_assert_ptr_eq(fl_thread_self(), self);
	ck_assert(fl_thread_is_daemon(self) && fl_thread_is_alive(self));
	ck_assert_str_eq(fl_thread_name(self), "foreigner");
	ck_assert_int_eq(fl_thread_id(self), gettid());
	one = fl_thread_ref(self);
	return wait_for_go(arg);
}

START_TEST(a_foreign_thread_gets_a_handle)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_setname_np(pthread_self(), "foreigner"), 0); /* which is inherited */
	ck_assert_int_eq(pthread_create(&thread, NULL, foreign, NULL), 0);
	fl_event_wait(&here);
	ck_assert_int_eq(fl_thread_all(NULL), 2);
	ck_assert_int_eq(fl_thread_join_until(one, 0, NULL, NULL), -ETIMEDOUT);
	fl_event_set(&go);
	ck_assert_int_eq(fl_thread_join(one, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(fl_thread_all(NULL), 1);
}
END_TEST

START_TEST(the_living_are_listed)
{
	fl_thread **threads, *self = fl_thread_self();
	int n;

	one = start(wait_for_go, NULL);
	two = start_daemon(wait_for_go, NULL);
	n = fl_thread_all(&threads);
	ck_assert_int_eq(n, 3);
	ck_assert_ptr_eq(threads[0], self);
	ck_assert_ptr_eq(threads[1], one);
	ck_assert_ptr_eq(threads[2], two);
	ck_assert(!fl_thread_is_daemon(self) && !fl_thread_is_daemon(one) && fl_thread_is_daemon(two));
	fl_event_set(&go);
	ck_assert_int_eq(fl_thread_join(one, NULL), 0);
	ck_assert(!fl_thread_is_alive(threads[1])); /* whose handle we still have */
	fl_thread_all_release(n, threads);
	ck_assert_int_eq(fl_thread_join(two, NULL), 0);
	ck_assert_int_eq(fl_thread_all(NULL), 1);
}
END_TEST

/* One starts and joins, the other looks. */
static void come_and_look(unsigned index, void *arg)
{
	(void)arg;
	for (int i = 0; i < 300; i++) {
		fl_thread **threads;
		int n;

		if (index == 0) {
			ck_assert_int_eq(fl_thread_join(start(give_back, NULL), NULL), 0);
			continue;
		}
		n = fl_thread_all(&threads);
		ck_assert_int_ge(n, 1);
		for (int j = 0; j < n; j++)
			ck_assert_int_gt(fl_thread_id(threads[j]), 0);
		fl_thread_all_release(n, threads);
	}
}

START_TEST(the_living_are_listed_while_they_come_and_go)
{
	testing_together(3, come_and_look, NULL);
	ck_assert_int_eq(fl_thread_all(NULL), 1);
}
END_TEST

/* Failing. */

static struct {
	fl_thread *thread;
	char what[2000];
	int n;
} heard;

static void hear(fl_thread *thread, const char *what, void *arg)
{
	ck_assert_ptr_eq(arg, &heard);
	heard.thread = thread;
	heard.n++;
	snprintf(heard.what, sizeof(heard.what), "%s", what);
}

static void hear_and_fail(fl_thread *thread, const char *what, void *arg)
{
	hear(thread, what, arg);
	fl_thread_fail("again");
}

static char no_film[] = "no film";

static void *lose(void *arg)
{
	fl_thread_fail("%s %d", (char *)arg, 7);
}

START_TEST(a_failure_is_told)
{
	void *value = &heard;
	char *long_text = calloc(1, 3000);

	fl_thread_set_fail_hook(_i == 0 ? hear : hear_and_fail, &heard);
	one = start(lose, no_film);
	ck_assert_int_eq(fl_thread_join(one, &value), -ECHILD);
	ck_assert_ptr_eq(value, &heard);
	ck_assert_int_eq(heard.n, 1);
	ck_assert_ptr_eq(heard.thread, one);
	ck_assert_str_eq(heard.what, "no film 7");
	memset(long_text, 'x', 2999);
	ck_assert_int_eq(fl_thread_join(start(lose, long_text), NULL), -ECHILD);
	ck_assert_uint_eq(strlen(heard.what), 1023);
	free(long_text);
}
END_TEST

static void fail_in_thread(void *arg)
{
	const fl_thread_options options = {.name = "camera 3"};
	fl_thread *thread;

	(void)arg;
	if (fl_thread_start(&thread, &options, lose, no_film) != 0)
		_exit(1);
	_exit(fl_thread_join(thread, NULL) == -ECHILD ? 0 : 1);
}

static void fail_in_main(void *arg)
{
	lose(arg);
}

START_TEST(a_failure_is_printed)
{
	char said[1000];
	int status = reports_of_child(fail_in_thread, NULL, said, sizeof(said), NULL);

	ck_assert_str_eq(said, "fairlead: thread 'camera 3' failed: no film 7\n");
	ck_assert_int_eq(status, 0);
	status = reports_of_child(fail_in_main, no_film, said, sizeof(said), NULL);
	ck_assert_str_eq(said, "fairlead: thread 'main' failed: no film 7\n");
	ck_assert_int_eq(status, W_EXITCODE(EXIT_FAILURE, 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("thread");
	TCase *starting = testing_case(suite, "starting"), *joining = testing_case(suite, "joining"),
	      *who = testing_case(suite, "who"), *failing = testing_case(suite, "failing");

	tcase_add_test(starting, a_thread_returns_its_value);
	tcase_add_test(starting, options_that_cannot_be_are_refused);
	tcase_add_test(starting, the_stack_has_the_size_asked_for);
	tcase_add_test(starting, nobody_needs_the_handle);
	tcase_add_test(joining, joining_gives_up_and_the_handle_stays);
	tcase_add_test(joining, nobody_joins_itself);
	tcase_add_test(joining, a_circle_of_joins_is_refused);
	tcase_add_test(joining, several_join_one);
	tcase_add_test(joining, a_join_waits_for_destructors);
	tcase_add_test(joining, a_thread_may_end_in_the_middle);
#ifdef WITHOUT_KEYS
	tcase_add_test(joining, a_thread_ends_also_without_memory_for_keys);
#endif
	tcase_add_loop_test(who, a_name_is_seen, 0, N_NAMES);
	tcase_add_test(who, a_thread_renames_itself);
	tcase_add_test(who, a_name_is_never_torn);
	tcase_add_test(who, a_foreign_thread_gets_a_handle);
	tcase_add_test(who, the_living_are_listed);
	tcase_add_test(who, the_living_are_listed_while_they_come_and_go);
	tcase_add_loop_test(failing, a_failure_is_told, 0, 2);
	tcase_add_test(failing, a_failure_is_printed);
	return testing_run(suite);
}
