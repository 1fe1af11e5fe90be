/*
 * check/word.h - the one place where kernel threads of a program under control wait for each other.
 *
 * A thread has a word: 1 when it is its turn. Whoever gives the turn away releases what it did before, and the one that
 * takes it acquires that: so all else in the checker is as in a program with one thread.
 */
#ifndef FAIRLEAD_CHECK_WORD_H
#define FAIRLEAD_CHECK_WORD_H

#include "raw.h"

#include <linux/futex.h>
#include <sys/syscall.h>

/* Waits until the word is 1, and makes it 0. */
static inline void word_sleep(uint32_t *word)
{
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == 0)
		RAW(SYS_futex, word, FUTEX_WAIT, 0, NULL);
	__atomic_store_n(word, 0, __ATOMIC_RELAXED);
}

/* Makes it 1. */
static inline void word_wake(uint32_t *word)
{
	__atomic_store_n(word, 1, __ATOMIC_RELEASE);
	RAW(SYS_futex, word, FUTEX_WAKE, 1);
}

#endif
