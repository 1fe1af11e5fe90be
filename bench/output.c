/*
 * bench/output.c - tables, JSON lines and verdicts; see output.h.
 *
 * The ratio of a row is Fairlead's median divided by that row's. For times a ratio under 1 is good, for throughputs
 * one over 1; the unit tells which. An aim that speaks of one contestant stands in its row. Other aims (the best
 * peer, or a figure by itself) get a line of their own under the table. "Best peer" is the one with the best median
 * among all peers, also those whose threads spin instead of sleeping; where that is one of them, the best of those
 * that sleep is named too, without a verdict.
 */
#include "output.h"

#include <math.h>
#include <string.h>

enum { MOST_MISSED = 100 };

static struct {
	unsigned aims;
	unsigned missed;
	char lines[MOST_MISSED][160];
} verdict;

/* ---- a result by its parts ---- */

/* The figures of one metric of a result. */
struct view {
	const struct bench_result *result;
	const struct bench_metric *metric;
	unsigned m;
	unsigned contestants;
};

static const struct bench_contestant *contestant_of(const struct view *view, unsigned c)
{
	return &view->result->bench->contestants[c];
}

static double median_of(const struct view *view, unsigned c)
{
	return view->result->of[c][view->m].median;
}

/* Returns the first contestant of a role, or the number of contestants. */
static unsigned find_role(const struct view *view, enum bench_role role)
{
	unsigned c = 0;

	while (c < view->contestants && contestant_of(view, c)->role != role)
		c++;
	return c;
}

static unsigned find_who(const struct view *view, const char *who)
{
	unsigned c = 0;

	while (c < view->contestants && strcmp(contestant_of(view, c)->who, who) != 0)
		c++;
	return c;
}

/* NAN if Fairlead does not take part. */
static double ratio_to(const struct view *view, unsigned c)
{
	unsigned fairlead = find_role(view, BENCH_FAIRLEAD);

	return fairlead == view->contestants ? NAN : median_of(view, fairlead) / median_of(view, c);
}

static bool is_peer(const struct bench_contestant *contestant, bool spinners_too)
{
	return contestant->role == BENCH_PEER || (spinners_too && contestant->role == BENCH_SPINNER);
}

/* Returns the peer with the best median, or the number of contestants. */
static unsigned find_best_peer(const struct view *view, bool spinners_too)
{
	unsigned best = view->contestants;

	for (unsigned c = 0; c < view->contestants; c++) {
		if (!is_peer(contestant_of(view, c), spinners_too))
			continue;
		if (best == view->contestants ||
		    (median_of(view, c) > median_of(view, best)) == view->metric->higher_is_better)
			best = c;
	}
	return best;
}

/* ---- aims ---- */

/* The figure that an aim is about, or NAN if nobody is there to compare with. */
static double aim_figure(const struct view *view, const struct bench_aim *aim)
{
	unsigned fairlead = find_role(view, BENCH_FAIRLEAD);
	unsigned other = aim->who != NULL ? find_who(view, aim->who) : find_best_peer(view, true);

	if (aim->kind == BENCH_AIM_AT_MOST)
		return median_of(view, fairlead);
	if (other == view->contestants)
		return NAN;
	return aim->kind == BENCH_AIM_ADDS_AT_MOST ? median_of(view, other) - median_of(view, fairlead)
						   : ratio_to(view, other);
}

static bool is_met(const struct view *view, const struct bench_aim *aim)
{
	double figure = aim_figure(view, aim);

	return aim->kind == BENCH_AIM_RATIO_AT_LEAST ? figure >= aim->limit : figure <= aim->limit;
}

static void write_aim(char *ret_text, size_t size, const struct view *view, const struct bench_aim *aim)
{
	bool adds = aim->kind == BENCH_AIM_ADDS_AT_MOST;

	snprintf(ret_text, size, "%s%s %g%s%s: %s", adds ? "adds " : "",
		 aim->kind == BENCH_AIM_RATIO_AT_LEAST ? "≥" : "≤", aim->limit, adds ? " " : "",
		 adds ? view->metric->unit : "", is_met(view, aim) ? "met" : "not met");
}

