/*
 * memory.c - which memory there is, which of it threads share, and what must be put back when the search goes back.
 *
 * What is watched: one mapping at a fixed address, with the stacks and the scenario's objects, and the
 * program's own static variables (the buckets of base/park.c are there). At fixed addresses objects fall into
 * the same buckets in each run, so that all numbers are the same each time.
 *
 * What is shared is learned. A piece of memory that only one thread touches, or that nobody writes, needs
 * neither races checked nor its accesses scheduled. When a second thread comes, that is noted, and the search
 * begins anew, knowing it. After some such beginnings nothing new is found. In the same way it is learned which
 * atomics are steps of the schedule: those on pieces that two threads have reached with nothing to order them.
 * (The others are ordered by what is scheduled, and so it does not matter when exactly they happen: that is
 * what CHESS does with data that is free of races; Musuvathi et al., 2008.)
 *
 * Stacks are saved as they are. Other memory is put back word by word: those words, `cells`, that a thread has
 * written so far. A cell found late had its first content in all states saved earlier.
 */
#define _GNU_SOURCE
#include "engine.h"

#include "base/self.h"
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BASE ((char *)0x100000000000)
#define ARENA 65536u
#define MOST_CELLS 2048u

/* What each thread has of its own, at the end of its stack: so it is saved with it. */
#define OWN 256u

static struct region {
	char *begin, *end;
	struct model_word *words;
} mapped, statics;

char *model_arena;
struct model_cell *model_cells;
unsigned model_n_cells;
static bool learned;

static void need(bool condition, const char *what)
{
	if (condition)
		return;
	printf("Bail out! %s\n", what);
	exit(1);
}

static void make_region(struct region *region, char *begin, char *end)
{
	region->begin = begin;
	region->end = end;
	region->words = calloc((size_t)(end - begin) / 8, sizeof(struct model_word));
	need(region->words != NULL, "no memory");
}

/* Finds the program's static variables: the writable segment that this one lies in. */
static int find_statics(struct dl_phdr_info *info, size_t size, void *unused)
{
	int i;

	(void)size;
	(void)unused;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		/* NOLINTNEXTLINE(performance-no-int-to-ptr): addresses are what program headers hold */
		char *begin = (char *)(info->dlpi_addr + segment->p_vaddr);

		if (segment->p_type != PT_LOAD || (char *)&mapped < begin ||
		    (char *)&mapped >= begin + segment->p_memsz)
			continue;
		begin -= (uintptr_t)begin % 8;
		make_region(&statics, begin, begin + (segment->p_memsz + 15) / 8 * 8);
		return 1;
	}
	return 0;
}

static void forget_region(struct region *region)
{
	memset(region->words, 0, (size_t)(region->end - region->begin) / 8 * sizeof(struct model_word));
}

void model_memory_forget(void)
{
	model_memory_reset();
	forget_region(&mapped);
	forget_region(&statics);
	model_n_cells = 0;
	model_knowledge.n_pieces = model_knowledge.n_releases = 0;
}

void model_memory_reset(void)
{
	unsigned i;

	for (i = 0; i < model_n_cells; i++)
		*model_cells[i].where = model_cells[i].first;
	memset(mapped.begin, 0, (size_t)(mapped.end - mapped.begin));
}

void model_learned(void)
{
	learned = true;
}

bool model_learned_something(bool forget)
{
	bool was = learned;

	if (forget)
		learned = false;
	return was;
}

/* Addresses. */

char *model_stack_of(unsigned thread)
{
	return mapped.begin + (size_t)thread * MODEL_STACK;
}

char *model_stack_end(unsigned thread)
{
	_Static_assert(sizeof(struct fl_tls) <= OWN, "there is room for a thread's own struct");
	return model_stack_of(thread) + MODEL_STACK - OWN;
}

bool model_is_own(const volatile void *address)
{
	const volatile char *own = model_stack_end((unsigned)model_running), *byte = address;

	return byte >= own && byte < own + OWN && byte - own != offsetof(struct fl_tls, quick);
}

