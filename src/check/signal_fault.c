/*
 * check/signal_fault.c - a program's own handlers for what the processor raises: SIGSEGV and its like.
 *
 * They are called on the thread's own stack, or on the one that it gave to sigaltstack (detour.c). What a handler has
 * changed in the context that it gets, is what is returned to. One that never returns, but jumps or ends the process,
 * leaves that behind.
 */
#include "detour.h"
#include "object.h"
#include "signals.h"

#include <errno.h>

#define PAGE 4096u

static void run_handler(struct detour *detour)
{
	struct sent sent = {.info = detour->info};

	signal_handle(self(), &sent, detour->context);
}

/* Where there is room for the handler. Returns 0 if there is none. */
static uintptr_t place(const ucontext_t *at, const struct sigaction *action, uintptr_t address)
{
	const struct thread *thread = self();
	uintptr_t sp = (uintptr_t)at->uc_mcontext.gregs[REG_RSP];

	if ((action->sa_flags & SA_ONSTACK) != 0 && thread->alt_stack != NULL &&
	    sp - (uintptr_t)thread->alt_stack >= thread->alt_size)
		return (uintptr_t)thread->alt_stack + thread->alt_size;
	return address - (uintptr_t)thread->fiber.stack < PAGE ? 0 : detour_room(at);
}

bool signal_fault(int signal, const siginfo_t *info, void *context)
{
	uintptr_t end;

	if (!controlled() || !signal_has_handler(signal) || (self()->blocked & signal_bit(signal)) != 0)
		return false;
	end = place(context, signal_action(signal), (uintptr_t)info->si_addr);
	if (end == 0)
		return false;
	detour(context, info, end, run_handler);
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
