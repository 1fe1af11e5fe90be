/*
 * execution.c - one execution: its beginning, its transitions, its end, and how it is written down.
 *
 * A transition is one step of one thread, with what that thread does up to its next step, or the end of a sleep
 * by its deadline. A thread that is woken goes on to its next step at once: nobody can tell when it does, so
 * that is no transition.
 *
 * A schedule is written down as what each thread did in turn: "a12-b3-c1=1-a4": a makes 12 operations, b 3,
 * then c one in its second way (or its deadline passes), then a 4. It counts all atomic operations on memory
 * that is not the thread's own, whether or not they were steps, so that it does not depend on what was learned.
 */
#include "engine.h"

#include "base/quick.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct model_scenario *model_scenario;
unsigned model_n_threads;
int model_running = -1;
bool model_every_step, model_replaying, model_tracing;
uint32_t model_operations[MODEL_THREADS];
struct model_failure model_failure;
struct model_progress model_progress;

static jmp_buf finishing;

static void thread_body(void)
{
	model_scenario->threads[model_running]();
	model_self->status = MODEL_RETURNED;
	model_trace(NULL, NULL, "returns");
	model_fiber_leave(&model_self->fiber);
}

static void note_path(struct model_transition transition, uint32_t operations)
{
	struct model_progress *progress = &model_progress;
	struct model_stretch *before = progress->n_path > 0 ? &progress->path[progress->n_path - 1] : NULL;

	if (transition.choice == MODEL_AS_IS && before && before->transition.thread == transition.thread)
		before->operations += operations;
	else if ((operations > 0 || transition.choice != MODEL_AS_IS) && progress->n_path < MODEL_PATH)
		progress->path[progress->n_path++] = (struct model_stretch){transition, operations};
}

static void run(struct model_transition transition)
{
	struct model_thread *thread = &model_now.threads[transition.thread];

	model_running = transition.thread;
	model_operations[transition.thread] = 0;
	thread->choice = transition.choice;
	model_fiber_run(&thread->fiber, model_stack_of(transition.thread));
	thread->choice = MODEL_AS_IS;
	model_running = -1;
	note_path(transition, model_operations[transition.thread]);
}

/* Runs on those that were woken, or have not begun. */
static void settle(void)
{
	unsigned i;

	for (i = 0; i < model_n_threads && !model_failure.happened; i++)
		if (model_now.threads[i].status == MODEL_RESUMES)
			run((struct model_transition){(uint8_t)i, MODEL_AS_IS});
}

static void make_threads(void)
{
	unsigned i;

	for (i = 0; i < model_n_threads; i++) {
		model_reset_thread(i);
		model_fiber_make(&model_now.threads[i].fiber, model_stack_of(i),
				 (size_t)(model_stack_end(i) - model_stack_of(i)), thread_body);
		model_now.threads[i].status = MODEL_RESUMES;
	}
}

static void reset(void)
{
	model_memory_reset();
	model_names_forget();
	memset(&model_now, 0, sizeof(model_now));
	memset(model_knowledge.happened, 0, sizeof(model_knowledge.happened));
	memset(model_knowledge.known, 0, sizeof(model_knowledge.known));
	model_failure.happened = false;
	model_progress.n_path = 0;
	model_progress.last = MODEL_NOBODY;
	model_progress.preemptions = 0;
}

void model_begin_execution(void)
{
	reset();
	for (model_n_threads = 0; model_n_threads < MODEL_THREADS && model_scenario->threads[model_n_threads];)
		model_n_threads++;
	model_now.heap = model_arena + 64; /* the clock is in front */
	model_now.jumps = (uint8_t)model_scenario->jumps;
	model_now.stray = (uint8_t)model_scenario->stray;
	model_now.faults = 1;
	fl_quick_works_ = model_scenario->quick;
	fl_now(); /* sets the clock */
	model_scenario->setup();
	make_threads();
	settle();
}

/* What can happen next. */

static bool can_go_on(const struct model_thread *thread)
{
	return thread->status == MODEL_ABOUT || (thread->status == MODEL_AWAITS && thread->ready(thread));
}

/* Of threads that do the same, and of which none has begun, it does not matter which one is first: so they
 * begin in order. */
static bool is_its_turn(unsigned i)
{
	const struct model_thread *thread = &model_now.threads[i];

	return model_every_step || thread->begun || i == 0 ||
	       model_scenario->threads[i] != model_scenario->threads[i - 1] || thread[-1].begun ||
	       thread[-1].status == MODEL_RETURNED;
}

static unsigned add_transitions(struct model_transition *to, unsigned n, unsigned i)
{
	const struct model_thread *thread = &model_now.threads[i];
	uint8_t choice;

	if (!is_its_turn(i))
		return n;
	for (choice = 0; can_go_on(thread) && choice < thread->n_choices; choice++)
		to[n++] = (struct model_transition){(uint8_t)i, choice};
	if (thread->status == MODEL_SLEEPS && thread->deadline != FL_FOREVER)
		to[n++] = (struct model_transition){(uint8_t)i, MODEL_OTHERWISE};
	if (thread->status == MODEL_SLEEPS && model_now.stray > 0)
		to[n++] = (struct model_transition){(uint8_t)i, MODEL_STRAY};
	return n;
}

