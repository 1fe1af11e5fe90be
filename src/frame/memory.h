/*
 * frame/memory.h - the memory that frames lie in: a page that says which is the latest, and slots.
 *
 * A channel's memory has a fixed number of slots of one size. When a frame is larger than that, or when the channel
 * begins to be served, the producer makes another memory, the next generation, copies the latest frame over, and marks
 * the old one MOVED; readers follow `next`, and what they still hold in the old one stays where it is. So nothing that
 * a reader sees ever moves, and a size never changes.
 *
 *     head page(s):  struct fl_frames_head, and in it a struct fl_frames_slot for each slot: what is known of its frame
 *     slots:         page-aligned, slot_size bytes each
 *
 * It is anonymous memory, or a memfd if other processes are to see it. A memfd is sealed as soon as the producer has
 * mapped it: nobody can make it shorter or longer (so that reading never ends in SIGBUS), and nobody can map it for
 * writing any more, the one mapping excepted. That is F_SEAL_FUTURE_WRITE, Linux 5.1.
 *
 * `latest` is the only word that matters between producer and readers: sequence << 16 | slot, 0 before the first
 * frame. See frame/pins.h for how it is read.
 *
 * Slots are given memory when they are first used, by calls that can fail, not by page faults that could not; so room
 * for many readers costs nothing as long as there are few.
 */
#ifndef FL_FRAME_MEMORY_H
#define FL_FRAME_MEMORY_H

#include <fairlead/frame.h>
#include <stdbool.h>

#define FL_FRAMES_MAX_SLOTS 0xfffeu

enum fl_frames_state {
	FL_FRAMES_LIVE,
	FL_FRAMES_MOVED, /* there is a next generation */
	FL_FRAMES_ENDED, /* the channel is closed */
};

struct fl_frames_slot {
	uint64_t sequence;
	fl_time published;
	fl_frame_info info;
};

/* Shared; written by the producer alone. */
struct fl_frames_head {
	uint64_t magic;
	uint32_t version;
	uint32_t generation;
	uint32_t n_slots;
	uint32_t spare;
	uint64_t slot_size;
	uint64_t slots_at; /* from the beginning of the memory */
	uint64_t size;     /* of all of it */
	_Alignas(64) uint64_t latest;
	uint32_t state;
	_Alignas(64) struct fl_frames_slot slots[];
};

/* One process's view of a memory. What it says was checked, or made, by this process. */
struct fl_frames_memory {
	uint32_t refs;
	int fd; /* -1: anonymous */
	struct fl_frames_head *head;
	uint32_t generation, n_slots;
	size_t slot_size, slots_at, size;
	struct fl_frames_memory *next; /* the next generation, with a reference of its own; NULL: none yet */
};

/* Makes a memory, with one reference. Returns 0, -ENOMEM, -EMFILE, -ENOSYS (a kernel without memfd or its seals). */
int fl_frames_memory_make_(struct fl_frames_memory **ret_memory, uint32_t generation, uint32_t n_slots,
			   size_t slot_size, bool shared);

/* Maps a memory that another process has made, for reading. Takes the descriptor over, also if it fails. Returns 0,
 * -ENOMEM, -EPROTO: it is not what it must be. */
int fl_frames_memory_map_(struct fl_frames_memory **ret_memory, int fd);

/* Returns the size of what another process has passed on, if that can never become less; else -EPROTO. */
int64_t fl_frames_sealed_size_(int fd);

/* Sees to it that a slot has memory behind it. Returns 0, -ENOMEM. */
int fl_frames_memory_commit_(struct fl_frames_memory *memory, uint32_t slot);

static inline void *fl_frames_memory_slot(const struct fl_frames_memory *memory, uint32_t slot)
{
	return (char *)memory->head + memory->slots_at + slot * memory->slot_size;
}

static inline uint32_t fl_frames_slot_of(uint64_t latest)
{
	return (uint32_t)(latest & 0xffff);
}

static inline uint64_t fl_frames_sequence_of(uint64_t latest)
{
	return latest >> 16;
}

static inline uint64_t fl_frames_latest_of(uint64_t sequence, uint32_t slot)
{
	return sequence << 16 | slot;
}

struct fl_frames_memory *fl_frames_memory_ref_(struct fl_frames_memory *memory);
/* The last one unmaps it, and gives its reference to the next generation back. NULL is allowed. */
void fl_frames_memory_unref_(struct fl_frames_memory *memory);

/* Says what has become of the memory, and asks; [F4] of pins.h holds for it, too. */
void fl_frames_memory_set_state_(struct fl_frames_memory *memory, enum fl_frames_state state);
enum fl_frames_state fl_frames_memory_state_(const struct fl_frames_memory *memory);

/* Links the next generation, and takes the caller's reference to it over. */
void fl_frames_memory_follow_(struct fl_frames_memory *memory, struct fl_frames_memory *next);
/* Returns the next generation, or NULL. */
struct fl_frames_memory *fl_frames_memory_next_(struct fl_frames_memory *memory);

#endif
