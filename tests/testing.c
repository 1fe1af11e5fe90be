/*
 * testing.c - runs a Check suite as TAP, and knows when another thread sleeps.
 *
 * Whether a thread sleeps is read from /proc/self/task/<id>/stat: the letter after the closing bracket of its name is
 * S. A counter that the thread raises just before it blocks would say too little: between the raise and the sleep
 * anything may happen, and tests that depend on it fail once in ten thousand runs. The kernel's own word has no such
 * gap.
 */
#define _GNU_SOURCE
#include "testing.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct together {
	void (*body)(unsigned index, void *arg);
	void *arg;
	pthread_barrier_t start;
};

struct together_thread {
	struct together *together;
	unsigned index;
	pthread_t thread;
};

TCase *testing_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, TESTING_SECONDS);
	suite_add_tcase(suite, tcase);
	return tcase;
}

TCase *testing_case_between(Suite *suite, const char *name, void (*set_up)(void), void (*tear_down)(void))
{
	TCase *tcase = testing_case(suite, name);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	return tcase;
}

int testing_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int run, failed;

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	run = srunner_ntests_run(runner);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return run == 0 || failed > 0;
}

static void *together_run(void *arg)
{
	struct together_thread *self = arg;

	pthread_barrier_wait(&self->together->start);
	self->together->body(self->index, self->together->arg);
	return NULL;
}

void testing_together(unsigned n, void (*body)(unsigned index, void *arg), void *arg)
{
	struct together together = {.body = body, .arg = arg};
	struct together_thread *threads = calloc(n, sizeof(*threads));

	ck_assert_ptr_nonnull(threads);
	ck_assert_int_eq(pthread_barrier_init(&together.start, NULL, n), 0);
	for (unsigned i = 0; i < n; i++) {
		threads[i].together = &together;
		threads[i].index = i;
		ck_assert_int_eq(pthread_create(&threads[i].thread, NULL, together_run, &threads[i]), 0);
	}
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(pthread_join(threads[i].thread, NULL), 0);
	pthread_barrier_destroy(&together.start);
	free(threads);
}

/* Returns the letter of the thread's state: R, S, D, ...; 0 if there is no such thread. */
static char state_of(pid_t thread)
{
	char path[64], line[512];
	const char *bracket;
	char state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
	file = fopen(path, "re");
	if (!file)
		return 0;
	bracket = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	fclose(file);
	if (bracket && bracket[1] == ' ')
		state = bracket[2];
	return state;
}

bool testing_is_asleep(pid_t thread)
{
	return state_of(thread) == 'S';
}

void testing_await_asleep(pid_t thread)
{
	char state;

	while ((state = state_of(thread)) != 'S') {
		ck_assert_msg(state && state != 'X' && state != 'Z', "thread %d ended, did not block", (int)thread);
		sched_yield();
	}
}
