/*
 * check/portfolio.c - which strategy makes which run.
 *
 * A run's number and seed, and what earlier runs of this search have shown, say how it is scheduled. Strategies take
 * turns: each finds what others do not.
 */
#include "exhaustive.h"
#include "strategy.h"

#include "places.h"

void portfolio_set_up(void)
{
	plan = raw_map(NULL, sizeof(*plan), true);
	journal = raw_map(NULL, sizeof(*journal), true);
	guide = raw_map(NULL, CHECK_STEPS_MAX * sizeof(*guide), true);
	guide_choice = raw_map(NULL, CHECK_STEPS_MAX, true);
	places_set_up();
	pct_set_up();
	exhaustive_set_up();
}

void portfolio_renew(void)
{
	journal->longest = 0;
	pct_renew();
	raw_fill(places, 0, sizeof(*places));
}

/* Executions of more steps than that may pass over learned places. */
#define LONG 256u

static const struct turn {
	uint8_t strategy, depth;
} turns[] = {
	{CHECK_READS_FROM, 1}, {CHECK_PLACES, 1}, {CHECK_PLACES, 0},     {CHECK_READS_FROM, 1},
	{CHECK_READS_FROM, 0}, {CHECK_POS, 0},    {CHECK_READS_FROM, 0}, {CHECK_POS, 0},
	{CHECK_READS_FROM, 4}, {CHECK_PLACES, 4}, {CHECK_POS, 0},        {CHECK_DIRECTED, 0},
	{CHECK_READS_FROM, 1}, {CHECK_PLACES, 1}, {CHECK_POS, 0},        {CHECK_PCT, 3},
};

static uint32_t usual_depth(uint32_t strategy)
{
	return strategy == CHECK_PCT ? 3 : 1;
}

void portfolio_plan(uint64_t number)
{
	static const uint32_t quiet[] = {0, 2, UINT32_MAX, UINT32_MAX};
	uint64_t mix = memory->asked.seed * UINT64_C(0x9e3779b97f4a7c15) + number;
	const struct turn *turn = &turns[number / memory->asked.stride % (sizeof(turns) / sizeof(turns[0]))];

	plan->seed = scramble(&mix);
	plan->strategy = memory->asked.strategy;
	plan->depth = usual_depth(plan->strategy);
	if (plan->strategy == CHECK_PORTFOLIO) {
		plan->strategy = turn->strategy;
		plan->depth = turn->depth;
	}
	plan->quiet = journal->longest > LONG ? quiet[below(&mix, 4)] : 0;
	plan->hold = NULL;
	plan->until = NULL;
	plan->also = NULL;
	if (plan->strategy == CHECK_PLACES)
		hold_plan();
	if (plan->strategy == CHECK_READS_FROM)
		readsfrom_plan();
}
