/*
 * base/spin.c - whether to spin, and how long: learned per object.
 *
 * The bound is time, not a number of loops, so it means the same on every machine: at most CAP, which is about what
 * it costs to be put to sleep and woken on another processor. Spinning that long before sleeping is never worse than
 * twice the best choice (Karlin, Li, Manasse, Owicki, 1991). Each object's hint betters that:
 *
 *   bits 0-11   budget in units of 16 ns; 0: not learned yet, CAP
 *   bits 12-15  discouragement d: one wait in 2^d spins
 *
 * A spin that succeeds after t moves the budget a quarter of the way towards 2 t + FLOOR, and ends all
 * discouragement; one in vain adds to it, up to 1 in 1024, and makes the next one CAP long. So an object whose other
 * side is slow, or has no processor to run on, soon costs next to nothing, and is noticed when it has become quick.
 * The hint is a plain hint: threads overwrite each other's, and nothing depends on it.
 *
 * Where the other side may be waiting for this very processor, looking again is useless until it has run, so the
 * processor is offered to it instead (sched_yield), a few times at most: to hand over between two threads on one
 * processor then takes one system call instead of two. That is so with one processor, and for a crowd: more threads
 * that wait for each other than there are processors. The same hint tells whether it helps.
 *
 * An offer that takes longer than SLOW was taken by others, who have nothing to do with it: they have work to do, and
 * to offer them the processor is to give up one's share of it, milliseconds for what a sleep has in microseconds. So
 * that ends the offers of this wait and counts as BY_OTHERS in vain, up to 1 in 16384; and a success of an offer takes
 * only one from the discouragement, since two that take turns have some between those others' shares, too. A crowd is
 * different: it is its own others, and takes that long to come together.
 *
 * One processor means: the thread's affinity mask has one, and no thread with another mask of one has been seen
 * lately (threads pinned to different processors do run at the same time). The mask may change, so it is looked at
 * again every 10 ms by a thread that spins, and at every 16th wait by one that does not.
 *
 * Of threads of other processes it is not known where they may run. If the processor was offered and nobody took it,
 * since the call came back at once, then who is waited for does not want this one: it runs on another one, or sleeps.
 * So then it is worth spinning after all, and the next ALONE times too, until one was in vain.
 */
#define _GNU_SOURCE
#include "base/spin.h"

#include "base/self.h"
#include <errno.h>
#include <sched.h>
#include <unistd.h>

#define CAP FL_US(50)
#define FLOOR FL_US(1)
#define UNIT 16
#define BUDGET 0x0fffu
#define DISCOURAGED_ONE 0x1000u
#define DISCOURAGED_MOST 10u
#define BY_OTHERS 4u
#define BY_OTHERS_MOST 14u
#define SLOW FL_US(100)
#define YIELDS 8 /* at most, in one wait */
#define AT_ONCE 500
#define SHORT FL_US(1)
#define ALONE 64
#define LOOKS 16 /* between two readings of the clock */
#define WAITS 16 /* between two looks at the mask, while there is no spinning */
#define LATELY FL_MS(30)
#define N_SEEN 64u

/* When a thread that is pinned to one processor last looked at its mask, by processor modulo N_SEEN. */
static fl_time seen[N_SEEN];

static bool others_seen(uint32_t mine, fl_time now)
{
	uint32_t i;

	for (i = 0; i < N_SEEN; i++) {
		fl_time then = fl_load_relaxed(&seen[i]);

		if (i != mine && then != 0 && now - then < LATELY)
			return true;
	}
	return false;
}

static uint32_t only_processor(const cpu_set_t *set)
{
	uint32_t i = 0;

	while (i < CPU_SETSIZE && !CPU_ISSET(i, set))
		i++;
	return i % N_SEEN;
}

static uint32_t read_processors(fl_time now)
{
	cpu_set_t set;
	int saved = errno, error;
	uint32_t mine;

	error = sched_getaffinity(0, sizeof(set), &set);
	errno = saved;
	/* A machine with more processors than the set has room for has more than one. */
	if (error != 0)
		return 2;
	if (CPU_COUNT(&set) != 1)
		return (uint32_t)CPU_COUNT(&set);
	mine = only_processor(&set);
	fl_store_relaxed(&seen[mine], now);
	return others_seen(mine, now) ? 2 : 1;
}

static uint32_t processors_at(fl_time now)
{
	if (fl_unlikely(fl_tls_.cpus == 0 || now - fl_tls_.cpus_read > FL_MS(10))) {
		fl_tls_.cpus = read_processors(now);
		fl_tls_.cpus_read = now;
	}
	return fl_tls_.cpus;
}

uint32_t fl_spin_processors_(void)
{
	if (fl_tls_.cpus == 1 && ++fl_tls_.waits % WAITS != 0)
		return 1;
	return processors_at(fl_now());
}

/* A quick and simple random number (Marsaglia's xorshift, 2003), seeded by the address of the thread's data. */
static uint32_t some_number(void)
{
	uint32_t x = fl_tls_.random ? fl_tls_.random : (uint32_t)((uintptr_t)&fl_tls_ >> 4) | 1;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return fl_tls_.random = x;
}

static uint32_t discouragement(uint16_t hint)
{
	return hint / DISCOURAGED_ONE;
}

/* After a spin in vain the next one is long: the other side may have gone to sleep, and answers only when it has been
 * woken. */
