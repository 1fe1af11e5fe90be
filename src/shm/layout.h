/*
 * shm/layout.h - what is in a segment, and how it is read.
 *
 *     0         struct fl_segment_head: what it is, who is attached, where the chains of objects and free blocks begin
 *     PEERS_AT  a page for each thread that uses shared locks and the like (base/lot.h): addresses, of which only as
 *               many have memory as there are such threads
 *     HEAP_AT   the heap: blocks, one behind the other, to `size`
 *
 * A block is a struct fl_block of 64 bytes and what it is for, a multiple of 64 bytes. Every block's size leads to the
 * next one, so all can be found whatever happened to the chains. What leads to a block is the offset of its content.
 *
 * All of it is changed under the segment's lock only (shm/segment.h), which the kernel takes from a process that dies.
 * So a process may die between any two stores, and whoever has the lock next finds what was stored until then, in that
 * order: a store that says that something is done comes after it, and fl_then() keeps the compiler from thinking
 * otherwise. (What the processor makes of it is in order for whoever gets the lock, as with any lock.)
 *
 * Other processes may be hostile: they write what they like, whenever they like. So a figure is loaded once, by
 * fl_load_relaxed, and then checked, and then used; and a chain is followed for as many steps as there can be blocks.
 */
#ifndef FL_SHM_LAYOUT_H
#define FL_SHM_LAYOUT_H

#include "base/atomic.h"
#include "base/lot.h"
#include <fairlead/segment.h>

#define FL_SEGMENT_MAGIC UINT64_C(0x31676573646c6661) /* "afldseg1" */
#define FL_SEGMENT_VERSION 1u

#define FL_GRAIN 64u /* blocks are multiples of that, and begin at one */
#define FL_CHAINS 256u
#define FL_CLASSES 48u

/* A process that is attached: its place in this table is its slot, and the kernel knows by a lock whether it lives. */
struct fl_member {
	uint32_t used; /* 0: free; set last, cleared first */
	int32_t pid;
	uint64_t start; /* see fl_segment_process_info */
	int64_t since;
	char name[FL_SEGMENT_NAME];
};

struct fl_segment_head {
	uint64_t magic;
	uint32_t version;
	uint32_t flags; /* FL_SEGMENT_REMOVE */
	uint64_t max_size;
	uint64_t size; /* of what has been given memory and is laid out as blocks; only grows */
	int64_t made;
	uint64_t changing; /* not 0: somebody is at it, or died at it: the chains may be half changed */
	uint64_t freed;    /* how many bytes have been freed since the chains were made anew */
	uint64_t spare[9];
	char path[256];              /* of its name; empty: it has none, or it is too long */
	uint64_t objects[FL_CHAINS]; /* named objects, by a hash of the name */
	uint64_t free[FL_CLASSES];   /* free blocks of FL_GRAIN << i bytes or more, and less than twice that */
	struct fl_member members[FL_SEGMENT_PROCESSES];
	_Alignas(64) struct fl_lot lot;
};

#define FL_PEERS_AT ((sizeof(struct fl_segment_head) + FL_PEER_SIZE - 1) / FL_PEER_SIZE * FL_PEER_SIZE)
#define FL_PEERS_SIZE ((uint64_t)FL_PEERS * FL_PEER_SIZE)
#define FL_HEAP_AT (FL_PEERS_AT + FL_PEERS_SIZE)

/* What a block is. Each step from one to the next is one store; fl_heap_mend_ says what becomes of TAKING and
 * GIVING. */
enum fl_block_state {
	FL_BLOCK_FREE,
	FL_BLOCK_TAKING, /* about to be in use: it is as soon as the word at `where` leads to it */
	FL_BLOCK_USED,
	FL_BLOCK_GIVING, /* about to be free: it is as soon as the word at `where` leads to it no more */
};

struct fl_block {
	uint64_t size_state; /* the whole block's size | enum fl_block_state | FL_BLOCK_NAMED */
	uint64_t where;      /* the offset of the word that leads to it */
	uint64_t next;       /* in its chain */
	uint64_t spare[5];
};

#define FL_BLOCK_STATE 3u
#define FL_BLOCK_NAMED 4u

/* In front of an object with a name. */
struct fl_object {
	char name[FL_SEGMENT_NAME];
	char type[FL_SEGMENT_TYPE_NAME];
	uint32_t version;
	uint32_t spare;
	uint64_t size;
};

_Static_assert(sizeof(struct fl_block) == FL_GRAIN, "a block's content begins at a multiple of the grain");
_Static_assert(FL_PEERS == FL_SEGMENT_THREADS, "a peer is a thread");
_Static_assert(FL_LOT_PROCESSES == FL_SEGMENT_PROCESSES, "a process is the same one in both");
_Static_assert(sizeof(struct fl_object) % FL_GRAIN == 0, "and an object too");

/* What was stored before is in memory before what is stored after, for whoever comes when this process has died. */
static inline void fl_then(void)
{
	fl_signal_fence();
}

#endif
