/*
 * fairlead/owner.h - who it was that died holding something.
 *
 *     if (fl_lock_acquire(&shop->lock) == -EOWNERDEAD) {
 *             fl_owner owner;
 *
 *             fl_dead_owner(&owner);
 *             fprintf(stderr, "%s (%d) died in the shop: counting again\n", owner.name, (int)owner.pid);
 *             count_again(shop);
 *             fl_lock_mend(&shop->lock);
 *     }
 */
#ifndef FAIRLEAD_OWNER_H
#define FAIRLEAD_OWNER_H

#include <fairlead/attributes.h>
#include <stdint.h>
#include <sys/types.h>

FL_BEGIN_DECLS

/* A thread, as it was known in its own PID namespace. */
typedef struct fl_owner {
	pid_t pid;     /* of its process; 0: nothing is known of it */
	pid_t tid;     /* its own, as gettid(2) has it */
	char name[16]; /* the thread's, as pthread_setname_np has it when it first used something in the segment */
	uint64_t fl_spare[2];
} fl_owner;

/* Says who it was when a call of this thread on a shared object last returned -EOWNERDEAD. Nothing is known if there
 * was no such call, if so many threads have come since that its place was needed, or if fl_lock_all was told
 * first, of this thread or another one, and let the lock go again. Does not block.  Since 0.1. */
void fl_dead_owner(fl_owner *ret_owner) FL_ALL_NONNULL;

FL_END_DECLS

#endif
