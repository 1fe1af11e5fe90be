/*
 * bugs_locks.c - locks acquired and released wrongly. The analyser must find each bug, on its line, and nothing else.
 * A guard's release counts as on the line of the guard.
 */
#include <fairlead/guard.h>

static fl_lock lock = FL_LOCK_INIT;
static fl_rlock rlock = FL_RLOCK_INIT;
static fl_rwlock rwlock = FL_RWLOCK_INIT;
static long value FL_GUARDED_BY(&lock);

void twice(void);
void twice_by_guard(void);
void twice_on_both_sides(void);
long kept_on_one_path(int early);
void kept(void);
void recursive_kept_once(void);
void unheld(void);
void released_within_guard(void);
void wrong_side(void);
void try_ignored(void);
void while_held(void) FL_EXCLUDES(&lock);
void called_while_held(void);

void twice(void)
{
	fl_lock_acquire(&lock);
	fl_lock_acquire(&lock); /* expect: acquiring lock 'lock' that is already held */
	fl_lock_release(&lock);
}

void twice_by_guard(void)
{
	fl_with (&lock)         /* expect: releasing lock 'lock' that was not held */
		fl_with (&lock) /* expect: acquiring lock 'lock' that is already held */
			value++;
}

void twice_on_both_sides(void)
{
	fl_rwlock_acquire_read(&rwlock);
	fl_rwlock_acquire_write(&rwlock); /* expect: acquiring rwlock 'rwlock' that is already held */
	fl_rwlock_release_read(&rwlock);
}

long kept_on_one_path(int early)
{
	fl_lock_acquire(&lock);
	if (early)
		return 0;
	fl_lock_release(&lock);
	return 1;
} /* expect: lock 'lock' is not held on every path through here */

void kept(void)
{
	fl_lock_acquire(&lock);
	value++;
} /* expect: lock 'lock' is still held at the end of function */

void recursive_kept_once(void)
{
	fl_rlock_acquire(&rlock);
	fl_rlock_acquire(&rlock);
	fl_rlock_release(&rlock);
} /* expect: rlock 'rlock' is still held at the end of function */

void unheld(void)
{
	fl_lock_release(&lock); /* expect: releasing lock 'lock' that was not held */
}

void released_within_guard(void)
{
	fl_guard(&lock); /* expect: releasing lock 'lock' that was not held */
	value++;
	fl_lock_release(&lock);
}

void wrong_side(void)
{
	fl_rwlock_acquire_read(&rwlock);
	fl_rwlock_release_write(&rwlock); /* expect: releasing rwlock 'rwlock' using exclusive access */
}

void try_ignored(void)
{
	bool held = fl_lock_acquire_try(&lock);

	(void)held;
	value++; /* expect: writing variable 'value' requires holding lock 'lock' exclusively */
}

void while_held(void)
{
	fl_guard(&lock);
	value++;
}

void called_while_held(void)
{
	fl_guard(&lock);
	while_held(); /* expect: cannot call function 'while_held' while lock 'lock' is held */
}
