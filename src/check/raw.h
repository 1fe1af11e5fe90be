/*
 * check/raw.h - system calls and small string work without the C library.
 *
 * The checker stands between a program and its C library, so it may call neither: the program's thread-local errno
 * would change, a lock of the library could be held by the thread that was stopped, and a copied memcpy would be
 * reported as the program's own. All system calls of the checker are made by one instruction, raw_call, so that the
 * filter of the snapshot engine can tell them from the program's (snapshot.c).
 */
#ifndef FAIRLEAD_CHECK_RAW_H
#define FAIRLEAD_CHECK_RAW_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HIDDEN __attribute__((visibility("hidden")))
#define EXPORT __attribute__((visibility("default")))
#define NO_RETURN __attribute__((noreturn))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Makes system call `number`. Returns what the kernel does: -errno on failure. */
HIDDEN long raw_call(long number, long a, long b, long c, long d, long e, long f);
/* The address behind its system call instruction, as the kernel sees it. */
extern HIDDEN const char raw_call_end[];

/* The same for the program, by another instruction. */
HIDDEN long raw_watched(long number, long a, long b, long c, long d, long e, long f);
extern HIDDEN const char raw_watched_end[];

#define RAW_PICK(n, a, b, c, d, e, f, ...) raw_call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define RAW(...) RAW_PICK(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

HIDDEN void raw_copy(void *to, const void *from, size_t n);
HIDDEN void raw_move(void *to, const void *from, size_t n);
HIDDEN void raw_fill(void *to, int byte, size_t n);
HIDDEN size_t raw_length(const char *text);
HIDDEN bool raw_equal(const char *a, const char *b);

/* Writes text as printf does; knows %s %d %u %lu %lx %c %% and %p. Always ends it with a 0. Returns its length. */
HIDDEN size_t raw_print(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
HIDDEN size_t raw_print_list(char *to, size_t size, const char *format, va_list list)
	__attribute__((format(printf, 3, 0)));
/* Says something on standard error, a line; ends the process. */
HIDDEN void raw_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* CHECK_TEXT bytes that get what raw_die says, too; NULL: none. */
extern HIDDEN char *raw_last_words;
HIDDEN NO_RETURN void raw_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Returns fresh zeroed memory; shared with the processes that are forked later, or a copy for each. Ends the process if
 * there is none. Memory that is not touched costs nothing. */
HIDDEN void *raw_map(void *at, size_t size, bool shared);
/* Returns nanoseconds of the monotonic clock, and of the CPU time of this process. */
HIDDEN int64_t raw_now(void);
HIDDEN int64_t raw_cpu(void);

#endif
