/*
 * pairs.c - compiled, never run: run-guard-codegen.sh looks at the machine code.
 *
 * Functions come in pairs: guarded_NAME uses a guard, by_hand_NAME does the same with calls and a test of what
 * acquiring returned. Apart from those calls no function calls anything.
 */
#include <errno.h>
#include <fairlead/guard.h>

extern fl_lock lock;
extern fl_rlock rlock;
extern fl_rwlock rwlock;
extern fl_semaphore semaphore;
extern fl_condition condition;
extern long value;

void guarded_lock(long n);
void by_hand_lock(long n);
long guarded_return(long n);
long by_hand_return(long n);
void guarded_rlock(long n);
void by_hand_rlock(long n);
void guarded_read(long *ret_value);
void by_hand_read(long *ret_value);
void guarded_write(long n);
void by_hand_write(long n);
void guarded_semaphore(long n);
void by_hand_semaphore(long n);
void guarded_condition(long n);
void by_hand_condition(long n);

static inline void checked(const void *object, const char *kind, int result)
{
	if (__builtin_expect(result != 0 && result != -EOWNERDEAD, 0))
		fl_guard_failed(object, kind, result);
}

void guarded_lock(long n)
{
	fl_with (&lock)
		value += n;
}

void by_hand_lock(long n)
{
	checked(&lock, "lock", fl_lock_acquire(&lock));
	value += n;
	fl_lock_release(&lock);
}

long guarded_return(long n)
{
	fl_guard(&lock);
	return value += n;
}

long by_hand_return(long n)
{
	long result;

	checked(&lock, "lock", fl_lock_acquire(&lock));
	result = value += n;
	fl_lock_release(&lock);
	return result;
}

void guarded_rlock(long n)
{
	fl_with (&rlock)
		value += n;
}

void by_hand_rlock(long n)
{
	checked(&rlock, "rlock", fl_rlock_acquire(&rlock));
	value += n;
	fl_rlock_release(&rlock);
}

void guarded_read(long *ret_value)
{
	fl_with (fl_read(&rwlock))
		*ret_value = value;
}

void by_hand_read(long *ret_value)
{
	checked(&rwlock, "rwlock", fl_rwlock_acquire_read(&rwlock));
	*ret_value = value;
	fl_rwlock_release_read(&rwlock);
}

void guarded_write(long n)
{
	fl_with (fl_write(&rwlock))
		value += n;
}

void by_hand_write(long n)
{
	checked(&rwlock, "rwlock", fl_rwlock_acquire_write(&rwlock));
	value += n;
	fl_rwlock_release_write(&rwlock);
}

void guarded_semaphore(long n)
{
	fl_with (&semaphore)
		value += n;
}

void by_hand_semaphore(long n)
{
	int result;

	checked(&semaphore, "semaphore", fl_semaphore_acquire(&semaphore));
	value += n;
	result = fl_semaphore_release(&semaphore, 1);
	if (__builtin_expect(result != 0, 0))
		fl_guard_failed(&semaphore, "semaphore", result);
}

void guarded_condition(long n)
{
	fl_with (&condition)
		value += n;
}

void by_hand_condition(long n)
{
	checked(&condition, "condition", fl_condition_acquire(&condition));
	value += n;
	fl_condition_release(&condition);
}
