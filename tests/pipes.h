/*
 * pipes.h - what the tests of pipes are written with: the two ends of one, and messages that say which one they are.
 *
 * Message n of a sender has a length that depends on n, and each word of it on n, the sender and where it is. So
 * whoever receives it knows whether it is whole, and which one it is.
 */
#ifndef FAIRLEAD_TESTS_PIPES_H
#define FAIRLEAD_TESTS_PIPES_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fairlead/pipe.h>
#include <stdint.h>
#include <string.h>

/* The largest message that pipes_fill makes, of which some are one packet, some several. */
#define PIPES_MOST ((size_t)300000)

static fl_pipe *one, *other;

static inline void pipes_set_up(void)
{
	ck_assert_int_eq(fl_pipe_create(&one, &other), 0);
}

static inline void pipes_tear_down(void)
{
	one = fl_pipe_close(one);
	other = fl_pipe_close(other);
}

/* One in eight is large. */
static inline size_t pipes_size(uint64_t n)
{
	uint64_t random = (n + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 20;

	return (n % 8 == 3 ? random % (PIPES_MOST - 16) : random % 1000) / 8 * 8 + 16;
}

static inline uint64_t pipes_word(uint64_t sender, uint64_t n, size_t i)
{
	return i == 0 ? sender : i == 1 ? n : (n * 64 + sender) * UINT64_C(0x9e3779b97f4a7c15) + i;
}

/* Fills `message` as message n of the sender, and returns its size. */
static inline size_t pipes_fill(uint64_t *message, uint64_t sender, uint64_t n)
{
	size_t size = pipes_size(n), i;

	for (i = 0; i < size / 8; i++)
		message[i] = pipes_word(sender, n, i);
	return size;
}

/* Whether these bytes are a whole message, whichever one. */
static inline bool pipes_whole(const uint64_t *message, size_t size)
{
	size_t i;

	if (size < 16 || size != pipes_size(message[1]))
		return false;
	for (i = 0; i < size / 8; i++)
		if (message[i] != pipes_word(message[0], message[1], i))
			return false;
	return true;
}

/* How many descriptors this process has. */
static inline unsigned pipes_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned n = 0;

	ck_assert_ptr_nonnull(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

static inline void pipes_send_text(fl_pipe *pipe, const char *text)
{
	ck_assert_int_eq(fl_pipe_send(pipe, text, strlen(text)), 0);
}

static inline void pipes_expect_text(fl_pipe *pipe, const char *text)
{
	char got[100];
	size_t size = 0;

	ck_assert_int_eq(fl_pipe_recv(pipe, got, sizeof(got), &size), 0);
	ck_assert_uint_eq(size, strlen(text));
	ck_assert_mem_eq(got, text, size);
}

static inline int pipes_recv_try(fl_pipe *pipe)
{
	char got[100];
	size_t size;

	return fl_pipe_recv_try(pipe, got, sizeof(got), &size);
}

#endif
