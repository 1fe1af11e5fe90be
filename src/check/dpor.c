/*
 * check/dpor.c - see dpor.h.
 *
 * [dpor.1] Each step has a vector clock: of each thread, how many of its steps happen before it, counted along the
 *          execution (position + 1; 0: none). Happens-before is the order within threads, from what made a step
 *          possible to that step, and between steps that depend on each other (footprint.h).
 * [dpor.2] A step races with an earlier one of another thread if it depends on that, and no third one lies between them
 *          in happens-before. It is turned round by going another way at the earlier one's node: with the first of some
 *          thread's steps of those that did not happen after it, and the later one. If the node wants such a thread
 *          already, or it sleeps there, nothing is to be done.
 * [dpor.3] A step that waited for what the earlier one did cannot come before it: an unlock and the lock that it lets
 *          in, a post and the wait that takes it. Then the race is with what came before that: the lock that was in
 *          the way. So such pairs are left out, and do not hide earlier ones. Where it is not known what a step waits
 *          for, pairs are tried, but hide nothing.
 * [dpor.4] An execution that is cut short by a failure or the end of the process shows nothing of what other threads
 *          would have done. What they were about to do is taken for done when it ends, and they are wanted instead of
 *          its last step. Then executions that are given up say what those are about to do that do not sleep, but
 *          wait: what they wait for was done where the execution was cut short.
 *
 * What waits in a loop is set aside until somebody writes (sched.c). If such a thread would be wanted where it is set
 * aside, nothing is: it would read again what it has read.
 *
 * Steps that the next execution repeats keep their clocks. Accesses are found by lists, one for each value of a hash;
 * each entry knows the one before it, so that going back in the tree only takes entries off their ends.
 *
 * Rejected: optimal reduction with wakeup trees, which never begins an execution that it has to give up; here few are
 * given up, and those that are completed are the same. Comparing each step with all before it, which is quadratic.
 */
#include "dpor.h"

#include "exhaustive.h"
#include "footprint.h"

#define BUCKETS 65536u
#define ACCESSES (1u << 22)
#define RACES_MAX 4096u

struct event {
	uint32_t depth;
	uint32_t accesses; /* there are after it */
	uint8_t thread;
};

struct access {
	uintptr_t word; /* 8 things, and which of them, a bit each */
	uint32_t event;
	uint32_t before;        /* in its list, and one */
	uint32_t before_writes; /* the last one in front of it that writes */
	uint8_t things;
	bool write, opens;
};

/* `last`: of each thread, its last event of the execution that runs, and one. */
static struct dpor {
	uint32_t n, at; /* events that are known; that the execution has done */
	uint32_t n_accesses;
	bool cut;      /* executions are cut short [dpor.4] */
	size_t widest; /* of the clocks of any execution */
	uint32_t last[THREADS];
	uint32_t head[BUCKETS];
	struct event event[DEPTH_MAX];
	struct access access[ACCESSES];
} * dpor;
static uint32_t (*clocks)[THREADS]; /* of the events */

/* A step that is looked at, done or not. */
static struct look {
	struct thread *thread;
	struct footprint footprint;
	bool waits;               /* it had to, until somebody did what it waits for */
	bool doubtful;            /* and what that is, is not known here */
	uint32_t before[THREADS]; /* happens before it in any case */
	uint32_t clock[THREADS];
	uint32_t race[RACES_MAX]; /* events */
	unsigned n_races;
} * look;

void dpor_set_up(void)
{
	dpor = raw_map(NULL, sizeof(*dpor), true);
	clocks = raw_map(NULL, (size_t)DEPTH_MAX * sizeof(*clocks), true);
	look = raw_map(NULL, sizeof(*look), true);
}

void dpor_begin(void)
{
	dpor->at = 0;
	raw_fill(dpor->last, 0, sizeof(dpor->last));
}

static uint32_t *head_of(uintptr_t word)
{
	return &dpor->head[(word * UINT64_C(0x9e3779b97f4a7c15)) >> 48];
}

/* Those of the word's 8 things that the part has. */
static uint8_t things_of(uintptr_t word, const struct part *part)
{
	uintptr_t from = part->from > word ? part->from - word : 0;
	uintptr_t to = part->to < word + 8 ? part->to - word : 8;

	return (uint8_t)((1u << to) - (1u << from));
}

void dpor_forget(uint64_t depth)
{
	uint32_t left;

	while (dpor->n > 0 && dpor->event[dpor->n - 1].depth >= depth)
		dpor->n--;
	left = dpor->n > 0 ? dpor->event[dpor->n - 1].accesses : 0;
	while (dpor->n_accesses > left) {
		const struct access *access = &dpor->access[--dpor->n_accesses];

		*head_of(access->word) = access->before;
	}
}

