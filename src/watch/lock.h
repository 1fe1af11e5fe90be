/*
 * watch/lock.h - the locks of the process, by address.
 */
#ifndef FL_WATCH_LOCK_H
#define FL_WATCH_LOCK_H

#include "notes.h"
#include <stddef.h>

/* Returns the lock at an address, made if there is none; NULL if there is no room. */
struct watch_lock *watch_lock_(const void *address, enum watch_kind kind);

/* A lock was initialised there, by who called from `site`: it is a new one. */
void watch_lock_born_(const void *address, enum watch_kind kind, const void *site);

/* It was used by way of that chain, which says where, if it is for the first time. */
void watch_lock_used_(struct watch_lock *lock, const struct watch_chain *chain);

/* The lock at that address, if there was one, is no more. */
void watch_lock_forget_(const void *address);

/* The same for all in a piece of memory that is about to be freed. */
void watch_lock_forget_within_(const void *memory, size_t size);

/* This is a forked child. */
void watch_lock_after_fork_(void);

#endif
