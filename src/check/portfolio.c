/*
 * check/portfolio.c - which strategy makes which run.
 *
 * A run's number and seed, and what earlier runs of this search have shown, say how it is scheduled. Strategies take
 * turns: each finds what others do not. Once no run shows anything new, most of them aim at nothing any more, and what
 * is left is where few orders of steps lead: then it is POS, which samples these most evenly, that makes most runs, and
 * that without noting places, for the sake of speed.
 *
 * Rejected: to share out runs by what each strategy has shown that is new. Where a failure needs many runs, nothing new
 * shows for long before it, and there is nothing to go by.
 */
#include "exhaustive.h"
#include "strategy.h"

#include "places.h"

static struct {
	uint64_t nothing_new; /* runs since one has shown something new */
	uint64_t raced;       /* runs, but for those of a pursuit */
} * shown;

void portfolio_set_up(void)
{
	plan = raw_map(NULL, sizeof(*plan), true);
	journal = raw_map(NULL, sizeof(*journal), true);
	guide = raw_map(NULL, CHECK_STEPS_MAX * sizeof(*guide), true);
	guide_choice = raw_map(NULL, CHECK_STEPS_MAX, true);
	shown = raw_map(NULL, sizeof(*shown), true);
	places_set_up();
	pct_set_up();
	pursue_set_up();
	exhaustive_set_up();
}

void portfolio_renew(void)
{
	journal->longest = 0;
	shown->nothing_new = 0;
	shown->raced = 0;
	pct_renew();
	pursue_renew();
	raw_fill(places, 0, sizeof(*places));
}

/* Executions of more steps than that pass over learned places, but for one in four. */
#define LONG 256u
/* Runs that show nothing new before POS makes most. */
#define SETTLED 2000u
/* A race is worth a pursuit if there are so many runs to one that races. */
#define RARE 1000u
/* The others have one run in so many then. */
#define SELDOM 8u

/* At the beginning pairs say most about where to look. */
static const struct turn {
	uint8_t strategy, depth;
} turns[] = {
	{CHECK_READS_FROM, 1}, {CHECK_READS_FROM, 1}, {CHECK_READS_FROM, 0}, {CHECK_READS_FROM, 1},
	{CHECK_POS, 0},        {CHECK_READS_FROM, 0}, {CHECK_POS, 0},        {CHECK_PLACES, 0},
	{CHECK_READS_FROM, 1}, {CHECK_POS, 0},        {CHECK_READS_FROM, 4}, {CHECK_PLACES, 1},
	{CHECK_PLACES, 4},     {CHECK_POS, 0},        {CHECK_DIRECTED, 0},   {CHECK_PCT, 3},
};

static uint32_t usual_depth(uint32_t strategy)
{
	return strategy == CHECK_PCT ? 3 : 1;
}

static void take_turn(uint64_t number, uint64_t *mix)
{
	const struct turn *turn;

	if (pursue_plan(mix))
		return;
	if (shown->nothing_new > SETTLED) {
		if (number % SELDOM != 0) {
			plan->strategy = CHECK_POS;
			plan->blind = plan->quiet == 0;
			return;
		}
		number /= SELDOM;
	}
	turn = &turns[number % (sizeof(turns) / sizeof(turns[0]))];
	plan->strategy = turn->strategy;
	plan->depth = turn->depth;
}

void portfolio_plan(uint64_t number)
{
	static const uint32_t some[] = {0, 2};
	uint64_t mix = memory->asked.seed * UINT64_C(0x9e3779b97f4a7c15) + number;

	plan->seed = scramble(&mix);
	plan->strategy = memory->asked.strategy;
	plan->depth = usual_depth(plan->strategy);
	plan->quiet = 0;
	if (journal->longest > LONG)
		plan->quiet = below(&mix, 4) == 0 ? some[below(&mix, 2)] : UINT32_MAX;
	plan->follow = 0;
	plan->pursues = false;
	plan->blind = false;
	plan->hold = NULL;
	plan->until = NULL;
	plan->also = NULL;
	if (plan->strategy == CHECK_PORTFOLIO)
		take_turn(number / memory->asked.stride, &mix);
	if (plan->strategy == CHECK_PLACES)
		hold_plan();
	if (plan->strategy == CHECK_READS_FROM)
		readsfrom_plan();
}

void portfolio_done(uint32_t n_learned)
{
	bool news = memory->n_learned > n_learned || places->n_new > 0;

	shown->nothing_new = news ? 0 : shown->nothing_new + 1;
	if (run->raced_at == 0 || plan->pursues || memory->asked.strategy != CHECK_PORTFOLIO)
		return;
	shown->raced++;
	if (memory->runs > RARE * shown->raced)
		pursue(n_learned);
}