/* Of what has an entry for each thread: an even number, which is copied fast. */
static size_t clock_size(void)
{
	return (run->n_threads + 1) / 2 * 2 * sizeof(uint32_t);
}

static void join(uint32_t *to, const uint32_t *from)
{
	for (unsigned i = 0; i < run->n_threads; i++) {
		if (from[i] > to[i])
			to[i] = from[i];
	}
}

static void join_event(uint32_t *to, uint64_t event_and_one)
{
	if (event_and_one != 0)
		join(to, clocks[event_and_one - 1]);
}

/* Returns whether the event happens before what has that clock. */
static bool known(const uint32_t *clock, uint32_t event)
{
	return clock[dpor->event[event].thread] > event;
}

static bool was_let_in(const struct thread *thread)
{
	switch (thread->op.kind) {
	case CHECK_START:
	case CHECK_BARRIER_LEAVE:
		return true;
	case CHECK_WOKEN:
	case CHECK_FUTEX_WOKEN:
		return thread->woken;
	default:
		return false;
	}
}

/* [dpor.3] is not known of what waits for these: each step in front of it may be the one that it waited for. */
static bool is_doubtful(uint8_t kind)
{
	switch (kind) {
	case CHECK_LOCK:
	case CHECK_SPINLOCK:
	case CHECK_RDLOCK:
	case CHECK_WRLOCK:
	case CHECK_SEM_WAIT:
	case CHECK_ONCE:
	case CHECK_JOIN:
	case CHECK_WOKEN:
	case CHECK_FUTEX_WOKEN:
	case CHECK_BARRIER_LEAVE:
		return false;
	default:
		return true;
	}
}

/* What happens before the step whatever the order of steps that depend on each other. Time passes when nobody can go
 * on: after all that was done. */
static void look_back(struct thread *thread)
{
	look->thread = thread;
	look->n_races = 0;
	raw_fill(look->before, 0, clock_size());
	join_event(look->before, dpor->last[thread->id]);
	if (was_let_in(thread))
		join_event(look->before, thread->asked_at);
	for (unsigned i = 0; thread->timed_out && i < run->n_threads; i++)
		join_event(look->before, dpor->last[i]);
	raw_copy(look->clock, look->before, clock_size());
	footprint_of(thread, &look->footprint);
	look->waits = thread->op.ready != NULL && !footprint_late(thread) &&
		      !(thread->op.timed && memory->asked.timeouts == CHECK_ANY_STEP);
	look->doubtful = look->waits && is_doubtful(thread->op.kind);
}

/* Of each thread the last one, which hides those before it. */
static void note_race(uint32_t event, struct mask *met)
{
	unsigned thread = dpor->event[event].thread;

	if (mask_has(met, thread))
		return;
	if (!look->doubtful)
		mask_set(met, thread);
	if (look->n_races == RACES_MAX)
		not_modelled("more than 4096 steps that race with one, for --exhaustive");
	look->race[look->n_races++] = event;
}

/* Looks at the accesses to 8 things, the last one first, as far as they are not known by way of a later one. */
static void look_at(uintptr_t word, const struct part *part)
{
	uint8_t things = things_of(word, part);
	struct mask met = {{0}};

	for (uint32_t at = *head_of(word); at != 0;) {
		const struct access *access = &dpor->access[at - 1];
		bool covers = access->write && (things & ~access->things) == 0;

		at = part->write ? access->before : access->before_writes;
		if (access->word != word || (access->things & things) == 0 || !(access->write || part->write))
			continue;
		if (known(look->before, access->event)) {
			if (covers)
				return;
			continue;
		}
		join(look->clock, clocks[access->event]);
		if (look->waits && access->opens)
			continue;
		note_race(access->event, &met);
		if (covers && !look->doubtful)
			return;
	}
}

static void look_at_all(void)
{
	for (unsigned i = 0; i < look->footprint.n; i++) {
		const struct part *part = &look->footprint.part[i];

		for (uintptr_t word = part->from & ~(uintptr_t)7; word < part->to; word += 8)
			look_at(word, part);
	}
}

/* The first step of each thread among those that did not happen after `event`, and one; `dpor->at` is the number of the
 * step that is looked at. */
static void find_first(uint32_t event, uint32_t *ret_first)
{
	unsigned thread = dpor->event[event].thread;
	unsigned left = run->n_threads;
	struct mask seen = {{0}};

	raw_fill(ret_first, 0, clock_size());
	for (uint32_t i = event + 1; i < dpor->at && left > 0; i++) {
		unsigned other = dpor->event[i].thread;

		if (mask_has(&seen, other))
			continue;
		mask_set(&seen, other);
		left--;
		if (clocks[i][thread] <= event)
			ret_first[other] = i + 1;
	}
	if (!mask_has(&seen, look->thread->id))
		ret_first[look->thread->id] = dpor->at + 1;
}

