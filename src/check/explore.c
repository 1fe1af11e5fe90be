/*
 * check/explore.c - see explore.h.
 *
 * An execution's number says all about it: its strategy and its seed come from it. When one fails, its schedule is
 * kept; it is done again, to the step, in a process of its own, for a program that writes where it should not could
 * have misled the engine that puts memory back; then it is shortened (minimise.c) and written down for the report.
 *
 * A data race is a failure whose consequences say more than the race itself: after the first one the search goes on for
 * `keep_going` executions, and takes what that finds instead, if anything.
 */
#include "explore.h"

#include "engine.h"
#include "exhaustive.h"
#include "minimise.h"
#include "object.h"
#include "output.h"
#include "pool.h"
#include "shadow.h"
#include "strategy.h"
#include "trace.h"

static struct search {
	uint64_t next;       /* number of the next execution */
	uint64_t race_until; /* runs at which a race is all that was found; 0: none yet */
	struct check_failure race, shown;
	uint64_t race_steps, race_choices, race_run;
	uint32_t race_learned, race_strategy;
	bool found, race_again;
	uint8_t race_thread[CHECK_STEPS_MAX], race_choice[CHECK_STEPS_MAX];
} * search;

void explore_begin(void)
{
	run = raw_map(NULL, sizeof(*run), true);
	search = raw_map(NULL, sizeof(*search), true);
	pool_begin();
	object_begin();
	shadow_begin();
	portfolio_set_up();
	minimise_set_up();
}

void explore_renew(void)
{
	search->next = 0;
	search->race_until = 0;
	search->race_again = false;
	search->found = false;
	portfolio_renew();
	shadow_forget();
	exhaustive_restart();
}

void explore_conclude(struct check_failure *ret_failure)
{
	*ret_failure = run->failure;
	if (run->failure.verdict != CHECK_NOTHING)
		return;
	if (!run->pruned && !run->cut_off && (uint32_t)run->exit_code != memory->asked.exit_code &&
	    memory->asked.exit_code != CHECK_ANY_EXIT) {
		ret_failure->verdict = CHECK_EXIT;
		ret_failure->code = run->exit_code;
		raw_print(ret_failure->text, sizeof(ret_failure->text), "exit code %d", run->exit_code);
	} else if (!run->pruned && !run->cut_off && output_differs()) {
		ret_failure->verdict = CHECK_OUTPUT;
		raw_print(ret_failure->text, sizeof(ret_failure->text), "the program writes something else");
	} else if (memory->asked.races == CHECK_RACES_FAIL) {
		*ret_failure = run->race;
	}
}

/* The same verdict, at the same places. Deadlocks are all alike. */
bool explore_same(const struct check_failure *a, const struct check_failure *b)
{
	if (a->verdict != b->verdict)
		return false;
	if (a->verdict == CHECK_DEADLOCK || a->verdict == CHECK_LIVELOCK || a->verdict == CHECK_HANG)
		return true;
	if (a->verdict == CHECK_RACE)
		return (a->pc[0] == b->pc[0] && a->pc[1] == b->pc[1]) || (a->pc[0] == b->pc[1] && a->pc[1] == b->pc[0]);
	return a->pc[0] == b->pc[0] && a->code == b->code;
}

static void keep(const struct check_failure *failure, const uint8_t *threads, uint64_t steps, const uint8_t *choices,
		 uint64_t n_choices)
{
	memory->failure = *failure;
	memory->n_schedule = steps;
	memory->n_choices = n_choices;
	raw_copy(memory->schedule, threads, steps);
	raw_copy(memory->choices, choices, n_choices);
}

void explore_keep(const struct check_failure *failure)
{
	keep(failure, journal->thread, journal->steps, journal->choice, journal->choices);
}