/* Threads. They keep their numbers and records (base/self.c) in all executions. */

static struct fl_tls registered[MODEL_THREADS];
static int registering = -1;

struct fl_tls *fl_model_tls(void)
{
	static struct fl_tls of_model = {.number = 1};
	int thread = registering >= 0 ? registering : model_running;

	return thread < 0 ? &of_model : (struct fl_tls *)(void *)model_stack_end((unsigned)thread);
}

static void register_threads(void)
{
	for (registering = 0; registering < MODEL_THREADS; registering++) {
		fl_self_register_();
		registered[registering] = fl_tls_;
	}
	registering = -1;
}

void model_reset_thread(unsigned thread)
{
	memcpy(model_stack_end(thread), &registered[thread], sizeof(registered[thread]));
}

int model_on_stack(const volatile void *address)
{
	ptrdiff_t offset = (const volatile char *)address - mapped.begin;

	return offset >= 0 && offset < (ptrdiff_t)(MODEL_THREADS * MODEL_STACK) ? (int)(offset / MODEL_STACK) : -1;
}

struct model_word *model_word_of(const volatile void *address)
{
	const volatile char *byte = address;

	if (byte >= mapped.begin && byte < mapped.end)
		return &mapped.words[(byte - mapped.begin) / 8];
	if (byte >= statics.begin && byte < statics.end)
		return &statics.words[(byte - statics.begin) / 8];
	return NULL;
}

/* Pieces. */

static unsigned first_byte(const volatile void *address)
{
	return (unsigned)((uintptr_t)address % 8);
}

static bool is_shared(uint8_t touched)
{
	uint8_t all = (touched | (touched >> 4)) & 15;

	return (touched >> 4) != 0 && (all & (all - 1)) != 0;
}

/* Makes a piece begin at byte k. */
static void cut(struct model_word *word, unsigned k)
{
	unsigned before = k;

	if (!word->begins) {
		memset(word, 0, sizeof(*word));
		memset(word->piece, -1, sizeof(word->piece));
		memset(word->release, -1, sizeof(word->release));
		word->cell = -1;
		word->begins = 1;
	}
	if (word->begins & (1u << k))
		return;
	while (!(word->begins & (1u << before)))
		before--;
	word->begins |= (uint8_t)(1u << k);
	word->touched[k] = word->touched[before];
	if (word->touched[k])
		model_learned();
	if (word->scheduled & (1u << before))
		word->scheduled |= (uint8_t)(1u << k);
	if (word->mixed & (1u << before))
		word->mixed |= (uint8_t)(1u << k);
}

static void number_piece(struct model_word *word, unsigned k)
{
	need(model_knowledge.n_pieces < MODEL_PIECES, "more shared memory than the model can follow");
	word->piece[k] = (int16_t)model_knowledge.n_pieces++;
	model_learned();
}

/* Notes who touches a piece; returns whether it is one whose races must be checked. */
static bool touch(struct model_word *word, unsigned k, enum model_access kind)
{
	bool writes = kind == MODEL_WRITES || kind == MODEL_ATOMIC_WRITES, atomic = kind >= MODEL_ATOMIC_READS;
	uint8_t bit = (uint8_t)(1u << k);

	word->touched[k] |= (uint8_t)(1u << (model_running + (writes ? 4 : 0)));
	if (!is_shared(word->touched[k]))
		return false;
	if (word->piece[k] < 0)
		number_piece(word, k);
	if (!atomic && (word->scheduled & bit) && !(word->mixed & bit)) {
		word->mixed |= bit;
		model_learned();
	}
	return !(word->scheduled & bit) || (word->mixed & bit);
}

static void save_cell(struct model_word *word, const volatile void *address)
{
	struct model_cell *cell = &model_cells[model_n_cells];

	need(model_n_cells < MOST_CELLS, "more memory is written than the model can follow");
	word->cell = (int16_t)model_n_cells++;
	cell->where = (uint64_t *)(void *)((char *)(uintptr_t)address - first_byte(address));
	cell->first = *cell->where;
}

