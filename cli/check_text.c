/*
 * cli/check_text.c - the report for people: what is wrong first, then the interleaving that leads there, who waits for
 * what, both sides of a race, how it was found, and the command that does it again.
 */
#include "check.h"
#include "check_paint.h"

#include <string.h>

static const struct {
	const char *verdict, *title;
} titles[] = {
	{"none", "No failure found"},
	{"verified", "Verified"},
	{"assertion", "Assertion failed"},
	{"abort", "Aborted"},
	{"crash", "Crash"},
	{"deadlock", "Deadlock"},
	{"livelock", "Livelock"},
	{"hang", "Hang"},
	{"race", "Data race"},
	{"use-after-free", "Use after free"},
	{"double-free", "Double free"},
	{"misuse", "Misuse"},
	{"exit", "Wrong exit code"},
	{"output", "Wrong output"},
};

static bool is(const json_t *report, const char *verdict)
{
	return strcmp(paint_string(report, "verdict"), verdict) == 0;
}

static bool has_failed(const json_t *report)
{
	return !is(report, "none") && !is(report, "verified");
}

static const json_t *thread_of(const json_t *report, json_int_t i)
{
	return json_array_get(json_object_get(report, "threads"), (size_t)i);
}

/* The first line. */

static void sum_of_run(const json_t *report, char *to, size_t size)
{
	char runs[40];

	paint_grouped(paint_number(report, "schedules") - paint_number(report, "blocked"), runs, sizeof(runs));
	if (is(report, "verified"))
		snprintf(to, size, "%s executions, %s, %s", runs,
			 strcmp(paint_string(report, "model"), "sc") == 0 ? "sequentially consistent memory"
									  : "C11 memory",
			 *paint_string(report, "bounds") ? paint_string(report, "bounds") : "no bounds");
	else if (paint_number(report, "schedules") == 0)
		snprintf(to, size, "but not a single run has come to its end");
	else
		snprintf(to, size, "in %s schedules, %.1f s", runs,
			 json_real_value(json_object_get(report, "seconds")));
}

static void race_title(const json_t *report, char *to, size_t size)
{
	const json_t *accesses = json_object_get(json_object_get(report, "race"), "accesses");
	const json_t *a = json_array_get(accesses, 0), *b = json_array_get(accesses, 1);

	snprintf(to, size, "nothing orders what T%lld and T%lld do with %s", (long long)paint_number(a, "thread"),
		 (long long)paint_number(b, "thread"), paint_string(b, "object"));
}

static void write_title(const struct paper *paper, const json_t *report)
{
	const char *text = paint_string(report, "text"), *verdict = paint_string(report, "verdict");
	char sum[300];

	snprintf(sum, sizeof(sum), "%s", strcmp(text, verdict) == 0 ? "no thread can go on" : text);
	if (!has_failed(report))
		sum_of_run(report, sum, sizeof(sum));
	else if (is(report, "race"))
		race_title(report, sum, sizeof(sum));
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
		if (strcmp(titles[i].verdict, verdict) != 0)
			continue;
		paint(paper, has_failed(report) ? RED : GREEN);
		fputs(titles[i].title, paper->to);
		paint(paper, PLAIN);
	}
	fputs(": ", paper->to);
	paint(paper, BOLD);
	fputs(sum, paper->to);
	paint(paper, PLAIN);
	fputc('\n', paper->to);
}

static void write_heading(const struct paper *paper, const char *text)
{
	fputc('\n', paper->to);
	paint(paper, BOLD);
	fputs(text, paper->to);
	paint(paper, PLAIN);
	fputc('\n', paper->to);
}

static void write_thread(const struct paper *paper, const json_t *thread)
{
	json_int_t id = paint_number(thread, "id");

	paint(paper, PAINT_THREAD + (unsigned)id);
	fprintf(paper->to, "T%lld", (long long)id);
	paint(paper, PLAIN);
}

/* Where it happened: the stack of the thread that failed. */
static void write_where(const struct paper *paper, const json_t *report)
{
	const json_t *thread = thread_of(report, paint_number(report, "thread"));
	const json_t *stack = json_object_get(thread, "stack");

	if (is(report, "deadlock") || is(report, "livelock") || is(report, "race") || is(report, "exit") ||
	    is(report, "output") || json_array_size(stack) == 0)
		return;
	fputc('\n', paper->to);
	write_thread(paper, thread);
	paint(paper, BOLD);
	fputs(" is here\n", paper->to);
	paint(paper, PLAIN);
	paint_stack(paper, stack, 4);
}

/* Who waits. */

static const char *word_for(const char *op)
{
	if (strcmp(op, "join") == 0)
		return "waits for the end of";
	if (strcmp(op, "lock") == 0 || strcmp(op, "rdlock") == 0 || strcmp(op, "wrlock") == 0 ||
	    strcmp(op, "spinlock") == 0)
		return "waits for the lock";
	if (strcmp(op, "woken") == 0)
		return "waits for a signal to";
	if (strcmp(op, "sem_wait") == 0)
		return "waits for a permit of";
	if (strcmp(op, "barrier_leave") == 0)
		return "waits for others at";
	if (strcmp(op, "descriptor") == 0)
		return "waits to read from a descriptor, or to write to one";
	return "waits at";
}

