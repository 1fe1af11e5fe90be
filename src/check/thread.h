/*
 * check/thread.h - the threads of the program, as other models need them.
 */
#ifndef FAIRLEAD_CHECK_THREAD_H
#define FAIRLEAD_CHECK_THREAD_H

#include "run.h"

#include <pthread.h>

/* Where every thread begins, on its own stack. */
HIDDEN NO_RETURN void thread_main(void);
/* Returns the thread that the program knows by that, or NULL. */
HIDDEN struct thread *thread_of(pthread_t id);
/* Ends the thread that runs, as pthread_exit does. */
HIDDEN NO_RETURN void thread_exit(void *result);
/* Goes on with that, after a cleanup handler. */
HIDDEN NO_RETURN void thread_unwind(void);
/* Before main: the unwinder sets up now what it sets up once. */
HIDDEN void thread_warm_up(void);
/* Its thread_local objects and keys are destroyed (local.c). */
HIDDEN void thread_finish_data(struct thread *thread);
/* Only those of objects, as at the end of the process. */
HIDDEN void thread_finish_objects(struct thread *thread);
/* It has ended: robust mutexes that it holds go to the next one with EOWNERDEAD. */
HIDDEN void thread_give_up_locks(struct thread *thread);

/* The keys as they are now are what each later execution begins with; puts them back. */
HIDDEN void local_keep(void);
HIDDEN void local_restore(void);

#endif
