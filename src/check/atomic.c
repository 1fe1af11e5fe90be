/*
 * check/atomic.c - see atomic.h: what the compiler calls for atomic operations.
 *
 * Each is one step. The value in memory is the last one stored; with --weak, loads may return older ones (weak.c).
 */
#include "atomic.h"

#include "shadow.h"
#include "site.h"
#include "weak.h"

typedef uint8_t value8;
typedef uint16_t value16;
typedef uint32_t value32;
typedef uint64_t value64;
typedef unsigned __int128 value128;

void order_loaded(const uint32_t *clock, int order)
{
	struct thread *thread = self();

	if (clock == NULL)
		return;
	if (acquires(order)) {
		clock_join(thread->clock, clock);
		return;
	}
	if (thread->acquiring == NULL)
		thread->acquiring = clock_new();
	clock_join(thread->acquiring, clock);
}

void order_stored(struct object *object, int order, bool rmw)
{
	struct thread *thread = self();
	const uint32_t *gives = releases(order) ? thread->clock : thread->released;

	if (gives == NULL && object->clock == NULL)
		return;
	if (object->clock == NULL)
		object->clock = clock_new();
	if (!rmw)
		clock_clear(object->clock);
	if (gives != NULL)
		clock_join(object->clock, gives);
	if (releases(order))
		clock_tick(thread);
}

void order_fence(int order)
{
	struct thread *thread = self();

	if (acquires(order) && thread->acquiring != NULL)
		clock_join(thread->clock, thread->acquiring);
	if (order == SEQ_CST && weak())
		weak_fence();
	if (!releases(order))
		return;
	if (thread->released == NULL)
		thread->released = clock_new();
	clock_join(thread->released, thread->clock);
	clock_tick(thread);
}

/* Declares the step. Returns the atomic. */
static struct object *begin(volatile void *address, unsigned size, uint8_t kind, int order, uintptr_t pc)
{
	bool writes = kind != CHECK_LOAD;

	sched_atomic(kind, (uintptr_t)address, size, writes, order == SEQ_CST, pc);
	trace_object((uintptr_t)address);
	shadow_access((uintptr_t)address, size, writes, true, pc);
	return object_get((uintptr_t)address, OBJECT_ATOMIC);
}

/* Returns the value that it gets, where `last` is the one in memory. */
static uint64_t loaded(struct object *object, unsigned size, int order, uint64_t last)
{
	const uint32_t *clock = object->clock;
	uint64_t value = last;

	if (UNLIKELY(weak()) && size <= 8)
		value = weak_load(object, size, order, last, &clock);
	order_loaded(clock, order);
	sched_fruitless();
	trace_value(value, last, CHECK_VALUE | (value != last ? CHECK_OLD : 0));
	return value;
}

static void stored(struct object *object, unsigned size, int order, uint64_t value, uint64_t old)
{
	order_stored(object, order, false);
	if (UNLIKELY(weak()) && size <= 8)
		weak_store(object, size, order, value, old);
	sched_progress();
	trace_value(value, old, CHECK_VALUE | CHECK_OLD);
}

static void changed(struct object *object, unsigned size, int order, uint64_t value, uint64_t old)
{
	order_loaded(object->clock, order);
	order_stored(object, order, true);
	if (UNLIKELY(weak()) && size <= 8)
		weak_store(object, size, order, value, old);
	if (value == old)
		sched_fruitless();
	else
		sched_progress();
	trace_value(value, old, CHECK_VALUE | CHECK_OLD);
}

/* Returns the value that a compare and exchange gets; notes what it learns if it fails by that. */
static uint64_t compared(struct object *object, unsigned size, int order, uint64_t last, uint64_t expected)
{
	const uint32_t *clock = object->clock;
	uint64_t value = last;

	if (UNLIKELY(weak()) && size <= 8)
		value = weak_compare(object, size, order, last, expected, &clock);
	if (value == expected)
		return value;
	order_loaded(clock, order);
	sched_fruitless();
	trace_value(value, last, CHECK_VALUE | CHECK_FAILED);
	return value;
}

