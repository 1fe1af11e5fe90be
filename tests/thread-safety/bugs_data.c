/*
 * bugs_data.c - data touched without the right lock. The analyser must find each bug, on its line, and nothing else.
 *
 * What it cannot find in C, and so is not here: in C a member's lock is known as a member ('&account::lock' in its
 * words), so the same lock of another object of that type will do for it.
 */
#include <fairlead/guard.h>
#include <stddef.h>

struct account {
	fl_lock lock;
	long balance FL_GUARDED_BY(&lock);
	long *history FL_PT_GUARDED_BY(&lock);
};

static fl_lock lock = FL_LOCK_INIT, other = FL_LOCK_INIT;
static long value FL_GUARDED_BY(&lock);
static fl_rwlock rwlock = FL_RWLOCK_INIT;
static long table FL_GUARDED_BY(&rwlock);
static fl_condition changed = FL_CONDITION_INIT;
static long items FL_GUARDED_BY(&changed);
static fl_semaphore seats = FL_SEMAPHORE_INIT(1);

long read_without(void);
long read_after(void);
long wrong_lock(void);
long write_as_reader(void);
long too_late(void);
long permit_is_no_lock(void);
long member(const struct account *account);
long pointer(struct account *account);
long requires_it(struct account *account);
long condition(void);

long read_without(void)
{
	return value; /* expect: reading variable 'value' requires holding lock 'lock' */
}

long read_after(void)
{
	fl_with (&lock)
		value++;
	return value; /* expect: reading variable 'value' requires holding lock 'lock' */
}

long wrong_lock(void)
{
	fl_guard(&other);
	return value++; /* expect: writing variable 'value' requires holding lock 'lock' exclusively */
}

long write_as_reader(void)
{
	fl_with (fl_read(&rwlock)) {
		table++; /* expect: writing variable 'table' requires holding rwlock 'rwlock' exclusively */
		return table;
	}
	return 0;
}

long too_late(void)
{
	fl_with_until (&lock, fl_after(FL_MS(1)), NULL)
		value++;
	else
		value--; /* expect: writing variable 'value' requires holding lock 'lock' exclusively */
	fl_with_until (fl_read(&rwlock), fl_after(FL_MS(1)), NULL)
		table++; /* expect: writing variable 'table' requires holding rwlock 'rwlock' exclusively */
	return 0;
}

long permit_is_no_lock(void)
{
	fl_with (&seats)
		value++; /* expect: writing variable 'value' requires holding lock 'lock' exclusively */
	return 0;
}

long member(const struct account *account)
{
	return account->balance; /* expect: reading variable 'balance' requires holding lock '&account::lock' */
}

long pointer(struct account *account)
{
	long *history = account->history;

	if (history == NULL)
		return 0;
	return *account->history; /* expect: reading the value pointed to by 'history' requires holding lock */
}

static long balance_of(const struct account *account) FL_REQUIRES(&account->lock);
static long balance_of(const struct account *account)
{
	return account->balance;
}

long requires_it(struct account *account)
{
	return balance_of(account); /* expect: calling function 'balance_of' requires holding lock 'account->lock' */
}

long condition(void)
{
	fl_with (&changed)
		while (items == 0)
			fl_condition_wait(&changed);
	return items--; /* expect: writing variable 'items' requires holding condition 'changed' exclusively */
}
