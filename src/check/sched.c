/*
 * check/sched.c - see run.h: declaring operations, going on, waiting, and noticing that nobody can go on.
 *
 * When no thread can go on, in this order: the earliest deadline passes (virtual time jumps there); threads that were
 * set aside because they wait in a loop may look again, each time for longer; otherwise it is a deadlock. With
 * --timeouts=any, a deadline may also pass at any time.
 *
 * A loop that waits is one that has read the same shared memory, at the same places, SPINS times over while nobody
 * wrote any. Such a thread is set aside until somebody writes: no schedule in which it looks once more differs in
 * anything from one in which it does not. A loop that reads something else each time gets on. Time passes before such a
 * thread looks again because nobody can go on, so that a loop which has a bound in time ends soon.
 */
#include "engine.h"
#include "interrupt.h"
#include "signals.h"
#include "strategy.h"
#include "trace.h"

#define SPINS 8u
#define SPINS_MOST (1u << 16)
#define LOOP_TIME INT64_C(10000)

struct run *run;
struct check_memory *memory;

void run_begin(void)
{
	for (unsigned i = 0; i < run->n_threads; i++)
		raw_fill(&run->thread[i], 0, sizeof(run->thread[i]));
	raw_fill(run, 0, offsetof(struct run, thread));
	run->number = ++journal->executions;
	run->limit = memory->asked.steps;
	run->trace = memory->asked.trace != 0;
	run->now = RUN_BEGINS;
	memory->n_events = 0;
	memory->n_threads = 0;
	strategy_begin();
}

struct thread *run_add(void *(*routine)(void *), void *arg, size_t stack)
{
	struct thread *thread = &run->thread[run->n_threads];

	if (run->n_threads == THREADS)
		return NULL;
	thread->id = run->n_threads++;
	thread->used = true;
	thread->routine = routine;
	thread->arg = arg;
	thread->spin_limit = SPINS;
	thread->creator = run->current != NULL ? run->current->id : 0;
	mask_set(&run->live, thread->id);
	run->n_live++;
	if (!engine_thread(thread, stack)) {
		run->n_threads--;
		return NULL;
	}
	thread->asked_at = run->steps;
	thread->op = (struct operation){.kind = CHECK_START,
					.by = (uint16_t)(thread->id + 1),
					.object = (uintptr_t)thread,
					.pc = (uintptr_t)routine};
	mask_set(&run->enabled, thread->id);
	strategy_declared(thread);
	return thread;
}

/* Whether something was sent to the thread that it does not put off until after its operation. */
static bool is_interrupted(const struct thread *thread)
{
	if (LIKELY(thread->due == 0))
		return false;
	return (thread->due & DUE_SIGNAL) != 0 || thread->cancel_async || (thread->op.how & WAIT_CANCEL) != 0;
}

/* With --timeouts=any every deadline may pass at any time. The exhaustive search tries that as it tries the rest; other
 * strategies let it happen now and then. */
static bool may_pass(const struct thread *thread)
{
	return thread->op.timed && memory->asked.timeouts == CHECK_ANY_STEP;
}

void run_ask(struct thread *thread)
{
	if (thread->finished || thread->spinning)
		return;
	if (thread->op.ready == NULL || thread->timed_out || is_interrupted(thread) || thread->op.ready(thread) ||
	    may_pass(thread)) {
		if (!mask_has(&run->enabled, thread->id))
			thread->asked_at = run->steps;
		mask_set(&run->enabled, thread->id);
	} else {
		mask_clear(&run->enabled, thread->id);
	}
}

void run_changed(uintptr_t object)
{
	for_mask (i, &run->guarded) {
		if (run->thread[i].op.object == object)
			run_ask(&run->thread[i]);
	}
}

static void spin_no_more(struct thread *thread)
{
	thread->spinning = false;
	run->n_spinning--;
	thread->spins = 0;
}

/* Those that were set aside may look again. */
static void look_again(bool longer)
{
	for_mask (i, &run->live) {
		struct thread *thread = &run->thread[i];

		if (!thread->spinning)
			continue;
		spin_no_more(thread);
		thread->spin_limit = longer ? thread->spin_limit * 2 : SPINS;
		run_ask(thread);
		strategy_declared(thread);
	}
}

