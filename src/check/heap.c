/*
 * check/heap.c - see heap.h. Defines malloc and its relatives for the program and its libraries.
 *
 * Memory is cut from one region upwards. What is freed waits in a line before it is used again (QUARANTINE bytes), so
 * that a use after free meets memory that nobody else has; then it goes to a list by size. The region begins below 2
 * GiB, for programs of an age when a pointer fitted into an int.
 *
 * Memory that was not handed out may not be touched, but for what is left of STEP bytes: what runs away does not get
 * far.
 *
 * A block has 16 bytes in front of it: its size and a mark that says what it is.
 *
 * Where memory of the heap goes depends on nothing but the calls, so every execution of a schedule sees the same
 * addresses.
 */
#include "heap.h"

#include "object.h"
#include "shadow.h"
#include "trace.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define BASE CHECK_HEAP
#define SIZE CHECK_HEAP_SIZE
#define HEAD 16u
#define PAGE 4096u
#define ASIDE (UINT64_C(16) << 20)
#define CLASSES 160u
#define STEP (UINT64_C(16) << 20)
#define QUARANTINE (UINT64_C(16) << 20)
#define LIVE UINT64_C(0x6c6976652d6d656d)
#define FREE UINT64_C(0x667265652d6d656d)

struct head {
	size_t size; /* that was asked for, of which `room` is made */
	uint64_t mark;
};

struct free_block {
	struct free_block *next;
};

static struct heap {
	char *top;  /* the first byte that was never handed out */
	char *high; /* the first byte that no execution has touched */
	char *open; /* the first byte that may not be touched */
	struct free_block *list[CLASSES];
	struct free_block *oldest, *newest; /* that wait */
	size_t waiting;
} heap, kept;
static char *end_of_region;
static struct {
	bool on;
	char *top, *end;
} aside;

static void begin(void)
{
	if (heap.top != NULL)
		return;
	heap.top = raw_map((void *)BASE, SIZE, false);
	heap.high = heap.top;
	heap.open = heap.top;
	end_of_region = heap.top + SIZE;
	RAW(SYS_mprotect, heap.open, SIZE, PROT_NONE);
}

/* Sizes to 1 KiB by 16 bytes, then four steps to each doubling. */
static size_t class_of(size_t size, size_t *ret_room)
{
	size_t room = (size + 15) & ~(size_t)15;
	unsigned power;
	size_t step;

	room = room < 16 ? 16 : room;
	if (room <= 1024) {
		*ret_room = room;
		return room / 16;
	}
	power = 63 - (unsigned)__builtin_clzl(room - 1);
	step = (size_t)1 << (power - 2);
	*ret_room = (room + step - 1) & ~(step - 1);
	return 65 + (power - 10) * 4 + (*ret_room - ((size_t)1 << power)) / step;
}

static struct head *head_of(void *block)
{
	return (struct head *)((char *)block - HEAD);
}

static bool in_region(const void *block)
{
	return (const char *)block >= (char *)BASE && (const char *)block < heap.top;
}

static void *from_list(size_t class)
{
	struct free_block *block = heap.list[class];

	if (block != NULL)
		heap.list[class] = block->next;
	return block;
}

static void open_to(char *end)
{
	size_t more = ((size_t)(end - heap.open) + STEP - 1) & ~(STEP - 1);

	RAW(SYS_mprotect, heap.open, more, PROT_READ | PROT_WRITE);
	heap.open += more;
}

static void *from_top(size_t room, size_t align)
{
	char *block = (char *)(((uintptr_t)heap.top + HEAD + align - 1) & ~(align - 1));

	if (room > (size_t)(end_of_region - heap.top) || block + room > end_of_region)
		return NULL;
	heap.top = block + room;
	if (UNLIKELY(heap.top > heap.open))
		open_to(heap.top);
	if (heap.top > heap.high)
		heap.high = heap.top;
	return block;
}

static void *from_aside(size_t size, size_t align)
{
	char *block = (char *)(((uintptr_t)aside.top + align - 1) & ~(align - 1));

	if (aside.top == NULL || size > (size_t)(aside.end - block)) {
		aside.top = raw_map(NULL, ASIDE, false);
		aside.end = aside.top + ASIDE;
		block = aside.top;
	}
	aside.top = block + size;
	return block;
}

void heap_aside(bool on)
{
	aside.on = on;
}

static void *take(size_t size, size_t align, uintptr_t pc)
{
	size_t room, class;
	void *block = NULL;

	begin();
	if (aside.on)
		return from_aside(size, align);
	if (size > SIZE)
		return NULL;
	class = class_of(size, &room);
	if (align <= 16 && class < CLASSES)
		block = from_list(class);
	if (block == NULL)
		block = from_top(room, align < 16 ? 16 : align);
	if (block == NULL)
		return NULL;
	*head_of(block) = (struct head){size, LIVE};
	if (!controlled())
		return block;
	shadow_clear((uintptr_t)block, room);
	if (UNLIKELY(run->trace))
		trace_allocated((uintptr_t)block, size, pc);
	return block;
}

