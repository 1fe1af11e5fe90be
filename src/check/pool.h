/*
 * check/pool.h - memory of one execution: handed out piece by piece, forgotten as a whole.
 */
#ifndef FAIRLEAD_CHECK_POOL_H
#define FAIRLEAD_CHECK_POOL_H

#include "raw.h"

/* Before the first execution. */
HIDDEN void pool_begin(void);
/* An execution begins: nothing is in use. */
HIDDEN void pool_renew(void);
/* Returns zeroed memory that lives until the execution ends. */
HIDDEN void *pool_take(size_t size);

#endif
