/*
 * bench/main.c - fairlead-bench: Fairlead beside its peers, in one process, in turns.
 *
 * This file reads the options and chooses what runs. What a benchmark is stands in harness.h; each family of them has
 * a file; output.c prints. A thread that only sleeps lives beside the main one from the start, since libc takes short
 * cuts while a process has a single thread.
 */
#include "harness.h"
#include "output.h"

#include <fairlead/process.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* GLib's thread pool does not survive a fork, which frames makes with GStreamer above it: so executor comes last. */
static const struct family {
	const char *name;
	const struct bench *benches;
} families[] = {
	{"floor", bench_floor},
	{"lock", bench_lock},
	{"rlock", bench_rlock},
	{"rwlock", bench_rwlock},
	{"semaphore", bench_semaphore},
	{"handover", bench_handover},
	{"parked", bench_parked},
	{"barrier", bench_barrier},
	{"notify-all", bench_notify_all},
	{"contended", bench_contended},
	{"check", bench_check},
	{"frames", bench_frames},
	{"queue", bench_queue},
	{"pipe", bench_pipe},
	{"shared", bench_shared},
	{"turns", bench_turns},
	{"pool", bench_pool},
	{"shared-semaphore", bench_shared_semaphore},
	{"shared-queue", bench_shared_queue},
	{"value", bench_value},
	{"after-kills", bench_after_kills},
	{"survivor", bench_survivor},
	{"executor", bench_executor},
};

enum { N_FAMILIES = sizeof families / sizeof families[0] };

static struct {
	bool list;
	bool once;
	char **names;
	int n_names;
} wanted;

static const char help[] =
	"usage: fairlead-bench [NAME...] [--json] [--list] [--rounds N] [--quick] [--help]\n"
	"       fairlead-bench --once BENCH WHO\n"
	"\n"
	"Measures Fairlead beside glibc, nsync, GLib, Abseil, TBB, ConcurrencyKit, Boost, libuv, ZeroMQ,\n"
	"GStreamer and Python. They take turns in this process, Python in one beside it: round 1 of all, then\n"
	"round 2 of all, and who begins changes from round to round.\n"
	"NAME is a family or a bench (see --list); without one everything runs, in about three minutes.\n"
	"\n"
	"  --json       one JSON object a line instead of tables:\n"
	"               {\"bench\":,\"who\":,\"unit\":,\"median\":,\"min\":,\"max\":,\"ratio_to_fairlead\":}\n"
	"  --list       print the families, their benches and who takes part\n"
	"  --rounds N   take the median of N rounds, 1 to 1001; 9 unless given\n"
	"  --quick      short rounds, and 3 of them unless --rounds is given: to try things; figures are rough\n"
	"  --once       run one round of one contestant of one bench and print its figures alone, a line each\n"
	"  --help       print this\n"
	"\n"
	"ratio (ratio_to_fairlead) is Fairlead's median divided by the median of the row. For times (ns, us,\n"
	"ms) and for most/fewest (x) under 1 means that Fairlead is better; for throughputs (M/s) over 1\n"
	"does. It is null where Fairlead does not take part. min and max are over the rounds. An aim stands\n"
	"in the row that it compares with, or under the table; 'not met' changes nothing about the exit\n"
	"status.\n"
	"\n"
	"Rows called floor are what the machine makes anybody pay for the same thing. Contestants marked\n"
	"(spins) never sleep while they wait. No object is tuned; Abseil's search for deadlocks, which some\n"
	"packages leave on, is off. What checks that are off cost beside a build without them: bench/compare-\n"
	"builds.\n"
	"\n"
	"Exit status: 0; 1: a benchmark went wrong; 2: a wrong argument.\n";

/* ---- names ---- */

static bool bench_has_name(const struct bench *bench, const char *name)
{
	for (unsigned m = 0; m < bench_count_metrics(bench); m++)
		if (strcmp(bench->metrics[m].name, name) == 0)
			return true;
	return false;
}

static bool is_named(const struct family *family, const struct bench *bench, const char *name)
{
	return strcmp(family->name, name) == 0 || bench_has_name(bench, name);
}

static bool is_wanted(const struct family *family, const struct bench *bench)
{
	for (int i = 0; i < wanted.n_names; i++)
		if (is_named(family, bench, wanted.names[i]))
			return true;
	return wanted.n_names == 0;
}

/* Calls visit(family, bench) for all benches until it returns true; returns whether it did. */
static bool visit_benches(bool (*visit)(const struct family *family, const struct bench *bench, void *arg), void *arg)
{
	for (size_t f = 0; f < N_FAMILIES; f++)
		for (const struct bench *bench = families[f].benches; bench->cpus > 0; bench++)
			if (visit(&families[f], bench, arg))
				return true;
	return false;
}

static bool visit_is_named(const struct family *family, const struct bench *bench, void *name)
{
	return is_named(family, bench, name);
}

static bool visit_print_name(const struct family *family, const struct bench *bench, void *file)
{
	if (bench == family->benches)
		fprintf(file, "\n  %-12s", family->name);
	fprintf(file, " %s", bench->metrics[0].name);
	return false;
}

