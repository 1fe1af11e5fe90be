/*
 * watch/memory.h - where the notes are, and room in them.
 */
#ifndef FL_WATCH_MEMORY_H
#define FL_WATCH_MEMORY_H

#include "notes.h"
#include <stdbool.h>
#include <stddef.h>

/* Where they are mapped; it does not change, in forked children either. Good after watch_open_. */
extern struct watch_notes *watch_notes_;

/* Makes the notes if this process has none yet, and sends them to the command. Returns whether there are any. */
bool watch_open_(void);

/* This is a forked child: the notes are its parent's. */
void watch_memory_after_fork_(void);

/* Takes the next place of a table; UINT32_MAX if there is none, which is counted. */
uint32_t watch_take_(uint32_t *count, uint32_t most);

/* Memory of this process alone, zeroed, for ever; NULL if there is none. */
void *watch_private_(size_t size);

/* Says in the log that a chain was gone along in a segment. */
void watch_log_(struct watch_chain *chain, uint32_t segment);

#endif
