/*
 * fiber.c - threads as fibers, whose stacks can be copied away and put back.
 *
 * ucontext makes a fiber, and setjmp and longjmp switch, since swapcontext makes a system call each time. A
 * fiber that is not running consists of its jmp_buf and of its stack from `low` up, and both may be copied and
 * put back at the same addresses. What lies below `low` is cleared, so that the next call finds zeros there and
 * not the remains of earlier ones: otherwise one and the same state would look like many.
 */
#include "engine.h"

#include <string.h>
#include <ucontext.h>

#define CLEARED 4096 /* more than any call of the model leaves there */

static jmp_buf home;

/* The address of its own frame is below all of its caller's. */
__attribute__((noinline)) static char *below(void)
{
	return __builtin_frame_address(0);
}

void model_fiber_leave(struct model_fiber *fiber)
{
	fiber->low = below();
	if (_setjmp(fiber->at) == 0)
		_longjmp(home, 1);
}

void model_fiber_run(struct model_fiber *fiber, const char *stack)
{
	char *from;

	if (_setjmp(home) == 0)
		_longjmp(fiber->at, 1);
	from = fiber->low - stack > CLEARED ? fiber->low - CLEARED : fiber->low - (fiber->low - stack);
	memset(from, 0, (size_t)(fiber->low - from));
}

static struct model_fiber *new_fiber;
static void (*new_body)(void);

static void begin(void)
{
	void (*body)(void) = new_body;

	model_fiber_leave(new_fiber);
	body();
}

void model_fiber_make(struct model_fiber *fiber, char *stack, size_t size, void (*body)(void))
{
	ucontext_t context;

	memset(fiber, 0, sizeof(*fiber));
	new_fiber = fiber;
	new_body = body;
	getcontext(&context);
	context.uc_stack.ss_sp = stack;
	context.uc_stack.ss_size = size;
	context.uc_link = NULL;
	makecontext(&context, begin, 0);
	if (_setjmp(home) == 0)
		setcontext(&context);
}
