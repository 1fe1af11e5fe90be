/*
 * fuzz_hub.c - throws at the hub what a stranger might send: see the parts, fuzz_receive.c and so on, for what must
 * hold.
 *
 *     fuzz_hub [--rounds N] [--seed S] [--only PART] [--round N]
 *
 * Each part does N rounds (2000). The seed is 1 if none is given, so that a test does the same each time; the one of a
 * run that found something is in what it prints, with the round. It speaks TAP. When a round crashes, or takes for
 * ever, it is said which one it was.
 *
 * Built with FUZZ_PLANT, each part has a mistake in what it plays to the hub, or in what it hears, and must find that
 * (run-fuzz-hub.sh).
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define LONGEST 120 /* seconds of a round */

static const struct fuzz_part *const parts[] = {&fuzz_receive, &fuzz_ingest,  &fuzz_images,
						&fuzz_texts,   &fuzz_segment, &fuzz_shared_queue};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

static struct {
	uint64_t rounds, seed, only_round;
	const char *only;
	bool one_round;
} wish = {.rounds = 2000, .seed = 1};

static struct {
	const struct fuzz_part *part;
	uint64_t round, chance, sum;
	jmp_buf failed;
} now;

/* Chance. */

static uint64_t mix(uint64_t value)
{
	value += UINT64_C(0x9e3779b97f4a7c15);
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

static uint64_t chance(void)
{
	now.chance += UINT64_C(0x9e3779b97f4a7c15);
	return mix(now.chance);
}

uint64_t fuzz_below(uint64_t n)
{
	return chance() % n;
}

bool fuzz_once_in(unsigned n)
{
	return fuzz_below(n) == 0;
}

size_t fuzz_size(size_t most)
{
	size_t bound = (size_t)1 << fuzz_below(20);

	return fuzz_below((bound < most ? bound : most) + 1);
}

void fuzz_fill(void *data, size_t size)
{
	unsigned char *bytes = data;

	for (size_t i = 0; i < size; i += 8) {
		uint64_t value = chance();

		memcpy(bytes + i, &value, size - i < 8 ? size - i : 8);
	}
}

void fuzz_note(uint64_t value)
{
	now.sum = mix(now.sum ^ value);
}

/* Changes. */

static size_t cut_out(unsigned char *data, size_t size)
{
	size_t at = fuzz_below(size), n = fuzz_size(size - at);

	memmove(data + at, data + at + n, size - at - n);
	return size - n;
}

static size_t put_in(unsigned char *data, size_t size, size_t room)
{
	size_t at = fuzz_below(size + 1), n = fuzz_size(room - size < 64 ? room - size : 64);

	memmove(data + at + n, data + at, size - at);
	fuzz_fill(data + at, n);
	return size + n;
}

static void copy_within(unsigned char *data, size_t size)
{
	size_t from = fuzz_below(size), to = fuzz_below(size), most = size - (from > to ? from : to);

	memmove(data + to, data + from, fuzz_size(most));
}

static void set_byte(unsigned char *data, size_t size)
{
	static const unsigned char edges[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff, 0xd8, 0xd9, 0xda, 0xc0};

	/* What decides is mostly near the beginning. */
	data[fuzz_once_in(2) ? fuzz_below(size) : fuzz_below(size < 64 ? size : 64)] = edges[fuzz_below(sizeof(edges))];
}

size_t fuzz_mutate(unsigned char *data, size_t size, size_t room)
{
	for (size_t n = 1 + fuzz_below(4); n > 0 && size > 0; n--)
		switch (fuzz_below(6)) {
		case 0:
			data[fuzz_below(size)] ^= (unsigned char)(1u << fuzz_below(8));
			break;
		case 1:
			set_byte(data, size);
			break;
		case 2:
			size = cut_out(data, size);
			break;
		case 3:
			size = put_in(data, size, room);
			break;
		case 4:
			copy_within(data, size);
			break;
		default:
			size = fuzz_below(size + 1);
			break;
		}
	return size;
}

/* Memory. */

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

void fuzz_memory_open(struct fuzz_memory *memory, size_t size)
{
	memory->size = (size + page() - 1) / page() * page();
	memory->pages = mmap(NULL, memory->size + page(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory->pages == MAP_FAILED || mprotect(memory->pages, memory->size, PROT_READ | PROT_WRITE) != 0)
		abort();
}

void fuzz_memory_close(struct fuzz_memory *memory)
{
	munmap(memory->pages, memory->size + page());
}

unsigned char *fuzz_memory_end(const struct fuzz_memory *memory, size_t size)
{
	FUZZ_EXPECT(size <= memory->size, "the test has too little memory for %zu bytes", size);
	return memory->pages + memory->size - size;
}

/* Failing. */

static void say_where(char *text, size_t size)
{
	snprintf(text, size, "# --seed %llu --only %s --round %llu\n", (unsigned long long)wish.seed, now.part->name,
		 (unsigned long long)now.round);
}

void fuzz_fail(const char *file, int line, const char *what, const char *format, ...)
{
	char where[200];
	va_list list;

	say_where(where, sizeof(where));
	printf("%s# %s:%d: not %s: ", where, file, line, what);
	va_start(list, format);
	/* Compiled twice, it is looked at twice, and clang-tidy 14 takes the second va_list for one that was not
	 * begun. */
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
	vprintf(format, list);
	va_end(list);
	putchar('\n');
	longjmp(now.failed, 1);
}

static void crashed(int signal)
{
	char where[200] = "# \n";

	if (now.part)
		say_where(where, sizeof(where));
	if (write(STDOUT_FILENO, where, strlen(where)) < 0)
		_exit(2);
	raise(signal); /* which is as usual again */
}

/* What AddressSanitizer calls before it says what it has found. */
void __asan_on_error(void);
void __asan_on_error(void)
{
	char where[200];

	say_where(where, sizeof(where));
	if (write(STDOUT_FILENO, where, strlen(where)) < 0)
		_exit(2);
}

static void take_signals(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM};
	struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_RESETHAND | SA_NODEFER};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

/* Running. */

static void one_round(uint64_t round)
{
	uint64_t name = 0;

	for (const char *at = now.part->name; *at; at++)
		name = mix(name ^ (unsigned char)*at);
	now.round = round;
	now.chance = mix(wish.seed ^ mix(round ^ name));
	if (round % 64 == 0 || wish.one_round)
		alarm(LONGEST);
	now.part->round();
}

/* The part's memory is lost when it fails: nobody knows how far it was. */
static bool run_part(const struct fuzz_part *part)
{
	volatile uint64_t round = wish.one_round ? wish.only_round : 0;
	uint64_t end = wish.one_round ? wish.only_round + 1 : wish.rounds;

	now.part = part;
	now.sum = 0;
	if (setjmp(now.failed) != 0)
		return false;
	part->open();
	for (; round < end; round++)
		one_round(round);
	part->close();
	return true;
}

static double seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int run(void)
{
	int failures = 0, n = 0;

	for (size_t i = 0; i < PARTS; i++) {
		double begin = seconds();
		bool good;

		if (wish.only && strcmp(wish.only, parts[i]->name) != 0)
			continue;
		good = run_part(parts[i]);
		failures += !good;
		printf("%sok %d - %s, %llu rounds\n", good ? "" : "not ", ++n, parts[i]->name,
		       (unsigned long long)(wish.one_round ? 1 : wish.rounds));
		printf("# %s: seed %llu, sum %016llx\n# %s: %.1f s\n", parts[i]->name, (unsigned long long)wish.seed,
		       (unsigned long long)now.sum, parts[i]->name, seconds() - begin);
		fflush(stdout);
	}
	printf("1..%d\n", n);
	return n > 0 && failures == 0 ? 0 : 1;
}

static int usage(void)
{
	fprintf(stderr, "usage: fuzz_hub [--rounds N] [--seed S] [--only PART] [--round N]; parts:");
	for (size_t i = 0; i < PARTS; i++)
		fprintf(stderr, " %s", parts[i]->name);
	fputc('\n', stderr);
	return 2;
}

int main(int argc, char **argv)
{
	int status;

	for (int i = 1; i < argc; i += 2) {
		char *end = NULL;
		uint64_t number = i + 1 < argc ? strtoull(argv[i + 1], &end, 0) : 0;
		bool is_number = end && end != argv[i + 1] && *end == '\0';

		if (i + 1 < argc && strcmp(argv[i], "--only") == 0)
			wish.only = argv[i + 1];
		else if (is_number && strcmp(argv[i], "--rounds") == 0)
			wish.rounds = number;
		else if (is_number && strcmp(argv[i], "--seed") == 0)
			wish.seed = number;
		else if (is_number && strcmp(argv[i], "--round") == 0) {
			wish.only_round = number;
			wish.one_round = true;
		} else
			return usage();
	}
	take_signals();
	setvbuf(stdout, NULL, _IOLBF, 0);
	status = run();
	/* A round that failed may have left threads, for which exit() would wait. */
	if (status != 0) {
		fflush(stdout);
		_exit(status);
	}
	return 0;
}
