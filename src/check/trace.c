/*
 * check/trace.c - see trace.h.
 *
 * Stacks are walked by the unwinder of the C++ runtime, with the tables that every object file has, and only while a
 * run is written down: it costs microseconds a step there, and nothing else where.
 *
 * What a plain write stored cannot be seen when the compiler announces it; it is read when the thread comes by next,
 * before anybody else runs.
 */
#include "trace.h"

#include "deadlock.h"
#include "object.h"

#include <unwind.h>

#define WALK 64u

struct walk {
	uintptr_t pc[WALK];
	unsigned n;
};

static uintptr_t own_from, own_to;

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *arg)
{
	struct walk *walk = arg;

	if (walk->n == WALK)
		return _URC_END_OF_STACK;
	walk->pc[walk->n++] = _Unwind_GetIP(context);
	return _URC_NO_REASON;
}

static bool is_own(uintptr_t pc)
{
	for (uint32_t i = 0; own_to == 0 && i < memory->n_modules; i++) {
		const struct check_module *module = &memory->modules[i];

		if ((uintptr_t)&own_to - module->from < module->to - module->from) {
			own_from = module->from;
			own_to = module->to;
		}
	}
	return pc >= own_from && pc < own_to;
}

/* The frame of `pc` and those around it. If the unwinder does not meet it, it goes in front of those that are not ours.
 * */
void trace_place(struct check_place *ret_place, uintptr_t pc)
{
	struct walk walk = {.n = 0};
	unsigned from = 0, n = 0;
	bool active = run->active;

	run->active = false;
	_Unwind_Backtrace(step, &walk);
	run->active = active;
	while (from < walk.n && walk.pc[from] != pc)
		from++;
	if (from == walk.n) {
		if (pc != 0)
			ret_place->pc[n++] = pc;
		for (from = 0; from < walk.n && is_own(walk.pc[from]); from++)
			continue;
	}
	for (; from < walk.n && n < CHECK_FRAMES - 1 && walk.pc[from] != 0 && !is_own(walk.pc[from]); from++)
		ret_place->pc[n++] = walk.pc[from];
	ret_place->pc[n] = 0;
}

static uint64_t load(uintptr_t address, size_t size)
{
	switch (size) {
	case 1:
		return *(const uint8_t *)address;
	case 2:
		return *(const uint16_t *)address;
	case 4:
		return *(const uint32_t *)address;
	default:
		return *(const uint64_t *)address;
	}
}

/* The plain access that the thread announced when it came by last has happened by now. */
static void look_back(struct thread *thread)
{
	struct check_event *event = thread->event;

	if (event == NULL || (event->kind != CHECK_READ && event->kind != CHECK_WRITE) || event->size > 8)
		return;
	event->value = load(event->object, event->size);
	event->flags |= CHECK_VALUE;
	thread->event = NULL;
}

/* What there is to say of a thread that has just begun. */
static void note_start(const struct thread *thread)
{
	memory->n_threads = run->n_threads;
	memory->threads[thread->id] =
		(struct check_thread){.used = 1,
				      .holder = NOBODY,
				      .creator = (uint16_t)thread->creator,
				      .routine = (uintptr_t)thread->routine,
				      .stack_from = (uintptr_t)thread->fiber.stack,
				      .stack_to = (uintptr_t)thread->fiber.stack + thread->fiber.size};
}

void trace_step(struct thread *thread)
{
	struct check_event *event;

	for_mask (i, &run->live)
		look_back(&run->thread[i]);
	thread->event = NULL;
	if (thread->op.kind == CHECK_START)
		note_start(thread);
	if (memory->n_events == CHECK_TRACE_MAX)
		return;
	event = &memory->events[memory->n_events++];
	*event = (struct check_event){.thread = (uint16_t)thread->id,
				      .kind = thread->op.kind,
				      .object = thread->op.object,
				      .flags = thread->timed_out ? CHECK_TIMED_OUT : 0};
	thread->event = event;
	if (thread->op.pc != 0)
		trace_place(&event->place, thread->op.pc);
}

