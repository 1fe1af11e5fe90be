/*
 * base/self.c - threads' numbers and records.
 *
 * Records lie in chunks that are allocated when first needed and never freed. A slot whose thread has ended is used
 * again, oldest first, under the next generation, so that a number comes back only after 512 threads in the same
 * slot: a lock whose holder ended long ago is not taken for one of a living thread. Slots left behind by a fork are
 * not used again.
 *
 * Invariants:
 *   [S1] records[slot]->slot == slot; a record's number is 0 or has its slot in the low bits.
 *   [S2] `number` changes only under `registry`, and is read without it: by the owner, or as a hint for reports.
 *
 * A thread's end is noticed by the destructor of a pthread key. Destructors that run after it and use a lock register
 * the thread again, and the key's destructor then runs once more.
 */
#define _GNU_SOURCE
#include "base/self.h"

#include "base/inner.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHUNK_SLOTS 256u
#define N_CHUNKS ((1u << FL_SLOT_BITS) / CHUNK_SLOTS)

#ifndef FL_MODEL
__thread struct fl_tls fl_tls_ __attribute__((tls_model("initial-exec")));
#endif

static struct fl_inner registry;
static struct fl_record *chunks[N_CHUNKS];
static uint32_t n_slots = 1; /* slot 0 is nobody's */
static struct fl_record *free_first, *free_last;
static pthread_key_t end_key;
static bool have_key;

static void die(const char *why)
{
	fprintf(stderr, "fairlead: %s\n", why);
	abort();
}

static void leave(void *record_)
{
	struct fl_record *record = record_;

	free(record->reads);
	fl_inner_acquire(&registry);
	record->tls = NULL;
	record->reads = NULL;
	record->n_reads = record->max_reads = 0;
	fl_store_relaxed(&record->number, 0);
	record->next_free = NULL;
	if (free_last)
		free_last->next_free = record;
	else
		free_first = record;
	free_last = record;
	fl_inner_release(&registry);
	fl_tls_.number = 0;
	fl_tls_.record = NULL;
	fl_store_relaxed(&fl_tls_.quick, NULL);
}

static struct fl_record *new_record(void)
{
	uint32_t slot = n_slots, chunk = slot / CHUNK_SLOTS;
	struct fl_record *records;

	if (chunk == N_CHUNKS)
		die("more than a million threads");
	if (!chunks[chunk]) {
		records = calloc(CHUNK_SLOTS, sizeof(*records)); /* where tools that look for leaks look, too */
		if (!records)
			die("no memory for a thread's record");
		/* [self.1] release; pairs with [self.2] */
		fl_store_release(&chunks[chunk], records);
	}
	chunks[chunk][slot % CHUNK_SLOTS].slot = slot;
	fl_store_relaxed(&n_slots, slot + 1);
	return &chunks[chunk][slot % CHUNK_SLOTS];
}

static struct fl_record *pop_free(void)
{
	struct fl_record *record = free_first;

	if (!record)
		return NULL;
	free_first = record->next_free;
	if (!free_first)
		free_last = NULL;
	return record;
}

static uint32_t next_number(const struct fl_record *record, uint32_t last)
{
	uint32_t generation = (last >> FL_SLOT_BITS) + 1;

	return ((generation << FL_SLOT_BITS) | record->slot) & FL_NUMBER_MASK;
}

uint32_t fl_self_register_(void)
{
	struct fl_record *record;

	fl_inner_acquire(&registry);
	if (!have_key && pthread_key_create(&end_key, leave) == 0)
		have_key = true;
	record = pop_free();
	if (!record)
		record = new_record();
	record->last = next_number(record, record->last);
	record->tid = (pid_t)syscall(SYS_gettid);
	record->tls = &fl_tls_;
	fl_store_relaxed(&record->number, record->last);
	fl_inner_release(&registry);
	fl_tls_.record = record;
	fl_tls_.number = record->last;
	if (have_key)
		pthread_setspecific(end_key, record); /* if it fails the slot is not used again, and nothing worse */
	return record->last;
}

struct fl_record *fl_self_slot_(uint32_t slot)
{
	struct fl_record *records;

	if (slot == 0 || slot >= fl_load_relaxed(&n_slots))
		return NULL;
	/* [self.2] acquire; pairs with [self.1] */
	records = fl_load_acquire(&chunks[slot / CHUNK_SLOTS]);
	return records ? &records[slot % CHUNK_SLOTS] : NULL;
}

static struct fl_record *record_of(uint32_t number)
{
	return fl_self_slot_(number & ((1u << FL_SLOT_BITS) - 1));
}

struct fl_record *fl_self_find_(uint32_t number)
{
	struct fl_record *record = record_of(number);

	return record && fl_load_relaxed(&record->number) == number ? record : NULL;
}

bool fl_self_gone_(uint32_t number)
{
	struct fl_record *record = record_of(number);

	return record && number != 0 && fl_load_relaxed(&record->gone) == number;
}

void fl_self_forget_quick_(uint32_t number, const void *lock)
{
	struct fl_record *record;

	fl_inner_acquire(&registry);
	record = fl_self_find_(number);
	if (record && record->tls)
		fl_cas_relaxed(&record->tls->quick, &lock, NULL);
	fl_inner_release(&registry);
}

void fl_self_after_fork_(void)
{
	uint32_t slot;

	memset(&registry, 0, sizeof(registry));
	free_first = free_last = NULL;
	for (slot = 1; slot < n_slots; slot++) {
		struct fl_record *record = fl_self_slot_(slot);

		if (record == fl_tls_.record || record->gone)
			continue;
		record->gone = record->number ? record->number : record->last;
		record->number = 0;
	}
	if (fl_tls_.record)
		fl_tls_.record->tid = (pid_t)syscall(SYS_gettid);
}