static _Noreturn void refuse_name(const char *name)
{
	fprintf(stderr,
		"fairlead-bench: there is no benchmark called '%s'. There are (a family and its benches a line):",
		name);
	visit_benches(visit_print_name, stderr);
	fprintf(stderr, "\n");
	exit(2);
}

/* ---- --list ---- */

static bool visit_list(const struct family *family, const struct bench *bench, void *arg)
{
	(void)arg;
	if (bench == family->benches)
		printf("%s\n", family->name);
	for (unsigned m = 0; m < bench_count_metrics(bench); m++)
		printf("  %-24s %s\n", bench->metrics[m].name, bench->metrics[m].what);
	printf("  %-24s", "");
	for (unsigned c = 0; c < bench_count_contestants(bench); c++)
		printf("%s%s", c == 0 ? " by: " : "; ", bench->contestants[c].who);
	printf("\n");
	return false;
}

/* ---- running ---- */

static bool visit_run(const struct family *family, const struct bench *bench, void *arg)
{
	struct bench_result result;

	(void)arg;
	if (!is_wanted(family, bench))
		return false;
	if (bench_cpus() < bench->cpus) {
		bench_print_note(bench->metrics[0].name, "skipped: it needs two CPUs, and this process may use one");
		return false;
	}
	if (bench->note != NULL)
		bench_print_note(bench->metrics[0].name, bench->note);
	bench_run(bench, &result);
	bench_print_result(&result);
	return false;
}

static const struct bench_contestant *find_contestant(const struct bench *bench, const char *who)
{
	for (unsigned c = 0; c < bench_count_contestants(bench); c++)
		if (strcmp(bench->contestants[c].who, who) == 0)
			return &bench->contestants[c];
	return NULL;
}

static bool visit_run_once(const struct family *family, const struct bench *bench, void *arg)
{
	double figures[BENCH_MOST_METRICS] = {0};
	const struct bench_contestant *contestant;

	(void)family;
	(void)arg;
	if (!bench_has_name(bench, wanted.names[0]))
		return false;
	contestant = find_contestant(bench, wanted.names[1]);
	if (contestant == NULL || bench_cpus() < bench->cpus)
		return false;
	bench_run_once(bench, contestant, figures);
	for (unsigned m = 0; m < bench_count_metrics(bench); m++)
		bench_print_figure(figures[m]);
	return true;
}

static void *idle(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void start_idle_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, idle, NULL) != 0)
		bench_fail("cannot start a thread");
	pthread_detach(thread);
}

static void prepare(void)
{
	bench_cpus();
	start_idle_thread();
	bench_prepare_peers();
}

static int run_once(void)
{
	if (wanted.n_names != 2) {
		fputs("fairlead-bench: --once takes a bench and a contestant; see --list\n", stderr);
		return 2;
	}
	prepare();
	if (visit_benches(visit_run_once, NULL))
		return 0;
	fprintf(stderr, "fairlead-bench: no '%s' takes part in a benchmark '%s' on this many CPUs; see --list\n",
		wanted.names[1], wanted.names[0]);
	return 2;
}

static int run_wanted(void)
{
	for (int i = 0; i < wanted.n_names; i++)
		if (!visit_benches(visit_is_named, wanted.names[i]))
			refuse_name(wanted.names[i]);
	prepare();
	bench_print_head();
	if (getenv("FAIRLEAD_CHECK") != NULL)
		bench_print_note("FAIRLEAD_CHECK",
				 "is set: checks are on, and Fairlead's figures are those with checks");
	visit_benches(visit_run, NULL);
	bench_print_verdict();
	return 0;
}

/* ---- options ---- */

static unsigned read_rounds(const char *text)
{
	char *end;
	unsigned long rounds = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || rounds < 1 || rounds > BENCH_MOST_ROUNDS) {
		fprintf(stderr, "fairlead-bench: --rounds takes a number from 1 to %d, not '%s'\n", BENCH_MOST_ROUNDS,
			text);
		exit(2);
	}
	return (unsigned)rounds;
}

static void set_option(int option, unsigned *rounds)
{
	switch (option) {
	case 'j':
		bench_settings.json = true;
		break;
	case 'l':
		wanted.list = true;
		break;
	case 'r':
		*rounds = read_rounds(optarg);
		break;
	case 'q':
		bench_settings.quick = true;
		break;
	case 'o':
		wanted.once = true;
		break;
	case 'h':
		fputs(help, stdout);
		exit(0);
	default:
		fputs("fairlead-bench: see --help\n", stderr);
		exit(2);
	}
}

static void read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"list", no_argument, NULL, 'l'},
		{"rounds", required_argument, NULL, 'r'},
		{"quick", no_argument, NULL, 'q'},
		{"once", no_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	unsigned rounds = 0;

	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
		set_option(option, &rounds);
	if (rounds > 0)
		bench_settings.rounds = rounds;
	else if (bench_settings.quick)
		bench_settings.rounds = 3;
	wanted.names = argv + optind;
	wanted.n_names = argc - optind;
}

int main(int argc, char **argv)
{
	fl_process_begin();
	read_options(argc, argv);
	if (wanted.list) {
		visit_benches(visit_list, NULL);
		return 0;
	}
	return wanted.once ? run_once() : run_wanted();
}