static void write_at(const struct paper *paper, const json_t *stack)
{
	const json_t *frame = paint_frame(stack);
	char place[200];

	if (!frame)
		return;
	paint_place(frame, place, sizeof(place));
	fprintf(paper->to, " at %s", place);
	if (*paint_string(frame, "function"))
		fprintf(paper->to, " in %s", paint_string(frame, "function"));
}

static void write_lost(const struct paper *paper, const json_t *report, const json_t *lost)
{
	json_int_t n = paint_number(lost, "count");

	if (!json_is_object(lost))
		return;
	paint(paper, YELLOW);
	fprintf(paper->to, "    %lld signal%s sent while nobody waited,%s by", (long long)n, n == 1 ? " was" : "s were",
		n == 1 ? "" : " the last");
	paint(paper, PLAIN);
	fputc(' ', paper->to);
	write_thread(paper, thread_of(report, paint_number(lost, "thread")));
	write_at(paper, json_object_get(lost, "at"));
	fputc('\n', paper->to);
}

static void write_wait(const struct paper *paper, const json_t *report, const json_t *thread)
{
	const json_t *wait = json_object_get(thread, "waits_for"), *holder = json_object_get(wait, "holder");
	const char *call = paint_call(thread);

	fputs("  ", paper->to);
	write_thread(paper, thread);
	if (*call)
		fprintf(paper->to, " waits in %s", call);
	else
		fprintf(paper->to, " %s%s%s", word_for(paint_string(wait, "op")),
			*paint_string(wait, "object") ? " " : "", paint_string(wait, "object"));
	if (json_is_integer(holder)) {
		fputs(", which ", paper->to);
		write_thread(paper, thread_of(report, json_integer_value(holder)));
		fputs(" has", paper->to);
		if (json_array_size(json_object_get(wait, "held_at")) > 0)
			fputs(" acquired", paper->to);
		write_at(paper, json_object_get(wait, "held_at"));
	}
	fputc('\n', paper->to);
	paint_stack(paper, json_object_get(thread, "stack"), 4);
	write_lost(paper, report, json_object_get(thread, "lost"));
}

static void write_waits(const struct paper *paper, const json_t *report)
{
	const json_t *thread;
	bool any = false;
	size_t i;

	if (!paint_is_stuck(report))
		return;
	for (i = 0; (thread = json_array_get(json_object_get(report, "threads"), i)); i++) {
		if (!json_is_object(json_object_get(thread, "waits_for")))
			continue;
		if (!any)
			write_heading(paper, "Who waits");
		any = true;
		write_wait(paper, report, thread);
	}
}

/* Two accesses. */

static void write_access(const struct paper *paper, const json_t *report, const json_t *access)
{
	json_int_t size = paint_number(access, "size");
	const char *word = json_is_true(json_object_get(access, "freed"))   ? "frees"
			   : json_is_true(json_object_get(access, "write")) ? "writes"
									    : "reads";

	fputs("  ", paper->to);
	write_thread(paper, thread_of(report, paint_number(access, "thread")));
	if (strcmp(word, "frees") == 0)
		fprintf(paper->to, " frees memory, with %s in it\n", paint_string(access, "object"));
	else
		fprintf(paper->to, " %s %s, %lld byte%s%s\n", word, paint_string(access, "object"), (long long)size,
			size == 1 ? "" : "s", json_is_true(json_object_get(access, "atomic")) ? ", atomically" : "");
	paint_stack(paper, json_object_get(access, "stack"), 4);
}

/* The block of the heap that it is about. Who frees it is among the accesses, but for one that is freed twice. */
static void write_block(const struct paper *paper, const json_t *report)
{
	const json_t *block = json_object_get(report, "block");
	json_int_t size = paint_number(block, "size");

	if (!json_is_object(block))
		return;
	fputs("  It is ", paper->to);
	if (paint_number(block, "offset") > 0)
		fprintf(paper->to, "byte %lld of ", (long long)paint_number(block, "offset"));
	fprintf(paper->to, "a block of %lld byte%s that ", (long long)size, size == 1 ? "" : "s");
	write_thread(paper, thread_of(report, paint_number(block, "thread")));
	fputs(" has allocated\n", paper->to);
	paint_stack(paper, json_object_get(block, "stack"), 4);
	if (!is(report, "double-free"))
		return;
	fputs("  ", paper->to);
	write_thread(paper, thread_of(report, paint_number(block, "freed_by")));
	fputs(" has freed it before\n", paper->to);
	paint_stack(paper, json_object_get(block, "freed_at"), 4);
}

