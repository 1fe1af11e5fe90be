/*
 * check/signal_jump.c - sigsetjmp and siglongjmp, which save and put back the mask of blocked signals.
 *
 * The C library would save the kernel's mask, which is not the thread's. Its function is called in a way that leaves
 * the mask alone, and the room for it in the buffer gets the thread's, with a mark. A function that returns twice can
 * only be passed on to with a jump.
 */
#include "signals.h"

#include <dlfcn.h>
#include <setjmp.h>

#define MARK UINT64_C(0x6d61736b2d686572)

HIDDEN void signal_jump_note(struct __jmp_buf_tag *buffer, int save);
HIDDEN int (*signal_jump_set)(struct __jmp_buf_tag *, int);

__asm__(".text\n"
	".globl __sigsetjmp\n"
	".type __sigsetjmp, @function\n"
	"__sigsetjmp:\n"
	"	push %rdi\n"
	"	sub $16, %rsp\n"
	"	call signal_jump_note\n"
	"	add $16, %rsp\n"
	"	pop %rdi\n"
	"	xor %esi, %esi\n"
	"	jmp *signal_jump_set(%rip)\n"
	".size __sigsetjmp, .-__sigsetjmp\n");

static uint64_t *words(struct __jmp_buf_tag *buffer)
{
	return (uint64_t *)(void *)&buffer->__saved_mask;
}

/* The buffers of cleanup handlers have no room for a mask: those are never asked to save it. */
void signal_jump_note(struct __jmp_buf_tag *buffer, int save)
{
	if (signal_jump_set == NULL)
		signal_jump_set = (int (*)(struct __jmp_buf_tag *, int))dlsym(RTLD_NEXT, "__sigsetjmp");
	if (!save)
		return;
	words(buffer)[0] = controlled() ? self()->blocked : 0;
	words(buffer)[1] = MARK ^ (uintptr_t)buffer;
}

static NO_RETURN void jump(struct __jmp_buf_tag *buffer, int value)
{
	void (*real)(struct __jmp_buf_tag *, int) =
		(void (*)(struct __jmp_buf_tag *, int))dlsym(RTLD_NEXT, "siglongjmp");

	if (controlled() && words(buffer)[1] == (MARK ^ (uintptr_t)buffer))
		signal_set_mask(self(), words(buffer)[0]);
	real(buffer, value);
	__builtin_unreachable();
}

EXPORT NO_RETURN void siglongjmp(sigjmp_buf buffer, int value)
{
	jump(buffer, value);
}

/* What it is with _FORTIFY_SOURCE; it would look for the thread's stack where that is not. */
EXPORT NO_RETURN void __longjmp_chk(struct __jmp_buf_tag *buffer, int value);
NO_RETURN void __longjmp_chk(struct __jmp_buf_tag *buffer, int value)
{
	jump(buffer, value);
}
