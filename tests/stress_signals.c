/*
 * stress_signals.c - stress for what tells: semaphore, condition, event, barrier, once, note.
 *
 * Everything that is given is counted, and has to be found again: with somebody who took it, or left over. Where
 * nothing is left over, a lost wake-up leaves somebody asleep, which the watchdog sees.
 */
#define _GNU_SOURCE
#include "stress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- semaphore: seats that are taken one or two at a time ---- */

static fl_semaphore seats;
static int n_seats, seated;

static void set_up_seats(unsigned threads, uint64_t rounds)
{
	(void)rounds;
	n_seats = threads < 6 ? 1 : 3;
	stress_check(fl_semaphore_init_bounded(&seats, (uint32_t)n_seats, NULL) == 0, "not made");
}

static int take_seat(struct stress_way way)
{
	if (way.deadline == FL_FOREVER && !way.note)
		return fl_semaphore_acquire(&seats);
	if (way.deadline == 0)
		return fl_semaphore_acquire_try(&seats) ? 0 : -ETIMEDOUT;
	return fl_semaphore_acquire_until(&seats, way.deadline, way.note);
}

static void work_at_seats(struct stress_worker *worker)
{
	uint64_t i;

	for (i = 0; i < worker->rounds; i++) {
		struct stress_way way = stress_way(worker);
		uint32_t n = 1;

		stress_round(worker);
		stress_calls(worker, "fl_semaphore_acquire", &seats);
		if (!stress_ended(worker, way, take_seat(way)))
			continue;
		if (stress_random(worker, 4) == 0) /* not for ever: others may want a second one too */
			n += fl_semaphore_acquire_until(&seats, stress_soon(worker), NULL) == 0;
		stress_check(stress_add(&seated, (int)n) <= n_seats, "more are seated than there are seats");
		stress_dwell(worker);
		stress_add(&seated, -(int)n);
		stress_check(fl_semaphore_release(&seats, n) == 0, "a seat was not taken back");
	}
}

static void check_seats(uint64_t had)
{
	(void)had;
	stress_check(fl_semaphore_value(&seats) == (uint32_t)n_seats, "%u seats are left", fl_semaphore_value(&seats));
	stress_check(fl_semaphore_release(&seats, 1) == -EOVERFLOW, "there is a seat too many");
	fl_semaphore_destroy(&seats);
}

/* ---- condition: a bounded buffer between producers and consumers; over a lock, and over an rlock held twice ---- */

enum { CAPACITY = 4 };
static struct {
	fl_lock lock;
	fl_rlock rlock;
	fl_condition not_full, not_empty;
	bool twice;
	struct item {
		unsigned producer;
		uint64_t number;
	} items[CAPACITY];
	uint64_t put, got, wanted, notified, woken;
	uint64_t last[STRESS_MOST_THREADS]; /* of each producer, what was got last */
} buffer;

static void set_up_buffer(unsigned threads, uint64_t rounds)
{
	unsigned producers = (threads + 1) / 2;

	memset(&buffer, 0, sizeof(buffer));
	buffer.wanted = rounds * producers;
	fl_condition_init_lock(&buffer.not_full, &buffer.lock, NULL);
	fl_condition_init_lock(&buffer.not_empty, &buffer.lock, NULL);
}

static void set_up_buffer_over_rlock(unsigned threads, uint64_t rounds)
{
	set_up_buffer(threads, rounds);
	fl_condition_init_rlock(&buffer.not_full, &buffer.rlock, NULL);
	fl_condition_init_rlock(&buffer.not_empty, &buffer.rlock, NULL);
	buffer.twice = true;
}

static void hold_buffer(struct stress_worker *worker)
{
	stress_calls(worker, "fl_condition_acquire", &buffer.not_full);
	stress_check(fl_condition_acquire(&buffer.not_full) == 0, "not acquired");
	if (buffer.twice)
		stress_check(fl_condition_acquire(&buffer.not_empty) == 0, "not acquired again");
	stress_calls(worker, NULL, NULL);
}

static void let_buffer_go(void)
{
	if (buffer.twice)
		fl_condition_release(&buffer.not_full);
	fl_condition_release(&buffer.not_empty);
}

