/*
 * run/spare.h - memory for tasks, which is used again. How, and how much is kept, stands in run/spare.c.
 */
#ifndef FL_RUN_SPARE_H
#define FL_RUN_SPARE_H

#include "run/executor.h"

/* Where memory that was freed must be known to be free: to who looks for its use, or counts it. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(FL_MODEL)
#define FL_NO_SPARES
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define FL_NO_SPARES
#endif
#endif

#define FL_SPARE_SIZE 216u     /* bytes: a task, and a value of 24 */
#define FL_SPARE_BATCH 32u     /* so many go from thread to thread at a time */
#define FL_SPARE_BATCHES 2048u /* so many are kept beyond what threads have, at most */

/* Memory of FL_SPARE_SIZE bytes, whatever is in it; NULL: there is none. */
void *fl_spare_take_(void);

/* Takes back what fl_spare_take_ has given, of a future that has no reference left. */
void fl_spare_give_(fl_task *task);

/* There is one more executor, one less. Only while there is one, anything is kept beyond what threads have. */
void fl_spare_open_(void);
void fl_spare_close_(void);

/* How many batches are kept beyond what threads have: for tests. */
uint32_t fl_spare_batches_(void);

#endif
