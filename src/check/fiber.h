/*
 * check/fiber.h - threads of the program as fibers of one kernel thread: a stack, a thread-local block, a switch.
 *
 * A fiber has all that the C library looks for in a thread: a control block made by the dynamic linker itself
 * (_dl_allocate_tls), with its own errno, locale and thread_local data. A switch exchanges the callee-saved registers
 * and the FS base (the instruction wrfsbase), some 5 ns. Nothing of it is known to the kernel.
 *
 * Rejected: a parked kernel thread for each fiber, whose control block is borrowed. It works without knowing the
 * dynamic linker's functions, but each thread makes every fork slower (4 us a thread), and threads cannot be made while
 * the program runs without upsetting the library's lists.
 */
#ifndef FAIRLEAD_CHECK_FIBER_H
#define FAIRLEAD_CHECK_FIBER_H

#include "raw.h"

struct fiber {
	void *sp;     /* where it was left */
	uintptr_t fs; /* its thread control block */
	char *stack;  /* its lowest byte */
	size_t size;
};

/* Looks at the thread that calls, whose control block the others are like. Returns NULL, or what is missing. */
HIDDEN const char *fiber_begin(void);

/* Gives the fiber a thread-local block as a new thread has it; reuses the one it has. */
HIDDEN void fiber_renew(struct fiber *fiber, unsigned id);

/* Gives the fiber that of the thread that called fiber_begin. */
HIDDEN void fiber_adopt(struct fiber *fiber);

/* Makes the fiber begin with entry() on its stack when it is switched to. */
HIDDEN void fiber_prepare(struct fiber *fiber, void (*entry)(void));

/* Leaves the fiber that runs, whose state goes to `from`, for `to`. */
HIDDEN void fiber_switch(struct fiber *from, struct fiber *to);

/* The part of the first thread's block that belongs to the program's thread_local data. */
HIDDEN void fiber_main_data(char **ret_from, size_t *ret_size);

#endif