static void keep_race(const struct check_failure *failure)
{
	search->race = *failure;
	search->race_run = search->next;
	search->race_learned = memory->n_learned;
	search->race_strategy = plan->strategy;
	search->race_steps = journal->steps;
	search->race_choices = journal->choices;
	raw_copy(search->race_thread, journal->thread, journal->steps);
	raw_copy(search->race_choice, journal->choice, journal->choices);
}

/* The same race once more, with its places as steps of their own by now: the report can show when they come. */
static bool is_better_race(const struct check_failure *failure)
{
	return failure->verdict == CHECK_RACE && !search->race_again && explore_same(failure, &search->race) &&
	       shadow_learned(failure->pc[0]) && shadow_learned(failure->pc[1]);
}

/* The schedule is one of the scheduling points that were known then. */
static void take_race(void)
{
	memory->n_learned = search->race_learned;
	shadow_forget();
	shadow_learn_all();
	keep(&search->race, search->race_thread, search->race_steps, search->race_choice, search->race_choices);
	memory->failed_run = search->race_run;
	memory->failed_strategy = search->race_strategy;
	search->found = true;
}

static void count(void)
{
	memory->runs++;
	memory->steps += run->steps;
	memory->cut_off += run->cut_off;
	memory->blocked += run->pruned;
	memory->races += run->racy;
}

/* To look at the clock after each execution would cost a tenth of a short one. */
static bool is_time_to_look(void)
{
	return memory->runs % 64 == 0 || run->steps > 1000 || memory->engine != CHECK_SNAPSHOT || engine_ticked();
}

static bool over(void)
{
	if (memory->stop || memory->said[0] != 0)
		return true;
	if (memory->asked.runs != 0 && memory->runs >= memory->asked.runs)
		return true;
	return memory->asked.time != 0 && is_time_to_look() && raw_now() - memory->began > memory->asked.time;
}

static void found(const struct check_failure *failure)
{
	memory->failures++;
	if (search->found)
		return;
	memory->to_failure = memory->runs;
	memory->first_failure = raw_now();
	memory->failed_run = search->next;
	memory->failed_strategy = plan->strategy;
	search->found = true;
	explore_keep(failure);
}

/* With more scheduling points than before, the exhaustive search is another one: what was found is found again. */
static bool go_on(void)
{
	uint32_t n_learned = memory->n_learned;
	bool learned = shadow_learn();

	if (plan->strategy != CHECK_EXHAUSTIVE) {
		portfolio_done(n_learned);
		return true;
	}
	if (learned) {
		exhaustive_restart();
		search->found = false;
		search->race_until = 0;
		return true;
	}
	memory->exhausted = !exhaustive_next();
	return !memory->exhausted;
}

/* One execution of the search. Returns whether there is to be another one. */
static bool step(void)
{
	struct check_failure failure;

	portfolio_plan(search->next);
	engine_run();
	count();
	explore_conclude(&failure);
	if (failure.verdict == CHECK_RACE && search->race_until == 0) {
		memory->to_failure = memory->runs;
		memory->first_failure = raw_now();
		search->race_until = memory->runs + memory->asked.keep_going;
		keep_race(&failure);
	} else if (is_better_race(&failure)) {
		search->race_again = true;
		keep_race(&failure);
	} else if (failure.verdict != CHECK_NOTHING && failure.verdict != CHECK_RACE) {
		found(&failure);
		if (!memory->asked.count_failures)
			return false;
	}
	search->next += memory->asked.stride;
	if (!go_on() || over() || (search->race_until != 0 && memory->runs >= search->race_until)) {
		if (search->race_until != 0 && !search->found)
			take_race();
		return false;
	}
	return true;
}

/* In the engine that is in use; if the program brings that one down, in the next one. */
static void loop(bool (*each)(void))
{
	if (engine_loop(each))
		return;
	memory->engine = CHECK_PROCESS;
	engine_loop(each);
}