void run_interrupt(struct thread *thread)
{
	if (thread->spinning && is_interrupted(thread))
		spin_no_more(thread);
	run_ask(thread);
	strategy_declared(thread);
}

static bool anybody_spins(uint32_t *ret_most)
{
	bool any = false;

	*ret_most = 0;
	for_mask (i, &run->live) {
		struct thread *thread = &run->thread[i];

		any = any || thread->spinning;
		if (thread->spinning && thread->spin_limit > *ret_most)
			*ret_most = thread->spin_limit;
	}
	return any;
}

/* Lets the earliest deadline pass, or the alarm strike. Returns whether there is one. */
static bool pass_time(void)
{
	struct thread *first = NULL;

	for_mask (i, &run->live) {
		struct thread *thread = &run->thread[i];

		if (thread->op.timed && !thread->timed_out && !mask_has(&run->enabled, i) && !thread->spinning &&
		    (first == NULL || thread->op.deadline < first->op.deadline))
			first = thread;
	}
	if (signal_alarm_time() != CHECK_FOREVER && (first == NULL || signal_alarm_time() < first->op.deadline)) {
		run->now = signal_alarm_time() > run->now ? signal_alarm_time() : run->now;
		signal_alarm();
		return true;
	}
	if (first == NULL)
		return false;
	if (first->op.deadline > run->now)
		run->now = first->op.deadline;
	first->timed_out = true;
	run_bound("waits give up when nothing else can go on");
	run_ask(first);
	return true;
}

static void nobody_can_go_on(void)
{
	uint32_t most;

	if (pass_time() || engine_outside())
		return;
	if (!anybody_spins(&most))
		fail(CHECK_DEADLOCK, 0, "deadlock");
	if (most >= SPINS_MOST)
		fail(CHECK_LIVELOCK, 0, "threads wait in a loop for what no thread will do");
	run->now += most * LOOP_TIME;
	look_again(true);
}

/* --timeouts=any: now and then somebody's time is up, whoever else could go on. */
static void pass_any_time(void)
{
	bool any = false;

	for_mask (i, &run->guarded) {
		struct thread *thread = &run->thread[i];

		any = any || (thread->op.timed && !thread->timed_out && !mask_has(&run->enabled, i));
	}
	if (any && sched_rarely())
		pass_time();
}

static struct thread *pick(void)
{
	struct thread *next;

	if (UNLIKELY(memory->asked.timeouts == CHECK_ANY))
		pass_any_time();
	while (UNLIKELY(mask_empty(&run->enabled)))
		nobody_can_go_on();
	next = strategy_pick();
	if (UNLIKELY(next == NULL || run->diverged)) {
		run->pruned = true;
		run_end();
	}
	return next;
}

/* It was picked before what it waits for has come: its time is up. */
static void pass_for(struct thread *thread)
{
	if (thread->op.ready(thread))
		return;
	if (thread->op.deadline > run->now)
		run->now = thread->op.deadline;
	thread->timed_out = true;
}

/* A thread has been picked, and is about to do what it declared. */
static void arrive(struct thread *thread)
{
	if (UNLIKELY(memory->asked.stop_before == run->steps + 1))
		engine_trap();
	if (UNLIKELY(may_pass(thread)))
		pass_for(thread);
	strategy_step(thread);
	run->steps++;
	memory->progress++;
	mask_clear(&run->guarded, thread->id);
	if (UNLIKELY(run->trace))
		trace_step(thread);
	if (UNLIKELY(run->steps >= run->limit)) {
		run->cut_off = true;
		run_end();
	}
}

/* The thread that runs leaves the processor to the one that is picked, and returns when it is picked itself. */
static void go_on(void)
{
	struct thread *from = self();
	struct thread *to = pick();

	if (to != from) {
		run->current = to;
		engine_switch(from, to);
	}
	arrive(from);
}

void run_first(void)
{
	run->current = &run->thread[0];
	run->active = true;
	pick();
}