void trace_object(uintptr_t address)
{
	if (UNLIKELY(run->trace) && self()->event != NULL)
		self()->event->object = address;
}

void trace_value(uint64_t value, uint64_t old, uint32_t flags)
{
	struct check_event *event = self()->event;

	if (LIKELY(!run->trace) || event == NULL)
		return;
	event->size = self()->op.size;
	if (event->kind == CHECK_READ || event->kind == CHECK_WRITE) {
		event->object = value;
		if (event->size <= 8 && event->kind == CHECK_WRITE) {
			event->old = load(value, event->size);
			event->flags |= CHECK_OLD;
		}
		return;
	}
	event->value = value;
	event->old = old;
	event->flags |= flags;
}

void trace_result(int64_t result)
{
	if (UNLIKELY(run->trace) && self()->event != NULL) {
		self()->event->result = result;
		self()->event->flags |= CHECK_FAILED;
	}
}

static void note_thread(struct check_thread *note, struct thread *thread)
{
	const struct object *object;

	struct check_place place = note->place; /* where it declared what it is about to do */

	*note = (struct check_thread){.used = 1,
				      .finished = thread->finished,
				      .detached = thread->detached,
				      .creator = (uint16_t)thread->creator,
				      .routine = (uintptr_t)thread->routine,
				      .stack_from = (uintptr_t)thread->fiber.stack,
				      .stack_to = (uintptr_t)thread->fiber.stack + thread->fiber.size,
				      .kind = thread->op.kind,
				      .timed = thread->op.timed,
				      .object = thread->op.object,
				      .holder = deadlock_holder(thread)};
	note->waits = !thread->finished && mask_has(&run->guarded, thread->id) && !mask_has(&run->enabled, thread->id);
	if (thread->op.kind == CHECK_START)
		note->place.pc[0] = thread->op.pc;
	else
		note->place = place;
	object = object_find(thread->op.object);
	if (object == NULL || !note->waits)
		return;
	note->held_place = object->held_place;
	note->lost = object->lost;
	note->lost_thread = (uint16_t)object->lost_thread;
	note->lost_place = object->lost_place;
}

void trace_end(void)
{
	for_mask (i, &run->live)
		look_back(&run->thread[i]);
	memory->n_threads = run->n_threads;
	for (unsigned i = 0; i < run->n_threads; i++)
		note_thread(&memory->threads[i], &run->thread[i]);
	if (run->failure.pc[0] != 0)
		trace_place(&memory->threads[self()->id].place, run->failure.pc[0]);
}

uintptr_t trace_block_of(const struct check_failure *failure)
{
	if (failure->verdict == CHECK_RACE || failure->verdict == CHECK_USE_AFTER_FREE)
		return failure->access[1].address;
	return failure->verdict == CHECK_DOUBLE_FREE ? failure->object : 0;
}

/* After a race the run goes on, and the memory may become part of another block. */
static bool is_over(void)
{
	return memory->failure.verdict == CHECK_RACE && run->race.verdict != CHECK_NOTHING;
}

void trace_allocated(uintptr_t block, size_t size, uintptr_t pc)
{
	uintptr_t wanted = trace_block_of(&memory->failure);

	if (wanted - block >= (size > 0 ? size : 1) || is_over())
		return;
	memory->block =
		(struct check_block){.known = 1, .address = block, .size = size, .thread = (uint16_t)self()->id};
	trace_place(&memory->block.place, pc);
}

void trace_freed(uintptr_t block, uintptr_t pc)
{
	if (!memory->block.known || memory->block.address != block || is_over())
		return;
	memory->block.freed = 1;
	memory->block.freed_by = (uint16_t)self()->id;
	trace_place(&memory->block.freed_place, pc);
}
