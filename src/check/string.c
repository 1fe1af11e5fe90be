/*
 * check/string.c - the C library's functions that copy and compare memory: accesses of the program like others.
 *
 * The library does them without a word to the sanitizer, so a race in a memcpy would not be seen. The work is done by
 * the library's own functions.
 */
#include "touch.h"

#include <dlfcn.h>
#include <string.h>
#include <strings.h>

void touch_room(size_t size, size_t room, uintptr_t pc)
{
	if (size <= room)
		return;
	if (controlled())
		fail(CHECK_MISUSE, pc, "writes %lu bytes to where there are %lu", (unsigned long)size,
		     (unsigned long)room);
	raw_die("writes %lu bytes to where there are %lu, before main()", (unsigned long)size, (unsigned long)room);
}

#define REAL(name, fallback) \
	static __typeof__(&name) real; \
	if (UNLIKELY(real == NULL)) { \
		if (memory == NULL) \
			return fallback; \
		real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
	}

static void *copy_plainly(void *to, const void *from, size_t n)
{
	raw_move(to, from, n);
	return to;
}

static void *fill_plainly(void *to, int byte, size_t n)
{
	raw_fill(to, byte, n);
	return to;
}

EXPORT void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	REAL(memcpy, copy_plainly(to, from, n));
	if (controlled()) {
		touch(from, n, false, CALLER);
		touch(to, n, true, CALLER);
	}
	return real(to, from, n);
}

EXPORT void *memmove(void *to, const void *from, size_t n)
{
	REAL(memmove, copy_plainly(to, from, n));
	if (controlled()) {
		touch(from, n, false, CALLER);
		touch(to, n, true, CALLER);
	}
	return real(to, from, n);
}

EXPORT void *memset(void *to, int byte, size_t n)
{
	REAL(memset, fill_plainly(to, byte, n));
	if (controlled())
		touch(to, n, true, CALLER);
	return real(to, byte, n);
}

static int compare_plainly(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (a[i] != b[i])
			return (unsigned char)a[i] - (unsigned char)b[i];
	}
	return 0;
}

EXPORT int memcmp(const void *a, const void *b, size_t n)
{
	REAL(memcmp, compare_plainly(a, b, n));
	if (controlled()) {
		touch(a, n, false, CALLER);
		touch(b, n, false, CALLER);
	}
	return real(a, b, n);
}

EXPORT size_t strlen(const char *text)
{
	size_t n = raw_length(text);

	if (controlled())
		touch(text, n + 1, false, CALLER);
	return n;
}

EXPORT char *strcpy(char *restrict to, const char *restrict from)
{
	size_t n = raw_length(from) + 1;

	if (controlled()) {
		touch(from, n, false, CALLER);
		touch(to, n, true, CALLER);
	}
	raw_copy(to, from, n);
	return to;
}

EXPORT char *strncpy(char *restrict to, const char *restrict from, size_t size)
{
	size_t n = 0;

	while (n < size && from[n] != 0)
		n++;
	if (controlled()) {
		touch(from, n < size ? n + 1 : n, false, CALLER);
		touch(to, size, true, CALLER);
	}
	raw_copy(to, from, n);
	raw_fill(to + n, 0, size - n);
	return to;
}

EXPORT int strcmp(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] != 0 && a[n] == b[n])
		n++;
	if (controlled()) {
		touch(a, n + 1, false, CALLER);
		touch(b, n + 1, false, CALLER);
	}
	return (unsigned char)a[n] - (unsigned char)b[n];
}

static void *copy(void *to, const void *from, size_t n, uintptr_t pc)
{
	touch(from, n, false, pc);
	touch(to, n, true, pc);
	raw_move(to, from, n);
	return to;
}

static void *fill(void *to, int byte, size_t n, uintptr_t pc)
{
	touch(to, n, true, pc);
	raw_fill(to, byte, n);
	return to;
}

EXPORT void bzero(void *to, size_t n)
{
	fill(to, 0, n, CALLER);
}

EXPORT void *mempcpy(void *restrict to, const void *restrict from, size_t n)
{
	return (char *)copy(to, from, n, CALLER) + n;
}

/* What clang calls for the compiler's own copies. */
EXPORT void *__tsan_memcpy(void *to, const void *from, size_t n);
EXPORT void *__tsan_memmove(void *to, const void *from, size_t n);
EXPORT void *__tsan_memset(void *to, int byte, size_t n);

void *__tsan_memcpy(void *to, const void *from, size_t n)
{
	return copy(to, from, n, CALLER);
}

void *__tsan_memmove(void *to, const void *from, size_t n)
{
	return copy(to, from, n, CALLER);
}

void *__tsan_memset(void *to, int byte, size_t n)
{
	return fill(to, byte, n, CALLER);
}

/* With _FORTIFY_SOURCE. */
EXPORT void *__memcpy_chk(void *restrict to, const void *restrict from, size_t n, size_t room);
EXPORT void *__memmove_chk(void *to, const void *from, size_t n, size_t room);
EXPORT void *__memset_chk(void *to, int byte, size_t n, size_t room);
EXPORT char *__strcpy_chk(char *restrict to, const char *restrict from, size_t room);
EXPORT char *__strncpy_chk(char *restrict to, const char *restrict from, size_t n, size_t room);

void *__memcpy_chk(void *restrict to, const void *restrict from, size_t n, size_t room)
{
	touch_room(n, room, CALLER);
	return copy(to, from, n, CALLER);
}

void *__memmove_chk(void *to, const void *from, size_t n, size_t room)
{
	touch_room(n, room, CALLER);
	return copy(to, from, n, CALLER);
}

void *__memset_chk(void *to, int byte, size_t n, size_t room)
{
	touch_room(n, room, CALLER);
	return fill(to, byte, n, CALLER);
}

char *__strcpy_chk(char *restrict to, const char *restrict from, size_t room)
{
	size_t n = raw_length(from) + 1;

	touch_room(n, room, CALLER);
	return copy(to, from, n, CALLER);
}

char *__strncpy_chk(char *restrict to, const char *restrict from, size_t n, size_t room)
{
	size_t used = 0;

	touch_room(n, room, CALLER);
	while (used < n && from[used] != 0)
		used++;
	touch(from, used < n ? used + 1 : n, false, CALLER);
	touch(to, n, true, CALLER);
	raw_copy(to, from, used);
	raw_fill(to + used, 0, n - used);
	return to;
}