void run_arrive(void)
{
	arrive(self());
}

static void declare(struct thread *thread, uint8_t kind, uintptr_t object, uintptr_t pc)
{
	thread->op.kind = kind;
	thread->op.how = 0;
	thread->op.target = 0;
	thread->op.object = object;
	thread->op.end = 0;
	thread->op.also = 0;
	thread->op.total = false;
	thread->op.pc = pc;
	thread->timed_out = false;
	if (UNLIKELY(run->trace))
		trace_place(&memory->threads[thread->id].place, pc);
}

/* Declares an operation that is possible at any time, and returns when the thread is to do it. */
static void point(struct thread *thread, bool writes)
{
	thread->op.writes = writes;
	thread->op.ready = NULL;
	thread->op.timed = false;
	if (UNLIKELY(thread->spinning))
		mask_clear(&run->enabled, thread->id);
	strategy_declared(thread);
	go_on();
}

void sched_point(uint8_t kind, uintptr_t object, bool writes, uintptr_t pc)
{
	struct thread *thread = self();

	do {
		declare(thread, kind, object, pc);
		point(thread, writes);
	} while (UNLIKELY(thread->due != 0) && interrupt_serve(thread) != 0);
}

void sched_point_at(uint8_t kind, struct thread *target, uintptr_t pc)
{
	struct thread *thread = self();

	do {
		declare(thread, kind, (uintptr_t)target, pc);
		thread->op.target = target != NULL ? (uint16_t)(target->id + 1) : AIMED_AT_ALL;
		point(thread, true);
	} while (UNLIKELY(thread->due != 0) && interrupt_serve(thread) != 0);
}

void sched_point_with(uint8_t kind, uintptr_t object, uintptr_t also, uintptr_t pc)
{
	struct thread *thread = self();

	do {
		declare(thread, kind, object, pc);
		thread->op.also = also;
		point(thread, true);
	} while (UNLIKELY(thread->due != 0) && interrupt_serve(thread) != 0);
}

void sched_memory(uint8_t kind, uintptr_t address, size_t size, bool writes, uintptr_t pc)
{
	sched_atomic(kind, address, size, writes, false, pc);
}

void sched_atomic(uint8_t kind, uintptr_t address, size_t size, bool writes, bool total, uintptr_t pc)
{
	struct thread *thread = self();

	do {
		declare(thread, kind, address & ~(uintptr_t)7, pc);
		thread->op.from = address;
		thread->op.end = address + size;
		thread->op.size = size < 255 ? (uint8_t)size : 255;
		thread->op.total = total && memory->asked.weak;
		point(thread, writes);
	} while (UNLIKELY(thread->due != 0) && interrupt_serve(thread) != 0);
}

static void wait(struct thread *thread, bool (*ready)(struct thread *))
{
	thread->op.writes = thread->op.object != 0;
	thread->op.ready = ready;
	mask_set(&run->guarded, thread->id);
	if (thread->spinning)
		mask_clear(&run->enabled, thread->id);
	else
		run_ask(thread);
	strategy_declared(thread);
	go_on();
}

void sched_wait(uint8_t kind, uintptr_t object, bool (*ready)(struct thread *), uintptr_t pc)
{
	sched_wait_for(kind, object, ready, CHECK_FOREVER, 0, pc);
}

bool sched_wait_until(uint8_t kind, uintptr_t object, bool (*ready)(struct thread *), int64_t deadline, uintptr_t pc)
{
	return sched_wait_for(kind, object, ready, deadline, 0, pc) == WAKE_LATE;
}

/* Returns whether the thread acts on the request instead of what it waits for, which may be there as well. */
static bool is_cancelled(struct thread *thread, bool (*ready)(struct thread *))
{
	if ((thread->due & DUE_CANCEL) == 0 || (thread->op.how & WAIT_CANCEL) == 0)
		return false;
	return !ready(thread) || sched_choose(2) == 1;
}

