/*
 * sync/wait_shared.c - waiting for shared objects: with a note, and who has died.
 *
 * A note is this process's alone. So who waits with one has a second waiter in the note's queue, as with a private
 * object (sync/note.c), and sleeps on that one's word as well as on its own in the segment.
 */
#include "sync/wait_shared.h"

#include "base/report.h"
#include "base/word.h"
#include "sync/wait.h"
#include <errno.h>
#include <fairlead/owner.h>
#include <string.h>
#include <sys/stat.h>

static __thread fl_owner dead_owner;

bool fl_shared_can_sleep_(void)
{
	static uint32_t can; /* 0: not known yet; 1: yes; 2: no */
	uint32_t word = 1;

	if (fl_unlikely(fl_load_relaxed(&can) == 0)) {
		const struct fl_word_case other = {&word, 0, FL_WORD_PRIVATE};

		fl_store_relaxed(&can, fl_word_wait_any_(&other, 1, FL_FOREVER) == -ENOSYS ? 2 : 1);
	}
	return fl_load_relaxed(&can) == 1;
}

static bool reaches(struct fl_lot_mine *mine, uint64_t end)
{
	struct stat about;

	if (fl_likely(end <= mine->length))
		return true;
	if (fstat(mine->view->fd, &about) != 0 || about.st_size < 0)
		return false;
	mine->length = (uint64_t)about.st_size;
	return end <= mine->length;
}

void *fl_shared_place_(struct fl_lot_mine *mine, const void *object, int64_t away, uint64_t size)
{
	const struct fl_lot_view *view = mine->view;
	uint64_t offset = (uintptr_t)object - (uintptr_t)view->from + (uint64_t)away;

	if (offset > view->size || size > view->size - offset || offset % sizeof(uint32_t) != 0)
		return NULL;
	return reaches(mine, offset + size) ? view->from + offset : NULL;
}

static int sleep_with_note(struct fl_lot_wait *wait, fl_time deadline, fl_note *note)
{
	struct fl_waiter second = {0};
	uint32_t word = FL_WAITER_WAITING;
	fl_time last;
	int error;

	last = fl_note_deadline(note);
	if (!fl_note_watch_(note, &second))
		return -ECANCELED;
	/* If that fails it has been woken already, and nobody sleeps on it. */
	fl_cas_relaxed(&second.word, &word, FL_WAITER_SLEEPING);
	wait->also = &second.word;
	wait->also_value = FL_WAITER_SLEEPING;
	error = fl_lot_sleep_(wait, deadline < last ? deadline : last);
	wait->also = NULL;
	fl_note_unwatch_(note, &second);
	return error == -ETIMEDOUT && last < deadline ? -ECANCELED : error;
}

int fl_shared_sleep_(struct fl_lot_wait *wait, fl_time deadline, fl_note *note)
{
	int error = note ? sleep_with_note(wait, deadline, note) : fl_lot_sleep_(wait, deadline);

	return error != 0 ? error : fl_wait_refused_(deadline, note);
}

void fl_shared_refuse_(const char *kind, const void *object, int error)
{
	if (error == -EINVAL)
		fl_misuse_(kind, object, "it was made to be shared, and is in no segment that this process has open");
}

void fl_shared_died_(const struct fl_lot_about *about)
{
	dead_owner.pid = about->pid;
	dead_owner.tid = about->tid;
	memcpy(dead_owner.name, about->name, sizeof(dead_owner.name));
}

void fl_dead_owner(fl_owner *ret_owner)
{
	*ret_owner = dead_owner;
}
