/*
 * base/robust.c - words that the kernel marks when a thread ends: its robust list (Ingo Molnar and others, 2006; made
 * for mutexes).
 *
 * The list is the C library's, too: its links lie at a fixed distance behind the words. Other processes could have it
 * write anywhere if they could write to those links. So who shares the word has memory of his own at that distance.
 *
 * What is pending, one word, the kernel looks at as if it were in the list: so there is no moment, while a word comes
 * into the list or leaves it, at which its thread could die and the word not be marked. It also takes it for a mutex
 * that was being unlocked: if the word is 0, it wakes one who sleeps on it, without marking anything.
 */
#define _GNU_SOURCE
#include "base/robust.h"

#include "base/atomic.h"
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A link begins with what the C library links its own entries backwards by; an entry is the address of `next`. */
struct link {
	uintptr_t previous;
	uintptr_t next; /* bit 0 is the C library's */
};

static struct link *link_at(uintptr_t entry)
{
	return (struct link *)((entry & ~(uintptr_t)1) - offsetof(struct link, next));
}

/* The entry of a word. */
static uintptr_t entry_of(const struct robust_list_head *list, const uint32_t *word)
{
	return (uintptr_t)word - (uintptr_t)list->futex_offset;
}

struct robust_list_head *fl_robust_find_(uint32_t *word, const void *room, size_t size)
{
	struct robust_list_head *list = NULL;
	uintptr_t begin = (uintptr_t)room, entry;
	size_t length = 0;

	if (syscall(SYS_get_robust_list, 0, &list, &length) != 0 || length != sizeof(*list))
		return NULL;
	entry = entry_of(list, word);
	if (entry < begin + sizeof(uintptr_t) || entry > begin + size - sizeof(uintptr_t) || (entry & 7))
		return NULL;
	return list;
}

void fl_robust_wake_(struct robust_list_head *list, uint32_t *word)
{
	list->list_op_pending = word ? (struct robust_list *)entry_of(list, word) : NULL;
	fl_signal_fence();
}

void fl_robust_add_(struct robust_list_head *list, uint32_t *word, uint32_t tid)
{
	uintptr_t entry = entry_of(list, word), first = (uintptr_t)list->list.next, end = (uintptr_t)&list->list;

	list->list_op_pending = (struct robust_list *)entry;
	fl_signal_fence();
	/* [peer.2] release; pairs with [peer.1] */
	fl_store_release(word, tid | FUTEX_WAITERS);
	fl_signal_fence();
	*link_at(entry) = (struct link){.previous = end, .next = first};
	fl_signal_fence();
	if ((first & ~(uintptr_t)1) != end)
		link_at(first)->previous = entry;
	list->list.next = (struct robust_list *)entry;
	fl_signal_fence();
	list->list_op_pending = NULL;
}

void fl_robust_remove_(struct robust_list_head *list, uint32_t *word)
{
	uintptr_t entry = entry_of(list, word), end = (uintptr_t)&list->list;
	struct link link = *link_at(entry);

	list->list_op_pending = (struct robust_list *)entry;
	fl_signal_fence();
	if ((link.next & ~(uintptr_t)1) != end)
		link_at(link.next)->previous = link.previous;
	*(uintptr_t *)(link.previous & ~(uintptr_t)1) = link.next;
	fl_signal_fence();
	/* [peer.2] release; pairs with [peer.1] */
	fl_store_release(word, 0);
	fl_signal_fence();
	list->list_op_pending = NULL;
}
