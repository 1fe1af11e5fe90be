/*
 * sync/guard.c - what a guard does if it could not acquire or release: the block must not run, and nobody would see
 * an error code.
 */
#include <fairlead/guard.h>

#include "base/report.h"
#include <stdlib.h>
#include <string.h>

void fl_guard_failed(const void *object, const char *kind, int error)
{
	fl_misuse_(kind, object, "a guard could not acquire or release it: %s", strerror(-error));
	abort(); /* also if a hook returned */
}
