/*
 * check/detour.c - see detour.h.
 *
 * The kernel's signals come on the checker's stack for signals, which is one for all threads: a handler that made a
 * step there would meet the next signal of another thread. So the state of the thread that the kernel has saved is
 * copied to its own stack, below what is in use there, and the kernel returns into detour_enter. That calls the
 * function; then the copy is what is returned to, as if the kernel had made it.
 *
 * The copy is where the stack pointer is, and the instructions behind the call are those by which unwinders know the
 * end of a handler: so stacks can be walked from the function up to whoever was interrupted.
 */
#include "detour.h"

#include "run.h"

#define RED_ZONE 128u
#define PAGE 4096u
#define STATE_MAGIC 0x46505853u
#define STATE_LEAST 512u

HIDDEN void detour_run(struct detour *detour);
HIDDEN extern const char detour_enter[];

__asm__(".text\n"
	".globl detour_enter\n"
	".hidden detour_enter\n"
	".type detour_enter, @function\n"
	"detour_enter:\n"
	"	mov %rsp, %rdi\n"
	"	call detour_run\n"
	"	movq $15, %rax\n"
	"	syscall\n"
	".size detour_enter, .-detour_enter\n");

void detour_run(struct detour *detour)
{
	detour->call(detour);
}

/* Of the floating-point state, the size is in it. */
static size_t size_of_state(const char *state)
{
	const uint32_t *software = (const uint32_t *)(const void *)(state + 464);

	return software[0] == STATE_MAGIC ? software[1] : STATE_LEAST;
}

/* A kernel thread has no other stack: there it is below what the kernel has put on it, and what runs now. */
uintptr_t detour_room(const void *context)
{
	const struct thread *thread = self();
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	if (here - (uintptr_t)thread->fiber.stack < thread->fiber.size)
		return here - PAGE;
	return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RSP] - RED_ZONE;
}

void detour(void *context, const siginfo_t *info, uintptr_t end, void (*call)(struct detour *detour))
{
	ucontext_t *at = context, *copied;
	char *state = (char *)at->uc_mcontext.fpregs;
	struct detour *frame;

	end = (end - size_of_state(state)) & ~(uintptr_t)63;
	raw_copy((void *)end, state, size_of_state(state));
	frame = (struct detour *)((end - sizeof(*frame)) & ~(uintptr_t)15);
	frame->info = *info;
	frame->call = call;
	raw_copy(frame->context, context, DETOUR_CONTEXT);
	copied = (ucontext_t *)(void *)frame->context;
	copied->uc_mcontext.fpregs = (fpregset_t)end;
	at->uc_mcontext.gregs[REG_RSP] = (greg_t)(uintptr_t)frame;
	at->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)detour_enter;
}
