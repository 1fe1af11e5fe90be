/*
 * shm/array_copy.c - copying to and from the words of an array, while others may be storing or loading them.
 *
 * The bytes of an array are words of 8 bytes there, and each word is loaded or stored in one piece: with acquire by
 * readers and release by writers, which is what shm/array.c needs ([A1]) and costs nothing more on x86-64. A write that
 * begins or ends within a word loads it first: a writer is alone.
 *
 * Rejected: memcpy, which says nothing of order, and is a data race to the compiler and to sanitizers; vector
 * instructions by hand, which are nearly as fast as memcpy where an array is large, but nothing that the checker or a
 * sanitizer could follow.
 */
#include "shm/array.h"

#include "base/atomic.h"
#include <string.h>

#define WORD sizeof(uint64_t)

static uint64_t load_word(const uint64_t *word)
{
	/* [array.1] acquire; pairs with [array.2] */
	return fl_load_acquire(word);
}

static void store_word(uint64_t *word, uint64_t value)
{
	/* [array.2] release; pairs with [array.1] */
	fl_store_release(word, value);
}

/* The part of `bytes` that is in the word of that number: from where in the word, and how much. */
static size_t part_in(struct fl_array_range bytes, size_t word, size_t *ret_skip)
{
	size_t from = word * WORD > bytes.from ? word * WORD : bytes.from;
	size_t to = (word + 1) * WORD < bytes.to ? (word + 1) * WORD : bytes.to;

	*ret_skip = from - word * WORD;
	return to - from;
}

/* Each copies a part of a word, and returns how much that was. */
static size_t part_out(const uint64_t *words, struct fl_array_range bytes, size_t word, char *to)
{
	uint64_t value = load_word(&words[word]);
	size_t skip, size = part_in(bytes, word, &skip);

	memcpy(to, (const char *)&value + skip, size);
	return size;
}

static size_t part_back(uint64_t *words, struct fl_array_range bytes, size_t word, const char *from)
{
	uint64_t value = fl_load_relaxed(&words[word]);
	size_t skip, size = part_in(bytes, word, &skip);

	memcpy((char *)&value + skip, from, size);
	store_word(&words[word], value);
	return size;
}

/* Four at a time: compilers do not unroll loops of atomic operations, and the counting takes longer than these. */

static inline void word_out(const uint64_t *word, char *to)
{
	uint64_t value = load_word(word);

	memcpy(to, &value, WORD);
}

static inline void word_in(uint64_t *word, const char *from)
{
	uint64_t value;

	memcpy(&value, from, WORD);
	store_word(word, value);
}

static void words_out(const uint64_t *from, const uint64_t *end, char *to)
{
	for (; end - from >= 4; from += 4, to += 4 * WORD) {
		word_out(from, to);
		word_out(from + 1, to + WORD);
		word_out(from + 2, to + 2 * WORD);
		word_out(from + 3, to + 3 * WORD);
	}
	for (; from < end; from++, to += WORD)
		word_out(from, to);
}

static void words_in(uint64_t *to, const uint64_t *end, const char *from)
{
	for (; end - to >= 4; to += 4, from += 4 * WORD) {
		word_in(to, from);
		word_in(to + 1, from + WORD);
		word_in(to + 2, from + 2 * WORD);
		word_in(to + 3, from + 3 * WORD);
	}
	for (; to < end; to++, from += WORD)
		word_in(to, from);
}

void fl_array_copy_out_(const uint64_t *words, struct fl_array_range bytes, void *to)
{
	size_t word = bytes.from / WORD, end = bytes.to / WORD;
	char *at = to;

	if (bytes.from % WORD != 0)
		at += part_out(words, bytes, word++, at);
	if (word < end) {
		words_out(words + word, words + end, at);
		at += (end - word) * WORD;
	}
	if (word <= end && bytes.to % WORD != 0)
		part_out(words, bytes, end, at);
}

void fl_array_copy_in_(uint64_t *words, struct fl_array_range bytes, const void *from)
{
	size_t word = bytes.from / WORD, end = bytes.to / WORD;
	const char *at = from;

	if (bytes.from % WORD != 0)
		at += part_back(words, bytes, word++, at);
	if (word < end) {
		words_in(words + word, words + end, at);
		at += (end - word) * WORD;
	}
	if (word <= end && bytes.to % WORD != 0)
		part_back(words, bytes, end, at);
}

void fl_array_copy_over_(uint64_t *to, const uint64_t *from, struct fl_array_range words)
{
	for (size_t word = words.from; word < words.to; word++)
		store_word(&to[word], fl_load_relaxed(&from[word]));
}

bool fl_array_is_equal_(const uint64_t *words, struct fl_array_range bytes, const void *with)
{
	size_t word = bytes.from / WORD, skip, size;
	const char *at = with;

	for (; word * WORD < bytes.to; word++, at += size) {
		uint64_t value = fl_load_relaxed(&words[word]);

		size = part_in(bytes, word, &skip);
		if (memcmp((const char *)&value + skip, at, size) != 0)
			return false;
	}
	return true;
}
