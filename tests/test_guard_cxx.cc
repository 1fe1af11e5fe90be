/*
 * test_guard_cxx.cc - guards in C++17: the same macros over overloads, and a way out that C does not have, the
 * exception.
 *
 * Check is not used here: the program writes its own TAP.
 */
#include <cstdio>
#include <fairlead/guard.h>
#include <stdexcept>

namespace
{

fl_lock lock = FL_LOCK_INIT;
fl_rlock rlock = FL_RLOCK_INIT;
fl_rwlock rwlock = FL_RWLOCK_INIT;
fl_semaphore semaphore = FL_SEMAPHORE_INIT(1);
fl_condition condition = FL_CONDITION_OVER_LOCK(&lock);
int number, failed;

void result(bool good, const char *what)
{
	std::printf("%s %d - %s\n", good ? "ok" : "not ok", ++number, what);
	failed += !good;
}

bool all_free()
{
	return !fl_lock_locked(&lock) && !fl_rlock_locked(&rlock) && fl_rwlock_readers(&rwlock) == 0 &&
	       fl_semaphore_value(&semaphore) == 1;
}

int held()
{
	return fl_lock_locked(&lock) + fl_rlock_locked(&rlock) + (fl_rwlock_readers(&rwlock) != 0) +
	       (fl_semaphore_value(&semaphore) == 0);
}

int return_from_with()
{
	fl_with (&lock)
		fl_with (&rlock)
			fl_with (fl_read(&rwlock))
				fl_with (&semaphore)
					return held();
	return -1;
}

int return_from_guard()
{
	fl_guard(&condition);
	fl_guard(&rlock);
	fl_guard(fl_write(&rwlock));
	fl_guard(&semaphore);
	return held();
}

int return_from_until()
{
	fl_with_until (&condition, FL_FOREVER, nullptr)
		fl_with_until (&rlock, FL_FOREVER, nullptr)
			fl_with_until (fl_write(&rwlock), FL_FOREVER, nullptr)
				fl_with_until (&semaphore, FL_FOREVER, nullptr)
					return held();
	return -1;
}

[[noreturn]] void fail()
{
	throw std::runtime_error("out");
}

bool thrown_from_with()
{
	try {
		fl_with (&lock)
			fl_with_until (&rlock, FL_FOREVER, nullptr)
				fail();
	} catch (const std::runtime_error &) {
		return true;
	}
	return false;
}

bool thrown_from_guard()
{
	try {
		fl_guard(fl_read(&rwlock));
		fl_guard(&semaphore);
		fail();
	} catch (const std::runtime_error &) {
		return true;
	}
	return false;
}

int break_and_continue()
{
	int rounds = 0;

	for (int i = 0; i < 2; i++) {
		fl_with (&lock) {
			if (i)
				break;
			continue;
		}
		rounds += all_free();
	}
	return rounds;
}

int otherwise()
{
	int ran = 0;

	fl_guard(&lock);
	fl_with_until (&lock, 0, nullptr)
		ran = 1;
	else
		ran = 2;
	return ran;
}

} /* namespace */

int main()
{
	std::printf("1..7\n");
	result(return_from_with() == 4 && all_free(), "fl_with releases on return");
	result(return_from_guard() == 4 && all_free(), "fl_guard releases on return");
	result(return_from_until() == 4 && all_free(), "fl_with_until releases on return");
	result(thrown_from_with() && all_free(), "an exception releases what fl_with and fl_with_until hold");
	result(thrown_from_guard() && all_free(), "an exception releases what fl_guard holds");
	result(break_and_continue() == 2 && all_free(), "break and continue leave the block and no more");
	result(otherwise() == 2 && all_free(), "else runs when the deadline has passed");
	return failed != 0;
}