#define RMW(n, name, expression) \
	EXPORT value##n __tsan_atomic##n##_##name(volatile value##n *at, value##n value, int order); \
	value##n __tsan_atomic##n##_##name(volatile value##n *at, value##n value, int order) \
	{ \
		struct object *object; \
		value##n old; \
		value##n new; \
\
		if (!controlled()) { \
			old = *at; \
			*at = (value##n)(expression); \
			return old; \
		} \
		order = site_order(CHECK_SITE_CHANGE, order, CALLER); \
		object = begin(at, sizeof(value##n), CHECK_RMW, order, CALLER); \
		old = *at; \
		new = (value##n)(expression); \
		*at = new; \
		changed(object, sizeof(value##n), order, (uint64_t) new, (uint64_t)old); \
		return old; \
	}

#define ATOMIC(n) \
	EXPORT value##n __tsan_atomic##n##_load(const volatile value##n *at, int order); \
	value##n __tsan_atomic##n##_load(const volatile value##n *at, int order) \
	{ \
		struct object *object; \
		value##n value; \
		uint64_t seen; \
\
		if (!controlled()) \
			return *at; \
		order = site_order(CHECK_SITE_LOAD, order, CALLER); \
		object = begin((volatile void *)(uintptr_t)at, sizeof(*at), CHECK_LOAD, order, CALLER); \
		value = *at; \
		seen = loaded(object, sizeof(value), order, (uint64_t)value); \
		return sizeof(value) > 8 ? value : (value##n)seen; \
	} \
	EXPORT void __tsan_atomic##n##_store(volatile value##n *at, value##n value, int order); \
	void __tsan_atomic##n##_store(volatile value##n *at, value##n value, int order) \
	{ \
		struct object *object; \
		value##n old; \
\
		if (!controlled()) { \
			*at = value; \
			return; \
		} \
		order = site_order(CHECK_SITE_STORE, order, CALLER); \
		object = begin(at, sizeof(*at), CHECK_STORE, order, CALLER); \
		old = *at; \
		*at = value; \
		stored(object, sizeof(old), order, (uint64_t)value, (uint64_t)old); \
	} \
	static inline int cas##n(volatile value##n *at, value##n *expected, value##n value, int order, \
				 int order_failed, uintptr_t pc) \
	{ \
		struct object *object = NULL; \
		value##n old; \
\
		if (controlled()) { \
			order = site_order(CHECK_SITE_COMPARE, order, pc); \
			order_failed = site_order(CHECK_SITE_FAILED, order_failed, pc); \
			object = begin(at, sizeof(*at), CHECK_CAS, order, pc); \
		} \
		old = *at; \
		if (object != NULL && sizeof(old) <= 8) \
			old = (value##n)compared(object, sizeof(old), order_failed, (uint64_t)old, \
						 (uint64_t)*expected); \
		if (old == *expected) { \
			*at = value; \
			if (object != NULL) \
				changed(object, sizeof(old), order, (uint64_t)value, (uint64_t)old); \
			return 1; \
		} \
		if (object != NULL && sizeof(old) > 8) \
			compared(object, sizeof(old), order_failed, 0, 1); \
		*expected = old; \
		return 0; \
	} \
	EXPORT int __tsan_atomic##n##_compare_exchange_strong(volatile value##n *at, value##n *expected, \
							      value##n value, int order, int order_failed); \
	EXPORT int __tsan_atomic##n##_compare_exchange_weak(volatile value##n *at, value##n *expected, value##n value, \
							    int order, int order_failed); \
	EXPORT value##n __tsan_atomic##n##_compare_exchange_val(volatile value##n *at, value##n expected, \
								value##n value, int order, int order_failed); \
	int __tsan_atomic##n##_compare_exchange_strong(volatile value##n *at, value##n *expected, value##n value, \
						       int order, int order_failed) \
	{ \
		return cas##n(at, expected, value, order, order_failed, CALLER); \
	} \
	int __tsan_atomic##n##_compare_exchange_weak(volatile value##n *at, value##n *expected, value##n value, \
						     int order, int order_failed) \
	{ \
		return cas##n(at, expected, value, order, order_failed, CALLER); \
	} \
	value##n __tsan_atomic##n##_compare_exchange_val(volatile value##n *at, value##n expected, value##n value, \
							 int order, int order_failed) \
	{ \
		cas##n(at, &expected, value, order, order_failed, CALLER); \
		return expected; \
	} \
	RMW(n, exchange, value) \
	RMW(n, fetch_add, old + value) \
	RMW(n, fetch_sub, old - value) \
	RMW(n, fetch_and, old &value) \
	RMW(n, fetch_or, old | value) \
	RMW(n, fetch_xor, old ^ value) \
	RMW(n, fetch_nand, ~(old & value))

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)
ATOMIC(128)

EXPORT void __tsan_atomic_thread_fence(int order);
EXPORT void __tsan_atomic_signal_fence(int order);

void __tsan_atomic_thread_fence(int order)
{
	if (!controlled())
		return;
	order = site_order(CHECK_SITE_FENCE, order, CALLER);
	sched_atomic(CHECK_FENCE, 0, 0, false, order == SEQ_CST, CALLER);
	order_fence(order);
}

void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}
