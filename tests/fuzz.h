/*
 * fuzz.h - what the parts of fuzz_hub.c are written with: numbers by chance that a seed repeats, changes to bytes, and
 * what must hold.
 *
 * Each round has chances of its own, made of the seed, the part's name and the round's number: so one round can be had
 * again alone (`--only PART --round N`).
 */
#ifndef FAIRLEAD_FUZZ_H
#define FAIRLEAD_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fuzz_part {
	const char *name;
	void (*open)(void);
	void (*round)(void);
	void (*close)(void);
};

extern const struct fuzz_part fuzz_receive, fuzz_ingest, fuzz_images, fuzz_texts, fuzz_segment, fuzz_shared_queue;

/* A number below n, which is not 0. Whether something that happens once in n times happens. */
uint64_t fuzz_below(uint64_t n);
bool fuzz_once_in(unsigned n);
/* Mostly small, seldom up to `most`. */
size_t fuzz_size(size_t most);
void fuzz_fill(void *data, size_t size);

/* Changes some of the bytes, or how many there are, up to `room`. Returns how many. */
size_t fuzz_mutate(unsigned char *data, size_t size, size_t room);

/* Goes into the number that is printed at the end, by which two runs can be compared. */
void fuzz_note(uint64_t value);

/* Ends the part, which has failed, if it does not hold. */
#define FUZZ_EXPECT(condition, ...) \
	do { \
		if (!(condition)) \
			fuzz_fail(__FILE__, __LINE__, #condition, __VA_ARGS__); \
	} while (0)
void fuzz_fail(const char *file, int line, const char *what, const char *format, ...)
	__attribute__((noreturn, format(printf, 4, 5)));

/* Memory that ends where a page ends that can't be touched: what is read or written behind it is a crash. */
struct fuzz_memory {
	unsigned char *pages;
	size_t size;
};
void fuzz_memory_open(struct fuzz_memory *memory, size_t size);
void fuzz_memory_close(struct fuzz_memory *memory);
/* The last `size` bytes of it. */
unsigned char *fuzz_memory_end(const struct fuzz_memory *memory, size_t size);

#endif
