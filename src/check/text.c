/*
 * check/text.c - the C library's functions that search, join and print texts: accesses of the program like others, as
 * in string.c. What is read is what has to be: up to where it was found, or differs.
 *
 * Of printing, only what is written is seen, not what the arguments point at.
 */
#include "touch.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static size_t length_within(const char *text, size_t most)
{
	size_t n = 0;

	while (n < most && text[n] != 0)
		n++;
	return n;
}

/* How much of a text of at most so many letters is read. */
static void touch_text(const char *text, size_t n, size_t most, uintptr_t pc)
{
	touch(text, n < most ? n + 1 : most, false, pc);
}

EXPORT size_t strnlen(const char *text, size_t most)
{
	size_t n = length_within(text, most);

	touch_text(text, n, most, CALLER);
	return n;
}

static char *join(char *to, const char *from, size_t most, uintptr_t pc)
{
	size_t at = raw_length(to), n = length_within(from, most);

	touch(to, at + 1, false, pc);
	touch_text(from, n, most, pc);
	touch(to + at, n + 1, true, pc);
	raw_copy(to + at, from, n);
	to[at + n] = 0;
	return to;
}

EXPORT char *strcat(char *restrict to, const char *restrict from)
{
	return join(to, from, SIZE_MAX, CALLER);
}

EXPORT char *strncat(char *restrict to, const char *restrict from, size_t most)
{
	return join(to, from, most, CALLER);
}

EXPORT char *__strcat_chk(char *restrict to, const char *restrict from, size_t room);
char *__strcat_chk(char *restrict to, const char *restrict from, size_t room)
{
	touch_room(raw_length(to) + raw_length(from) + 1, room, CALLER);
	return join(to, from, SIZE_MAX, CALLER);
}

EXPORT char *__strncat_chk(char *restrict to, const char *restrict from, size_t most, size_t room);
char *__strncat_chk(char *restrict to, const char *restrict from, size_t most, size_t room)
{
	touch_room(raw_length(to) + length_within(from, most) + 1, room, CALLER);
	return join(to, from, most, CALLER);
}

EXPORT char *stpcpy(char *restrict to, const char *restrict from)
{
	size_t n = raw_length(from);

	touch(from, n + 1, false, CALLER);
	touch(to, n + 1, true, CALLER);
	raw_copy(to, from, n + 1);
	return to + n;
}

static char *duplicate(const char *text, size_t most, uintptr_t pc)
{
	size_t n = length_within(text, most);
	char *copy = malloc(n + 1);

	touch_text(text, n, most, pc);
	if (copy == NULL)
		return NULL;
	touch(copy, n + 1, true, pc);
	raw_copy(copy, text, n);
	copy[n] = 0;
	return copy;
}

EXPORT char *strdup(const char *text)
{
	return duplicate(text, SIZE_MAX, CALLER);
}

EXPORT char *strndup(const char *text, size_t most)
{
	return duplicate(text, most, CALLER);
}

/* The C library has another name for it, which headers of old used. */
EXPORT char *__strdup(const char *text);
char *__strdup(const char *text)
{
	return duplicate(text, SIZE_MAX, CALLER);
}

EXPORT int strncmp(const char *a, const char *b, size_t most)
{
	size_t n = 0;

	while (n < most && a[n] != 0 && a[n] == b[n])
		n++;
	touch_text(a, n, most, CALLER);
	touch_text(b, n, most, CALLER);
	return n < most ? (unsigned char)a[n] - (unsigned char)b[n] : 0;
}

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : (unsigned char)c;
}

static int compare_letters(const char *a, const char *b, size_t most, uintptr_t pc)
{
	size_t n = 0;

	while (n < most && a[n] != 0 && lower(a[n]) == lower(b[n]))
		n++;
	touch_text(a, n, most, pc);
	touch_text(b, n, most, pc);
	return n < most ? lower(a[n]) - lower(b[n]) : 0;
}

EXPORT int strcasecmp(const char *a, const char *b)
{
	return compare_letters(a, b, SIZE_MAX, CALLER);
}

EXPORT int strncasecmp(const char *a, const char *b, size_t most)
{
	return compare_letters(a, b, most, CALLER);
}

