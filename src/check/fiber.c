/*
 * check/fiber.c - see fiber.h.
 *
 * The control block (x86-64, glibc) lies at the upper end of the fiber's stack, as that of a kernel thread with this
 * stack would: the thread-local data lies below it; it begins with a pointer to itself, which FS
 * points at. Of what the library keeps in it, a fiber needs: the pointers to itself (0 and 16), the canary (40) and the
 * pointer guard (48), which must be those of the process, and a thread number that is not 0, for the library's own
 * recursive locks compare it. Its place is found by looking for the number of the first thread.
 */
#include "fiber.h"

#include "heap.h"

#include <dlfcn.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#define SIZE_OF_BLOCK_MAX 65536u
#define HWCAP2_FSGSBASE 2u

static struct {
	void *(*allocate)(void *);
	size_t size; /* of the whole block */
	size_t align;
	size_t head;      /* of the control block, its last part */
	size_t thread_id; /* offset of the thread number in it; 0: not found */
	uintptr_t main;
	int main_id;
	const char *fresh; /* thread-local data of a new thread */
} tls;

static uintptr_t fs_base(void)
{
	uintptr_t base;

	__asm__ volatile("rdfsbase %0" : "=r"(base));
	return base;
}

static void set_fs_base(uintptr_t base)
{
	__asm__ volatile("wrfsbase %0" : : "r"(base) : "memory");
}

static size_t find_thread_id(void)
{
	for (size_t at = 64; at + 4 <= tls.head; at += 4) {
		if (*(int *)(tls.main + at) == tls.main_id)
			return at;
	}
	return 0;
}

static uintptr_t *words(uintptr_t block)
{
	return (uintptr_t *)block;
}

static void make_block(uintptr_t block)
{
	heap_aside(true);
	if (tls.allocate((void *)block) == NULL)
		raw_die("no memory for a thread's data");
	heap_aside(false);
	words(block)[0] = block;
	words(block)[2] = block;
	words(block)[5] = words(tls.main)[5];
	words(block)[6] = words(tls.main)[6];
}

/* Where the C library would put it on that stack: it is the thread's name for the program, which may compute with
 * it. */
static uintptr_t place_block(const struct fiber *fiber)
{
	return ((uintptr_t)fiber->stack + fiber->size - tls.head) & ~(uintptr_t)(tls.align - 1);
}

/* What a new thread's data is like, once its locale is set up. */
static void make_fresh(void)
{
	void (*set_up)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "__ctype_init");
	size_t n = tls.size - tls.head;
	struct fiber fiber = {.stack = raw_map(NULL, tls.size + 4096, false), .size = tls.size + 4096};
	uintptr_t block = place_block(&fiber);
	char *copy = raw_map(NULL, n + 1, false);

	make_block(block);
	if (set_up != NULL) {
		set_fs_base(block);
		set_up();
		set_fs_base(tls.main);
	}
	raw_copy(copy, (char *)block - n, n);
	tls.fresh = copy;
}

const char *fiber_begin(void)
{
	void (*info)(size_t *, size_t *) = (void (*)(size_t *, size_t *))dlsym(RTLD_DEFAULT, "_dl_get_tls_static_info");
	const unsigned *head = dlsym(RTLD_DEFAULT, "_thread_db_sizeof_pthread");

	tls.allocate = (void *(*)(void *))dlsym(RTLD_DEFAULT, "_dl_allocate_tls");
	if (info == NULL || tls.allocate == NULL)
		return "a dynamic linker that makes thread-local blocks (glibc)";
	if ((getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) == 0)
		return "a processor and kernel with wrfsbase (Linux 5.9)";
	info(&tls.size, &tls.align);
	tls.head = head != NULL ? *head : 2304;
	tls.main = fs_base();
	tls.main_id = (int)RAW(SYS_gettid);
	tls.thread_id = find_thread_id();
	if (tls.size > SIZE_OF_BLOCK_MAX || tls.size < tls.head || tls.thread_id == 0)
		return "a C library whose thread control block is known";
	make_fresh();
	return NULL;
}

void fiber_adopt(struct fiber *fiber)
{
	fiber->fs = tls.main;
}

void fiber_renew(struct fiber *fiber, unsigned id)
{
	size_t n = tls.size - tls.head;

	if (fiber->fs != place_block(fiber)) {
		fiber->fs = place_block(fiber);
		make_block(fiber->fs);
	}
	raw_copy((char *)fiber->fs - n, tls.fresh, n);
	*(int *)(fiber->fs + tls.thread_id) = tls.main_id + 1000000 + (int)id;
}

void fiber_main_data(char **ret_from, size_t *ret_size)
{
	*ret_size = tls.size - tls.head;
	*ret_from = (char *)tls.main - *ret_size;
}

/* What fiber_exchange pops, then its return address, then the 0 that ends every walk up the stack. */
void fiber_prepare(struct fiber *fiber, void (*entry)(void))
{
	uintptr_t end = (uintptr_t)fiber->stack + fiber->size;
	uintptr_t *top;

	if (fiber->fs != tls.main)
		end = fiber->fs - (tls.size - tls.head);
	top = (uintptr_t *)((end - 64) & ~(uintptr_t)15);
	top[0] = 0;
	top[1] = 0;
	top -= 1;
	top[0] = 0;
	top[-1] = (uintptr_t)entry;
	for (int i = 2; i <= 7; i++)
		top[-i] = 0;
	fiber->sp = top - 7;
}

void fiber_exchange(void **from, void *to, uintptr_t fs) HIDDEN;
__asm__(".text\n"
	".globl fiber_exchange\n"
	".hidden fiber_exchange\n"
	".type fiber_exchange, @function\n"
	"fiber_exchange:\n"
	"	push %rbp\n"
	"	push %rbx\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	wrfsbase %rdx\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbx\n"
	"	pop %rbp\n"
	"	ret\n"
	".size fiber_exchange, .-fiber_exchange\n");

void fiber_switch(struct fiber *from, struct fiber *to)
{
	fiber_exchange(&from->sp, to->sp, to->fs);
}