static void write_race(const struct paper *paper, const json_t *report)
{
	const json_t *accesses = json_object_get(json_object_get(report, "race"), "accesses"), *access;
	size_t i;

	if (json_array_size(accesses) == 0 && !json_is_object(json_object_get(report, "block")))
		return;
	write_heading(paper, is(report, "race") ? "The two accesses" : "The memory");
	for (i = 0; (access = json_array_get(accesses, i)); i++)
		write_access(paper, report, access);
	write_block(paper, report);
}

/* How it was found. */

static void write_search(const struct paper *paper, const json_t *report)
{
	char runs[40], first[40];
	double seconds = json_real_value(json_object_get(report, "seconds"));

	if (strcmp(paint_string(report, "strategy"), "replay") == 0) {
		fprintf(paper->to, "Replayed: run %lld of seed %lld, engine %s.\n",
			(long long)paint_number(report, "run"), (long long)paint_number(report, "seed"),
			paint_string(report, "engine"));
		return;
	}
	paint_grouped(paint_number(report, "schedules"), runs, sizeof(runs));
	paint_grouped(paint_number(report, "to_failure"), first, sizeof(first));
	if (has_failed(report))
		fprintf(paper->to, "Found in schedule %s of %s", first, runs);
	else
		fprintf(paper->to, "%s schedule%s", runs, strcmp(runs, "1") == 0 ? "" : "s");
	fprintf(paper->to, ", %.3g s; strategy %s, engine %s, seed %lld", seconds, paint_string(report, "strategy"),
		paint_string(report, "engine"), (long long)paint_number(report, "seed"));
	if (*paint_string(report, "unsafe"))
		fprintf(paper->to, " (a process a run: %s)", paint_string(report, "unsafe"));
	fputs(".\n", paper->to);
}

/* What was not built for being checked, and what follows from it. */
static void write_unseen(const struct paper *paper, const json_t *report)
{
	const json_t *files = json_object_get(report, "unseen"), *file;
	size_t i;

	if (json_array_size(files) == 0)
		return;
	paint(paper, YELLOW);
	fputs("Not built with -fsanitize=thread:", paper->to);
	paint(paper, PLAIN);
	for (i = 0; (file = json_array_get(files, i)); i++)
		fprintf(paper->to, "%s %s", i == 0 ? "" : ",", json_string_value(file));
	fputs(json_array_size(files) == 1
		      ? ". Data races in it are not looked for, and threads change at its calls"
		      : ". Data races in these are not looked for, and threads change at their calls",
	      paper->to);
	fprintf(paper->to, " alone (of pthread%s, ...); built by 'fairlead cc', all would be seen.\n",
		json_is_true(json_object_get(report, "fairlead_unseen")) ? "" : ", Fairlead");
	if (json_is_true(json_object_get(report, "fairlead_unseen")))
		fputs("Fairlead is linked into it, so that its calls are not seen: link it with the shared library.\n",
		      paper->to);
}

static void write_notes(const struct paper *paper, const json_t *report)
{
	json_int_t cut_off = paint_number(report, "cut_off"), racy = paint_number(report, "racy");

	if (json_is_true(json_object_get(report, "interrupted")))
		fputs("It was interrupted.\n", paper->to);
	if (json_is_true(json_object_get(report, "late")))
		fputs("The last run had not ended when the time was over, and was left.\n", paper->to);
	if (cut_off > 0)
		fprintf(paper->to, "%lld run%s cut off after %lld steps (--steps).\n", (long long)cut_off,
			cut_off == 1 ? " was" : "s were", (long long)paint_number(report, "steps_most"));
	if (racy > 0 && !has_failed(report) && json_is_true(json_object_get(report, "instrumented")))
		fprintf(paper->to, "%lld run%s data races (--races=fail shows one).\n", (long long)racy,
			racy == 1 ? " had" : "s had");
	write_unseen(paper, report);
	if (*paint_string(report, "unmodelled")) {
		paint(paper, YELLOW);
		fputs("The program does what is not modelled, so the check has ended: ", paper->to);
		paint(paper, PLAIN);
		fprintf(paper->to, "%s.\n", paint_string(report, "unmodelled"));
	}
}

static void write_replay(const struct paper *paper, const json_t *report)
{
	if (!*paint_string(report, "replay"))
		return;
	fputs("Again: ", paper->to);
	paint(paper, BOLD);
	fprintf(paper->to, "%s\n", paint_string(report, "replay"));
	paint(paper, PLAIN);
}

void check_text(FILE *to, const json_t *report)
{
	struct paper paper = paint_paper(to);

	write_title(&paper, report);
	if (has_failed(report)) {
		write_where(&paper, report);
		if (is(report, "race"))
			write_race(&paper, report);
		paint_steps(&paper, report);
		write_waits(&paper, report);
		if (!is(report, "race"))
			write_race(&paper, report);
		fputc('\n', to);
	}
	write_search(&paper, report);
	write_notes(&paper, report);
	write_replay(&paper, report);
}
