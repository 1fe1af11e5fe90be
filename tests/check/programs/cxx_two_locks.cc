/*
 * cxx_two_locks - swaps two guarded values: locks its own, then the other's.
 *
 * Breaks: two swaps in opposite directions.
 * Mended: std::scoped_lock, which takes both without waiting for one while it holds the other.
 */
#include <mutex>
#include <thread>
#include <utility>

struct Guarded {
	std::mutex lock;
	int value;

	explicit Guarded(int initial) : value(initial) {}

	void swap(Guarded &other)
	{
#ifndef MENDED
		std::lock_guard<std::mutex> own(lock);
		std::lock_guard<std::mutex> others(other.lock);
#else
		std::scoped_lock both(lock, other.lock);
#endif
		std::swap(value, other.value);
	}
};

int main()
{
	Guarded a(1), b(2);
	std::thread forth([&] { a.swap(b); });
	std::thread back([&] { b.swap(a); });
	forth.join();
	back.join();
	return a.value == 1 ? 0 : 1;
}
