/*
 * fairlead/segment.h - a segment: memory that processes share, with named, typed objects in it.
 *
 *     struct tally {
 *             uint64_t seen;
 *     };
 *     static const fl_segment_type tally_type = FL_SEGMENT_TYPE(struct tally, 1);
 *
 *     fl_segment *segment;
 *     struct tally *tally;
 *
 *     fl_segment_open(&segment, "shop", NULL);                          // whoever comes first makes it
 *     fl_segment_object(segment, "tally", &tally_type, NULL, NULL, (void **)&tally);
 *
 * A named segment is found by its name, by processes of the same user. One without a name is reached by its descriptor,
 * which a child inherits or a UNIX socket passes on: it is gone when the last process that has it is gone, so it can
 * never be left behind.
 *
 * It is mapped somewhere else in each process: what is stored in it are offsets, never pointers. It grows when it has
 * to; nothing that is in it ever moves.
 *
 * Death. Who is attached is known to the kernel, by a lock that ends with the process, however it ends: no process is
 * taken for another one that got its number, and it holds across PID namespaces. A process that is killed in the middle
 * of a call of this header leaves everything whole: what it was about to make is made, or is not there and its memory
 * is free again. The exit of a process never removes a segment, unless it is the last one and FL_SEGMENT_REMOVE was
 * asked for. A named segment whose processes all *died* is stale: nobody knows what they were about to do to its
 * objects. The next fl_segment_open makes a new one in its place, and fl_segment_clean removes all such.
 *
 * Trust. A segment is read as what it is, memory that others write: each offset, length and number in it is checked
 * before it is used, and what cannot be gives -EPROTO and harms nobody. A segment without a name can never be made
 * shorter. One with a name could be, by a process of the user that means to; who touches it then gets SIGBUS, since
 * Linux has no seals for files with a name.
 *
 * Threads. A segment may have objects of Fairlead's own, with the types and calls that they have within a process, as
 * fl_segment_lock gives them. Each thread that uses one takes a place in the segment with its first use, a page of
 * memory, and gives it back when it ends; there are FL_SEGMENT_THREADS. What needs the kernel's help for this came with
 * Linux 5.16.
 *
 * Threads may use a segment at once. The calls that make, find or delete take a lock that is the kernel's and ends with
 * its process; they block for the moment that others need for the same, and cost a microsecond or two: keep the
 * pointers that they give. No call may come from a signal handler. After a fork the child attaches itself, as a process
 * of its own, with its first call; what it has inherited is mapped at the same place.
 *
 * When not to use it: within one process; and for images, for which there is fairlead/frames.h.
 */
#ifndef FAIRLEAD_SEGMENT_H
#define FAIRLEAD_SEGMENT_H

#include <fairlead/attributes.h>
#include <fairlead/barrier.h>
#include <fairlead/condition.h>
#include <fairlead/event.h>
#include <fairlead/lock.h>
#include <fairlead/once.h>
#include <fairlead/rlock.h>
#include <fairlead/rwlock.h>
#include <fairlead/semaphore.h>
#include <fairlead/value.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

FL_BEGIN_DECLS

/* A segment, as this process has it. */
typedef struct fl_segment fl_segment;

#define FL_SEGMENT_NAME 64u       /* bytes of a name of a segment, an object or a process, with its 0 */
#define FL_SEGMENT_TYPE_NAME 48u  /* bytes of a type's name, with its 0 */
#define FL_SEGMENT_PROCESSES 120u /* how many processes may be attached to a segment at a time */

#define FL_SEGMENT_THREADS 1024u /* and how many threads may use Fairlead's own objects in it */

/* What fl_segment_open does, besides. */
enum fl_segment_flags {
	FL_SEGMENT_CREATE = 1, /* the segment must not be there already: -EEXIST */
	FL_SEGMENT_ATTACH = 2, /* it must be there: -ENOENT */
	FL_SEGMENT_REMOVE = 4, /* who is the last one to leave it removes its name; asked for by any that is attached */
	FL_SEGMENT_STALE = 8,  /* attach to a stale one, too, though what is in it may be half changed */
	FL_SEGMENT_LOOK = 16,  /* only look at it: see below */
};

