/*
 * base/name.c - the table of names: chained hashing under one lock, since it is only touched when an object is made,
 * destroyed or reported. An object that was never named costs its destroyer a look at an atomic counter.
 */
#include "base/name.h"

#include "base/inner.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define N_CHAINS 1024u

struct entry {
	struct entry *next;
	const void *object;
	char name[FL_NAME_SIZE];
};

static struct fl_inner lock;
static struct entry *chains[N_CHAINS];
static uint32_t n_entries;

static struct entry **find(const void *object)
{
	struct entry **link = &chains[((uintptr_t)object * UINT64_C(0x9e3779b97f4a7c15)) >> 54];

	while (*link && (*link)->object != object)
		link = &(*link)->next;
	return link;
}

static void forget(struct entry **link)
{
	struct entry *entry = *link;

	if (!entry)
		return;
	*link = entry->next;
	free(entry);
	fl_store_relaxed(&n_entries, n_entries - 1);
}

static void remember(struct entry **link, const void *object, const char *name)
{
	if (!*link) {
		*link = calloc(1, sizeof(**link));
		if (!*link)
			return;
		(*link)->object = object;
		fl_store_relaxed(&n_entries, n_entries + 1);
	}
	strncpy((*link)->name, name, FL_NAME_SIZE - 1);
}

void fl_name_set_(const void *object, const char *name)
{
	if (!name && fl_load_relaxed(&n_entries) == 0)
		return;
	fl_inner_acquire(&lock);
	if (name)
		remember(find(object), object, name);
	else
		forget(find(object));
	fl_inner_release(&lock);
}

const char *fl_name_get_(const void *object, char ret_name[FL_NAME_SIZE])
{
	struct entry *entry;

	fl_inner_acquire(&lock);
	entry = *find(object);
	if (entry)
		memcpy(ret_name, entry->name, FL_NAME_SIZE);
	fl_inner_release(&lock);
	return entry ? ret_name : NULL;
}

void fl_name_after_fork_(void)
{
	lock.state = 0;
}
