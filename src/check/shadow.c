/*
 * check/shadow.c - see shadow.h.
 *
 * Memory is divided into blocks of 256 bytes. A block's cells are found by two tables, by the upper bits of the
 * address; those that were used last are remembered. A block carries the number of the execution that it is of, and
 * is emptied when a later one touches it first: an execution pays for the memory that it touches, and not for what
 * others did.
 */
#include "shadow.h"

#include "object.h"
#include "places.h"
#include "trace.h"

#define BLOCK 256u
#define WORDS (BLOCK / 8)
#define CELLS 4u
#define RECENT 32u
#define UPPER (UINT64_C(1) << 19)
#define LOWER (UINT64_C(1) << 20)
#define BLOCKS_MAX (UINT64_C(1) << 20) /* of 2 KiB: 256 MiB of the program's memory */

enum { WRITE = 1, ATOMIC = 2, FREED = 4 };

/* `what`: the epoch of the thread (32 bits; 0: no access), the thread (8), which of the eight bytes (8), how (8). One
 * number, and not a member each: it is made and compared in a register, where memory written in parts and read as a
 * whole would hold the processor up, at every access of the program. */
struct cell {
	uint64_t what;
	uintptr_t pc;
};

#define THREAD_AT 32
#define BYTES_AT 40
#define HOW_AT 48
#define HOW(how) ((uint64_t)(how) << HOW_AT)
#define BYTES (UINT64_C(255) << BYTES_AT)

struct block {
	uint64_t number;
	uint32_t objects;
	uint32_t plain; /* words with accesses that are not atomic, a bit each */
	uint32_t spare[12];
	struct cell cell[WORDS][CELLS];
};

#define FILTER_BITS 65536u
#define LEARNED_SLOTS (2 * CHECK_LEARNED)

static struct shadow {
	uint64_t n_blocks;
	uint64_t filter[FILTER_BITS / 64]; /* places that may be learned */
	uint64_t learned[LEARNED_SLOTS];   /* a table of those that are, by place */
	uint32_t upper[UPPER];             /* numbers of lower tables, and one */
	uint64_t n_lower;
} * shadow;
static uint32_t *lower; /* tables of LOWER block numbers, and one */
static struct block *blocks;
static uintptr_t recent_tag[RECENT]; /* which blocks were used last; 1: none */
static struct block *recent[RECENT];

#define LOWER_MAX 64u

static uint32_t epoch_of(const struct cell *cell)
{
	return (uint32_t)cell->what;
}

static uint8_t thread_of(const struct cell *cell)
{
	return (uint8_t)(cell->what >> THREAD_AT);
}

static uint8_t bytes_of(const struct cell *cell)
{
	return (uint8_t)(cell->what >> BYTES_AT);
}

/* Kept out of line, for the sake of the registers of those that call it. */
#define RARE __attribute__((noinline, cold))

void shadow_begin(void)
{
	shadow = raw_map(NULL, sizeof(*shadow), true);
	lower = raw_map(NULL, LOWER_MAX * LOWER * sizeof(*lower), true);
	blocks = raw_map(NULL, BLOCKS_MAX * sizeof(*blocks), true);
}

void shadow_renew(void)
{
	for (unsigned i = 0; i < RECENT; i++)
		recent_tag[i] = 1;
}

static struct block *find(uintptr_t address, bool make)
{
	uint64_t up = (address >> 28) % UPPER;
	uint32_t *entry;

	if (shadow->upper[up] == 0) {
		if (!make || shadow->n_lower == LOWER_MAX)
			return NULL;
		shadow->upper[up] = (uint32_t)++shadow->n_lower;
	}
	entry = &lower[(shadow->upper[up] - 1) * LOWER + (address >> 8) % LOWER];
	if (*entry == 0) {
		if (!make || shadow->n_blocks == BLOCKS_MAX)
			return NULL;
		*entry = (uint32_t)++shadow->n_blocks;
	}
	return &blocks[*entry - 1];
}

static __attribute__((noinline)) struct block *look_up(uintptr_t address)
{
	struct block *block = find(address, true);

	if (UNLIKELY(block == NULL))
		return NULL;
	if (block->number != run->number) {
		raw_fill(block, 0, sizeof(*block));
		block->number = run->number;
	}
	recent_tag[address / BLOCK % RECENT] = address / BLOCK;
	recent[address / BLOCK % RECENT] = block;
	return block;
}

static inline struct block *block_of(uintptr_t address)
{
	unsigned i = address / BLOCK % RECENT;

	return LIKELY(recent_tag[i] == address / BLOCK) ? recent[i] : look_up(address);
}

bool shadow_learned(uintptr_t pc)
{
	uint64_t hash = pc * UINT64_C(0x9e3779b97f4a7c15) >> 48;

	if (LIKELY(((shadow->filter[hash / 64] >> (hash % 64)) & 1) == 0))
		return false;
	for (uint64_t i = hash % LEARNED_SLOTS; shadow->learned[i] != 0; i = (i + 1) % LEARNED_SLOTS) {
		if (shadow->learned[i] == pc)
			return true;
	}
	return false;
}

