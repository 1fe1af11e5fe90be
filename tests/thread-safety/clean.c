/*
 * clean.c - locking done right, in every way the library offers: the analyser must not say a word.
 */
#include <fairlead/guard.h>
#include <stddef.h>

struct account {
	fl_lock lock;
	long balance FL_GUARDED_BY(&lock);
	long *history FL_PT_GUARDED_BY(&lock);
};

static fl_lock lock = FL_LOCK_INIT;
static long under_lock FL_GUARDED_BY(&lock);
static fl_rlock rlock = FL_RLOCK_INIT;
static long under_rlock FL_GUARDED_BY(&rlock);
static fl_rwlock rwlock = FL_RWLOCK_INIT;
static long under_rwlock FL_GUARDED_BY(&rwlock);
static fl_semaphore seats = FL_SEMAPHORE_INIT(3);
static fl_condition changed = FL_CONDITION_INIT;
static long under_condition FL_GUARDED_BY(&changed);
static fl_condition lock_changed = FL_CONDITION_OVER_LOCK(&lock);

long with_each_type(void);
long guard_each_type(void);
long until_each_type(fl_note *note);
long every_way_out(int way);
long guarded_loop(struct account *accounts, size_t n);
void transfer(struct account *from, struct account *to, long amount);
void deposit(struct account *account, long amount);
long by_hand(int early);
long by_try(void);
long by_deadline(fl_time deadline);
long downgraded(void);
long consume(void);
fl_lock *lock_of(int key);
long through_a_function(int key);
long either(int which, fl_lock *one, fl_lock *other);

long with_each_type(void)
{
	long sum = 0;

	fl_with (&lock)
		sum += under_lock++;
	fl_with (&rlock) {
		fl_with (&rlock)
			sum += under_rlock++;
		under_rlock++;
	}
	fl_with (fl_read(&rwlock))
		sum += under_rwlock;
	fl_with (fl_write(&rwlock))
		sum += under_rwlock++;
	fl_with (&seats)
		fl_with (&seats)
			fl_with (&lock)
				sum += under_lock;
	fl_with (&changed) {
		fl_with (&changed)
			sum += under_condition++;
		under_condition++;
	}
	return sum;
}

long guard_each_type(void)
{
	fl_guard(&lock);
	fl_guard(&rlock);
	fl_guard(&rlock);
	fl_guard(fl_read(&rwlock));
	fl_guard(&seats);
	fl_guard(&changed);
	fl_guard(&changed);

	under_lock++;
	under_rlock++;
	under_condition++;
	return under_lock + under_rlock + under_rwlock + under_condition;
}

long until_each_type(fl_note *note)
{
	fl_time deadline = fl_after(FL_MS(20));
	long sum = 0, missed = 0;

	fl_with_until (&lock, deadline, note)
		sum += under_lock++;
	else
		missed++;
	fl_with_until (&rlock, deadline, note)
		sum += under_rlock++;
	fl_with_until (fl_read(&rwlock), deadline, NULL)
		sum += under_rwlock;
	fl_with_until (fl_write(&rwlock), deadline, NULL)
		sum += under_rwlock++;
	fl_with_until (&seats, deadline, note)
		sum++;
	fl_with_until (&changed, deadline, note) {
		sum += under_condition++;
	} else {
		return missed;
	}
	return sum;
}

long every_way_out(int way)
{
	for (;;) {
		fl_with (&lock) {
			if (way == 1)
				return under_lock;
			if (way == 2)
				break;
			if (way == 3)
				continue;
			if (way == 4)
				goto out;
			under_lock++;
		}
		if (way == 5) {
			fl_guard(&lock);
			if (under_lock)
				break;
			continue;
		}
	}
out:
	return 0;
}

long guarded_loop(struct account *accounts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fl_guard(&accounts[i].lock);
		if (accounts[i].balance > 0)
			return accounts[i].history[0];
	}
	return 0;
}

static void add(struct account *account, long amount) FL_REQUIRES(&account->lock);

static void add(struct account *account, long amount)
{
	account->balance += amount;
	account->history[0] = amount;
}

void transfer(struct account *from, struct account *to, long amount)
{
	fl_guard(&from->lock);
	fl_guard(&to->lock);
	add(from, -amount);
	add(to, amount);
}

void deposit(struct account *account, long amount)
{
	fl_with (&account->lock)
		add(account, amount);
}

long by_hand(int early)
{
	long value;

	fl_lock_acquire(&lock);
	if (early) {
		fl_lock_release(&lock);
		return 0;
	}
	value = under_lock;
	fl_lock_release(&lock);
	fl_rwlock_acquire_read(&rwlock);
	value += under_rwlock;
	fl_rwlock_release_read(&rwlock);
	return value;
}

long by_try(void)
{
	long value;

	if (!fl_lock_acquire_try(&lock))
		return -1;
	value = under_lock++;
	fl_lock_release(&lock);
	if (fl_rwlock_acquire_read_try(&rwlock)) {
		value += under_rwlock;
		fl_rwlock_release_read(&rwlock);
	}
	return value;
}

long by_deadline(fl_time deadline)
{
	long value = 0;
	int result = fl_lock_acquire_until(&lock, deadline, NULL);

	if (result != 0)
		return result;
	value += under_lock;
	fl_lock_release(&lock);
	if (fl_rwlock_acquire_write_until(&rwlock, deadline, NULL) == 0) {
		value += under_rwlock++;
		fl_rwlock_release_write(&rwlock);
	}
	return value;
}

long downgraded(void)
{
	long value;

	fl_rwlock_acquire_write(&rwlock);
	under_rwlock++;
	fl_rwlock_downgrade(&rwlock);
	value = under_rwlock;
	fl_rwlock_release_read(&rwlock);
	return value;
}

long consume(void)
{
	fl_with (&changed) {
		while (under_condition == 0)
			fl_condition_wait(&changed);
		under_condition--;
		fl_condition_notify(&changed, 1);
	}
	fl_with (&lock) {
		while (under_lock == 0)
			fl_condition_wait(&lock_changed);
		return under_lock--;
	}
	return 0;
}

long through_a_function(int key)
{
	fl_with (lock_of(key)) {
		fl_guard(&lock);
		return under_lock;
	}
	return 0;
}

long either(int which, fl_lock *one, fl_lock *other)
{
	fl_lock *chosen = which ? one : other;

	fl_with (chosen)
		which++;
	fl_with (which ? one : other)
		which++;
	return which;
}