/* The oldest of those that wait may be used again. */
static void release_oldest(void)
{
	struct free_block *block = heap.oldest;
	size_t room, class = class_of(head_of(block)->size, &room);

	heap.oldest = block->next;
	if (heap.oldest == NULL)
		heap.newest = NULL;
	heap.waiting -= room;
	if (class < CLASSES) {
		block->next = heap.list[class];
		heap.list[class] = block;
	}
}

static void let_wait(struct free_block *block, size_t size)
{
	size_t room;

	class_of(size, &room);
	block->next = NULL;
	if (heap.newest != NULL)
		heap.newest->next = block;
	else
		heap.oldest = block;
	heap.newest = block;
	heap.waiting += room;
	while (heap.waiting > QUARANTINE && heap.oldest != heap.newest)
		release_oldest();
}

/* Blocks that came from elsewhere, as those of the dynamic linker before this library was there, are let be. */
static bool is_ours(void *block, uintptr_t pc)
{
	if (!in_region(block)) {
		if (controlled() && (uintptr_t)block % 16 != 0)
			fail(CHECK_MISUSE, pc, "free of %p, which malloc did not return", block);
		return false;
	}
	if (head_of(block)->mark == LIVE || !controlled())
		return head_of(block)->mark == LIVE;
	run->failure.object = (uintptr_t)block;
	if (head_of(block)->mark == FREE)
		fail(CHECK_DOUBLE_FREE, pc, "%p is freed twice", block);
	fail(CHECK_MISUSE, pc, "free of %p, which malloc did not return", block);
}

static void give(void *block, uintptr_t pc)
{
	size_t size;

	if (block == NULL || !is_ours(block, pc))
		return;
	size = head_of(block)->size;
	if (controlled()) {
		object_drop_range((uintptr_t)block, size, pc);
		shadow_free((uintptr_t)block, size, pc);
		if (UNLIKELY(run->trace))
			trace_freed((uintptr_t)block, pc);
	}
	head_of(block)->mark = FREE;
	let_wait(block, size);
}

void heap_keep(void)
{
	begin();
	heap.top = (char *)(((uintptr_t)heap.top + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
	heap.high = heap.top;
	kept = heap;
}

/* New memory is zero, whoever had it before. */
void heap_restore(void)
{
	size_t used = (size_t)(heap.high - kept.top);

	if (used > 64 * PAGE)
		RAW(SYS_madvise, kept.top, (used + PAGE - 1) & ~(size_t)(PAGE - 1), MADV_DONTNEED);
	else
		raw_fill(kept.top, 0, used);
	if (heap.open != kept.open)
		RAW(SYS_mprotect, kept.open, heap.open - kept.open, PROT_NONE);
	heap = kept;
}

void heap_kept(char **ret_from, char **ret_to)
{
	*ret_from = (char *)BASE;
	*ret_to = kept.top;
}

static void *fail_with_errno(void *block)
{
	if (block == NULL)
		errno = ENOMEM;
	return block;
}

EXPORT void *malloc(size_t size)
{
	return fail_with_errno(take(size, 16, CALLER));
}

EXPORT void free(void *block)
{
	give(block, CALLER);
}

EXPORT void *calloc(size_t n, size_t size)
{
	size_t whole;
	void *block = NULL;

	if (!__builtin_mul_overflow(n, size, &whole))
		block = take(whole, 16, CALLER);
	if (block != NULL)
		raw_fill(block, 0, whole);
	return fail_with_errno(block);
}

static void *resize(void *old, size_t size, uintptr_t pc)
{
	size_t had = old != NULL && in_region(old) ? head_of(old)->size : 0;
	void *block = take(size, 16, pc);

	if (block == NULL)
		return fail_with_errno(NULL);
	raw_copy(block, old, had < size ? had : size);
	give(old, pc);
	return block;
}

EXPORT void *realloc(void *old, size_t size)
{
	if (size == 0 && old != NULL) {
		give(old, CALLER);
		return NULL;
	}
	return resize(old, size, CALLER);
}

EXPORT void *reallocarray(void *old, size_t n, size_t size)
{
	size_t whole;

	if (__builtin_mul_overflow(n, size, &whole))
		return fail_with_errno(NULL);
	return resize(old, whole, CALLER);
}

EXPORT void *memalign(size_t align, size_t size)
{
	return fail_with_errno(take(size, align, CALLER));
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
	return fail_with_errno(take(size, align, CALLER));
}

EXPORT void *valloc(size_t size)
{
	return fail_with_errno(take(size, PAGE, CALLER));
}

EXPORT int posix_memalign(void **ret_block, size_t align, size_t size)
{
	void *block;

	if (align < sizeof(void *) || (align & (align - 1)) != 0)
		return EINVAL;
	block = take(size, align, CALLER);
	if (block == NULL)
		return ENOMEM;
	*ret_block = block;
	return 0;
}

EXPORT size_t malloc_usable_size(void *block)
{
	return block != NULL && in_region(block) ? head_of(block)->size : 0;
}