/* How a segment is to be made or attached to. All zero is what a NULL pointer means: the defaults. */
typedef struct fl_segment_options {
	uint32_t flags;  /* of enum fl_segment_flags */
	uint32_t mode;   /* who may attach to a named one: rights as chmod has them, 0600 if 0; never others' (0007) */
	size_t size;     /* bytes of room for objects to begin with; 0: 1 MiB. It is taken at once */
	size_t max_size; /* what it may grow to, all in all; 0: 16 GiB. It only takes addresses */
	const char *directory; /* where the name is; NULL: /dev/shm/fairlead-UID, the user's own */
	const char *process;   /* the name by which others see this process; NULL: the program's */
	uint64_t fl_spare[4];  /* these must be zero */
} fl_segment_options;

/* What kind of thing an object is. Processes that share one agree on all three. */
typedef struct fl_segment_type {
	const char *name; /* up to 47 bytes */
	uint32_t version; /* of its layout: count it up when a member changes its place or its meaning */
	uint32_t fl_spare;
	size_t size; /* in bytes */
} fl_segment_type;

#define FL_SEGMENT_TYPE(type, version) \
	{ \
		(#type), (version), 0, sizeof(type) \
	}

/* Makes a segment or attaches to it: whoever comes first makes it. `name`: up to 63 of A-Z a-z 0-9 . _ -, the first one
 * no dot; NULL: a new one without a name. `options` may be NULL; size and max_size count only for who makes it.
 * Returns 0;
 * -EINVAL: the name, a flag, the mode, a size or a spare field is not as it must be;
 * -EEXIST, -ENOENT: see the flags;
 * -ESTALE: its processes all died, and FL_SEGMENT_ATTACH says that no new one is to be made;
 * -EPROTO: what has that name is no segment of this version, or it is damaged;
 * -EPERM: the directory, or what has that name, is another user's or can be written by others;
 * -EUSERS: FL_SEGMENT_PROCESSES are attached;
 * -ENOSPC, -ENOMEM, -EMFILE, -EACCES, -ENAMETOOLONG: what the system said.
 * Blocks for the moment that others need for the same.
 *
 * With FL_SEGMENT_LOOK it is not attached to, stale or not: it is mapped for reading only, takes none of the places
 * for processes, is seen by nobody, and keeps nobody from being the last one; -ENOENT if it is not there. Then
 * fl_segment_find, _at, _objects and _processes give what may be read while others change it, and calls that would
 * change something return -EACCES. It needs a name, and goes with neither FL_SEGMENT_CREATE nor FL_SEGMENT_REMOVE.
 * Since 0.1. */
int fl_segment_open(fl_segment **ret_segment, const char *name, const fl_segment_options *options) FL_NONNULL(1)
	FL_MUST_CHECK;

/* Attaches to the segment behind a descriptor that was inherited or passed on. The descriptor stays the caller's. Of
 * the options only `process` counts, and of the flags FL_SEGMENT_LOOK. Returns 0; -EPROTO, -EUSERS, -ENOMEM, -EMFILE,
 * -EINVAL as above;
 * -EACCES: it cannot be opened for writing.  Since 0.1. */
int fl_segment_adopt(fl_segment **ret_segment, int fd, const fl_segment_options *options) FL_NONNULL(1) FL_MUST_CHECK;

/* Leaves the segment, and unmaps it: no pointer into it is good any more. NULL is allowed. Returns NULL. */
fl_segment *fl_segment_close(fl_segment *segment);

/* Its descriptor, to be inherited (it is closed by exec unless that is changed) or passed on. It stays the
 * segment's. */
int fl_segment_fd(const fl_segment *segment) FL_ALL_NONNULL;

/* How many bytes it has at present, all in all. */
size_t fl_segment_size(const fl_segment *segment) FL_ALL_NONNULL;

/* What the last call of this header that failed on this thread has to say, in a sentence without a full stop: "object
 * 'tally' has type 'struct tally' version 1 of 8 bytes, not version 2 of 16 bytes", say. Never NULL. */
const char *fl_segment_why(void);

/* Objects. */

/* Finds the object of that name, or makes it. A new one is all zero, and then init(object, arg) is called, unless it is
 * NULL, before anybody else can find it; it must not use the segment, and returns 0 or what this is to return, and then
 * there is no object. An object begins at a multiple of 64 bytes. Returns 1: it was made; 0: it was found;
 * -EPROTO: it is of another type, version or size (fl_segment_why says both), or the segment is damaged;
 * -EINVAL: a name is not as for fl_segment_open, or the type's is empty or too long, or its size is 0;
 * -ENOSPC: the segment, or the system, has no more room; -EUSERS, -EMFILE: after a fork, as fl_segment_open.
 * Since 0.1. */
int fl_segment_object(fl_segment *segment, const char *name, const fl_segment_type *type,
		      int (*init)(void *object, void *arg), void *arg, void **ret_object) FL_NONNULL(1, 2, 3, 6)
	FL_MUST_CHECK;

/* As fl_segment_object, but finds only. Returns 0; -ENOENT; -EPROTO, -EINVAL. */
int fl_segment_find(fl_segment *segment, const char *name, const fl_segment_type *type, void **ret_object)
	FL_ALL_NONNULL FL_MUST_CHECK;

/* Deletes an object and frees its memory. That nobody uses it any more is for the caller to know. Returns 0; -ENOENT,
 * -EINVAL, -EPROTO. */
int fl_segment_delete(fl_segment *segment, const char *name) FL_ALL_NONNULL FL_MUST_CHECK;

/* Memory without a name. `where` is a word in the segment, 0 before: it becomes the offset of `size` bytes, all zero,
 * that begin at a multiple of 64. Memory and word are one step: however a process dies, the word is 0 and nothing was
 * taken, or the memory is there and the word leads to it. Returns 0;
 * -EINVAL: `where` is not a word in an object or in such memory, or is not 0, or size is 0;
 * -ENOSPC, -EPROTO, -EUSERS, -EMFILE as fl_segment_object.  Since 0.1. */
int fl_segment_alloc(fl_segment *segment, size_t size, uint64_t *where) FL_ALL_NONNULL FL_MUST_CHECK;

/* Frees what the word leads to, and makes the word 0, in one step. A word that is 0 stays so. Returns 0; -EINVAL: it
 * does not lead to memory of fl_segment_alloc, or not through this word; -EPROTO. */
int fl_segment_free(fl_segment *segment, uint64_t *where) FL_ALL_NONNULL;

/* Where `size` bytes at that offset are in this process; NULL if they are not all within the segment. Any number may be
 * asked for. */
void *fl_segment_at(fl_segment *segment, uint64_t offset, size_t size) FL_ALL_NONNULL;

/* The offset of a place within the segment; 0 if it is not within it. */
uint64_t fl_segment_offset(const fl_segment *segment, const void *place) FL_NONNULL(1);

/* Objects of Fairlead's own: found by name, or made, as by fl_segment_object with an `init` that makes them shared. The
 * calls return what it returns. */
int fl_segment_lock(fl_segment *segment, const char *name, fl_lock **ret_lock) FL_ALL_NONNULL FL_MUST_CHECK;
int fl_segment_event(fl_segment *segment, const char *name, fl_event **ret_event) FL_ALL_NONNULL FL_MUST_CHECK;
int fl_segment_once(fl_segment *segment, const char *name, fl_once **ret_once) FL_ALL_NONNULL FL_MUST_CHECK;
/* `value` counts only for who makes it; `permits` must be the same for all. */
int fl_segment_semaphore(fl_segment *segment, const char *name, uint32_t value, fl_semaphore **ret_semaphore)
	FL_ALL_NONNULL FL_MUST_CHECK;
int fl_segment_semaphore_bounded(fl_segment *segment, const char *name, uint32_t value, fl_semaphore **ret_semaphore)
	FL_ALL_NONNULL FL_MUST_CHECK;
int fl_segment_semaphore_holders(fl_segment *segment, const char *name, uint32_t permits, fl_semaphore **ret_semaphore)
	FL_ALL_NONNULL FL_MUST_CHECK;
int fl_segment_rlock(fl_segment *segment, const char *name, fl_rlock **ret_lock) FL_ALL_NONNULL FL_MUST_CHECK;
int fl_segment_condition(fl_segment *segment, const char *name, fl_condition **ret_condition) /* over its own RLock */
	FL_ALL_NONNULL FL_MUST_CHECK;
/* Also -EINVAL: parties is 0 or more than 1024. One of that name with other parties is of another size: -EPROTO. */
int fl_segment_barrier(fl_segment *segment, const char *name, uint32_t parties, fl_barrier **ret_barrier)
	FL_ALL_NONNULL FL_MUST_CHECK;
/* `number` counts only for who makes it. */
int fl_segment_value_int64(fl_segment *segment, const char *name, int64_t number, fl_value_int64 **ret_value)
	FL_ALL_NONNULL FL_MUST_CHECK;
int fl_segment_value_uint64(fl_segment *segment, const char *name, uint64_t number, fl_value_uint64 **ret_value)
	FL_ALL_NONNULL FL_MUST_CHECK;
int fl_segment_value_double(fl_segment *segment, const char *name, double number, fl_value_double **ret_value)
	FL_ALL_NONNULL FL_MUST_CHECK;
/* For so many readers at a time. Also -EINVAL: 0 or more than 1024; -EPROTO: there is one for another number. */
int fl_segment_rwlock(fl_segment *segment, const char *name, uint32_t readers, fl_rwlock **ret_lock)
	FL_ALL_NONNULL FL_MUST_CHECK;

/* Looking. */

typedef struct fl_segment_object_info {
	char name[FL_SEGMENT_NAME], type[FL_SEGMENT_TYPE_NAME];
	uint32_t version;
	uint32_t fl_spare;
	uint64_t size, offset;
} fl_segment_object_info;

typedef struct fl_segment_process_info {
	char name[FL_SEGMENT_NAME];
	pid_t pid;      /* in its own PID namespace */
	bool alive;     /* false: it died, and what it left has not been looked at yet */
	bool self;      /* this process, by this segment */
	int64_t since;  /* when it attached, in nanoseconds of CLOCK_REALTIME */
	uint64_t start; /* when it was started: field 22 of /proc/PID/stat; a later one of that number has another */
} fl_segment_process_info;

/* Calls see(info, arg) for each object, or for each process that is attached or died without leaving, until it returns
 * something else than 0, which is returned. `see` must not use the segment. Returns 0; -EPROTO; of fl_segment_objects
 * also -EUSERS and -EMFILE as fl_segment_object.  Since 0.1. */
int fl_segment_objects(fl_segment *segment, int (*see)(const fl_segment_object_info *info, void *arg), void *arg)
	FL_NONNULL(1, 2);
int fl_segment_processes(fl_segment *segment, int (*see)(const fl_segment_process_info *info, void *arg), void *arg)
	FL_NONNULL(1, 2);

typedef struct fl_segment_info {
	char name[FL_SEGMENT_NAME];
	int error;            /* 0; or why nothing else is known of it; fl_segment_why() says more while `see` runs */
	bool stale;           /* its processes all died */
	uint32_t alive, dead; /* processes that are attached; that died without leaving */
	uint64_t size, max_size; /* in bytes */
	int64_t made;            /* in nanoseconds of CLOCK_REALTIME */
} fl_segment_info;

/* Calls see(info, arg) for each named segment of a directory (NULL: the user's own), in the order of their names, until
 * it returns something else than 0, which is returned. Attaches to none and disturbs nobody. Returns 0; -EPERM,
 * -EACCES, -ENOMEM, -EMFILE; no directory is no segment.  Since 0.1. */
int fl_segment_list(const char *directory, int (*see)(const fl_segment_info *info, void *arg), void *arg) FL_NONNULL(2);

/* Removes the name of a segment: those that are attached go on, others find it no more. Returns 0; -ENOENT, -EINVAL,
 * -EPERM, -EACCES. */
int fl_segment_remove(const char *name, const char *directory) FL_NONNULL(1) FL_MUST_CHECK;

/* Removes the names of all stale segments of a directory (NULL: the user's own), and calls see(info, arg) for each,
 * unless `see` is NULL. Returns how many; -EPERM, -EACCES, -ENOMEM, -EMFILE.  Since 0.1. */
int fl_segment_clean(const char *directory, int (*see)(const fl_segment_info *info, void *arg), void *arg);

FL_END_DECLS

#endif
