/*
 * invariants.c - what a lock guards, and what goes through a queue: so that what is broken shows.
 *
 * Guarded data is two counters that are equal but for the moment of an update, and the name of who is inside. Each
 * worker counts its finished updates in its own place. At the end the counters are the sum of these, and at most one
 * more for each kill. It is the harness that says who is dead (crew.c, 1), so that a lock that does not tell is judged
 * like one that does: who comes after a dead holder mends its half update.
 *
 * Of items the last one that came out at each number modulo KILL_LEDGER is kept. One that comes out and finds the one
 * before it missing there has found a loss; if that one comes later, a worker was slow to write it down, and the loss
 * is taken back. So the memory is bounded, and the answer exact as soon as all have ended.
 */
#include "kill.h"

#include <sched.h>

static uint64_t draw(struct kill_worker *worker)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return worker->random >> 33;
}

void kill_dwell(struct kill_worker *worker)
{
	uint64_t turns;

	if (worker->steady)
		return;
	for (turns = draw(worker) % 2000; turns > 0; turns--)
		__asm__ volatile("" ::: "memory");
	if (kill_yields() && draw(worker) % 8 == 0)
		sched_yield();
}

static bool lives(uint32_t holder, uint32_t generation)
{
	return holder && __atomic_load_n(&kill_worker_at(holder - 1)->killed, __ATOMIC_SEQ_CST) < generation;
}

#define load(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define count(p) __atomic_add_fetch((p), 1, __ATOMIC_RELAXED)

void kill_guarded_look(struct kill_guarded *guarded)
{
	uint32_t holder = load(&guarded->holder);

	if (holder && lives(holder, load(&guarded->holder_generation)))
		count(&guarded->overlaps);
}

void kill_guarded_use(struct kill_guarded *guarded, struct kill_worker *worker)
{
	kill_guarded_look(guarded);
	store(&guarded->holder_generation, worker->generation);
	store(&guarded->holder, worker->index + 1);
	store(&guarded->second, load(&guarded->first)); /* of one who was killed halfway */
	store(&guarded->first, load(&guarded->first) + 1);
	store(&worker->inside, 1);
	kill_dwell(worker);
	store(&guarded->second, load(&guarded->second) + 1);
	store(&worker->updates, load(&worker->updates) + 1);
	if (load(&guarded->first) != load(&guarded->second) || load(&guarded->holder) != worker->index + 1)
		count(&guarded->overlaps);
	store(&guarded->holder, 0);
}

void kill_guarded_check(const struct kill_guarded *guarded, struct kill_verdict *verdict)
{
	uint64_t updates = 0, deaths = kill_deaths();

	for (unsigned i = 0; i < kill_workers(); i++)
		updates += kill_worker_at(i)->updates;
	if (guarded->first < updates)
		verdict->lost += updates - guarded->first;
	if (guarded->first > updates + deaths)
		verdict->doubled += guarded->first - updates - deaths;
	verdict->broken += guarded->overlaps;
}

/* ---- items ---- */

static uint32_t *seen_at(struct kill_ledger *ledger, uint32_t by, uint32_t number)
{
	return &ledger->of[by].seen[number % KILL_LEDGER];
}

uint64_t kill_item_next(struct kill_ledger *ledger, struct kill_worker *worker)
{
	uint32_t by = worker->index, begun = load(&ledger->of[by].begun), doubts = load(&ledger->of[by].n_doubts);

	if (begun != load(&ledger->of[by].done)) {
		store(&ledger->of[by].doubts[doubts % KILL_DOUBTS], begun);
		store(&ledger->of[by].n_doubts, doubts + 1);
	}
	store(&ledger->of[by].done, begun);
	store(&ledger->of[by].begun, begun + 1);
	return (uint64_t)(by + 1) << 32 | (begun + 1);
}

void kill_item_put(struct kill_ledger *ledger, struct kill_worker *worker)
{
	store(&ledger->of[worker->index].done, load(&ledger->of[worker->index].begun));
}

/* Whether a killed producer may have left it, or may not. */
static bool doubtful(const struct kill_ledger *ledger, uint32_t by, uint32_t number)
{
	uint32_t n = load(&ledger->of[by].n_doubts);

	for (uint32_t i = 0; i < n && i < KILL_DOUBTS; i++)
		if (load(&ledger->of[by].doubts[i]) == number)
			return true;
	return number > load(&ledger->of[by].done);
}

void kill_item_got(struct kill_ledger *ledger, uint64_t item)
{
	uint32_t by = (uint32_t)(item >> 32) - 1, number = (uint32_t)item, before;

	if (by >= KILL_MOST_WORKERS || number == 0 || number > load(&ledger->of[by].begun)) {
		count(&ledger->strange);
		return;
	}
	before = __atomic_exchange_n(seen_at(ledger, by, number), number, __ATOMIC_RELAXED);
	if (before == number) {
		count(&ledger->doubled);
	} else if (before > number) { /* written down late: put back what was newer, and take the loss back */
		store(seen_at(ledger, by, number), before);
		__atomic_sub_fetch(&ledger->missing, 1, __ATOMIC_RELAXED);
	} else if (number > KILL_LEDGER && before != number - KILL_LEDGER &&
		   !doubtful(ledger, by, number - KILL_LEDGER)) {
		count(&ledger->missing);
	}
}

/* Items of the last lap that were put and never came out. */
static uint64_t missing_at_the_end(const struct kill_ledger *ledger, uint32_t by)
{
	uint32_t last = ledger->of[by].begun, number = last > KILL_LEDGER ? last - KILL_LEDGER + 1 : 1;
	uint64_t missing = 0;

	for (; number <= last; number++)
		missing += ledger->of[by].seen[number % KILL_LEDGER] != number && !doubtful(ledger, by, number);
	return missing;
}

void kill_ledger_check(const struct kill_ledger *ledger, unsigned lost_each, unsigned doubled_each,
		       struct kill_verdict *verdict)
{
	uint64_t consumers = kill_deaths_of(1), missing = ledger->missing;

	for (uint32_t by = 0; by < KILL_MOST_WORKERS; by++)
		missing += missing_at_the_end(ledger, by);
	verdict->lost += missing > consumers * lost_each ? missing - consumers * lost_each : 0;
	verdict->doubled += ledger->doubled > consumers * doubled_each ? ledger->doubled - consumers * doubled_each : 0;
	verdict->broken += ledger->strange;
}