void model_keep(const volatile void *address)
{
	struct model_word *word = model_word_of(address);

	need(word && model_on_stack(address) < 0, "a scenario's note lies outside of its objects");
	cut(word, 0);
	if (word->cell < 0)
		save_cell(word, address);
}

static void access_word(struct model_word *word, const volatile void *address, unsigned size, enum model_access kind,
			const struct model_site *site)
{
	unsigned first = first_byte(address), k;

	cut(word, first);
	if (first + size < 8)
		cut(word, first + size);
	if ((kind == MODEL_WRITES || kind == MODEL_ATOMIC_WRITES) && word->cell < 0 && model_on_stack(address) < 0)
		save_cell(word, address);
	for (k = first; k < first + size; k++) {
		if (!(word->begins & (1u << k)) || !touch(word, k, kind))
			continue;
		if (!model_race_access(word->piece[k], kind, address, site) && !(word->scheduled & (1u << k))) {
			word->scheduled |= (uint8_t)(1u << k);
			model_learned();
		}
	}
}

static void check_alive(const volatile void *address, const struct model_site *site)
{
	const volatile char *byte = address;
	int on = model_on_stack(address);
	unsigned i;

	if (on >= 0 && on != model_running && byte < model_stack_end((unsigned)on) &&
	    (byte < model_now.threads[on].fiber.low || model_now.threads[on].status == MODEL_RETURNED))
		model_fail("%s touches what thread %c had on its stack before it returned", site->operation, 'a' + on);
	for (i = 0; i < model_now.n_freed; i++)
		if (byte >= model_now.freed[i].begin && byte < model_now.freed[i].end)
			model_fail("%s touches freed memory: %s", site->operation, model_describe(address));
}

/* An access of the running thread that is about to happen. */
void model_access(const volatile void *address, unsigned size, enum model_access kind, const struct model_site *site)
{
	const volatile char *byte = address;

	check_alive(address, site);
	while (size > 0) {
		unsigned part = 8 - first_byte(byte) < size ? 8 - first_byte(byte) : size;
		struct model_word *word = model_word_of(byte);

		if (word)
			access_word(word, byte, part, kind, site);
		byte += part;
		size -= part;
	}
}

bool model_is_scheduled(const volatile void *address, unsigned size)
{
	const struct model_word *word = model_word_of(address);

	return word && ((word->scheduled >> first_byte(address)) & ((1u << size) - 1)) != 0;
}

int16_t *model_release_of(const volatile void *address)
{
	struct model_word *word = model_word_of(address);
	unsigned k = first_byte(address);

	return word && (word->begins & (1u << k)) && is_shared(word->touched[k]) ? &word->release[k] : NULL;
}

/* Objects. */

void *model_allocate(size_t size)
{
	void *memory = model_now.heap;

	need(model_now.heap + size <= model_arena + ARENA, "the objects need more memory");
	model_now.heap += (size + 63) / 64 * 64;
	return memory;
}

void *model_objects(size_t size)
{
	return model_allocate(size);
}

void model_free(const void *address, size_t size)
{
	unsigned i = model_now.n_freed++;

	need(i < MODEL_FREED, "more frees than the model can follow");
	model_now.freed[i].begin = address;
	model_now.freed[i].end = (const char *)address + size;
}

void model_memory_begin(void)
{
	size_t size = MODEL_THREADS * MODEL_STACK + ARENA;
	char *base = mmap(BASE, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	need(base == BASE, "the addresses for stacks and objects are not free");
	make_region(&mapped, base, base + size);
	model_arena = base + MODEL_THREADS * (size_t)MODEL_STACK;
	model_cells = malloc(MOST_CELLS * sizeof(*model_cells));
	need(model_cells != NULL, "no memory");
	need(dl_iterate_phdr(find_statics, NULL) == 1, "no static variables found");
	register_threads();
}
