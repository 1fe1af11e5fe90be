/*
 * check/detour.h - from a signal's handler to a function of ours, on the stack of the thread that was interrupted.
 */
#ifndef FAIRLEAD_CHECK_DETOUR_H
#define FAIRLEAD_CHECK_DETOUR_H

#include "raw.h"

#include <signal.h>
#include <ucontext.h>

/* What the kernel keeps of a context; the C library's type goes on with what the kernel does not know. */
#define DETOUR_CONTEXT (offsetof(ucontext_t, uc_sigmask) + 8)

struct detour {
	_Alignas(16) char context[(DETOUR_CONTEXT + 15) & ~(size_t)15]; /* a ucontext_t: what is returned to */
	siginfo_t info;
	void (*call)(struct detour *detour);
};

/* Where on the stack of the thread that was interrupted there is room: below that address. */
HIDDEN uintptr_t detour_room(const void *context);
/* The handler that the kernel has called with that, on whatever stack, returns into call(), on a stack below `end`.
 * When that returns, the thread goes on where it was interrupted, with all that was changed in detour->context. */
HIDDEN void detour(void *context, const siginfo_t *info, uintptr_t end, void (*call)(struct detour *detour));

#endif
