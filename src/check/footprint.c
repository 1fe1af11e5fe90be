/*
 * check/footprint.c - see footprint.h.
 *
 * A thing is known by a number: the address of the object or of the byte; that with LEAVING, for leaving an object
 * where one waited; CREATION, because the numbers of threads, and so their stacks, are given in the order of creation;
 * SENT, for a request to cancel a thread or a signal to it, which each of its steps may meet; TOTAL and TOTAL_LOAD, for
 * the order of what is seq_cst with --weak.
 *
 * A thread that was woken leaves the line that it stood in, from which the waker has taken it: nothing but the object's
 * destruction could tell when. So it reads its leaving, which a destruction writes. One that leaves because its time is
 * up changes the line.
 */
#include "footprint.h"

#include "object.h"

#define CREATION 1u
#define SENT 1024u /* and a thread's number: what others have sent to it (interrupt.h) */
#define TOTAL 2u
#define TOTAL_LOAD (UINT64_C(1) << 61)
#define LEAVING (UINT64_C(1) << 62)

static uintptr_t leaving(uintptr_t object)
{
	return object | LEAVING;
}

static void add_range(struct footprint *footprint, uintptr_t from, uintptr_t to, bool write)
{
	if (footprint->n == PARTS)
		not_modelled("a step that changes more than 16 objects, for --exhaustive");
	footprint->part[footprint->n++] = (struct part){from, to, write, false};
}

static void add(struct footprint *footprint, uintptr_t thing, bool write)
{
	add_range(footprint, thing, thing + 1, write);
}

static void add_opening(struct footprint *footprint, uintptr_t thing, bool opens)
{
	add(footprint, thing, true);
	footprint->part[footprint->n - 1].opens = opens;
}

bool footprint_late(struct thread *thread)
{
	return thread->timed_out || (thread->op.timed && thread->op.ready != NULL && !thread->op.ready(thread));
}

static bool is_semaphore(const struct object *object)
{
	return object != NULL && object->kind == OBJECT_SEMAPHORE;
}

static bool is_held_for_reading(const struct object *object)
{
	return object != NULL && object->kind == OBJECT_RWLOCK && object->holder == NOBODY;
}

/* A try that is refused only looks. */
static bool is_refused(const struct object *object)
{
	return object != NULL && (object->holder != NOBODY || (is_semaphore(object) && object->count == 0));
}

bool footprint_in_vain(const struct thread *thread)
{
	switch (thread->op.kind) {
	case CHECK_YIELD:
	case CHECK_SLEEP:
		return true;
	case CHECK_TRYLOCK:
		return is_refused(object_find(thread->op.object));
	default:
		return false;
	}
}

static bool is_done_once(const struct operation *op)
{
	const struct object *object = object_find(op->object);

	return object != NULL && object->count != 0;
}

static struct {
	struct footprint *footprint;
	int holder;
} ending;

static void add_robust(struct object *object)
{
	if (object->holder == ending.holder)
		add_opening(ending.footprint, object->address, true);
}

/* Its end gives up the robust mutexes that it holds. */
static void add_end(struct footprint *footprint, const struct thread *thread)
{
	add_opening(footprint, (uintptr_t)thread, true);
	ending.footprint = footprint;
	ending.holder = (int)thread->id;
	object_each_robust(add_robust);
}

static void add_lock(struct footprint *footprint, struct thread *thread)
{
	const struct operation *op = &thread->op;
	const struct object *object = object_find(op->object);

	switch (op->kind) {
	case CHECK_UNLOCK:
		if (is_held_for_reading(object))
			add(footprint, op->object, false);
		else
			add(footprint, op->object, true);
		footprint->part[0].opens = true;
		break;
	case CHECK_SEM_POST:
		add_opening(footprint, op->object, is_semaphore(object) && object->count == 0);
		break;
	case CHECK_TRYLOCK:
		add(footprint, op->object, op->writes && !is_refused(object));
		break;
	case CHECK_RDLOCK:
		add(footprint, op->object, false);
		break;
	case CHECK_ONCE:
		add(footprint, op->object, !is_done_once(op));
		break;
	default:
		add(footprint, op->object, !footprint_late(thread));
	}
}

/* A futex's line is known by its word (futex.c). */
static void add_changed_line(struct footprint *footprint, const struct operation *op)
{
	if (op->kind == CHECK_WOKEN)
		add(footprint, op->object, true);
	else
		add_range(footprint, op->object & ~(uintptr_t)3, (op->object & ~(uintptr_t)3) + 4, true);
}