enum wake sched_wait_for(uint8_t kind, uintptr_t object, bool (*ready)(struct thread *), int64_t deadline, uint8_t how,
			 uintptr_t pc)
{
	struct thread *thread = self();

	for (;;) {
		declare(thread, kind, object, pc);
		thread->op.how = how;
		thread->op.timed = deadline != CHECK_FOREVER;
		thread->op.deadline = deadline;
		thread->timed_out = deadline <= run->now;
		wait(thread, ready);
		if (LIKELY(thread->due == 0))
			break;
		if (is_cancelled(thread, ready))
			return WAKE_CANCELLED;
		uint8_t served = interrupt_serve(thread);
		if ((served & how & (WAIT_SIGNAL | WAIT_ALWAYS)) != 0)
			return WAKE_SIGNAL;
		if (served == 0)
			break;
	}
	if (!thread->timed_out || ready(thread))
		return WAKE_READY;
	sched_fruitless();
	return WAKE_LATE;
}

/* Returns whether the thread has come round again: to a step where it was, along the same steps. To find rounds of any
 * length, the step that is waited for changes after 2, 4, 8... steps (Brent 1980). */
static bool comes_round(struct round *round, uint64_t step)
{
	bool again;

	round->way = (round->way + step) * UINT64_C(0x9e3779b97f4a7c15);
	if (step == round->step) {
		again = round->way == round->last;
		round->last = round->way;
		round->way = 0;
		return again;
	}
	if (round->steps-- == 0) {
		round->length *= 2;
		*round = (struct round){.step = step, .length = round->length, .steps = round->length};
	}
	return false;
}

void sched_fruitless(void)
{
	struct thread *thread = self();

	if (thread->spin_writes != run->writes) {
		thread->spin_writes = run->writes;
		thread->spins = 0;
		thread->round = (struct round){.length = 1};
	}
	if (comes_round(&thread->round, thread->op.object ^ thread->op.pc << 16) &&
	    ++thread->spins >= thread->spin_limit && !thread->spinning) {
		thread->spinning = true;
		run->n_spinning++;
		run_bound("a loop that waits goes round 8 times before it waits for another thread to write");
	}
}

void sched_progress(void)
{
	run->writes++;
	self()->spins = 0;
	if (run->n_spinning > 0)
		look_again(false);
}

unsigned sched_choose(unsigned n)
{
	return n > 1 ? strategy_choose(n) : 0;
}

bool sched_rarely(void)
{
	return strategy_rarely();
}

/* Its place goes to the next one. What it ran on stays until the run has ended. */
void run_leave(void)
{
	struct thread *thread = self();
	struct thread *next;

	thread->finished = true;
	mask_clear(&run->live, thread->id);
	mask_clear(&run->enabled, thread->id);
	run->n_live--;
	run_changed((uintptr_t)thread);
	sched_progress();
	next = pick();
	run->current = next;
	engine_leave(thread, next);
}

void run_end(void)
{
	run->active = false;
	run->finished = true;
	engine_end();
}

NO_RETURN void fail(enum check_verdict verdict, uintptr_t pc, const char *format, ...)
{
	struct check_failure *failure = &run->failure;
	va_list list;

	failure->verdict = verdict;
	failure->thread = run->current != NULL ? self()->id : 0;
	failure->pc[0] = pc;
	va_start(list, format);
	raw_print_list(failure->text, sizeof(failure->text), format, list);
	va_end(list);
	if (run->trace)
		trace_end();
	if (memory->asked.stop_before != 0)
		engine_trap();
	run_end();
}

static bool contains(const char *text, const char *part)
{
	size_t n = raw_length(part);

	for (; raw_length(text) >= n; text++) {
		size_t i = 0;

		while (i < n && text[i] == part[i])
			i++;
		if (i == n)
			return true;
	}
	return false;
}

void run_bound(const char *what)
{
	size_t n;

	if (plan->strategy != CHECK_EXHAUSTIVE || contains(memory->bounds, what))
		return;
	n = raw_length(memory->bounds);
	raw_print(memory->bounds + n, sizeof(memory->bounds) - n, "%s%s", n > 0 ? "; " : "", what);
}

NO_RETURN void not_modelled(const char *what)
{
	raw_print(memory->said, sizeof(memory->said), "%s", what);
	run_end();
}
