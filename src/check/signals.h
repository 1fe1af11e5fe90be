/*
 * check/signals.h - signals, as other models need them.
 */
#ifndef FAIRLEAD_CHECK_SIGNALS_H
#define FAIRLEAD_CHECK_SIGNALS_H

#include "run.h"

#include <signal.h>

/* A signal that was sent, and is not handled yet. */
struct sent {
	struct sent *next;
	siginfo_t info;
	uint32_t *clock; /* what its sender knew */
};

/* Signals as bits of a word: signal n is bit n - 1. */
static inline uint64_t signal_bit(int signal)
{
	return UINT64_C(1) << (signal - 1);
}

static inline uint64_t signal_bits(const sigset_t *set)
{
	return *(const uint64_t *)(const void *)set;
}

HIDDEN bool signal_valid(int signal);
/* What the program wants done with it. */
HIDDEN struct sigaction *signal_action(int signal);
HIDDEN bool signal_has_handler(int signal);

/* The first thread begins. */
HIDDEN void signal_begin(struct thread *first);
/* Sends to a thread; to the process: to one of the threads that do not block it. The step was made before. */
HIDDEN void signal_send(struct thread *thread, const siginfo_t *info);
HIDDEN void signal_send_process(const siginfo_t *info);
/* Blocks these and no others. */
HIDDEN void signal_set_mask(struct thread *thread, uint64_t blocked);
/* Takes the first of `set` that was sent to the thread. Returns NULL if there is none. */
HIDDEN struct sent *signal_take(struct thread *thread, uint64_t set);
/* The running thread raises it, as a call that failed in a way that signals do report. */
HIDDEN void signal_raise(int signal, uintptr_t pc);
/* Runs the handler, with its signals blocked. Returns what interrupt_serve returns. */
HIDDEN uint8_t signal_handle(struct thread *thread, struct sent *sent, void *context);

/* The kernel has called the checker's handler with a fault of the running thread: makes it return to the program's, if
 * it has one. */
HIDDEN bool signal_fault(int signal, const siginfo_t *info, void *context);

/* The virtual time at which alarm() or setitimer() strikes, or CHECK_FOREVER; strikes. */
HIDDEN int64_t signal_alarm_time(void);
HIDDEN void signal_alarm(void);

#endif
