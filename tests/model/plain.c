/*
 * plain.c - plain accesses to memory, as the compiler reports them.
 *
 * Sources and scenarios are compiled with -fsanitize=thread, which puts a call before each access that could
 * concern another thread; but they are not linked with its library: the calls come here. So every plain access
 * is checked for races, no field of the library has to be named for it, and what is written can be put back.
 */
#include "engine.h"

#include <string.h>

/* A piece of code that makes plain accesses. */
static struct model_site site = {"plain", "", "plain access", "", 0, 0, MODEL_RELAXED, 0, 0, 0};

void model_plain(const volatile void *address, size_t size, enum model_access kind, const void *pc)
{
	const struct model_site *where = &site;

	if (model_running < 0)
		return;
	if (model_replaying)
		where = model_site_of_code(pc, kind == MODEL_WRITES);
	if (!model_is_own(address))
		model_access(address, (unsigned)size, kind, where);
	if (model_tracing)
		model_trace_plain(address, where);
}

#define PC __builtin_return_address(0)

#define HOOKS(size) \
	void __tsan_read##size(void *address); \
	void __tsan_read##size(void *address) \
	{ \
		model_plain(address, size, MODEL_READS, PC); \
	} \
	void __tsan_write##size(void *address); \
	void __tsan_write##size(void *address) \
	{ \
		model_plain(address, size, MODEL_WRITES, PC); \
	} \
	void __tsan_unaligned_read##size(void *address); \
	void __tsan_unaligned_read##size(void *address) \
	{ \
		model_plain(address, size, MODEL_READS, PC); \
	} \
	void __tsan_unaligned_write##size(void *address); \
	void __tsan_unaligned_write##size(void *address) \
	{ \
		model_plain(address, size, MODEL_WRITES, PC); \
	}

HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)

void __tsan_read_range(void *address, unsigned long size);
void __tsan_read_range(void *address, unsigned long size)
{
	model_plain(address, size, MODEL_READS, PC);
}

void __tsan_write_range(void *address, unsigned long size);
void __tsan_write_range(void *address, unsigned long size)
{
	model_plain(address, size, MODEL_WRITES, PC);
}

/* clang's names for what gcc calls in the C library, where it is not seen (there, the build renames them). */
void *__tsan_memset(void *address, int byte, size_t size);
void *__tsan_memset(void *address, int byte, size_t size)
{
	model_plain(address, size, MODEL_WRITES, PC);
	return memset(address, byte, size);
}

void *__tsan_memcpy(void *to, const void *from, size_t size);
void *__tsan_memcpy(void *to, const void *from, size_t size)
{
	model_plain(from, size, MODEL_READS, PC);
	model_plain(to, size, MODEL_WRITES, PC);
	return memcpy(to, from, size);
}

void *model_memset(void *address, int byte, size_t size);
void *model_memset(void *address, int byte, size_t size)
{
	model_plain(address, size, MODEL_WRITES, PC);
	return memset(address, byte, size);
}

void *model_memcpy(void *to, const void *from, size_t size);
void *model_memcpy(void *to, const void *from, size_t size)
{
	model_plain(from, size, MODEL_READS, PC);
	model_plain(to, size, MODEL_WRITES, PC);
	return memcpy(to, from, size);
}

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc);
void __tsan_func_entry(void *pc)
{
	(void)pc;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}