static void count_aim(const struct view *view, const struct bench_aim *aim)
{
	char text[80];

	verdict.aims++;
	if (is_met(view, aim) || verdict.missed == MOST_MISSED)
		return;
	write_aim(text, sizeof text, view, aim);
	snprintf(verdict.lines[verdict.missed++], sizeof verdict.lines[0], "%s, %s: %.3g, aim %s", view->metric->name,
		 aim->kind == BENCH_AIM_AT_MOST ? "itself"
		 : aim->who != NULL             ? aim->who
						: "best peer",
		 aim_figure(view, aim), text);
}

static void count_aims(const struct view *view)
{
	for (unsigned a = 0; a < BENCH_MOST_AIMS && view->metric->aims[a].kind != 0; a++)
		count_aim(view, &view->metric->aims[a]);
}

/* ---- the table ---- */

static void print_number(double number, int width)
{
	int decimals = number < 100 ? 2 : number < 1000 ? 1 : 0;

	printf(" %*.*f", width, decimals, number);
}

static void print_ratio(const struct view *view, unsigned c)
{
	double ratio = ratio_to(view, c);

	if (!isnan(ratio))
		printf(" %9.3g", ratio);
}

static void print_aims_of_row(const struct view *view, unsigned c)
{
	char text[80];

	for (unsigned a = 0; a < BENCH_MOST_AIMS && view->metric->aims[a].kind != 0; a++) {
		const struct bench_aim *aim = &view->metric->aims[a];

		if (aim->who == NULL || strcmp(aim->who, contestant_of(view, c)->who) != 0)
			continue;
		write_aim(text, sizeof text, view, aim);
		printf("  %s", text);
	}
}

static void print_row(const struct view *view, unsigned c)
{
	const struct bench_summary *summary = &view->result->of[c][view->m];
	const struct bench_contestant *contestant = contestant_of(view, c);
	char who[48];

	snprintf(who, sizeof who, "%s%s", contestant->who, contestant->role == BENCH_SPINNER ? " (spins)" : "");
	printf("  %-36s", who);
	print_number(summary->median, 10);
	print_number(summary->min, 10);
	print_number(summary->max, 10);
	print_ratio(view, c);
	print_aims_of_row(view, c);
	printf("\n");
}

static void print_best(const struct view *view, const char *text)
{
	unsigned best = find_best_peer(view, true);
	unsigned best_sleeper = find_best_peer(view, false);

	if (best == view->contestants)
		return;
	printf("  best peer %s: ratio %.3g, aim %s", contestant_of(view, best)->who, ratio_to(view, best), text);
	if (best != best_sleeper && best_sleeper != view->contestants)
		printf(" (best that sleeps, %s: ratio %.3g)", contestant_of(view, best_sleeper)->who,
		       ratio_to(view, best_sleeper));
	printf("\n");
}

static void print_aims_without_row(const struct view *view)
{
	char text[80];

	for (unsigned a = 0; a < BENCH_MOST_AIMS && view->metric->aims[a].kind != 0; a++) {
		const struct bench_aim *aim = &view->metric->aims[a];

		if (aim->who != NULL)
			continue;
		write_aim(text, sizeof text, view, aim);
		if (aim->kind == BENCH_AIM_AT_MOST)
			printf("  fairlead's own figure: aim %s\n", text);
		else
			print_best(view, text);
	}
}

static void print_table(const struct view *view)
{
	bool compares = find_role(view, BENCH_FAIRLEAD) != view->contestants;

	printf("\n%s: %s [%s, %s]\n", view->metric->name, view->metric->what, view->metric->unit,
	       view->metric->higher_is_better ? "higher is better" : "lower is better");
	printf("  %-36s %10s %10s %10s%s%s\n", "", "median", "min", "max", compares ? "     ratio" : "",
	       view->metric->aims[0].kind != 0 ? "  aim" : "");
	for (unsigned c = 0; c < view->contestants; c++)
		print_row(view, c);
	print_aims_without_row(view);
}

