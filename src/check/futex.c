/*
 * check/futex.c - the futex by system call, for programs that bring their own locks.
 *
 * A wait compares and joins the line in one step, as in the kernel. Waiters are woken in their order.
 */
#include "futex.h"

#include "clock.h"
#include "object.h"
#include "site.h"
#include "trace.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The line of a word is apart from what atomics know of the word: it has an address that no object has. */
static uintptr_t line_of(const uint32_t *word)
{
	return (uintptr_t)word | 1;
}

static bool is_woken(struct thread *thread)
{
	return thread->woken;
}

static long wait_on(const uint32_t *word, uint32_t value, int64_t deadline, uint32_t bits, uintptr_t pc)
{
	struct thread *thread = self();
	struct object *line;
	enum wake why;

	sched_memory(CHECK_FUTEX_WAIT, (uintptr_t)word, sizeof(*word), true, pc);
	trace_value(*word, value, CHECK_VALUE | CHECK_OLD);
	if (*word != value) {
		sched_fruitless();
		trace_result(EAGAIN);
		return -EAGAIN;
	}
	line = object_get(line_of(word), OBJECT_FUTEX);
	thread->woken = false;
	thread->wait_arg[1] = (void *)(uintptr_t)bits;
	object_queue(line, thread);
	if (memory->asked.spurious && sched_rarely())
		thread->woken = true;
	why = sched_wait_for(CHECK_FUTEX_WOKEN, line_of(word), is_woken, deadline, WAIT_SIGNAL, pc);
	line = object_get(line_of(word), OBJECT_FUTEX);
	object_unqueue(line, thread);
	if (why == WAKE_READY || thread->woken)
		return 0;
	trace_result(why == WAKE_LATE ? ETIMEDOUT : EINTR);
	return why == WAKE_LATE ? -ETIMEDOUT : -EINTR;
}

static long wake(const uint32_t *word, int most, uint32_t bits, const uint32_t *other, uintptr_t pc)
{
	struct object *line;
	struct thread *next;
	long n = 0;

	sched_point_with(CHECK_FUTEX_WAKE, (uintptr_t)word & ~(uintptr_t)7, (uintptr_t)other & ~(uintptr_t)7, pc);
	line = object_get(line_of(word), OBJECT_FUTEX);
	if (site_loses(line->first != NULL, pc))
		most = 0;
	for (struct thread *thread = line->first; thread != NULL && n < most; thread = next) {
		next = thread->next_waiter;
		if (((uintptr_t)thread->wait_arg[1] & bits) == 0)
			continue;
		object_unqueue(line, thread);
		thread->woken = true;
		run_ask(thread);
		n++;
	}
	if (n == 0) {
		line->lost++;
		line->lost_thread = self()->id;
		line->lost_pc = pc;
		if (run->trace)
			trace_place(&line->lost_place, pc);
	}
	trace_value((uint64_t)n, 0, CHECK_VALUE);
	sched_progress();
	return n;
}

/* Moves waiters from one word's line to another's. */
static long requeue(const uint32_t *from, int wakes, const uint32_t *to, long most, const uint32_t *value, uintptr_t pc)
{
	struct object *line, *other;
	long n, moved = 0;

	if (value != NULL && *from != *value)
		return -EAGAIN;
	n = wake(from, wakes, UINT32_MAX, to, pc);
	line = object_get(line_of(from), OBJECT_FUTEX);
	other = object_get(line_of(to), OBJECT_FUTEX);
	while (line->first != NULL && moved < most) {
		struct thread *thread = line->first;

		object_unqueue(line, thread);
		object_queue(other, thread);
		thread->op.object = line_of(to);
		moved++;
	}
	return n + moved;
}

long futex_call(const long *a, uintptr_t pc)
{
	const uint32_t *word = (const uint32_t *)a[0];
	const struct timespec *time = (const struct timespec *)a[3];
	int operation = (int)a[1] & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
	uint32_t value3 = (uint32_t)a[5];

	switch (operation) {
	case FUTEX_WAIT:
		return wait_on(word, (uint32_t)a[2], time != NULL ? clock_after(time) : CHECK_FOREVER, UINT32_MAX, pc);
	case FUTEX_WAIT_BITSET:
		return wait_on(word, (uint32_t)a[2],
			       time != NULL ? clock_deadline(CLOCK_MONOTONIC, time) : CHECK_FOREVER, value3, pc);
	case FUTEX_WAKE:
		return wake(word, (int)a[2], UINT32_MAX, NULL, pc);
	case FUTEX_WAKE_BITSET:
		return wake(word, (int)a[2], value3, NULL, pc);
	case FUTEX_REQUEUE:
		return requeue(word, (int)a[2], (const uint32_t *)a[4], a[3], NULL, pc);
	case FUTEX_CMP_REQUEUE:
		return requeue(word, (int)a[2], (const uint32_t *)a[4], a[3], &value3, pc);
	default:
		not_modelled("a futex operation other than wait, wake and requeue");
	}
}
