/*
 * check/access.c - accesses to memory: what the compiler calls for each one (-fsanitize=thread), and touch.h.
 *
 * The call comes in front of the access. If its place is a scheduling point, the access is a step of its own: other
 * threads may come between it and whatever was before. The value of a read is what is there then; that of a write is
 * looked at when the thread comes by next (trace.c).
 */
#include "touch.h"

static inline void access(const void *address, size_t size, bool write, uintptr_t pc)
{
	if (UNLIKELY(!controlled()))
		return;
	run->accesses++;
	if (UNLIKELY(shadow_learned(pc))) {
		sched_memory(write ? CHECK_WRITE : CHECK_READ, (uintptr_t)address, size, write, pc);
		trace_value((uint64_t)(uintptr_t)address, 0, 0);
		if (write)
			sched_progress();
		else
			sched_fruitless();
	}
	shadow_access((uintptr_t)address, size, write, false, pc);
}

void touch(const void *at, size_t size, bool write, uintptr_t pc)
{
	if (size > 0)
		access(at, size, write, pc);
}

#define ACCESS(n) \
	EXPORT void __tsan_read##n(void *address); \
	EXPORT void __tsan_write##n(void *address); \
	EXPORT void __tsan_unaligned_read##n(void *address); \
	EXPORT void __tsan_unaligned_write##n(void *address); \
	EXPORT void __tsan_volatile_read##n(void *address); \
	EXPORT void __tsan_volatile_write##n(void *address); \
	EXPORT void __tsan_unaligned_volatile_read##n(void *address); \
	EXPORT void __tsan_unaligned_volatile_write##n(void *address); \
	EXPORT void __tsan_read_write##n(void *address); \
	EXPORT void __tsan_unaligned_read_write##n(void *address); \
	void __tsan_read##n(void *address) \
	{ \
		access(address, n, false, CALLER); \
	} \
	void __tsan_write##n(void *address) \
	{ \
		access(address, n, true, CALLER); \
	} \
	void __tsan_unaligned_read##n(void *address) \
	{ \
		access(address, n, false, CALLER); \
	} \
	void __tsan_unaligned_write##n(void *address) \
	{ \
		access(address, n, true, CALLER); \
	} \
	void __tsan_volatile_read##n(void *address) \
	{ \
		access(address, n, false, CALLER); \
	} \
	void __tsan_volatile_write##n(void *address) \
	{ \
		access(address, n, true, CALLER); \
	} \
	void __tsan_unaligned_volatile_read##n(void *address) \
	{ \
		access(address, n, false, CALLER); \
	} \
	void __tsan_unaligned_volatile_write##n(void *address) \
	{ \
		access(address, n, true, CALLER); \
	} \
	void __tsan_read_write##n(void *address) \
	{ \
		access(address, n, false, CALLER); \
		access(address, n, true, CALLER); \
	} \
	void __tsan_unaligned_read_write##n(void *address) \
	{ \
		access(address, n, false, CALLER); \
		access(address, n, true, CALLER); \
	}

ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

EXPORT void __tsan_init(void);
EXPORT void __tsan_func_entry(void *pc);
EXPORT void __tsan_func_exit(void);
EXPORT void __tsan_vptr_update(void **at, void *value);
EXPORT void __tsan_vptr_read(void **at);
EXPORT void __tsan_read_range(void *address, unsigned long size);
EXPORT void __tsan_write_range(void *address, unsigned long size);
EXPORT void __tsan_ignore_thread_begin(void);
EXPORT void __tsan_ignore_thread_end(void);

void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc)
{
	(void)pc;
}

void __tsan_func_exit(void)
{
}

/* A constructor writes the same pointer again; only a change is an access. */
void __tsan_vptr_update(void **at, void *value)
{
	if (*at != value)
		access(at, sizeof(*at), true, CALLER);
}

void __tsan_vptr_read(void **at)
{
	access(at, sizeof(*at), false, CALLER);
}

void __tsan_read_range(void *address, unsigned long size)
{
	touch(address, size, false, CALLER);
}

void __tsan_write_range(void *address, unsigned long size)
{
	touch(address, size, true, CALLER);
}

void __tsan_ignore_thread_begin(void)
{
}

void __tsan_ignore_thread_end(void)
{
}
