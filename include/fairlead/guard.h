/*
 * fairlead/guard.h - guards: a block that holds a lock, and gives it back on every way out.
 *
 *     fl_with (&account->lock) {             // holds the lock for the block (or for one statement)
 *             if (account->balance < amount)
 *                     return -ENOMEM;        // released
 *             account->balance -= amount;
 *     }                                      // released
 *
 *     fl_guard(&account->lock);              // holds it from here to the end of the enclosing block
 *
 *     fl_with_until (&account->lock, fl_after(FL_MS(20)), NULL)
 *             account->balance -= amount;    // runs only if the lock was acquired in time
 *     else
 *             refused++;                     // time-out, or the note was cancelled; the lock is not held
 *
 * All three take a pointer to an fl_lock, fl_rlock, fl_semaphore (one permit) or fl_condition, and fl_read(&rwlock)
 * or fl_write(&rwlock) for the two sides of an fl_rwlock. The pointer is evaluated once, when the block is entered.
 * It is released at the end of the block and by return, break, continue and goto, and in C++ when an exception leaves
 * the block; several guards of one scope release the last first. longjmp, exit and pthread_exit release nothing.
 *
 * The body never runs without the lock. Where acquiring fails with anything but a time-out or a cancellation
 * (-EDEADLK, -EOVERFLOW, -EAGAIN, -ENOMEM), fl_guard_failed reports it as misuse and the process aborts; a caller who
 * wants to handle those calls fl_x_acquire and fl_x_release itself. -EOWNERDEAD is not a failure: the lock is held,
 * the body runs; whoever must know of it acquires by hand.
 *
 * fl_with and fl_with_until hide a loop that runs once: break and continue in the body, or in the else branch, leave
 * the block, not a loop or switch around it. Use fl_guard there:
 *
 *     for (i = 0; i < n; i++) {
 *             fl_guard(&table[i].lock);
 *             if (table[i].free)
 *                     break;                 // leaves the for, and releases
 *     }
 *
 * A guard on fl_write must end as it began: no fl_rwlock_downgrade inside it. gcc -O0, and only it, warns of a
 * missing return value after an fl_with in which every path returns; fl_guard says the same more plainly there.
 *
 * With clang 22 or newer, -Wthread-safety -Wthread-safety-beta follows guards of all these types (in C). It takes a
 * condition and the lock below it for two different things: data marked FL_GUARDED_BY(&lock) is touched under fl_with
 * (&lock), also where an FL_CONDITION_OVER_LOCK(&lock) is then waited for. Of a lock that is a member it knows the
 * member, not the object: the same lock of another object of that type will do for it.
 *
 * How it is made. The object's address is copied into a const local, and a second local, with the cleanup attribute,
 * knows its address and kind; the kind is a constant, so that gcc -O2 leaves only acquire, a test of its result, body
 * and release. Two locals and not one, since an analyser (clang's) follows a pointer to its object but not a struct's
 * member; the pointer's cleanup function exists for it alone and does nothing. The loop's only way out is a break in
 * its increment. GNU C lets that break bind to the enclosing statement, clang to the loop itself: inside a switch
 * both lead to the same place. A flag (`for (once = 1; once; once = 0)`) would be plainer, but then compilers cannot
 * see that a body which returns never falls out of the loop, and warn of a function without a return value. An `if`
 * without a loop, as C++17 and C2y have it, would swallow an `else` that belongs to an `if` around it.
 */
#ifndef FAIRLEAD_GUARD_H
#define FAIRLEAD_GUARD_H

#include <errno.h>
#include <fairlead/attributes.h>
#include <fairlead/condition.h>
#include <fairlead/lock.h>
#include <fairlead/rlock.h>
#include <fairlead/rwlock.h>
#include <fairlead/semaphore.h>
#include <fairlead/time.h>
#include <stdbool.h>

FL_BEGIN_DECLS

/* Holds the object for the statement or block that follows.  Since 0.1. */
#define fl_with(object) FL_GUARD_QUIET_ FL_WITH_(object, __COUNTER__) FL_GUARD_LOUD_

/* Holds the object until the end of the enclosing block. It is a declaration: it cannot be the only statement of an
 * if. Since 0.1. */
#define fl_guard(object) FL_GUARD_QUIET_ FL_GUARD_(object, __COUNTER__) FL_GUARD_LOUD_

/* Holds the object for the statement or block that follows if it can be had before the deadline passes and before
 * `note` (may be NULL) is cancelled; otherwise runs the else branch, if there is one. A deadline that has passed
 * makes it a try. Since 0.1. */
#define fl_with_until(object, deadline, note) \
	FL_GUARD_QUIET_ FL_WITH_UNTIL_(object, deadline, note, __COUNTER__) FL_GUARD_LOUD_