static void add_line(struct footprint *footprint, struct thread *thread)
{
	const struct operation *op = &thread->op;
	const struct object *object;

	switch (op->kind) {
	case CHECK_WAIT:
		add(footprint, op->object, true);
		add_opening(footprint, op->also, true);
		break;
	case CHECK_SIGNAL:
	case CHECK_BROADCAST:
		object = object_find(op->object);
		add(footprint, op->object, object != NULL && object->first != NULL);
		break;
	case CHECK_WOKEN:
	case CHECK_FUTEX_WOKEN:
		if (thread->woken)
			add(footprint, leaving(op->object), false);
		else
			add_changed_line(footprint, op);
		break;
	default: /* CHECK_BARRIER_LEAVE */
		add(footprint, leaving(op->object), false);
	}
}

/* --weak: seq_cst fences have an order among themselves and with other seq_cst operations; of seq_cst loads of one
 * atomic a later one may not get less than an earlier one. */
static void add_total(struct footprint *footprint, const struct operation *op)
{
	add(footprint, TOTAL, op->kind == CHECK_FENCE);
	if (op->kind == CHECK_LOAD)
		add(footprint, op->from | TOTAL_LOAD, true);
}

static void add_other(struct footprint *footprint, const struct operation *op)
{
	uintptr_t more = op->kind == CHECK_FUTEX_WAKE ? 8 : 1;

	if (op->total)
		add_total(footprint, op);
	if (op->end != 0)
		add_range(footprint, op->from, op->end, op->writes);
	else if (op->object != 0)
		add_range(footprint, op->object, op->object + more, op->writes);
	if (op->also != 0)
		add_range(footprint, op->also, op->also + more, true);
}

static void add_step(struct footprint *ret_footprint, struct thread *thread)
{
	const struct operation *op = &thread->op;

	switch (op->kind) {
	case CHECK_START:
	case CHECK_PROCESS_EXIT:
		return;
	case CHECK_CREATE:
		add(ret_footprint, CREATION, true);
		return;
	case CHECK_END:
		add_end(ret_footprint, thread);
		return;
	case CHECK_ONCE_DONE:
		add_opening(ret_footprint, op->object, true);
		return;
	case CHECK_DESTROY:
		add(ret_footprint, op->object, true);
		add(ret_footprint, leaving(op->object), true);
		return;
	case CHECK_LOCK:
	case CHECK_SPINLOCK:
	case CHECK_WRLOCK:
	case CHECK_RDLOCK:
	case CHECK_TRYLOCK:
	case CHECK_UNLOCK:
	case CHECK_SEM_WAIT:
	case CHECK_SEM_POST:
	case CHECK_ONCE:
		add_lock(ret_footprint, thread);
		return;
	case CHECK_WAIT:
	case CHECK_SIGNAL:
	case CHECK_BROADCAST:
	case CHECK_WOKEN:
	case CHECK_FUTEX_WOKEN:
	case CHECK_BARRIER_LEAVE:
		add_line(ret_footprint, thread);
		return;
	default:
		add_other(ret_footprint, op);
	}
}

/* Whether what is sent to the thread could come in front of its step. */
static bool is_open(const struct thread *thread)
{
	return (thread->op.how & WAIT_CANCEL) != 0 || thread->cancel_async || thread->op.kind == CHECK_CANCEL ||
	       run->actions != NULL;
}

void footprint_of(struct thread *thread, struct footprint *ret_footprint)
{
	uint16_t target = thread->op.target;

	ret_footprint->n = 0;
	add_step(ret_footprint, thread);
	if (target == AIMED_AT_ALL)
		add_range(ret_footprint, SENT, SENT + THREADS, true);
	else if (target != 0)
		add(ret_footprint, SENT + target - 1, true);
	if (is_open(thread))
		add(ret_footprint, SENT + thread->id, false);
}

static bool part_depends(const struct part *a, const struct part *b)
{
	return (a->write || b->write) && a->from < b->to && b->from < a->to;
}

bool footprint_depends(const struct footprint *a, const struct footprint *b)
{
	for (unsigned i = 0; i < a->n; i++) {
		for (unsigned j = 0; j < b->n; j++) {
			if (part_depends(&a->part[i], &b->part[j]))
				return true;
		}
	}
	return false;
}
