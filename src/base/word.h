/*
 * base/word.h - the wait word: the one operation in which all waiting of Fairlead ends.
 *
 * Wait while a 32-bit word still holds a value, until a deadline; wake n of those who wait on a word. For threads it
 * is the futex system call, and no other file makes one. A task, or a checker that chooses schedules, has this file
 * to know and nothing else: tests/model replaces word.c.
 */
#ifndef FL_BASE_WORD_H
#define FL_BASE_WORD_H

#include "base/atomic.h"
#include <fairlead/time.h>

/* Who may wait on a word: the threads of one process, or of any process that has the memory mapped. */
enum fl_word_scope {
	FL_WORD_PRIVATE,
	FL_WORD_SHARED,
};

#define FL_WAKE_ALL INT32_MAX

/* Sleeps if *word == value, until somebody wakes the word or the deadline passes. Returns -ETIMEDOUT if it passed,
 * else 0: the word has changed, somebody woke it, or nothing at all happened (a signal); the caller looks again. A
 * deadline in the past returns at once. Orders nothing: whoever looks again acquires. */
int fl_word_wait_(uint32_t *word, uint32_t value, fl_time deadline, enum fl_word_scope scope);

/* One of several words to sleep on. */
struct fl_word_case {
	uint32_t *word;
	uint32_t value;
	enum fl_word_scope scope;
};

#define FL_WORDS_MOST 128u

/* Sleeps if each of n words, at most FL_WORDS_MOST, has its value, until somebody wakes one of them or the deadline
 * passes. Returns the index of one that was woken; -EAGAIN: a word had another value, or nothing at all happened (a
 * signal); -ETIMEDOUT; -ENOSYS: this kernel cannot (Linux 5.16 can). */
int fl_word_wait_any_(const struct fl_word_case *words, unsigned n, fl_time deadline);

/* Wakes up to n of those who sleep on the word. Returns how many there were: a thread that is stopped (SIGSTOP) does
 * not sleep. The memory is not read: it may be freed already, in which case somebody else's wait at the same address
 * returns 0 for nothing, as it may anyway. */
int fl_word_wake_(uint32_t *word, int n, enum fl_word_scope scope);

#endif