/* The two sides of an fl_rwlock, for the three above.  Since 0.1. */
#define fl_read(rwlock) fl_guard_read_(rwlock)
#define fl_write(rwlock) fl_guard_write_(rwlock)

/* What guards call when an acquire fails, or when a bounded semaphore turns out to have been released too often:
 * reports misuse of the object, of this kind ("lock", "semaphore", ...), with what `error` (a negative errno) means,
 * and aborts, also if a report hook returns. Any thread may call it.  Since 0.1. */
void fl_guard_failed(const void *object, const char *kind, int error) FL_NONNULL(1, 2) __attribute__((cold, noreturn));

/* ---- All that follows is private to the macros above. ---- */

/* clang tells of GNU C, and of gcc's other idea of the break, in whatever code a macro is used in. */
#ifdef __clang__
#define FL_GUARD_QUIET_ \
	_Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wpedantic\"") \
		_Pragma("clang diagnostic ignored \"-Wgcc-compat\"")
#define FL_GUARD_LOUD_ _Pragma("clang diagnostic pop")
#else
#define FL_GUARD_QUIET_
#define FL_GUARD_LOUD_
#endif

/* The formatter takes what stands in these macros for expressions. */
/* clang-format off */

/* The same function for every type: chosen by _Generic in C, by overloading in C++. */
#ifdef __cplusplus
#define FL_GUARD_FUNCTION_(verb, type) fl_guard_##verb##_
#define FL_GUARD_CHOOSE_(verb, pointer) fl_guard_##verb##_
#define FL_GUARD_AUTO_ auto
#else
#define FL_GUARD_FUNCTION_(verb, type) fl_guard_##verb##_##type##_
#define FL_GUARD_CHOOSE_(verb, pointer) \
	_Generic((pointer), \
		fl_lock *: fl_guard_##verb##_lock_, \
		fl_rlock *: fl_guard_##verb##_rlock_, \
		struct fl_read_side_ *: fl_guard_##verb##_read_, \
		struct fl_write_side_ *: fl_guard_##verb##_write_, \
		fl_semaphore *: fl_guard_##verb##_semaphore_, \
		fl_condition *: fl_guard_##verb##_condition_)
#define FL_GUARD_AUTO_ __auto_type
#endif

#define FL_GUARD_LEAVE_ __attribute__((unused, cleanup(fl_guard_leave_)))
#define FL_GUARD_SEEN_ __attribute__((cleanup(fl_guard_seen_)))
/* A body that runs once: the loop around it ends in its increment. */
#define FL_GUARD_DONE_ __extension__({ break; })
#define FL_GUARD_ONCE_(declaration) for (declaration;; FL_GUARD_DONE_)

#define FL_GUARD_JOIN_(a, b) a##b
#define FL_WITH_(object, n) FL_WITH_NAMED_(object, FL_GUARD_JOIN_(fl_pointer_, n), FL_GUARD_JOIN_(fl_guard_, n))
#define FL_WITH_NAMED_(object, pointer, guard) \
	switch (0) \
	default: \
		FL_GUARD_ONCE_(FL_GUARD_AUTO_ const pointer FL_GUARD_SEEN_ = (object)) \
		FL_GUARD_ONCE_(const struct fl_guard_ guard FL_GUARD_LEAVE_ = FL_GUARD_CHOOSE_(enter, pointer)(pointer))

#define FL_GUARD_(object, n) FL_GUARD_NAMED_(object, FL_GUARD_JOIN_(fl_pointer_, n), FL_GUARD_JOIN_(fl_guard_, n))
#define FL_GUARD_NAMED_(object, pointer, guard) \
	FL_GUARD_AUTO_ const pointer FL_GUARD_SEEN_ = (object); \
	const struct fl_guard_ guard FL_GUARD_LEAVE_ = FL_GUARD_CHOOSE_(enter, pointer)(pointer)

#define FL_WITH_UNTIL_(object, deadline, note, n) \
	FL_WITH_UNTIL_NAMED_(object, deadline, note, FL_GUARD_JOIN_(fl_pointer_, n), FL_GUARD_JOIN_(fl_guard_, n), \
			     FL_GUARD_JOIN_(fl_held_, n))
#define FL_WITH_UNTIL_NAMED_(object, deadline, note, pointer, guard, held) \
	switch (0) \
	default: \
		FL_GUARD_ONCE_(FL_GUARD_AUTO_ const pointer = (object)) \
		FL_GUARD_ONCE_(struct fl_guard_ guard FL_GUARD_LEAVE_ = FL_GUARD_NOTHING_) \
		if (FL_GUARD_CHOOSE_(try, pointer)(pointer, &guard, (deadline), (note))) \
			FL_GUARD_ONCE_(FL_GUARD_AUTO_ const held FL_GUARD_SEEN_ __attribute__((unused)) = pointer)

#define FL_GUARD_NOTHING_ {FL_GUARD_NONE_, 0}

/* clang-format on */

enum fl_guard_kind_ {
	FL_GUARD_NONE_,
	FL_GUARD_LOCK_,
	FL_GUARD_RLOCK_,
	FL_GUARD_READ_,
	FL_GUARD_WRITE_,
	FL_GUARD_SEMAPHORE_,
	FL_GUARD_CONDITION_,
};

/* What a guard holds. */
struct fl_guard_ {
	enum fl_guard_kind_ kind;
	void *object;
};

/* Types of their own, so that the sides of an fl_rwlock are told apart; they are never completed. */
struct FL_CAPABILITY("rwlock") fl_read_side_;
struct FL_CAPABILITY("rwlock") fl_write_side_;
/* What the analyser sees of a semaphore: it is never the lock of any data, and may be acquired twice. */
struct FL_CAPABILITY("permit") FL_REENTRANT fl_permit_;

static inline struct fl_read_side_ *fl_guard_read_(fl_rwlock *lock) FL_TSA(lock_returned(lock))
{
	return (struct fl_read_side_ *)lock;
}

static inline struct fl_write_side_ *fl_guard_write_(fl_rwlock *lock) FL_TSA(lock_returned(lock))
{
	return (struct fl_write_side_ *)lock;
}

static inline const char *fl_guard_name_(enum fl_guard_kind_ kind)
{
	switch (kind) {
	case FL_GUARD_LOCK_:
		return "lock";
	case FL_GUARD_RLOCK_:
		return "rlock";
	case FL_GUARD_READ_:
	case FL_GUARD_WRITE_:
		return "rwlock";
	case FL_GUARD_SEMAPHORE_:
		return "semaphore";
	case FL_GUARD_CONDITION_:
		return "condition";
	case FL_GUARD_NONE_:
		break;
	}
	return "guard";
}

/* What acquiring returned becomes a guard, or the end. */
static inline struct fl_guard_ fl_guard_checked_(enum fl_guard_kind_ kind, void *object, int result)
{
	struct fl_guard_ guard = {kind, object};

	if (__builtin_expect(result != 0 && result != -EOWNERDEAD, 0))
		fl_guard_failed(object, fl_guard_name_(kind), result);
	return guard;
}

/* The same where a time-out and a cancellation are answers too. Returns whether the object is held. */
static inline bool fl_guard_tried_(struct fl_guard_ *ret_guard, enum fl_guard_kind_ kind, void *object, int result)
{
	if (result == -ETIMEDOUT || result == -ECANCELED)
		return false;
	*ret_guard = fl_guard_checked_(kind, object, result);
	return true;
}

static inline void fl_guard_leave_semaphore_(fl_semaphore *semaphore)
{
	int result = fl_semaphore_release(semaphore, 1);

	if (__builtin_expect(result != 0, 0))
		fl_guard_failed(semaphore, fl_guard_name_(FL_GUARD_SEMAPHORE_), result);
}

/* The cleanup function of guards. */
static inline void fl_guard_leave_(const struct fl_guard_ *guard) FL_NO_THREAD_SAFETY_ANALYSIS
{
	switch (guard->kind) {
	case FL_GUARD_NONE_:
		break;
	case FL_GUARD_LOCK_:
		fl_lock_release((fl_lock *)guard->object);
		break;
	case FL_GUARD_RLOCK_:
		fl_rlock_release((fl_rlock *)guard->object);
		break;
	case FL_GUARD_READ_:
		fl_rwlock_release_read((fl_rwlock *)guard->object);
		break;
	case FL_GUARD_WRITE_:
		fl_rwlock_release_write((fl_rwlock *)guard->object);
		break;
	case FL_GUARD_SEMAPHORE_:
		fl_guard_leave_semaphore_((fl_semaphore *)guard->object);
		break;
	case FL_GUARD_CONDITION_:
		fl_condition_release((fl_condition *)guard->object);
		break;
	}
}

/* The cleanup function of pointers to guarded objects: tells the analyser that the guard's has released the object,
 * of whatever type (it follows the pointer and does not ask what the cast claims). */
static inline void fl_guard_seen_(const void *pointer) FL_TSA(release_generic_capability(*(fl_lock *const *)pointer))
	FL_NO_THREAD_SAFETY_ANALYSIS
{
	(void)pointer;
}

FL_END_DECLS

/* From here on C++ overloads, which cannot have C linkage. Enter: acquires. Try: acquires if it can be had in
 * time. */

static inline struct fl_guard_ FL_GUARD_FUNCTION_(enter, lock)(fl_lock *lock) FL_ACQUIRE(lock)
{
	return fl_guard_checked_(FL_GUARD_LOCK_, lock, fl_lock_acquire(lock));
}

static inline bool FL_GUARD_FUNCTION_(try, lock)(fl_lock *lock, struct fl_guard_ *ret_guard, fl_time deadline,
						 fl_note *note) FL_TRY_ACQUIRE(true, lock) FL_NO_THREAD_SAFETY_ANALYSIS
{
	return fl_guard_tried_(ret_guard, FL_GUARD_LOCK_, lock, fl_lock_acquire_until(lock, deadline, note));
}

static inline struct fl_guard_ FL_GUARD_FUNCTION_(enter, rlock)(fl_rlock *lock) FL_ACQUIRE(lock)
{
	return fl_guard_checked_(FL_GUARD_RLOCK_, lock, fl_rlock_acquire(lock));
}

static inline bool FL_GUARD_FUNCTION_(try, rlock)(fl_rlock *lock, struct fl_guard_ *ret_guard, fl_time deadline,
						  fl_note *note) FL_TRY_ACQUIRE(true, lock) FL_NO_THREAD_SAFETY_ANALYSIS
{
	return fl_guard_tried_(ret_guard, FL_GUARD_RLOCK_, lock, fl_rlock_acquire_until(lock, deadline, note));
}

static inline struct fl_guard_ FL_GUARD_FUNCTION_(enter, read)(struct fl_read_side_ *side) FL_ACQUIRE_SHARED(side)
	FL_NO_THREAD_SAFETY_ANALYSIS
{
	fl_rwlock *lock = (fl_rwlock *)side;

	return fl_guard_checked_(FL_GUARD_READ_, lock, fl_rwlock_acquire_read(lock));
}

static inline bool FL_GUARD_FUNCTION_(try, read)(struct fl_read_side_ *side, struct fl_guard_ *ret_guard,
						 fl_time deadline, fl_note *note) FL_TRY_ACQUIRE_SHARED(true, side)
	FL_NO_THREAD_SAFETY_ANALYSIS
{
	fl_rwlock *lock = (fl_rwlock *)side;

	return fl_guard_tried_(ret_guard, FL_GUARD_READ_, lock, fl_rwlock_acquire_read_until(lock, deadline, note));
}

static inline struct fl_guard_ FL_GUARD_FUNCTION_(enter, write)(struct fl_write_side_ *side) FL_ACQUIRE(side)
	FL_NO_THREAD_SAFETY_ANALYSIS
{
	fl_rwlock *lock = (fl_rwlock *)side;

	return fl_guard_checked_(FL_GUARD_WRITE_, lock, fl_rwlock_acquire_write(lock));
}

static inline bool FL_GUARD_FUNCTION_(try, write)(struct fl_write_side_ *side, struct fl_guard_ *ret_guard,
						  fl_time deadline, fl_note *note) FL_TRY_ACQUIRE(true, side)
	FL_NO_THREAD_SAFETY_ANALYSIS
{
	fl_rwlock *lock = (fl_rwlock *)side;

	return fl_guard_tried_(ret_guard, FL_GUARD_WRITE_, lock, fl_rwlock_acquire_write_until(lock, deadline, note));
}

static inline struct fl_guard_ FL_GUARD_FUNCTION_(enter, semaphore)(fl_semaphore *semaphore)
	FL_ACQUIRE_SHARED((struct fl_permit_ *)semaphore) FL_NO_THREAD_SAFETY_ANALYSIS
{
	return fl_guard_checked_(FL_GUARD_SEMAPHORE_, semaphore, fl_semaphore_acquire(semaphore));
}

static inline bool FL_GUARD_FUNCTION_(try, semaphore)(fl_semaphore *semaphore, struct fl_guard_ *ret_guard,
						      fl_time deadline, fl_note *note)
	FL_TRY_ACQUIRE_SHARED(true, (struct fl_permit_ *)semaphore) FL_NO_THREAD_SAFETY_ANALYSIS
{
	return fl_guard_tried_(ret_guard, FL_GUARD_SEMAPHORE_, semaphore,
			       fl_semaphore_acquire_until(semaphore, deadline, note));
}

static inline struct fl_guard_ FL_GUARD_FUNCTION_(enter, condition)(fl_condition *condition) FL_ACQUIRE(condition)
{
	return fl_guard_checked_(FL_GUARD_CONDITION_, condition, fl_condition_acquire(condition));
}

static inline bool FL_GUARD_FUNCTION_(try, condition)(fl_condition *condition, struct fl_guard_ *ret_guard,
						      fl_time deadline, fl_note *note) FL_TRY_ACQUIRE(true, condition)
	FL_NO_THREAD_SAFETY_ANALYSIS
{
	return fl_guard_tried_(ret_guard, FL_GUARD_CONDITION_, condition,
			       fl_condition_acquire_until(condition, deadline, note));
}

#endif
