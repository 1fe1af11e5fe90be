/*
 * processes.h - what the tests with several processes are written with: children, places, ends.
 */
#ifndef FAIRLEAD_TESTS_PROCESSES_H
#define FAIRLEAD_TESTS_PROCESSES_H

#include <check.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* What processes tell each other beside what is tested. */
static struct {
	uint32_t ready, go_on;
} * shared;

/* A new empty directory becomes $XDG_RUNTIME_DIR, so that tests that run at once do not meet. */
static inline void processes_set_up(void)
{
	static char directory[] = "/tmp/fairlead-test-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", directory, 1), 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
}

static inline void processes_tear_down(void)
{
	const char *directory = getenv("XDG_RUNTIME_DIR");
	char command[200];

	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	ck_assert_int_eq(system(command), 0);
}

/* Counts a word of `shared` up; waits until it has been. */
static inline void process_tell(uint32_t *word)
{
	__atomic_add_fetch(word, 1, __ATOMIC_RELEASE);
}

static inline void process_await(const uint32_t *word, uint32_t value)
{
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) < value)
		sched_yield();
}

/* Runs body(arg) in a child process, which exits with 0 if it returns, and does not outlive its parent. */
static inline pid_t process_start(void (*body)(void *arg), void *arg)
{
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		body(arg);
		_exit(0);
	}
	return child;
}

/* In a child: says that it is ready, and stays until it is killed. */
static inline void process_stay(void)
{
	process_tell(&shared->ready);
	for (;;)
		pause();
}

/* Starts a child that says once that it is ready, and returns when it has. Their end is to be awaited before the next
 * one. */
static inline pid_t process_start_ready(void (*body)(void *arg), void *arg)
{
	uint32_t before = __atomic_load_n(&shared->ready, __ATOMIC_RELAXED);
	pid_t child = process_start(body, arg);

	process_await(&shared->ready, before + 1);
	return child;
}

/* Waits for its end and returns its status, as waitpid has it. */
static inline int process_end(pid_t child)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

/* Returns when the child, which has one thread, is asleep. */
static inline void process_await_asleep(pid_t child)
{
	char path[40], state = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	while (state != 'S') {
		FILE *file = fopen(path, "r");

		ck_assert_ptr_nonnull(file);
		ck_assert_int_eq(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
		fclose(file);
		sched_yield();
	}
}

/* Stops it, and returns when it is. */
static inline void process_stop(pid_t child)
{
	int status;

	ck_assert_int_eq(kill(child, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
	ck_assert(WIFSTOPPED(status));
}

static inline void process_kill(pid_t child)
{
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(process_end(child), SIGKILL);
}

#endif
