/*
 * base/robust.h - words that the kernel marks when a thread ends.
 */
#ifndef FL_BASE_ROBUST_H
#define FL_BASE_ROBUST_H

#include <stddef.h>
#include <stdint.h>

struct robust_list_head;

/* The calling thread's list, for a word whose link lies in `room`; NULL: there is none, or the link would lie
 * elsewhere.
 */
struct robust_list_head *fl_robust_find_(uint32_t *word, const void *room, size_t size);

/* Stores the thread's id in the word, with the bit that says that somebody sleeps, and has the kernel mark it. By the
 * list's own thread, as all of this. */
void fl_robust_add_(struct robust_list_head *list, uint32_t *word, uint32_t tid);
/* Makes the word 0, and takes it out of the list. */
void fl_robust_remove_(struct robust_list_head *list, uint32_t *word);

/* If the thread ends from now on, and the word, which is in no list, is 0, one of those who sleep on it is woken. NULL:
 * nobody any more. */
void fl_robust_wake_(struct robust_list_head *list, uint32_t *word);

#endif