static char *find(const char *text, int c, uintptr_t pc)
{
	size_t n = 0;

	while (text[n] != 0 && text[n] != (char)c)
		n++;
	touch(text, n + 1, false, pc);
	return text[n] == (char)c ? (char *)(uintptr_t)text + n : NULL;
}

EXPORT char *strchr(const char *text, int c)
{
	return find(text, c, CALLER);
}

EXPORT char *index(const char *text, int c)
{
	return find(text, c, CALLER);
}

EXPORT char *strrchr(const char *text, int c)
{
	size_t n = raw_length(text) + 1;

	touch(text, n, false, CALLER);
	while (n > 0) {
		if (text[--n] == (char)c)
			return (char *)(uintptr_t)text + n;
	}
	return NULL;
}

static bool begins_with(const char *text, const char *part)
{
	while (*part != 0 && *text == *part) {
		text++;
		part++;
	}
	return *part == 0;
}

EXPORT char *strstr(const char *text, const char *part)
{
	size_t n = raw_length(part);

	touch(part, n + 1, false, CALLER);
	for (size_t at = 0;; at++) {
		if (begins_with(text + at, part)) {
			touch(text, at + n, false, CALLER);
			return (char *)(uintptr_t)text + at;
		}
		if (text[at] == 0) {
			touch(text, at + 1, false, CALLER);
			return NULL;
		}
	}
}

EXPORT void *memchr(const void *from, int c, size_t size)
{
	const unsigned char *at = from;
	size_t n = 0;

	while (n < size && at[n] != (unsigned char)c)
		n++;
	touch(from, n < size ? n + 1 : size, false, CALLER);
	return n < size ? (void *)(uintptr_t)(at + n) : NULL;
}

typedef int print_function(char *, size_t, const char *, va_list);

static int print(char *to, size_t size, const char *format, va_list list, uintptr_t pc)
{
	static print_function *real;
	int n;

	if (real == NULL)
		real = (print_function *)dlsym(RTLD_NEXT, "vsnprintf");
	n = real(to, size, format, list);
	if (n >= 0 && size > 0)
		touch(to, (size_t)n < size ? (size_t)n + 1 : size, true, pc);
	return n;
}

EXPORT int vsnprintf(char *restrict to, size_t size, const char *restrict format, va_list list)
{
	return print(to, size, format, list, CALLER);
}

EXPORT int vsprintf(char *restrict to, const char *restrict format, va_list list)
{
	return print(to, INT32_MAX, format, list, CALLER);
}

EXPORT int snprintf(char *restrict to, size_t size, const char *restrict format, ...)
{
	va_list list;
	int n;

	va_start(list, format);
	n = print(to, size, format, list, CALLER);
	va_end(list);
	return n;
}

EXPORT int sprintf(char *restrict to, const char *restrict format, ...)
{
	va_list list;
	int n;

	va_start(list, format);
	n = print(to, INT32_MAX, format, list, CALLER);
	va_end(list);
	return n;
}

EXPORT int __snprintf_chk(char *to, size_t size, int flag, size_t room, const char *format, ...);
int __snprintf_chk(char *to, size_t size, int flag, size_t room, const char *format, ...)
{
	va_list list;
	int n;

	(void)flag;
	touch_room(size, room, CALLER);
	va_start(list, format);
	n = print(to, size, format, list, CALLER);
	va_end(list);
	return n;
}

EXPORT int __vsnprintf_chk(char *to, size_t size, int flag, size_t room, const char *format, va_list list);
int __vsnprintf_chk(char *to, size_t size, int flag, size_t room, const char *format, va_list list)
{
	(void)flag;
	touch_room(size, room, CALLER);
	return print(to, size, format, list, CALLER);
}

EXPORT int __sprintf_chk(char *to, int flag, size_t room, const char *format, ...);
int __sprintf_chk(char *to, int flag, size_t room, const char *format, ...)
{
	va_list list;
	int n;

	(void)flag;
	va_start(list, format);
	n = print(to, room < INT32_MAX ? room : INT32_MAX, format, list, CALLER);
	va_end(list);
	touch_room((size_t)n + 1, room, CALLER);
	return n;
}
