/*
 * check/raw.c - see raw.h.
 */
#include "raw.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#define CALL(name, label) \
	__asm__(".text\n" \
		".globl " name "\n" \
		".hidden " name "\n" \
		".type " name ", @function\n" name ":\n" \
		".cfi_startproc\n" \
		"	mov %rdi, %rax\n" \
		"	mov %rsi, %rdi\n" \
		"	mov %rdx, %rsi\n" \
		"	mov %rcx, %rdx\n" \
		"	mov %r8, %r10\n" \
		"	mov %r9, %r8\n" \
		"	mov 8(%rsp), %r9\n" \
		"	syscall\n" label "	ret\n" \
		".cfi_endproc\n" \
		".size " name ", .-" name "\n")

CALL("raw_call", ".globl raw_call_end\n.hidden raw_call_end\nraw_call_end:\n");
CALL("raw_watched", ".globl raw_watched_end\n.hidden raw_watched_end\nraw_watched_end:\n");

/* Below that many bytes the processor takes longer to begin one instruction for all than to do them one by one. */
#define FEW 128u

void raw_copy(void *to, const void *from, size_t n)
{
	if (n <= FEW && n % 8 == 0) {
		for (size_t i = 0; i < n; i += 8)
			__builtin_memcpy((char *)to + i, (const char *)from + i, 8);
		return;
	}
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

void raw_move(void *to, const void *from, size_t n)
{
	if ((uintptr_t)to - (uintptr_t)from >= n) {
		raw_copy(to, from, n);
		return;
	}
	for (char *t = to; n > 0; n--)
		t[n - 1] = ((const char *)from)[n - 1];
}

void raw_fill(void *to, int byte, size_t n)
{
	if (n <= FEW && n % 8 == 0) {
		uint64_t bytes = (uint8_t)byte * UINT64_C(0x0101010101010101);

		for (size_t i = 0; i < n; i += 8)
			__builtin_memcpy((char *)to + i, &bytes, 8);
		return;
	}
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
}

size_t raw_length(const char *text)
{
	size_t n = 0;

	while (text[n] != 0)
		n++;
	return n;
}

bool raw_equal(const char *a, const char *b)
{
	while (*a != 0 && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

struct text {
	char *to;
	size_t size;
	size_t n;
};

static void put(struct text *text, char c)
{
	if (text->n + 1 < text->size)
		text->to[text->n++] = c;
}

static void put_text(struct text *text, const char *s)
{
	for (s = s != NULL ? s : "(null)"; *s != 0; s++)
		put(text, *s);
}

static void put_number(struct text *text, uint64_t value, unsigned base)
{
	char digits[24];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	while (n > 0)
		put(text, digits[--n]);
}

static void put_signed(struct text *text, int64_t value)
{
	if (value < 0)
		put(text, '-');
	put_number(text, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
}

/* Writes what one conversion says; `at` is behind its %. Returns where the format goes on. */
static const char *put_one(struct text *text, const char *at, va_list *list)
{
	bool wide = *at == 'l';

	at += wide ? 1 : 0;
	switch (*at) {
	case 's':
		put_text(text, va_arg(*list, const char *));
		break;
	case 'c':
		put(text, (char)va_arg(*list, int));
		break;
	case 'd':
		put_signed(text, wide ? va_arg(*list, long) : va_arg(*list, int));
		break;
	case 'u':
		put_number(text, wide ? va_arg(*list, unsigned long) : va_arg(*list, unsigned), 10);
		break;
	case 'x':
		put_number(text, wide ? va_arg(*list, unsigned long) : va_arg(*list, unsigned), 16);
		break;
	case 'p':
		put_text(text, "0x");
		put_number(text, (uintptr_t)va_arg(*list, void *), 16);
		break;
	default:
		put(text, *at);
	}
	return *at != 0 ? at + 1 : at;
}

size_t raw_print_list(char *to, size_t size, const char *format, va_list list)
{
	struct text text = {to, size, 0};
	va_list rest;

	va_copy(rest, list);
	while (*format != 0) {
		if (*format == '%')
			format = put_one(&text, format + 1, &rest);
		else
			put(&text, *format++);
	}
	va_end(rest);
	if (size > 0)
		to[text.n] = 0;
	return text.n;
}

size_t raw_print(char *to, size_t size, const char *format, ...)
{
	va_list list;
	size_t n;

	va_start(list, format);
	n = raw_print_list(to, size, format, list);
	va_end(list);
	return n;
}

char *raw_last_words;

static __attribute__((format(printf, 1, 0))) void say(const char *format, va_list list)
{
	char line[512] = "fairlead check: ";
	size_t n = raw_length(line);

	n += raw_print_list(line + n, sizeof(line) - n - 1, format, list);
	line[n++] = '\n';
	RAW(SYS_write, 2, line, n);
}

void raw_say(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say(format, list);
	va_end(list);
}

NO_RETURN void raw_die(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say(format, list);
	va_end(list);
	va_start(list, format);
	if (raw_last_words != NULL)
		raw_print_list(raw_last_words, 512, format, list);
	va_end(list);
	for (;;)
		RAW(SYS_exit_group, 125);
}

void *raw_map(void *at, size_t size, bool shared)
{
	int flags = MAP_ANONYMOUS | MAP_NORESERVE | (shared ? MAP_SHARED : MAP_PRIVATE);
	long address =
		RAW(SYS_mmap, at, size, PROT_READ | PROT_WRITE, flags | (at != NULL ? MAP_FIXED_NOREPLACE : 0), -1, 0);

	if (address < 0 && address > -4096)
		raw_die("no %lu bytes of memory at %p: error %d", size, at, (int)-address);
	return (void *)address;
}

static int64_t read_clock(int clock)
{
	struct timespec now;

	RAW(SYS_clock_gettime, clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t raw_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t raw_cpu(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}