static fl_time budget_of(uint16_t hint)
{
	fl_time budget = (fl_time)(hint & BUDGET) * UNIT;

	return budget == 0 || discouragement(hint) != 0 ? CAP : budget;
}

static bool discouraged(uint16_t hint)
{
	uint32_t vain = discouragement(hint);

	return vain != 0 && (some_number() & ((1u << vain) - 1)) != 0;
}

/* Whether there are processors that this thread may not use. */
static bool has_others(void)
{
	static uint32_t processors;

	if (fl_unlikely(fl_load_relaxed(&processors) == 0)) {
		long n = sysconf(_SC_NPROCESSORS_ONLN);

		fl_store_relaxed(&processors, n > 1 ? (uint32_t)n : 1);
	}
	return fl_load_relaxed(&processors) > 1;
}

/* Whether the last offers of the processor were of no use to anybody. */
static bool is_alone(const struct fl_spin *spin)
{
	if (!spin->elsewhere || fl_tls_.alone == 0)
		return false;
	fl_tls_.alone--;
	return true;
}

void fl_spin_begin_(struct fl_spin *spin, uint16_t *hint, fl_time deadline, enum fl_spin_others others)
{
	*spin = (struct fl_spin){.hint = hint, .deadline = deadline};
	if (discouraged(fl_load_relaxed(hint)))
		return;
	spin->tried = true;
	spin->crowd = others == FL_SPIN_CROWD;
	spin->elsewhere = others == FL_SPIN_ELSEWHERE && has_others();
	spin->yields = spin->crowd || (fl_spin_processors_() == 1 && !is_alone(spin));
	spin->left = spin->yields ? YIELDS : LOOKS;
	if (spin->yields)
		spin->begun = fl_now();
}

/* Reads the clock between two rounds of looks. Whether there is another one. The first one is so short that it goes
 * without. */
static bool go_on(struct fl_spin *spin)
{
	fl_time now = fl_now();

	if (spin->begun == 0) {
		spin->begun = now;
		spin->limit = now + budget_of(fl_load_relaxed(spin->hint));
		if (spin->deadline < spin->limit)
			spin->limit = spin->deadline;
	}
	return now < spin->limit;
}

static void look_instead(struct fl_spin *spin)
{
	fl_tls_.alone = ALONE;
	spin->yields = spin->untaken = false;
	spin->begun = 0;
	spin->left = LOOKS;
}

/* Nobody has taken an offer that was over in less time than it takes to switch to another thread and back. One that
 * took a bit longer may have been taken by who is waited for: then that has happened by now. */
static void judge(struct fl_spin *spin, fl_time took)
{
	spin->untaken = took <= SHORT;
	if (took <= AT_ONCE)
		look_instead(spin);
}

/* Offers the processor, unless an offer has been taken by others. */
static bool offer(struct fl_spin *spin)
{
	fl_time begin = spin->crowd ? 0 : fl_now();

	if (!spin->crowd && begin - spin->begun > SLOW)
		return false;
	sched_yield();
	if (spin->elsewhere)
		judge(spin, fl_now() - begin);
	return true;
}

bool fl_spin_again_(struct fl_spin *spin)
{
	if (spin->untaken)
		look_instead(spin);
	if (spin->left == 0)
		return false;
	spin->left--;
	if (spin->yields)
		return offer(spin);
	fl_relax();
	if (spin->left == 0 && go_on(spin))
		spin->left = LOOKS;
	return true;
}

/* What has been learned of the budget, when what was waited for came after `took`. */
static fl_time better_budget(fl_time budget, fl_time took)
{
	fl_time wish = 2 * took + FLOOR;

	budget = budget == 0 ? wish : budget + (wish - budget) / 4;
	return budget < CAP ? budget : CAP;
}

/* How long it has taken; 0 if it was over before the clock was first read. */
static fl_time taken(const struct fl_spin *spin)
{
	return spin->begun == 0 ? 0 : fl_now() - spin->begun;
}

/* What has been learned of the discouragement, when an offer has taken so long. */
static uint32_t after_offer(uint32_t vain, bool happened, fl_time took)
{
	if (took > SLOW)
		return vain < BY_OTHERS_MOST - BY_OTHERS ? vain + BY_OTHERS : BY_OTHERS_MOST;
	if (happened)
		return vain > 0 ? vain - 1 : 0;
	return vain < DISCOURAGED_MOST ? vain + 1 : vain;
}

void fl_spin_end_(struct fl_spin *spin, bool happened)
{
	uint16_t old = fl_load_relaxed(spin->hint), new;
	uint32_t vain = discouragement(old);
	fl_time budget = (fl_time)(old & BUDGET) * UNIT, took;

	if (!spin->tried) /* there is nothing to learn from */
		return;
	took = taken(spin);
	if (!happened || took > SLOW)
		fl_tls_.alone = 0;
	if (spin->yields && !spin->crowd) {
		vain = after_offer(vain, happened, took);
	} else if (happened && took <= SLOW) {
		vain = 0;
		if (!spin->yields)
			budget = better_budget(budget, took);
	} else if (vain < DISCOURAGED_MOST) {
		vain++;
	}
	new = (uint16_t)(vain * DISCOURAGED_ONE + (uint16_t)(budget / UNIT));
	if (new != old)
		fl_store_relaxed(spin->hint, new);
}
