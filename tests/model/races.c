/*
 * races.c - who knows of which access, and so which accesses race.
 *
 * Usually this is done with vector clocks. Here it must be part of a state that can be compared with another
 * one, and clocks only ever grow. So instead of times there are facts: for each shared piece of memory the last
 * accesses that a later one could race with (one per thread and kind), and for each thread, and for each
 * release that is still there to be acquired, which of these it comes after. Both say the same.
 *
 *   - An access must come after all that conflict with it. Then nobody but its thread knows of it. A write that comes
 *     after all others replaces them.
 *   - A release: what the thread knows is stored with the word; by a read-modify-write, added to what is there.
 *   - An acquire: what is stored with the word is added to what the thread knows.
 *   - A relaxed store ends what was released to the word; a relaxed read-modify-write goes on with it.
 *
 * That last line is C++20's release sequence (C11's also goes on with stores by the releasing thread).
 *
 * Conflicts: two accesses of different threads to a piece, one of them writing. If one is plain, it is a race
 * and a failure. If both are atomic it is none, and means that the piece is a step of the schedule (memory.c).
 */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model_knowledge model_knowledge;

#define ALL 0xfu
#define OF(kind) (ALL << (4 * (kind)))

/* Where each of the last accesses was made: only for reports, which are made in a replay. */
static const struct model_site *sites[MODEL_PIECES][16];

static const uint16_t races_with[] = {
	[MODEL_READS] = OF(MODEL_WRITES) | OF(MODEL_ATOMIC_WRITES),
	[MODEL_WRITES] = 0xffff,
	[MODEL_ATOMIC_READS] = OF(MODEL_WRITES),
	[MODEL_ATOMIC_WRITES] = OF(MODEL_READS) | OF(MODEL_WRITES),
};

static const uint16_t conflicts_with[] = {
	[MODEL_READS] = 0,
	[MODEL_WRITES] = 0,
	[MODEL_ATOMIC_READS] = OF(MODEL_ATOMIC_WRITES),
	[MODEL_ATOMIC_WRITES] = OF(MODEL_ATOMIC_READS) | OF(MODEL_ATOMIC_WRITES),
};

static unsigned n_rows(void)
{
	return MODEL_THREADS + model_knowledge.n_releases;
}

static void forget_bits(int16_t piece, uint16_t bits)
{
	unsigned row;

	model_knowledge.happened[piece] &= (uint16_t)~bits;
	for (row = 0; row < n_rows(); row++)
		model_knowledge.known[row][piece] &= (uint16_t)~bits;
}

static void fail_race(int16_t piece, uint16_t other, enum model_access kind, const volatile void *address,
		      const struct model_site *site)
{
	static const char *const done[] = {"read by", "written by", "atomically read by", "atomically written by"};
	int bit = __builtin_ctz(other);
	const struct model_site *before = sites[piece][bit];

	model_find_line(site);
	if (before)
		model_find_line(before);
	model_fail("data race on %s: %s thread %c (%s:%u %s), and with nothing in between %s thread %c (%s:%u %s)",
		   model_describe(address), done[bit / 4], 'a' + bit % 4, before ? model_file_of(before) : "?",
		   before ? before->line : 0, before ? before->function : "?", done[kind], 'a' + model_running,
		   model_file_of(site), site->line, site->function);
}

bool model_race_access(int16_t piece, enum model_access kind, const volatile void *address,
		       const struct model_site *site)
{
	uint16_t *known = &model_knowledge.known[model_running][piece];
	uint16_t mine = (uint16_t)(1u << (4 * (int)kind + model_running));
	uint16_t unknown = model_knowledge.happened[piece] & (uint16_t) ~*known;

	if (unknown & races_with[kind])
		fail_race(piece, unknown & races_with[kind], kind, address, site);
	if ((kind == MODEL_WRITES || kind == MODEL_ATOMIC_WRITES) && unknown == 0)
		forget_bits(piece, 0xffff);
	else
		forget_bits(piece, mine);
	model_knowledge.happened[piece] |= mine;
	*known |= mine;
	sites[piece][4 * (int)kind + model_running] = site;
	return (unknown & conflicts_with[kind]) == 0;
}

static uint16_t *row_of(int16_t release)
{
	return model_knowledge.known[MODEL_THREADS + release];
}

static void join(uint16_t *to, const uint16_t *from)
{
	unsigned i;

	for (i = 0; i < model_knowledge.n_pieces; i++)
		to[i] |= from[i];
}

void model_race_acquire(int16_t release)
{
	if (release >= 0)
		join(model_knowledge.known[model_running], row_of(release));
}

void model_race_release(int16_t *release, bool keep)
{
	if (*release < 0) {
		if (model_knowledge.n_releases == MODEL_RELEASES) {
			printf("Bail out! more words are released to than the model can follow\n");
			exit(1);
		}
		*release = (int16_t)model_knowledge.n_releases++;
		memset(row_of(*release), 0, sizeof(model_knowledge.known[0]));
	}
	if (!keep)
		memset(row_of(*release), 0, sizeof(model_knowledge.known[0]));
	join(row_of(*release), model_knowledge.known[model_running]);
}

void model_race_forget(int16_t release)
{
	if (release >= 0)
		memset(row_of(release), 0, sizeof(model_knowledge.known[0]));
}

/* What all threads know can race with nothing more: it is dropped, so that states differ only in what matters. */
void model_race_tidy(void)
{
	uint16_t by_all[MODEL_PIECES];
	unsigned i, row;

	memcpy(by_all, model_knowledge.happened, model_knowledge.n_pieces * sizeof(by_all[0]));
	for (row = 0; row < model_n_threads; row++)
		if (model_now.threads[row].status != MODEL_RETURNED)
			for (i = 0; i < model_knowledge.n_pieces; i++)
				by_all[i] &= model_knowledge.known[row][i];
	for (i = 0; i < model_knowledge.n_pieces; i++)
		model_knowledge.happened[i] &= (uint16_t)~by_all[i];
	for (row = 0; row < n_rows(); row++)
		for (i = 0; i < model_knowledge.n_pieces; i++)
			model_knowledge.known[row][i] &= model_knowledge.happened[i];
}
