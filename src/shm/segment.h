/*
 * shm/segment.h - a segment as one process has it, and what the files of this folder need of each other.
 */
#ifndef FL_SHM_SEGMENT_H
#define FL_SHM_SEGMENT_H

#include "base/lot.h"
#include "shm/layout.h"
#include <errno.h>
#include <fairlead/lock.h>

/* `slot` of a process that is not attached: a child after a fork, before its first call. */
#define FL_NO_SLOT FL_LOT_NOBODY

struct fl_segment {
	fl_lock lock; /* the threads of this process among each other */
	int fd;       /* what is mapped, and passed on */
	int locks;    /* the same file, opened anew: the kernel's locks belong to that, which nobody else has */
	uint32_t slot;
	bool looking; /* it is mapped for reading only, and never has a slot */
	struct fl_segment_head *head;
	uint64_t max_size; /* how much is mapped */
	uint64_t size;     /* how much of that has memory for certain; looked up again when more is asked for */
	int directory;     /* where its name is; -1: it has none */
	char name[FL_SEGMENT_NAME], process[FL_SEGMENT_NAME];
	struct fl_lot_view view;
	struct fl_segment *next, **link; /* of this process (shm/child.c); link NULL: it is not in the list */
};

/* ---- why.c ---- */

/* Keeps why the call fails, for fl_segment_why. */
void fl_segment_say_(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, and is `error`. */
#define fl_segment_fail_(error, ...) \
	__extension__({ \
		int fl_error = (error); \
		fl_segment_say_(__VA_ARGS__); \
		fl_error; \
	})

/* What the system said, as an error: never 0. */
static inline int fl_segment_errno(void)
{
	return errno > 0 ? -errno : -EIO;
}

/* ---- segment.c ---- */

/* Takes the segment's lock: for the threads of this process and, by the kernel, for all others. A process that has been
 * forked is attached first. What somebody has died at is mended. Returns 0; -EPROTO; of a forked child also -EUSERS;
 * -EACCES: it is only looked at. */
int fl_segment_enter_(fl_segment *segment);
/* As fl_segment_enter_, for who is going to read only. One that is only looked at is not mended: it is as it is. */
int fl_segment_enter_to_read_(fl_segment *segment);
void fl_segment_leave_(fl_segment *segment);

/* Whether that range has memory, whatever other processes say. */
bool fl_segment_has_(fl_segment *segment, uint64_t offset, uint64_t size);

/* ---- map.c ---- */

/* Gives a new file its first memory and lays it out. Returns 0, -ENOSPC, -ENOMEM, -EFBIG as -ENOSPC. */
int fl_segment_make_(int fd, uint64_t size, uint64_t max_size);

/* Maps the file and checks that it is a segment. Returns 0, -ENOMEM, -EPROTO. */
int fl_segment_map_(fl_segment *segment);
void fl_segment_unmap_(fl_segment *segment);

/* How much memory the segment takes when its file is that long, and so many pages of peers have some: what users are
 * told. Of what it may grow to, with all pages, likewise. */
uint64_t fl_segment_memory_(uint64_t size, uint32_t n_peers);

/* Makes the memory larger, under the lock: from `size`, which the heap has and which has been checked, by at least
 * `more` bytes, both multiples of FL_GRAIN and `more` not 0. Tells how large it is now, a multiple of FL_GRAIN, too.
 * Returns 0; -ENOSPC: no room, or more than max_size. */
int fl_segment_grow_(fl_segment *segment, uint64_t size, uint64_t more, uint64_t *ret_size);

/* ---- member.c ---- */

/* The kernel's lock for all processes; `to_read`: it is shared with others that only read, and the file may be open
 * for reading only. Blocks. Returns 0, or what the system said. */
int fl_member_lock_(int fd, bool to_read);
void fl_member_unlock_(int fd);

/* Whether who is in that slot lives, as another open file has it. */
bool fl_member_alive_(int fd, uint32_t slot);

/* Under the lock: gives this process a slot. Returns 0, -EUSERS. Slots of the dead are free for others. */
int fl_member_join_(fl_segment *segment);
void fl_member_leave_(fl_segment *segment);

/* Under the lock: forgets those who have died. What they left is no worse than what others have gone on with since. */
void fl_member_forget_dead_(fl_segment *segment);

/* The time by CLOCK_REALTIME, in nanoseconds. */
int64_t fl_member_now_(void);

/* Counts who is attached; the own slot, if any, is alive. */
void fl_member_count_(const struct fl_segment *segment, uint32_t *ret_alive, uint32_t *ret_dead);

/* ---- heap.c ---- */

/* The block whose content is at that offset, if there can be one, and the size and state that it was found by; else
 * NULL. */
struct fl_block *fl_heap_block_(fl_segment *segment, uint64_t content, uint64_t *ret_size_state);

/* A block's content. */
static inline uint64_t fl_heap_content(const fl_segment *segment, const struct fl_block *block)
{
	return (uint64_t)((const char *)(block + 1) - (const char *)segment->head);
}

/* Takes memory for `size` bytes, which are made zero; it is nobody's yet. `named`: FL_BLOCK_NAMED or 0. Returns 0,
 * -ENOSPC, -EPROTO. */
int fl_heap_take_(fl_segment *segment, uint64_t size, uint64_t named, struct fl_block **ret_block);
/* Gives back what was taken and has no word that leads to it. */
void fl_heap_untake_(fl_segment *segment, struct fl_block *block);

/* Has the word at `where` lead to the block, and the block to what the word led to before. */
void fl_heap_publish_(fl_segment *segment, struct fl_block *block, uint64_t *where);
/* Has the word at `where`, which leads to the block, lead to the next one, and frees the block. */
void fl_heap_retire_(fl_segment *segment, struct fl_block *block, uint64_t *where);

/* After somebody has died at it: ends or undoes what was begun, and makes the chains of free blocks anew. Returns 0,
 * -EPROTO. */
int fl_heap_mend_(fl_segment *segment);

/* ---- object.c ---- */

/* As fl_segment_find, and tells the size: so many bytes there are, whatever the object says since. The type's size may
 * be 0: any. */
int fl_segment_find_sized_(fl_segment *segment, const char *name, const fl_segment_type *type, void **ret_object,
			   uint64_t *ret_size);

/* ---- place.c ---- */

bool fl_segment_name_good_(const char *name);

/* Opens the directory: that one, or, if it is NULL, the user's own, which is made if it is not there. Returns a
 * descriptor; -ENOENT, -EPERM, or what the system said. */
int fl_segment_directory_(const char *directory, bool make);

/* Opens the file of that name. Returns a descriptor; -ENOENT; -EPERM: others may write to it; -EPROTO: it is no
 * file. */
int fl_segment_file_(int directory, const char *name, int flags);

/* Removes the name if it is that file's. Under the file's lock. Returns whether it did. */
bool fl_segment_unname_(int fd, int directory, const char *name);

/* ---- segment.c, for looking at one that this process is not attached to ---- */

/* Maps the file for reading; takes the descriptor over, also if it fails. Returns 0; -EPROTO, -ENOMEM. */
int fl_segment_look_(fl_segment *segment, int fd);
void fl_segment_look_away_(fl_segment *segment);

/* Whether its processes all died. */
bool fl_segment_stale_(const fl_segment *segment);

/* Removes the name of the file if it is stale; takes the descriptor over, which is open for writing. Returns whether it
 * did. */
bool fl_segment_remove_stale_(int fd, int directory, const char *name);

/* ---- child.c ---- */

/* Opens the segment's file anew, as `locks`, and keeps it among those that a forked child has to part from its
 * parent's: no fork comes in between. Returns 0, or what the system said. */
int fl_segment_enlist_(fl_segment *segment);
/* Ends that: `locks` is closed, and with it go the kernel's locks. One that is not in the list is left alone. */
void fl_segment_delist_(fl_segment *segment);

#endif
