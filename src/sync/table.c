/*
 * sync/table.c - chained hashing; the chains double when there are more entries than chains.
 *
 * If there is no memory to grow it goes on with longer chains.
 */
#include "sync/table.h"

#include "sync/arena.h"

#define FIRST_BITS 8u

static size_t chain_of(const struct fl_table *table, uintptr_t a, uintptr_t b)
{
	uint64_t mixed = (a ^ (b * UINT64_C(0xc2b2ae3d27d4eb4f))) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(mixed >> (64 - table->bits));
}

static size_t size_of(unsigned bits)
{
	return sizeof(struct fl_table_entry *) << bits;
}

static void link(struct fl_table *table, struct fl_table_entry *entry)
{
	struct fl_table_entry **chain = &table->chains[chain_of(table, entry->a, entry->b)];

	entry->next = *chain;
	*chain = entry;
}

static void grow(struct fl_table *table)
{
	struct fl_table old = *table;
	struct fl_table_entry *entry, *next;
	struct fl_table_entry **chains = fl_arena_take_(size_of(old.chains ? old.bits + 1 : FIRST_BITS));
	size_t i;

	if (!chains)
		return;
	table->chains = chains;
	table->bits = old.chains ? old.bits + 1 : FIRST_BITS;
	if (!old.chains)
		return;
	for (i = 0; i < (size_t)1 << old.bits; i++)
		for (entry = old.chains[i]; entry; entry = next) {
			next = entry->next;
			link(table, entry);
		}
	fl_arena_give_(old.chains, size_of(old.bits));
}

struct fl_table_entry *fl_table_find_(const struct fl_table *table, uintptr_t a, uintptr_t b)
{
	struct fl_table_entry *entry;

	if (table->n == 0)
		return NULL;
	entry = table->chains[chain_of(table, a, b)];
	while (entry && (entry->a != a || entry->b != b))
		entry = entry->next;
	return entry;
}

bool fl_table_add_(struct fl_table *table, struct fl_table_entry *entry)
{
	if (!table->chains || table->n >> table->bits)
		grow(table);
	if (!table->chains)
		return false;
	link(table, entry);
	table->n++;
	return true;
}

void fl_table_remove_(struct fl_table *table, struct fl_table_entry *entry)
{
	struct fl_table_entry **link = &table->chains[chain_of(table, entry->a, entry->b)];

	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	table->n--;
}

struct fl_table_entry *fl_table_next_(const struct fl_table *table, const struct fl_table_entry *entry)
{
	size_t i = 0;

	if (entry && entry->next)
		return entry->next;
	if (entry)
		i = chain_of(table, entry->a, entry->b) + 1;
	for (; table->n > 0 && i < (size_t)1 << table->bits; i++)
		if (table->chains[i])
			return table->chains[i];
	return NULL;
}