static void remember(uintptr_t pc)
{
	uint64_t hash = pc * UINT64_C(0x9e3779b97f4a7c15) >> 48;
	uint64_t i = hash % LEARNED_SLOTS;

	while (shadow->learned[i] != 0)
		i = (i + 1) % LEARNED_SLOTS;
	shadow->learned[i] = pc;
	shadow->filter[hash / 64] |= UINT64_C(1) << (hash % 64);
}

bool shadow_learn(void)
{
	bool any = false;

	for (unsigned i = 0; i < run->n_raced && memory->n_learned < CHECK_LEARNED; i++) {
		if (shadow_learned(run->raced[i]))
			continue;
		memory->learned[memory->n_learned++] = run->raced[i];
		remember(run->raced[i]);
		any = true;
	}
	run->n_raced = 0;
	return any;
}

static void note(const struct cell *cell)
{
	if ((cell->what & HOW(ATOMIC | FREED)) != 0 || shadow_learned(cell->pc) ||
	    run->n_raced == sizeof(run->raced) / sizeof(run->raced[0]))
		return;
	for (unsigned i = 0; i < run->n_raced; i++) {
		if (run->raced[i] == cell->pc)
			return;
	}
	run->raced[run->n_raced++] = cell->pc;
}

void shadow_forget(void)
{
	raw_fill(shadow->filter, 0, sizeof(shadow->filter));
	raw_fill(shadow->learned, 0, sizeof(shadow->learned));
}

static uintptr_t base_of(const char *name)
{
	for (uint32_t i = 0; i < memory->n_modules; i++) {
		if (raw_equal(memory->modules[i].name, name))
			return memory->modules[i].base;
	}
	return 0;
}

static void make_absolute(void)
{
	memory->learned_relative = 0;
	for (uint32_t i = 0; i < memory->n_learned; i++)
		memory->learned[i] += base_of(memory->learned_name[memory->learned_module[i]]);
}

void shadow_learn_all(void)
{
	if (memory->learned_relative)
		make_absolute();
	for (uint32_t i = 0; i < memory->n_learned; i++) {
		if (!shadow_learned(memory->learned[i]))
			remember(memory->learned[i]);
	}
}

static void describe(struct check_access *access, uintptr_t address, const struct cell *cell)
{
	access->address = (address & ~(uintptr_t)7) + (unsigned)__builtin_ctz(bytes_of(cell));
	access->size = (uint8_t)__builtin_popcount(bytes_of(cell));
	access->thread = thread_of(cell);
	access->epoch = epoch_of(cell);
	access->write = (cell->what & HOW(WRITE)) != 0;
	access->atomic = (cell->what & HOW(ATOMIC)) != 0;
	access->freed = (cell->what & HOW(FREED)) != 0;
	access->place.pc[0] = cell->pc;
	access->place.pc[1] = 0;
}

static void note_racers(const struct cell *before, const struct cell *now)
{
	const struct cell *cells[] = {before, now};
	struct racer racers[2];

	if (((before->what | now->what) & HOW(ATOMIC | FREED)) != 0)
		return;
	for (unsigned i = 0; i < 2; i++)
		racers[i] = (struct racer){.thread = &run->thread[thread_of(cells[i])],
					   .kind = (cells[i]->what & HOW(WRITE)) != 0 ? CHECK_WRITE : CHECK_READ,
					   .pc = cells[i]->pc};
	places_raced(&racers[0], &racers[1]);
}

/* Two accesses that nothing orders. */
static RARE void raced(uintptr_t address, const struct cell *before, const struct cell *now)
{
	struct check_failure *race = &run->race;

	run->racy = true;
	note(before);
	note(now);
	note_racers(before, now);
	if (race->verdict != CHECK_NOTHING)
		return;
	race->verdict = CHECK_RACE;
	run->raced_at = run->steps;
	race->thread = thread_of(now);
	race->pc[0] = before->pc;
	race->pc[1] = now->pc;
	race->object = address;
	describe(&race->access[0], address, before);
	describe(&race->access[1], address, now);
	if (run->trace)
		trace_place(&race->access[1].place, now->pc);
}

static RARE NO_RETURN void used_after_free(uintptr_t address, size_t size, const struct cell *before,
					   const struct cell *now)
{
	describe(&run->failure.access[0], address, before);
	describe(&run->failure.access[1], address, now);
	if (run->trace)
		trace_place(&run->failure.access[1].place, now->pc);
	run->failure.pc[1] = before->pc;
	run->failure.object = address;
	fail(CHECK_USE_AFTER_FREE, now->pc, "%s of %u bytes in memory that T%u has freed",
	     (now->what & HOW(WRITE)) != 0 ? "write" : "read", (unsigned)size, thread_of(before));
}

/* Whether `now` says all that `before` did, to accesses that come later. */
static bool covers(uint64_t now, uint64_t before)
{
	return (before & ~now & (HOW(WRITE) | BYTES)) == 0 && (now & ~before & HOW(ATOMIC)) == 0 &&
	       (before & HOW(FREED)) == 0;
}

