/*
 * check/signal_fault.c - a program's own handlers for what the processor raises: SIGSEGV and its like.
 *
 * The kernel's signal comes on the checker's stack for signals, which is one for all threads: a handler that made a
 * step there would meet the next fault of another thread. So the state of the thread that the kernel has saved is
 * copied to its own stack, below what is in use there (or to the one that it gave to sigaltstack), and the kernel
 * returns into a function that calls the handler. When that returns, the copy is what is returned to: with all that the
 * handler has changed in it, as if the kernel had called it.
 *
 * A handler that never returns, but jumps or ends the process, leaves the copy behind.
 */
#include "object.h"
#include "signals.h"

#include <errno.h>
#include <ucontext.h>

#define RED_ZONE 128u
#define PAGE 4096u
/* What the kernel keeps of a context; the C library's type goes on with what the kernel does not know. */
#define CONTEXT (offsetof(ucontext_t, uc_sigmask) + 8)
#define STATE_MAGIC 0x46505853u
#define STATE_LEAST 512u

struct frame {
	siginfo_t info;
	_Alignas(16) char context[(CONTEXT + 15) & ~(size_t)15];
};

_Static_assert(offsetof(struct frame, context) == 128, "as the instructions below have it");

HIDDEN void signal_fault_run(struct frame *frame);
HIDDEN extern const char signal_fault_enter[];

/* The frame is where the stack pointer is. The kernel's call takes a context from there. */
__asm__(".text\n"
	".globl signal_fault_enter\n"
	".hidden signal_fault_enter\n"
	".type signal_fault_enter, @function\n"
	"signal_fault_enter:\n"
	"	mov %rsp, %rdi\n"
	"	call signal_fault_run\n"
	"	lea 128(%rsp), %rsp\n"
	"	mov $15, %eax\n"
	"	syscall\n"
	".size signal_fault_enter, .-signal_fault_enter\n");

void signal_fault_run(struct frame *frame)
{
	struct sent sent = {.info = frame->info};

	signal_handle(self(), &sent, frame->context);
}

/* Of the floating-point state, the size is in it. */
static size_t size_of_state(const char *state)
{
	const uint32_t *software = (const uint32_t *)(const void *)(state + 464);

	return software[0] == STATE_MAGIC ? software[1] : STATE_LEAST;
}

/* Where the frame's end is to be. Returns 0 if there is no room. A kernel thread has no other stack: there it is below
 * what the kernel has put on it, and what runs now. */
static uintptr_t place(const ucontext_t *at, const struct sigaction *action, uintptr_t address)
{
	const struct thread *thread = self();
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	uintptr_t sp = (uintptr_t)at->uc_mcontext.gregs[REG_RSP];

	if ((action->sa_flags & SA_ONSTACK) != 0 && thread->alt_stack != NULL &&
	    sp - (uintptr_t)thread->alt_stack >= thread->alt_size)
		return (uintptr_t)thread->alt_stack + thread->alt_size;
	if (address - (uintptr_t)thread->fiber.stack < PAGE)
		return 0;
	return here - (uintptr_t)thread->fiber.stack < thread->fiber.size ? here - PAGE : sp - RED_ZONE;
}

bool signal_fault(int signal, const siginfo_t *info, void *context)
{
	ucontext_t *at = context, *copied;
	char *state = (char *)at->uc_mcontext.fpregs;
	struct frame *frame;
	uintptr_t end;

	if (!controlled() || !signal_has_handler(signal) || (self()->blocked & signal_bit(signal)) != 0)
		return false;
	end = place(at, signal_action(signal), (uintptr_t)info->si_addr);
	if (end == 0)
		return false;
	end = (end - size_of_state(state)) & ~(uintptr_t)63;
	raw_copy((void *)end, state, size_of_state(state));
	frame = (struct frame *)((end - sizeof(*frame)) & ~(uintptr_t)15);
	frame->info = *info;
	raw_copy(frame->context, context, CONTEXT);
	copied = (ucontext_t *)(void *)frame->context;
	copied->uc_mcontext.fpregs = (fpregset_t)end;
	at->uc_mcontext.gregs[REG_RSP] = (greg_t)(uintptr_t)frame;
	at->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)signal_fault_enter;
	return true;
}

/* The kernel's own is the checker's. */
EXPORT int sigaltstack(const stack_t *restrict stack, stack_t *restrict ret_old)
{
	struct thread *thread;

	if (!controlled())
		return 0;
	thread = self();
	if (ret_old != NULL)
		*ret_old = (stack_t){.ss_sp = thread->alt_stack,
				     .ss_size = thread->alt_size,
				     .ss_flags = thread->alt_stack == NULL ? SS_DISABLE : 0};
	if (stack == NULL)
		return 0;
	if ((stack->ss_flags & SS_DISABLE) == 0 && stack->ss_size < (size_t)MINSIGSTKSZ) {
		errno = ENOMEM;
		return -1;
	}
	thread->alt_stack = (stack->ss_flags & SS_DISABLE) != 0 ? NULL : stack->ss_sp;
	thread->alt_size = stack->ss_size;
	return 0;
}
