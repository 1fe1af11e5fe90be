/*
 * sync/table.h - a hash table by two words, for what the checks know about locks and about pairs of locks.
 *
 * Entries are the first member of what they are entries of. The table is its owner's to protect.
 */
#ifndef FL_SYNC_TABLE_H
#define FL_SYNC_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_table_entry {
	struct fl_table_entry *next;
	uintptr_t a, b;
};

/* All zero is an empty table. */
struct fl_table {
	struct fl_table_entry **chains;
	unsigned bits;
	size_t n;
};

/* Returns the entry of (a, b), or NULL. */
struct fl_table_entry *fl_table_find_(const struct fl_table *table, uintptr_t a, uintptr_t b);

/* Adds an entry whose a and b are set and not in the table yet; false if there is no memory for the first entry's
 * chains. */
bool fl_table_add_(struct fl_table *table, struct fl_table_entry *entry);

/* Takes an entry out. */
void fl_table_remove_(struct fl_table *table, struct fl_table_entry *entry);

/* Returns the entry that follows in a walk over all; NULL begins it, and NULL ends it. */
struct fl_table_entry *fl_table_next_(const struct fl_table *table, const struct fl_table_entry *entry);

#endif