/* Of accesses to the same bytes. */
static bool conflict(uint64_t a, uint64_t b)
{
	return ((a | b) & HOW(WRITE)) != 0 && (a & b & HOW(ATOMIC)) == 0;
}

/* Compares with what is known of these 8 bytes, and writes the access into the best place: one that it covers, a free
 * one, or else one by turns. Of several like accesses of a thread the last one stays, and a read stays beside the write
 * in front of it: once that place is learned, and others come in front of it, it is the turn of the one before it to be
 * found. The first one would hide all others for good. */
static void record(struct cell *cells, uint64_t now, uintptr_t pc, uintptr_t address, size_t size)
{
	const uint32_t *clock = self()->clock;
	struct cell *place = NULL;

	for (struct cell *cell = cells; cell < cells + CELLS; cell++) {
		uint64_t before = cell->what;

		if (before == now && cell->pc == pc)
			return;
		if (before == 0) {
			place = place != NULL ? place : cell;
			continue;
		}
		if ((before & now & BYTES) == 0)
			continue;
		if (UNLIKELY((before & ~now & HOW(FREED)) != 0))
			used_after_free(address, size, cell, &(struct cell){now, pc});
		if (thread_of(cell) == (uint8_t)(now >> THREAD_AT)) {
			if (covers(now, before))
				place = cell;
		} else if (epoch_of(cell) <= clock[thread_of(cell)]) {
			if (place == NULL && covers(now, before))
				place = cell;
		} else if (UNLIKELY(conflict(before, now))) {
			raced(address, cell, &(struct cell){now, pc});
		}
	}
	if (place == NULL)
		place = &cells[((uint32_t)now + (uint8_t)(now >> THREAD_AT)) % CELLS];
	place->what = now;
	place->pc = pc;
}

/* While a run is written down: the access that a later one turns out to race with, as a run before has shown. Of those
 * of one time the last counts, as in its cell. */
static void note_first(const struct cell *now, uintptr_t address)
{
	struct check_access *first = &memory->failure.access[0];

	if (thread_of(now) == first->thread && epoch_of(now) == first->epoch && now->pc == first->place.pc[0] &&
	    ((address ^ first->address) & ~(uintptr_t)7) == 0)
		trace_place(&first->place, now->pc);
}

/* The part of an access that lies within one word. While all accesses to a word are atomic, none of them can race: then
 * a thread's last write and its last read have places of their own, which are not searched for. */
static void access_word(uintptr_t address, size_t size, uint8_t how, uintptr_t pc)
{
	struct block *block = block_of(address);
	const struct thread *thread = self();
	unsigned word = address % BLOCK / 8;
	uint64_t bytes = ((UINT64_C(1) << size) - 1) << address % 8;
	uint64_t now = thread->clock[thread->id] | (uint64_t)thread->id << THREAD_AT | bytes << BYTES_AT | HOW(how);

	if (UNLIKELY(run->trace))
		note_first(&(struct cell){now, pc}, address);
	if (UNLIKELY(block == NULL))
		return;
	if ((how & ATOMIC) == 0)
		block->plain |= 1u << word;
	else if ((block->plain >> word & 1) == 0) {
		block->cell[word][thread->id % 2 * 2 + (how & WRITE)] = (struct cell){now, pc};
		return;
	}
	record(block->cell[word], now, pc, address, size);
}

static void access_range(uintptr_t address, size_t size, uint8_t how, uintptr_t pc)
{
	while (size > 0) {
		size_t part = 8 - address % 8;

		part = part < size ? part : size;
		access_word(address, part, how, pc);
		address += part;
		size -= part;
	}
}

void shadow_access(uintptr_t address, size_t size, bool write, bool atomic, uintptr_t pc)
{
	uint8_t how = (uint8_t)((write ? WRITE : 0) | (atomic ? ATOMIC : 0));

	if (LIKELY(address % 8 + size <= 8))
		access_word(address, size, how, pc);
	else
		access_range(address, size, how, pc);
}

void shadow_free(uintptr_t address, size_t size, uintptr_t pc)
{
	access_range(address, size, WRITE | FREED, pc);
}

/* Only what this execution has touched has to be emptied. */
void shadow_clear(uintptr_t address, size_t size)
{
	uintptr_t end = address + size;

	while (address < end) {
		uintptr_t next = (address | (BLOCK - 1)) + 1;
		struct block *block = find(address, false);

		next = next < end ? next : end;
		if (block != NULL && block->number == run->number)
			raw_fill(block->cell[address % BLOCK / 8], 0,
				 ((next - 1) / 8 - address / 8 + 1) * sizeof(block->cell[0]));
		address = next;
	}
}

void shadow_count_object(uintptr_t address, int more)
{
	struct block *block = block_of(address);

	if (block != NULL)
		block->objects += (uint32_t)more;
}

uintptr_t shadow_next_object(uintptr_t address, uintptr_t end)
{
	while (address < end) {
		uintptr_t next = (address | (BLOCK - 1)) + 1;
		struct block *block = find(address, false);

		if (block != NULL && block->number == run->number && block->objects > 0) {
			for (; address < next && address < end; address++) {
				if (object_find(address) != NULL)
					return address;
			}
		}
		address = next;
	}
	return 0;
}