/* Returns whether the thread's first step comes after no other thread's. */
static bool is_initial(unsigned thread, const uint32_t *first)
{
	const uint32_t *clock = first[thread] == dpor->at + 1 ? look->clock : clocks[first[thread] - 1];

	for (unsigned i = 0; i < run->n_threads; i++) {
		if (i != thread && first[i] != 0 && clock[i] >= first[i])
			return false;
	}
	return true;
}

/* [dpor.2]: goes another way at the event's node. */
static void turn_round(uint32_t event)
{
	struct node *node = exhaustive_node(dpor->event[event].depth);
	uint32_t first[THREADS];
	int best = -1;

	find_first(event, first);
	for (unsigned i = 0; i < run->n_threads; i++) {
		if (first[i] == 0 || !is_initial(i, first))
			continue;
		if (mask_has(&node->wanted, i) || mask_has(&node->sleep, i))
			return;
		if (mask_has(&node->enabled, i) && (best < 0 || i == look->thread->id))
			best = (int)i;
	}
	if (best >= 0)
		mask_set(&node->wanted, (unsigned)best);
}

/* The latest first, for a race hides earlier ones. */
static void sort_races(void)
{
	for (unsigned i = 1; i < look->n_races; i++) {
		uint32_t race = look->race[i];
		unsigned j = i;

		for (; j > 0 && look->race[j - 1] < race; j--)
			look->race[j] = look->race[j - 1];
		look->race[j] = race;
	}
}

static void look_at_step(struct thread *thread)
{
	look_back(thread);
	look_at_all();
	sort_races();
	for (unsigned i = 0; i < look->n_races; i++) {
		uint32_t event = look->race[i];

		if (known(look->before, event))
			continue;
		turn_round(event);
		if (!look->doubtful)
			join(look->before, clocks[event]);
	}
}

static void add_access(uintptr_t word, const struct part *part)
{
	uint32_t *head = head_of(word);

	if (dpor->n_accesses == ACCESSES)
		not_modelled("an execution with more than 4194304 accesses, for --exhaustive");
	dpor->access[dpor->n_accesses] = (struct access){.word = word,
							 .event = dpor->at,
							 .before = *head,
							 .before_writes = *head,
							 .things = things_of(word, part),
							 .write = part->write,
							 .opens = part->opens};
	if (*head != 0 && !dpor->access[*head - 1].write)
		dpor->access[dpor->n_accesses].before_writes = dpor->access[*head - 1].before_writes;
	dpor->n_accesses++;
	*head = dpor->n_accesses;
}

static void add_event(uint64_t depth)
{
	struct event *event = &dpor->event[dpor->at];
	uint32_t *clock = clocks[dpor->at];

	for (unsigned i = 0; i < look->footprint.n; i++) {
		const struct part *part = &look->footprint.part[i];

		for (uintptr_t word = part->from & ~(uintptr_t)7; word < part->to; word += 8)
			add_access(word, part);
	}
	raw_copy(clock, look->clock, clock_size());
	if (dpor->widest < clock_size())
		dpor->widest = clock_size();
	raw_fill((char *)clock + clock_size(), 0, dpor->widest - clock_size());
	clock[look->thread->id] = dpor->at + 1;
	*event = (struct event){(uint32_t)depth, dpor->n_accesses, (uint8_t)look->thread->id};
	dpor->n = dpor->at + 1;
}

void dpor_step(struct thread *thread, uint64_t depth)
{
	if (dpor->at >= dpor->n) {
		look_at_step(thread);
		add_event(depth);
	}
	dpor->last[thread->id] = ++dpor->at;
}

/* Somebody could still go on. */
static bool is_cut_short(void)
{
	for_mask (i, &run->enabled) {
		if (&run->thread[i] != run->current)
			return true;
	}
	return false;
}

/* In an execution that is given up, those that could go on sleep. */
static void look_at_pending(struct thread *thread)
{
	if (!run->pruned || !mask_has(&run->enabled, thread->id))
		look_at_step(thread);
}

static void want_all(struct node *node)
{
	for_mask (i, &node->enabled)
		mask_set(&node->wanted, i);
}

void dpor_end(void)
{
	bool waits_itself = run->failure.verdict == CHECK_DEADLOCK || run->failure.verdict == CHECK_LIVELOCK;

	if (dpor->at == 0 || (run->pruned && !dpor->cut))
		return;
	for_mask (i, &run->live) {
		if (waits_itself || &run->thread[i] != run->current || run->pruned)
			look_at_pending(&run->thread[i]);
	}
	if (run->pruned || !is_cut_short() || run->cut_off)
		return;
	dpor->cut = true;
	if (run->failure.verdict == CHECK_NOTHING)
		run_bound("threads that the process's end stops are stopped at some of their steps");
	want_all(exhaustive_node(dpor->event[dpor->at - 1].depth));
}