/* ---- one table of several metrics ---- */

static void print_columns(const struct bench_result *result)
{
	unsigned metrics = bench_count_metrics(result->bench);

	printf("  %-36s", "medians of the rounds");
	for (unsigned m = 0; m < metrics; m++) {
		const struct bench_metric *metric = &result->bench->metrics[m];
		const char *last = m > 0 ? strrchr(metric->name, '-') : NULL;

		printf(" %10s", last != NULL ? last + 1 : metric->unit);
	}
	printf("\n");
}

static void print_aims_of_metric(const struct bench_result *result, unsigned m)
{
	struct view view = {result, &result->bench->metrics[m], m, bench_count_contestants(result->bench)};

	if (view.metric->aims[0].kind == 0)
		return;
	printf("  %s:", view.metric->name);
	print_aims_without_row(&view); /* begins with blanks */
}

/* Of their aims only those without a row. */
static void print_together(const struct bench_result *result)
{
	const struct bench *bench = result->bench;

	printf("\n%s: %s [%s", bench->metrics[0].name, bench->metrics[0].what, bench->metrics[0].unit);
	for (unsigned m = 1; m < bench_count_metrics(bench); m++)
		if (strcmp(bench->metrics[m].unit, bench->metrics[m - 1].unit) != 0)
			printf(", %s", bench->metrics[m].unit);
	printf("]\n");
	print_columns(result);
	for (unsigned c = 0; c < bench_count_contestants(bench); c++) {
		printf("  %-36s", bench->contestants[c].who);
		for (unsigned m = 0; m < bench_count_metrics(bench); m++)
			print_number(result->of[c][m].median, 10);
		printf("\n");
	}
	for (unsigned m = 0; m < bench_count_metrics(bench); m++)
		print_aims_of_metric(result, m);
}

/* ---- JSON ---- */

static void print_json(const struct view *view)
{
	for (unsigned c = 0; c < view->contestants; c++) {
		const struct bench_summary *summary = &view->result->of[c][view->m];
		double ratio = ratio_to(view, c);

		printf("{\"bench\":\"%s\",\"who\":\"%s\",\"unit\":\"%s\",", view->metric->name,
		       contestant_of(view, c)->who, view->metric->unit);
		printf("\"median\":%.6g,\"min\":%.6g,\"max\":%.6g,\"ratio_to_fairlead\":", summary->median,
		       summary->min, summary->max);
		if (isfinite(ratio))
			printf("%.4g}\n", ratio);
		else
			printf("null}\n");
	}
}

/* ---- all of it ---- */

void bench_print_result(const struct bench_result *result)
{
	for (unsigned m = 0; m < bench_count_metrics(result->bench); m++) {
		struct view view = {result, &result->bench->metrics[m], m, bench_count_contestants(result->bench)};

		count_aims(&view);
		if (bench_settings.json)
			print_json(&view);
		else if (!result->bench->together)
			print_table(&view);
	}
	if (result->bench->together && !bench_settings.json)
		print_together(result);
	fflush(stdout);
}

void bench_print_head(void)
{
	if (bench_settings.json)
		return;
	bench_describe_machine(stdout);
	printf("%u rounds, contestants in turn; ratio: fairlead's median / the row's.%s\n", bench_settings.rounds,
	       bench_settings.quick ? " Quick: the figures are rough." : "");
}

void bench_print_verdict(void)
{
	if (bench_settings.json || verdict.aims == 0)
		return;
	printf("\n%u of %u aims met%s\n", verdict.aims - verdict.missed, verdict.aims,
	       verdict.missed > 0 ? "; not met:" : "");
	for (unsigned i = 0; i < verdict.missed; i++)
		printf("  %s\n", verdict.lines[i]);
}

void bench_print_note(const char *name, const char *note)
{
	FILE *file = bench_settings.json ? stderr : stdout;

	fprintf(file, "%s%s: %s\n", bench_settings.json ? "" : "\n", name, note);
	fflush(file);
}

void bench_print_figure(double figure)
{
	printf("%.9g\n", figure);
}
