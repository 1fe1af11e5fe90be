/*
 * check/engine.h - what an execution runs on: fibers with a copy of memory that is put back, fibers with a process for
 * each execution, or kernel threads.
 *
 * All three do the same: the scheduler above does not know which one it is, and a schedule of one is a schedule of the
 * others.
 */
#ifndef FAIRLEAD_CHECK_ENGINE_H
#define FAIRLEAD_CHECK_ENGINE_H

#include "run.h"

/* Gives a new thread what it runs on. Returns whether there was memory. */
HIDDEN bool engine_thread(struct thread *thread, size_t stack);
/* Leaves `from` for `to`; returns when somebody switches to `from`. */
HIDDEN void engine_switch(struct thread *from, struct thread *to);
/* The same, for good. */
HIDDEN NO_RETURN void engine_leave(struct thread *from, struct thread *to);
/* Ends the execution, from any of its threads. */
HIDDEN NO_RETURN void engine_end(void);
/* Ends it as the end of the process would, with that code; returns if the process itself has to end. */
HIDDEN void engine_exit(int code);
/* Nobody can go on: waits for the world outside, if a thread waits for that. Returns whether something came. */
HIDDEN bool engine_outside(void);

/* Tells the debugger that it is here. */
HIDDEN void engine_trap(void);

/* Makes one execution along `plan`, in the engine that memory->engine names. */
HIDDEN void engine_run(void);
/* Before the first one. `main` is the program's. */
HIDDEN void engine_begin(int (*main)(int, char **, char **), int argc, char **argv, char **envp);
/* What runs is a function of the caller's, not a program: an execution ends when all its threads have ended. */
HIDDEN void engine_function(void);
/* The last thread is about to end: ends the execution, or the process as exit(0) does. */
HIDDEN NO_RETURN void engine_last(void);
/* Returns whether a quarter of a second has passed since the last call that returned true, in the snapshot engine. */
HIDDEN bool engine_ticked(void);
/* Makes executions with `step` until that returns false: in a process that a run may bring down. Returns whether all
 * went well; false if that process has ended in another way: the engine has to be another one. */
HIDDEN bool engine_loop(bool (*step)(void));

#endif
