/*
 * check/snapshot.h - the program's memory as it was before main, to be put back after each execution.
 */
#ifndef FAIRLEAD_CHECK_SNAPSHOT_H
#define FAIRLEAD_CHECK_SNAPSHOT_H

#include "raw.h"

/* Before the program runs: which memory is whose. */
HIDDEN void snapshot_begin(char **argv);
/* Keeps memory as it is now. From here on, system calls whose effects would outlive an execution end the process with
 * SNAPSHOT_UNSAFE, and say why in memory->unsafe. Returns NULL, or what is missing. */
HIDDEN const char *snapshot_keep(void);
#define SNAPSHOT_UNSAFE 77
HIDDEN void snapshot_restore(void);
/* A fault at that address: if it is the first write to a kept page, notes the page and returns true. */
HIDDEN bool snapshot_fault(uintptr_t address);
/* A system call that the filter caught, and that would leave something behind; does not return. */
HIDDEN NO_RETURN void snapshot_call(long number, const long *arguments);

#endif
