/*
 * check/models/cxx_threads.cc - what libstdc++ makes of threads: std::thread, mutexes, conditions, shared_mutex,
 * call_once, and that shared_ptr counts with atomics from the beginning.
 * check: options -std=c++20
 */
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

static void once_and_pointers()
{
	static std::once_flag flag;
	static int made;
	auto shared = std::make_shared<int>(3);
	std::weak_ptr<int> weak = shared;
	std::vector<std::thread> threads;

	for (int i = 0; i < 3; i++) {
		threads.emplace_back([shared] {
			try {
				std::call_once(flag, [] {
					if (made++ == 0)
						throw 1;
				});
			} catch (int) {
			}
			assert(*shared == 3);
		});
	}
	shared.reset();
	for (auto &thread : threads)
		thread.join();
	assert(made == 2 && weak.expired());
}

static void conditions()
{
	std::timed_mutex mutex;
	std::mutex plain;
	std::condition_variable_any any;
	std::condition_variable condition;
	bool ready = false, done = false;

	std::thread thread([&] {
		std::unique_lock lock(mutex);
		any.wait(lock, [&] { return ready; });
		std::lock_guard other(plain);
		done = true;
		condition.notify_all();
	});
	{
		std::unique_lock lock(mutex, 1s);
		assert(lock.owns_lock());
		ready = true;
	}
	any.notify_one();
	std::unique_lock lock(plain);
	assert(condition.wait_for(lock, 10s, [&] { return done; }));
	assert(!condition.wait_for(lock, 1ms, [] { return false; }));
	lock.unlock();
	thread.join();
}

static void readers()
{
	std::shared_timed_mutex mutex;
	int value = 0;

	std::thread writer([&] {
		std::unique_lock lock(mutex);
		value++;
		value++;
	});
	std::thread reader([&] {
		std::shared_lock lock(mutex);
		std::shared_lock again(mutex);
		assert(value % 2 == 0);
	});
	if (mutex.try_lock_shared_for(1s)) {
		assert(value % 2 == 0);
		mutex.unlock_shared();
	}
	writer.join();
	reader.join();
}

int main()
{
	once_and_pointers();
	conditions();
	readers();
	assert(std::thread::hardware_concurrency() >= 1);
	return 0;
}
