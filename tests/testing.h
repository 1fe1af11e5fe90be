/*
 * testing.h - what every C test under tests/ is written with.
 *
 * One file tests/test_<thing>.c is one program. It builds one Check suite and hands it to testing_run:
 *
 *     #include "testing.h"
 *     #include <fairlead/lock.h>
 *
 *     START_TEST(a_free_lock_is_acquired)
 *     {
 *             fl_lock lock = FL_LOCK_INIT;
 *
 *             ck_assert(fl_lock_acquire_try(&lock));
 *     }
 *     END_TEST
 *
 *     int main(void)
 *     {
 *             Suite *suite = suite_create("lock");
 *
 *             tcase_add_test(testing_case(suite, "alone"), a_free_lock_is_acquired);
 *             return testing_run(suite);
 *     }
 *
 * and its name is added to the list in tests/meson.build. The output is TAP, so every START_TEST counts. Check runs
 * each test in a process of its own and kills it when it hangs; CK_FORK=no keeps all in one process for gdb,
 * CK_RUN_CASE=alone runs one case, CK_TIMEOUT_MULTIPLIER=10 stretches the time-outs (the sanitized builds do).
 *
 * A test never sleeps to let something happen: it waits until it has happened. "That thread has gone to sleep" is
 * what testing_await_asleep waits for.
 */
#ifndef FAIRLEAD_TESTING_H
#define FAIRLEAD_TESTING_H

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

/* Defined where ASan or TSan is built in. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TESTING_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TESTING_SANITIZED
#endif
#endif

/* Makes a test case in the suite, whose tests may take TESTING_SECONDS each. */
#define TESTING_SECONDS 60
TCase *testing_case(Suite *suite, const char *name);

/* The same, with what is called before and after each of its tests. */
TCase *testing_case_between(Suite *suite, const char *name, void (*set_up)(void), void (*tear_down)(void));

/* In a child process: what must hold there, since Check's assertions are the parent's, and take a mutex that may be
 * held at the fork. */
#define EXPECT(condition) \
	do { \
		if (!(condition)) { \
			dprintf(STDERR_FILENO, "%s:%d: not %s\n", __FILE__, __LINE__, #condition); \
			_exit(1); \
		} \
	} while (0)

/* Runs the suite and writes TAP to standard output. Returns what main returns: 0, or 1 if a test failed or none ran. */
int testing_run(Suite *suite);

/* Runs body(0, arg) to body(n - 1, arg) in n threads that begin at the same moment; returns when all have ended. */
void testing_together(unsigned n, void (*body)(unsigned index, void *arg), void *arg);

/* Returns when the thread with this kernel id (gettid) is asleep in the kernel, as one that is blocked in a Fairlead
 * call is. The thread must be on its way there: if it ends instead, the test fails. */
void testing_await_asleep(pid_t thread);

/* Returns whether the thread is asleep in the kernel at this moment. */
bool testing_is_asleep(pid_t thread);

#endif
