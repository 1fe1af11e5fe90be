/*
 * replay.h - what replay.c and replay_gdb.c share.
 */
#ifndef FAIRLEAD_CLI_REPLAY_H
#define FAIRLEAD_CLI_REPLAY_H

#include "check.h"

/* Fills in what a replay file says of an execution. */
int replay_prepare(struct check_memory *memory, void *replay);
/* Becomes gdb, with the program in it, to be stopped in front of a step. Returns if it could not, and has said why. */
void replay_gdb(const char *path, struct check_target *target, struct check_replay *replay, uint64_t before);

#endif
