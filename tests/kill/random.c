/*
 * random.c - one worker after the other is killed at a random instant, and a new one takes its place.
 *
 * A round is one kill or two, and then all that survived have to get on before the next round:
 *
 *   of four kills    one hits a worker that was stopped before (SIGSTOP), for up to a millisecond
 *   of four rounds   one has a second kill, of another worker: at once, or within 100 us of the end of the first, where
 *                    the first death is being mended
 *   of two rounds    one has the survivors get on before there is anybody in the place of the dead: who comes into a
 *                    segment has all look again, and so hides a wake-up that was lost
 *   between rounds   up to a millisecond passes, so that a kill may hit anything
 *   three of four    rounds have workers that offer the processor now and then, also in the middle of what a lock
 *                    guards: more of them wait, for each other and not for the next tick of the scheduler's clock. In
 *                    the fourth one they never do, and those that are not running are anywhere in their operation
 *
 * Before the first kill all have to get on, twenty times: an object that starves somebody without any kill would look
 * like one that gets stuck.
 *
 * It ends with the kills wished for, or with the first round after which somebody does not get on.
 *
 * Rejected: to kill without waiting for the survivors in between. The next kill then hits one that is stuck, sooner or
 * later, and hides it: a lock that loses one waiter in ten kills would survive.
 */
#define _GNU_SOURCE
#include "crew.h"

#include <stdlib.h>
#include <string.h>

enum { WORKERS = 4, BEFORE = 20 };

#define PATIENCE INT64_C(1000000000)
#define MILLISECOND INT64_C(1000000)
#define RECOVERY INT64_C(100000)

struct dice {
	uint64_t state;
};

static uint64_t throw_dice(struct dice *dice, uint64_t n)
{
	dice->state ^= dice->state << 13;
	dice->state ^= dice->state >> 7;
	dice->state ^= dice->state << 17;
	return (dice->state >> 20) % n;
}

static void kill_one(struct kill_crew *crew, struct dice *dice, unsigned i)
{
	if (throw_dice(dice, 4) == 0) {
		kill_crew_stop(crew, i);
		kill_nap((int64_t)throw_dice(dice, MILLISECOND));
	}
	kill_crew_kill(crew, i);
}

static void kill_one_after_the_other(struct kill_crew *crew, struct dice *dice, unsigned first, unsigned second)
{
	kill_one(crew, dice, first);
	if (second == first)
		return;
	for (int64_t until = kill_now() + (int64_t)throw_dice(dice, RECOVERY); kill_now() < until;)
		;
	kill_crew_kill(crew, second);
}

/* One round. Returns whether the survivors got on. */
static enum kill_end kill_some(struct kill_crew *crew, struct dice *dice, bool may_be_two)
{
	unsigned first = (unsigned)throw_dice(dice, crew->n), second = first;
	enum kill_end end = KILL_GOT_ON;
	uint32_t survivors;

	__atomic_store_n(&kill_shared->yields, throw_dice(dice, 4) != 0, __ATOMIC_RELAXED);
	kill_nap((int64_t)throw_dice(dice, MILLISECOND));
	if (may_be_two && throw_dice(dice, 4) == 0)
		second = (first + 1 + (unsigned)throw_dice(dice, crew->n - 1)) % crew->n;
	survivors = ((1U << crew->n) - 1) & ~(1U << first) & ~(1U << second);
	if (second != first && throw_dice(dice, 2) == 0)
		kill_crew_kill_both(crew, first, second);
	else
		kill_one_after_the_other(crew, dice, first, second);
	if (crew->object->alone && throw_dice(dice, 2) == 0)
		end = kill_crew_await(crew, survivors, PATIENCE);
	if (end != KILL_GOT_ON)
		return end;
	kill_crew_start(crew, first, NULL, NULL);
	if (second != first)
		kill_crew_start(crew, second, NULL, NULL);
	return kill_crew_await(crew, survivors, PATIENCE);
}

/* The same with a process of a worker's own. */
static enum kill_end kill_child(struct kill_crew *crew, struct dice *dice)
{
	kill_nap((int64_t)throw_dice(dice, MILLISECOND));
	if (!kill_crew_kill_child(crew, (unsigned)throw_dice(dice, crew->n), throw_dice(dice, UINT32_MAX)))
		return KILL_GOT_ON;
	return kill_crew_await(crew, (1U << crew->n) - 1, PATIENCE);
}

static int compare_waits(const void *one, const void *other)
{
	int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;

	return (a > b) - (a < b);
}

/* What survivors waited; an entry is 0 if its worker was killed before it had written it. */
static void sum_up_waits(struct kill_outcome *outcome)
{
	uint64_t n = kill_shared->n_waits < KILL_MOST_WAITS ? kill_shared->n_waits : KILL_MOST_WAITS;
	int64_t *waits = kill_shared->waits;

	outcome->waits = n;
	if (n == 0)
		return;
	qsort(waits, n, sizeof(*waits), compare_waits);
	outcome->wait_median = waits[n / 2];
	outcome->wait_most_often = waits[n * 99 / 100];
	outcome->wait_longest = waits[n - 1];
}

struct kill_outcome kill_at_random(const struct kill_object *object, uint64_t kills, uint64_t seed)
{
	struct kill_outcome outcome = {.end = KILL_GOT_ON};
	struct dice dice = {seed * UINT64_C(0x9e3779b97f4a7c15) + 88172645463325252};
	struct kill_crew crew;

	kill_crew_open(&crew, object, object->workers ? object->workers : WORKERS, false);
	for (unsigned i = 0; i < crew.n; i++)
		kill_crew_start(&crew, i, NULL, NULL);
	for (unsigned i = 0; i < BEFORE && outcome.end == KILL_GOT_ON; i++)
		outcome.end = kill_crew_await(&crew, (1U << crew.n) - 1, PATIENCE);
	if (outcome.end != KILL_GOT_ON)
		kill_fail("not all get on before the first kill", 0);
	while (outcome.end == KILL_GOT_ON && outcome.kills < kills) {
		outcome.end =
			object->victim ? kill_child(&crew, &dice) : kill_some(&crew, &dice, kills - outcome.kills > 1);
		if (outcome.end == KILL_GOT_ON)
			outcome.kills = kill_shared->kills;
	}
	memcpy(outcome.how, crew.how, sizeof(outcome.how));
	kill_crew_wind_up(&crew);
	if (object->check)
		object->check(crew.memory, &outcome.verdict);
	if (outcome.end != KILL_GOT_ON)
		outcome.verdict.lost = 0;
	sum_up_waits(&outcome);
	kill_crew_close(&crew);
	return outcome;
}