unsigned model_possible(unsigned bound, struct model_transition *ret_transitions)
{
	unsigned n = 0, i, last = model_progress.last;

	if (model_failure.happened)
		return 0;
	if (last != MODEL_NOBODY)
		n = add_transitions(ret_transitions, 0, last);
	if (last != MODEL_NOBODY && can_go_on(&model_now.threads[last]) && model_progress.preemptions >= bound)
		return n;
	for (i = 0; i < model_n_threads; i++)
		if (i != last)
			n = add_transitions(ret_transitions, n, i);
	return n;
}

void model_take(struct model_transition transition)
{
	unsigned last = model_progress.last;

	if (last != MODEL_NOBODY && last != transition.thread && can_go_on(&model_now.threads[last]))
		model_progress.preemptions++;
	model_progress.last = transition.thread;
	model_now.threads[transition.thread].begun = true;
	run(transition);
	settle();
}

/* Ends. */

static bool all_returned(void)
{
	unsigned i;

	for (i = 0; i < model_n_threads; i++)
		if (model_now.threads[i].status != MODEL_RETURNED)
			return false;
	return true;
}

void model_end_execution(void)
{
	char text[300];

	if (model_failure.happened)
		return;
	if (!all_returned()) {
		model_describe_threads(text, sizeof(text));
		model_failure.happened = true;
		snprintf(model_failure.text, sizeof(model_failure.text), "deadlock: %s", text);
	} else if (model_scenario->finish && _setjmp(finishing) == 0) {
		model_scenario->finish();
	}
}

/* Ends the execution: nobody runs on. */
void model_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(model_failure.text, sizeof(model_failure.text), format, arguments);
	va_end(arguments);
	model_failure.happened = true;
	if (model_running < 0)
		_longjmp(finishing, 1);
	model_trace(NULL, NULL, "%s", model_failure.text);
	model_fiber_leave(&model_self->fiber);
	abort();
}

void model_fail_assertion(const char *file, int line, const char *condition)
{
	const char *slash = strrchr(file, '/');

	model_fail("%s:%d: %s", slash ? slash + 1 : file, line, condition);
}

/* Schedules. */

void model_write_schedule(char *ret_text, size_t size)
{
	size_t used = 0;
	uint32_t i;

	ret_text[0] = '\0';
	for (i = 0; i < model_progress.n_path && used + 16 < size; i++) {
		const struct model_stretch *stretch = &model_progress.path[i];

		used += (size_t)snprintf(ret_text + used, size - used, "%s%c%u", i > 0 ? "-" : "",
					 'a' + stretch->transition.thread, stretch->operations);
		if (stretch->transition.choice != MODEL_AS_IS)
			used += (size_t)snprintf(ret_text + used, size - used, "=%u", stretch->transition.choice);
	}
}

static bool is_possible(struct model_transition transition)
{
	struct model_transition transitions[MODEL_TRANSITIONS];
	unsigned n = model_possible(MODEL_UNBOUNDED, transitions), i;

	for (i = 0; i < n; i++)
		if (transitions[i].thread == transition.thread && transitions[i].choice == transition.choice)
			return true;
	return false;
}

/* Reads one stretch, "a12" or "c1=1"; returns what follows, NULL if it is none. */
static const char *read_stretch(const char *text, struct model_stretch *ret_stretch)
{
	char *rest;

	if (*text < 'a' || *text >= 'a' + (int)model_n_threads)
		return NULL;
	*ret_stretch = (struct model_stretch){.transition.thread = (uint8_t)(*text - 'a')};
	ret_stretch->operations = (uint32_t)strtoul(text + 1, &rest, 10);
	if (*rest == '=')
		ret_stretch->transition.choice = (uint8_t)strtoul(rest + 1, &rest, 10);
	return *rest == '-' ? rest + 1 : *rest == '\0' ? rest : NULL;
}

static bool follow(struct model_stretch stretch)
{
	unsigned thread = stretch.transition.thread;
	uint32_t done = 0;

	for (;;) {
		if (stretch.transition.choice == MODEL_AS_IS && done >= stretch.operations)
			return true;
		if (!is_possible(stretch.transition))
			return model_failure.happened;
		model_take(stretch.transition);
		done += model_operations[thread];
		stretch.transition.choice = MODEL_AS_IS;
	}
}

static bool replay_once(const char *schedule)
{
	struct model_stretch stretch;

	model_begin_execution();
	while (schedule && *schedule) {
		schedule = read_stretch(schedule, &stretch);
		if (!schedule || !follow(stretch))
			return false;
	}
	model_end_execution();
	return true;
}

bool model_replay(const struct model_scenario *scenario, const char *schedule, bool trace)
{
	bool fits;

	model_scenario = scenario;
	model_every_step = model_replaying = true;
	do {
		model_learned_something(true);
		fits = replay_once(schedule);
	} while (model_learned_something(false));
	model_tracing = trace;
	if (fits && trace)
		replay_once(schedule);
	model_every_step = model_replaying = model_tracing = false;
	return fits;
}
