/*
 * fairlead/rwlock.h - RWLock: many readers or one writer.
 *
 * Served in order of arrival: a reader that comes after a waiting writer waits for it, so writers do not starve, and
 * the readers between two writers go in together, so readers do not starve either. A thread that already reads may
 * read again at any time, also when a writer waits. It may not upgrade: acquiring the write side while reading would
 * wait for itself, and returns
 * -EDEADLK. Both sides belong to the thread that acquired them.
 *
 *     fl_with (fl_read(&table))  found = lookup(key);
 *     fl_with (fl_write(&table)) insert(key, value);
 *
 * When not to use it: for short critical sections fl_lock is faster, since readers must write to the lock too.
 *
 * Processes share one that is in a segment (fairlead/segment.h). What a dead reader holds is taken back by whoever
 * needs it. There neither side starves, but the order of arrival is not kept to the letter: a waiting writer keeps new
 * readers out, and when it leaves, a reader that waits goes before the next writer.
 *
 * No call may come from a signal handler. No call fails or returns early because of a signal.
 */
#ifndef FAIRLEAD_RWLOCK_H
#define FAIRLEAD_RWLOCK_H

#include <fairlead/attributes.h>
#include <fairlead/note.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* 16 bytes. All zero is a valid free lock. The members are private. */
typedef struct FL_CAPABILITY("rwlock") fl_rwlock {
	uint32_t fl_state;
	uint32_t fl_writer;
	uint16_t fl_spin;
	uint16_t fl_n_places;
	int32_t fl_places;
} fl_rwlock;

#define FL_RWLOCK_INIT \
	{ \
		0, 0, 0, 0, 0 \
	}

/* As fl_lock_init, fl_lock_name and fl_lock_destroy.  Since 0.1. */
void fl_rwlock_init(fl_rwlock *lock, const char *name) FL_NONNULL(1);
void fl_rwlock_name(fl_rwlock *lock, const char *name) FL_NONNULL(1);
void fl_rwlock_destroy(fl_rwlock *lock) FL_ALL_NONNULL;

/* How many words a shared RWLock needs besides itself. */
#define FL_RWLOCK_PLACES(readers) ((size_t)(readers) + 1)

/* Makes one that processes share: `lock` is in a segment, and `places` are FL_RWLOCK_PLACES(readers) words in the same
 * one; fl_segment_rwlock does it all. So many threads can read at a time; the next one waits for one to leave. Returns
 * 0;
 * -EINVAL: readers is 0 or more than 1024, the threads that can use a segment; or the places are 8 GiB away. Does not
 * block.  Since 0.1. */
int fl_rwlock_init_shared(fl_rwlock *lock, uint32_t readers, uint32_t *places) FL_ALL_NONNULL;

/* Acquires the read side; blocks while a writer holds the lock or waits for it. Returns 0;
 * -EDEADLK: the caller holds the write side (not acquired, nor reported: it is the caller's to handle);
 * -ENOMEM: the thread reads so many locks that its list of them could not grow; -EOWNERDEAD as fl_lock_acquire. Of a
 * shared one, -EOWNERDEAD tells each reader that a writer died and what it left has not been mended: the read side is
 * acquired, and what is read may be half changed. Only who writes can mend it. Of those also -ENOTRECOVERABLE, -EINVAL
 * and the others of fl_lock_acquire. */
int fl_rwlock_acquire_read(fl_rwlock *lock) FL_ALL_NONNULL FL_ACQUIRE_SHARED(lock);
/* Also -ETIMEDOUT and -ECANCELED, as fl_lock_acquire_until. */
int fl_rwlock_acquire_read_until(fl_rwlock *lock, fl_time deadline, fl_note *note) FL_NONNULL(1)
	FL_MUST_CHECK FL_TRY_ACQUIRE_SHARED(0, lock);
/* Never blocks. */
bool fl_rwlock_acquire_read_try(fl_rwlock *lock) FL_ALL_NONNULL FL_MUST_CHECK FL_TRY_ACQUIRE_SHARED(true, lock);
/* Releases the read side once. By a thread that does not read: reported as misuse. Does not block. */
void fl_rwlock_release_read(fl_rwlock *lock) FL_ALL_NONNULL FL_RELEASE_SHARED(lock);

/* Acquires the write side; blocks while anybody holds the lock. Returns 0;
 * -EDEADLK: the caller already reads or writes (not acquired, nor reported); -EOWNERDEAD as fl_lock_acquire. Of a
 * shared one -EOWNERDEAD also if somebody else was told before, and did not mend it; and what else fl_lock_acquire
 * returns. */
int fl_rwlock_acquire_write(fl_rwlock *lock) FL_ALL_NONNULL FL_ACQUIRE(lock);
/* Also -ETIMEDOUT and -ECANCELED, as fl_lock_acquire_until. */
int fl_rwlock_acquire_write_until(fl_rwlock *lock, fl_time deadline, fl_note *note) FL_NONNULL(1)
	FL_MUST_CHECK FL_TRY_ACQUIRE(0, lock);
/* Never blocks. */
bool fl_rwlock_acquire_write_try(fl_rwlock *lock) FL_ALL_NONNULL FL_MUST_CHECK FL_TRY_ACQUIRE(true, lock);
/* Releases the write side. By a thread that does not write: reported as misuse. Does not block. */
void fl_rwlock_release_write(fl_rwlock *lock) FL_ALL_NONNULL FL_RELEASE(lock);

/* Turns the caller's write side into a read side without letting another writer in between. Returns 0, -ENOMEM (it
 * still writes). Does not block. By a thread that does not write: reported as misuse, -EPERM. */
int fl_rwlock_downgrade(fl_rwlock *lock) FL_ALL_NONNULL FL_RELEASE(lock) FL_ACQUIRE_SHARED(lock);

/* As fl_lock_mend, by who writes since -EOWNERDEAD. To release the write side without that makes the lock
 * -ENOTRECOVERABLE for all; to turn it into a read side leaves it as it is. Returns 0; -EPERM: the caller does not
 * write. Does not block.  Since 0.1. */
int fl_rwlock_mend(fl_rwlock *lock) FL_ALL_NONNULL;

/* Returns how many threads' read sides are held, or -1 if it is held for writing; the answer may be old at once. */
int fl_rwlock_readers(const fl_rwlock *lock) FL_ALL_NONNULL;

FL_END_DECLS

#endif
