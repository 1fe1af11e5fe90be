/*
 * cli/watch_notes.c - the notes of a process, as seen from here.
 *
 * They are mapped once, for as long as anything is to be said of the process, and belong to it: a program that has
 * gone wild may have written anything into them. So a pointer is only followed if it points to the beginning of an
 * entry of its table, a number is an index only below what there is, and ways along parents end after so many steps.
 */
#define _GNU_SOURCE
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SITE_FRAMES 4u
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

uint32_t watch_least(uint32_t n, uint32_t most)
{
	return n < most ? n : most;
}

/* Returns which entry of a table of ours the process's pointer is; `n` if it is none. */
static size_t place_of(const struct watch_process *process, const void *pointer, const void *table, size_t size,
		       size_t n)
{
	uintptr_t offset = (uintptr_t)pointer - (uintptr_t)process->notes->base;
	size_t start = (size_t)((const char *)table - (const char *)process->notes);

	if (!pointer || offset < start || (offset - start) % size != 0 || (offset - start) / size >= n)
		return n;
	return (offset - start) / size;
}

const struct watch_chain *watch_chain_at(const struct watch_process *process, const void *pointer)
{
	const struct watch_chain *chains = process->notes->chains;
	size_t place = place_of(process, pointer, chains, sizeof(*chains), WATCH_CHAINS);

	return place < WATCH_CHAINS ? &chains[place] : NULL;
}

const struct watch_lock *watch_lock_at(const struct watch_process *process, const void *pointer)
{
	const struct watch_lock *locks = process->notes->locks;
	size_t place = place_of(process, pointer, locks, sizeof(*locks), WATCH_LOCKS);

	return place < WATCH_LOCKS ? &locks[place] : NULL;
}

uint32_t watch_life_at(const struct watch_process *process, const void *pointer)
{
	const struct watch_life *lives = process->notes->lives;
	size_t place = place_of(process, pointer, lives, sizeof(*lives), WATCH_LIVES);

	return place < WATCH_LIVES ? (uint32_t)place : 0;
}

const struct watch_chain *watch_parent(const struct watch_process *process, const struct watch_chain *chain)
{
	const struct watch_chain *parent = watch_chain_at(process, chain->parent);

	return parent && parent->address != 0 ? parent : NULL;
}

bool watch_same(const struct watch_process *process, const struct watch_chain *chain)
{
	const struct watch_lock *lock = watch_lock_at(process, chain->lock);

	return lock && fl_load_relaxed(&lock->incarnation) == fl_load_relaxed(&chain->incarnation);
}

uint64_t watch_place(const struct watch_chain *chain)
{
	uint64_t sum = 5;

	for (uint32_t i = 0; i < watch_least(chain->n_frames, SITE_FRAMES); i++)
		sum = watch_mixed(sum, chain->frames[i]);
	return sum;
}

static bool is_notes(int fd)
{
	struct stat about;
	int seals = fcntl(fd, F_GET_SEALS);

	return fstat(fd, &about) == 0 && about.st_size == (off_t)sizeof(struct watch_notes) && seals >= 0 &&
	       (seals & SEALS) == SEALS;
}

int watch_process_open(int fd, pid_t pid, struct watch_process **ret_process)
{
	struct watch_process *process;
	void *notes;

	if (!is_notes(fd))
		return -EPROTO;
	process = calloc(1, sizeof(*process));
	if (!process)
		return -ENOMEM;
	notes = mmap(NULL, sizeof(struct watch_notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (notes == MAP_FAILED) {
		free(process);
		return -errno;
	}
	process->notes = notes;
	process->pid = pid;
	*ret_process = process;
	return 0;
}

void watch_process_close(struct watch_process *process)
{
	tdestroy(process->deadlocks, free);
	watch_orders_close(process->orders);
	watch_holds_close(process->holds);
	watch_places_close(process->places);
	munmap(process->notes, sizeof(struct watch_notes));
	free(process);
}