/* Waits in one way or another; what it says on return is counted, and nothing else relied on. */
static void wait_for(struct stress_worker *worker, fl_condition *condition)
{
	struct stress_way way = stress_way(worker);

	stress_calls(worker, "fl_condition_wait", condition);
	if (stress_ended(worker, way, fl_condition_wait_until(condition, way.deadline, way.note)))
		buffer.woken++;
	stress_check(!buffer.twice || fl_rlock_count(&buffer.rlock) == 2, "the rlock was not restored");
}

static void tell(fl_condition *condition, uint32_t n)
{
	buffer.notified += fl_condition_notify(condition, n);
}

static void produce(struct stress_worker *worker, uint64_t number)
{
	hold_buffer(worker);
	while (buffer.put - buffer.got == CAPACITY)
		wait_for(worker, &buffer.not_full);
	buffer.items[buffer.put++ % CAPACITY] = (struct item){worker->index, number};
	tell(&buffer.not_empty, 1);
	let_buffer_go();
}

/* Returns false when there will be no more. */
static bool consume(struct stress_worker *worker)
{
	struct item item;
	bool more;

	hold_buffer(worker);
	while (buffer.put == buffer.got && buffer.got < buffer.wanted)
		wait_for(worker, &buffer.not_empty);
	more = buffer.got < buffer.wanted;
	if (more) {
		item = buffer.items[buffer.got++ % CAPACITY];
		stress_check(item.number == buffer.last[item.producer] + 1,
			     "item %llu of thread %u comes after item %llu", (unsigned long long)item.number,
			     item.producer, (unsigned long long)buffer.last[item.producer]);
		buffer.last[item.producer] = item.number;
		tell(&buffer.not_full, 1);
	}
	if (buffer.got == buffer.wanted)
		tell(&buffer.not_empty, UINT32_MAX);
	let_buffer_go();
	return more;
}

static void work_at_buffer(struct stress_worker *worker)
{
	uint64_t i;

	for (i = 0; worker->index % 2 == 0 && i < worker->rounds; i++) {
		stress_round(worker);
		produce(worker, i + 1);
	}
	while (worker->index % 2 && consume(worker))
		stress_round(worker);
}

static void check_buffer(uint64_t had)
{
	stress_check(buffer.put == buffer.wanted && buffer.got == buffer.wanted, "items are left");
	stress_check(buffer.notified == buffer.woken, "%llu notifies woke %llu", (unsigned long long)buffer.notified,
		     (unsigned long long)buffer.woken);
	stress_check(had == buffer.woken, "miscounted");
	fl_condition_destroy(&buffer.not_full);
	fl_condition_destroy(&buffer.not_empty);
}

/* ---- event: pairs of threads take turns ---- */

static struct {
	_Alignas(64) fl_event turn[2];
	uint64_t count;
} pairs[STRESS_MOST_THREADS / 2];

static void set_up_pairs(unsigned threads, uint64_t rounds)
{
	unsigned i;

	(void)rounds;
	memset(pairs, 0, sizeof(pairs));
	for (i = 0; i < threads / 2; i++)
		fl_event_set(&pairs[i].turn[0]);
}

static void await_turn(struct stress_worker *worker, fl_event *turn)
{
	struct stress_way way;

	do {
		way = stress_way(worker);
		stress_calls(worker, "fl_event_wait", turn);
	} while (!stress_ended(worker, way, fl_event_wait_until(turn, way.deadline, way.note)));
	stress_check(fl_event_is_set(turn), "woken without a set");
}

static void work_at_pairs(struct stress_worker *worker)
{
	unsigned pair = worker->index / 2, mine = worker->index % 2;
	uint64_t i;

	if ((worker->index ^ 1) >= worker->threads)
		return; /* the odd one out */
	for (i = 0; i < worker->rounds; i++) {
		stress_round(worker);
		await_turn(worker, &pairs[pair].turn[mine]);
		fl_event_clear(&pairs[pair].turn[mine]);
		stress_check(pairs[pair].count == 2 * i + mine, "out of turn");
		pairs[pair].count++;
		fl_event_set(&pairs[pair].turn[1 - mine]);
	}
}

static void check_pairs(uint64_t had)
{
	(void)had;
	stress_check(fl_event_is_set(&pairs[0].turn[0]) && !fl_event_is_set(&pairs[0].turn[1]), "not where it began");
}

/* ---- barrier: rounds that are whole, or broken for all ---- */

