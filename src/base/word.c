/*
 * base/word.c - the wait word, by futex.
 *
 * FUTEX_WAIT_BITSET takes an absolute deadline on CLOCK_MONOTONIC, so a wait that a signal interrupts is simply
 * repeated by its caller with the same deadline. The kernel rejects negative times: those have passed anyway.
 * Everything up to INT64_MAX nanoseconds it takes.
 */
#define _GNU_SOURCE
#include "base/word.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The system call, without touching the caller's errno: a release may come from a signal handler. */
static long futex(uint32_t *word, int operation, uint32_t value, const struct timespec *deadline)
{
	int saved = errno;
	long result = syscall(SYS_futex, word, operation, value, deadline, NULL, FUTEX_BITSET_MATCH_ANY);

	if (result < 0)
		result = -errno;
	errno = saved;
	return result;
}

static int private_flag(enum fl_word_scope scope)
{
	return scope == FL_WORD_PRIVATE ? FUTEX_PRIVATE_FLAG : 0;
}

int fl_word_wait_(uint32_t *word, uint32_t value, fl_time deadline, enum fl_word_scope scope)
{
	struct timespec until = {.tv_sec = deadline / FL_SECONDS(1), .tv_nsec = deadline % FL_SECONDS(1)};
	long result;

	if (deadline <= 0)
		return -ETIMEDOUT;
	result = futex(word, FUTEX_WAIT_BITSET | private_flag(scope), value, deadline == FL_FOREVER ? NULL : &until);
	return result == -ETIMEDOUT ? -ETIMEDOUT : 0;
}

/* What futex_waitv takes, written out: the headers of older systems do not have it. */
struct waitv {
	uint64_t value;
	uint64_t word;
	uint32_t flags; /* SIZE_32, and whether it is private */
	uint32_t zero;
};

#define SYS_FUTEX_WAITV 449
#define SIZE_32 2u

/* A filter of system calls that does not know this one says EPERM. With other errors nobody has slept: then nobody else
 * looks at the clock. */
static int refusal(int error, fl_time deadline)
{
	switch (error) {
	case EAGAIN:
	case EINTR:
		return -EAGAIN;
	case ETIMEDOUT:
		return -ETIMEDOUT;
	case ENOSYS:
	case EPERM:
		return -ENOSYS;
	default:
		return fl_now() < deadline ? -EAGAIN : -ETIMEDOUT;
	}
}

int fl_word_wait_any_(const struct fl_word_case *words, unsigned n, fl_time deadline)
{
	struct timespec until = {.tv_sec = deadline / FL_SECONDS(1), .tv_nsec = deadline % FL_SECONDS(1)};
	struct waitv waits[FL_WORDS_MOST];
	int saved = errno;
	long result;

	if (deadline <= 0)
		return -ETIMEDOUT;
	for (unsigned i = 0; i < n; i++)
		waits[i] = (struct waitv){.value = words[i].value,
					  .word = (uintptr_t)words[i].word,
					  .flags = SIZE_32 | (uint32_t)private_flag(words[i].scope)};
	result = syscall(SYS_FUTEX_WAITV, waits, n, 0, deadline == FL_FOREVER ? NULL : &until, CLOCK_MONOTONIC);
	if (result < 0)
		result = refusal(errno, deadline);
	errno = saved;
	return (int)result;
}

int fl_word_wake_(uint32_t *word, int n, enum fl_word_scope scope)
{
	long woken = futex(word, FUTEX_WAKE | private_flag(scope), (uint32_t)n, NULL);

	return woken > 0 ? (int)woken : 0;
}