/* The guide is what was kept. */
void explore_guide(bool strict)
{
	plan->strategy = CHECK_REPLAY;
	plan->follow = 0;
	plan->strict = strict;
	plan->n_segments = 0;
	for (uint64_t i = 0; i < memory->n_schedule; i++) {
		struct segment *last = &guide[plan->n_segments - 1];

		if (i > 0 && last->thread == memory->schedule[i])
			last->steps++;
		else
			guide[plan->n_segments++] = (struct segment){memory->schedule[i], 1};
	}
	plan->n_choices = memory->n_choices;
	raw_copy(guide_choice, memory->choices, memory->n_choices);
}

/* Does the kept schedule again in a process of its own. Returns whether it fails in the same way. */
static bool confirm(void)
{
	struct check_failure failure;
	uint32_t engine = memory->engine;

	memory->engine = CHECK_PROCESS;
	explore_guide(true);
	engine_run();
	memory->engine = engine;
	memory->replays++;
	explore_conclude(&failure);
	return !run->diverged && explore_same(&failure, &memory->failure);
}

static bool has_first_access(const struct check_failure *failure)
{
	return failure->access[0].epoch == 0 || failure->access[0].place.pc[1] != 0;
}

/* Does what the guide says and writes it down. The stack of the earlier of two accesses is written down when that
 * comes by, and that of an allocation, too, which has to be known from a run before (shadow.c, trace.c). */
static bool write_down(void)
{
	struct check_failure *shown = &search->shown;
	struct check_place first;

	for (unsigned i = 0; i < 2; i++) {
		raw_fill(&memory->block, 0, sizeof(memory->block));
		engine_run();
		memory->diverged = run->diverged;
		explore_conclude(shown);
		first = memory->failure.access[0].place;
		if (explore_same(shown, &memory->failure) && shown->access[0].epoch != 0)
			shown->access[0].place = first;
		if (has_first_access(shown) && trace_block_of(shown) == trace_block_of(&memory->failure))
			break;
		memory->failure = *shown;
	}
	return false;
}

/* Does the kept schedule again and writes it down: in a process of its own, unless a replay asks for another engine. */
static void show(void)
{
	uint32_t trace = memory->asked.trace, engine = memory->engine;

	if (memory->asked.strategy != CHECK_REPLAY || memory->asked.engine == CHECK_AUTO)
		memory->engine = CHECK_PROCESS;
	memory->asked.trace = 1;
	explore_guide(true);
	loop(write_down);
	memory->asked.trace = trace;
	if (memory->asked.strategy != CHECK_REPLAY)
		memory->engine = engine;
	if (explore_same(&search->shown, &memory->failure) || memory->asked.strategy == CHECK_REPLAY)
		memory->failure = search->shown;
}

static void search_all(void)
{
	search->next = memory->asked.first;
	loop(step);
	while (search->found && !confirm()) {
		memory->unconfirmed++;
		memory->engine = CHECK_PROCESS;
		search->found = false;
		search->race_until = 0;
		search->race_again = false;
		raw_fill(&memory->failure, 0, sizeof(memory->failure));
		search->next += memory->asked.stride;
		if (over())
			return;
		loop(step);
	}
	if (!search->found)
		return;
	memory->minimised_from = plan->n_segments;
	if (memory->asked.minimise && memory->failure.verdict != CHECK_HANG) /* each attempt would hang, too */
		loop(minimise_step);
	minimise_done();
	show();
}

void explore(void)
{
	memory->began = raw_now();
	memory->engine = memory->asked.engine == CHECK_AUTO ? CHECK_SNAPSHOT : memory->asked.engine;
	if (memory->asked.strategy == CHECK_EXHAUSTIVE && memory->asked.timeouts == CHECK_ANY)
		memory->asked.timeouts = CHECK_ANY_STEP;
	memory->ready = 1;
	shadow_learn_all();
	if (memory->asked.strategy == CHECK_REPLAY)
		show();
	else
		search_all();
	memory->ready = 2;
}