enum { SLOTS = 4 }; /* more than rounds that can be under way */
static struct {
	fl_barrier barrier;
	pthread_barrier_t repair;
	uint64_t at[STRESS_MOST_THREADS];         /* where each thread is */
	uint64_t had[SLOTS][STRESS_MOST_THREADS]; /* in which round an index was last had, plus 1 */
	uint64_t outcome[SLOTS];                  /* 2 * round + 2, plus 1 if it was broken */
	uint64_t actions, whole;
} gate;

static int count_action(void *unused)
{
	(void)unused;
	gate.actions++;
	return 0;
}

static void set_up_gate(unsigned threads, uint64_t rounds)
{
	(void)rounds;
	memset(&gate, 0, sizeof(gate));
	stress_check(fl_barrier_init(&gate.barrier, threads, count_action, NULL, NULL) == 0, "not made");
	pthread_barrier_init(&gate.repair, NULL, threads);
}

/* All parties of a round agree on how it ended. */
static void agree(uint64_t round, bool broken)
{
	uint64_t mine = 2 * round + 2 + broken,
		 before = __atomic_exchange_n(&gate.outcome[round % SLOTS], mine, __ATOMIC_RELAXED);

	stress_check(before / 2 != mine / 2 || before == mine, "round %llu is broken for some",
		     (unsigned long long)round);
}

static void check_round(struct stress_worker *worker, uint64_t round, int index)
{
	unsigned i;

	stress_check(index >= 0 && index < (int)worker->threads, "index %d", index);
	stress_check(__atomic_exchange_n(&gate.had[round % SLOTS][index], round + 1, __ATOMIC_RELAXED) != round + 1,
		     "index %d was had twice in round %llu", index, (unsigned long long)round);
	for (i = 0; i < worker->threads; i++) {
		uint64_t there = stress_load(&gate.at[i]);

		stress_check(there == round || there == round + 1, "thread %u is in round %llu, not %llu", i,
			     (unsigned long long)there, (unsigned long long)round);
	}
	if (index == (int)worker->threads - 1)
		stress_add(&gate.whole, 1);
}

static void mend(void)
{
	stress_check(fl_barrier_broken(&gate.barrier), "it is whole, and a wait failed");
	if (pthread_barrier_wait(&gate.repair) == PTHREAD_BARRIER_SERIAL_THREAD)
		fl_barrier_reset(&gate.barrier);
	pthread_barrier_wait(&gate.repair);
}

/* Most rounds are to become whole: few parties have a deadline. */
static struct stress_way gate_way(struct stress_worker *worker)
{
	struct stress_way patient = {FL_FOREVER, NULL};

	return stress_random(worker, 16 * worker->threads) ? patient : stress_way(worker);
}

static void work_at_gate(struct stress_worker *worker)
{
	uint64_t round;

	for (round = 0; round < worker->rounds; round++) {
		struct stress_way way = gate_way(worker);
		int index;

		stress_round(worker);
		stress_store(&gate.at[worker->index], round);
		stress_calls(worker, "fl_barrier_wait", &gate.barrier);
		index = fl_barrier_wait_until(&gate.barrier, way.deadline, way.note);
		stress_ended(worker, way, index >= 0 || index == -EPIPE ? 0 : index);
		agree(round, index < 0);
		if (index >= 0)
			check_round(worker, round, index);
		else
			mend();
	}
}

static void check_gate(uint64_t had)
{
	(void)had;
	stress_check(gate.actions == gate.whole, "%llu actions in %llu rounds", (unsigned long long)gate.actions,
		     (unsigned long long)gate.whole);
	stress_check(fl_barrier_n_waiting(&gate.barrier) == 0, "somebody is left");
	fl_barrier_destroy(&gate.barrier);
	pthread_barrier_destroy(&gate.repair);
}

/* ---- once: each of many is made once, though making it fails at first ---- */

static struct thing {
	fl_once once;
	uint32_t tries, made;
} * things;
static uint64_t n_things;

static void set_up_things(unsigned threads, uint64_t rounds)
{
	(void)threads;
	n_things = rounds;
	things = calloc(n_things, sizeof(*things));
	stress_check(things != NULL, "no memory");
}

static int make_thing(void *arg)
{
	struct thing *thing = arg;

	if (++thing->tries % 3)
		return -EAGAIN;
	thing->made++;
	return 0;
}

static void work_at_things(struct stress_worker *worker)
{
	uint64_t i;

	for (i = 0; i < n_things; i++) {
		int error;

		stress_round(worker);
		do {
			struct stress_way way = stress_way(worker);

			stress_calls(worker, "fl_once_call", &things[i].once);
			error = fl_once_call_until(&things[i].once, make_thing, &things[i], way.deadline, way.note);
			stress_ended(worker, way, error == -EAGAIN ? 0 : error);
		} while (error != 0);
		stress_check(fl_once_done(&things[i].once), "not done");
		stress_check(things[i].made == 1 && things[i].tries == 3, "made %u times", things[i].made);
	}
}

static void check_things(uint64_t had)
{
	uint64_t i;

	(void)had;
	for (i = 0; i < n_things; i++)
		stress_check(things[i].made == 1, "made %u times", things[i].made);
	free(things);
}

/* ---- note: threads wait with children of notes that others cancel; who is cancelled has taken nothing ---- */

static fl_semaphore permits;
static fl_note root;
static uint64_t given;

static void set_up_notes(unsigned threads, uint64_t rounds)
{
	(void)threads;
	(void)rounds;
	given = 0;
	fl_note_init(&root, NULL, FL_FOREVER);
	stress_check(fl_semaphore_init(&permits, 0, NULL) == 0, "not made");
}

/* A family of its own, which nobody else cancels. */
static void raise_family(struct stress_worker *worker)
{
	fl_note mother, child[2];
	unsigned which = stress_random(worker, 3);

	fl_note_init(&mother, &root, FL_FOREVER);
	fl_note_init(&child[0], &mother, FL_FOREVER);
	fl_note_init(&child[1], &mother, FL_FOREVER);
	fl_note_cancel(which == 2 ? &mother : &child[which]);
	stress_check(fl_note_is_cancelled(&child[0]) == (which != 1), "cancelled wrongly");
	stress_check(fl_note_is_cancelled(&child[1]) == (which != 0), "cancelled wrongly");
	stress_check(fl_note_is_cancelled(&mother) == (which == 2), "cancelled wrongly");
	fl_note_destroy(&child[0]);
	fl_note_destroy(&child[1]);
	fl_note_destroy(&mother);
}

static void work_at_notes(struct stress_worker *worker)
{
	struct stress_way with_mother = {FL_FOREVER, &worker->note};
	uint64_t i;

	for (i = 0; i < worker->rounds; i++) {
		fl_note child;
		struct stress_way way = {stress_random(worker, 2) ? FL_FOREVER : stress_soon(worker), &child};

		stress_round(worker);
		fl_note_init(&child, &worker->note, fl_after((fl_time)stress_random(worker, 80000)));
		if (stress_random(worker, 2)) {
			stress_add(&given, 1);
			stress_check(fl_semaphore_release(&permits, 1) == 0, "not released");
		}
		stress_calls(worker, "fl_semaphore_acquire_until", &permits);
		stress_ended(worker, way, fl_semaphore_acquire_until(&permits, way.deadline, &child));
		fl_note_destroy(&child);
		if (fl_note_is_cancelled(&worker->note)) {
			worker->cancelled--; /* it is counted above */
			stress_ended(worker, with_mother, -ECANCELED);
		}
		if (i % 16 == 0)
			raise_family(worker);
	}
}

static void check_notes(uint64_t had)
{
	stress_check(given == had + fl_semaphore_value(&permits), "%llu permits were given, %llu had, %u are left",
		     (unsigned long long)given, (unsigned long long)had, fl_semaphore_value(&permits));
	fl_note_destroy(&root);
	fl_semaphore_destroy(&permits);
}

const struct stress_kind stress_signals[] = {
	{"semaphore", set_up_seats, work_at_seats, check_seats, false},
	{"condition", set_up_buffer, work_at_buffer, check_buffer, false},
	{"rcondition", set_up_buffer_over_rlock, work_at_buffer, check_buffer, false},
	{"event", set_up_pairs, work_at_pairs, check_pairs, false},
	{"barrier", set_up_gate, work_at_gate, check_gate, true},
	{"once", set_up_things, work_at_things, check_things, true},
	{"note", set_up_notes, work_at_notes, check_notes, false},
	{0},
};
