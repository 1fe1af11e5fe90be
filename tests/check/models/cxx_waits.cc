/*
 * check/models/cxx_waits.cc - C++20: waiting for atomics, latch, barrier, semaphores, jthread and stop tokens.
 * These wait with the futex by system call, from headers.
 * check: options -std=c++20
 */
#include <atomic>
#include <barrier>
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <semaphore>
#include <stop_token>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

static void atomics()
{
	std::atomic<int> word{0};
	std::atomic<char> byte{0};
	int plain = 0;

	std::jthread thread([&] {
		plain = 1;
		word = 1;
		word.notify_one();
		byte.wait(0);
		assert(byte == 2);
	});
	word.wait(0);
	assert(plain == 1);
	byte = 2;
	byte.notify_all();
}

static void latches()
{
	std::latch latch(2);
	int rounds = 0;
	std::barrier barrier(2, [&]() noexcept { rounds++; });
	auto work = [&] {
		latch.arrive_and_wait();
		for (int i = 1; i <= 2; i++) {
			barrier.arrive_and_wait();
			assert(rounds >= i);
		}
	};

	std::jthread one(work), other(work);
	latch.wait();
	one.join();
	other.join();
	assert(rounds == 2);
}

static void semaphores()
{
	std::counting_semaphore<4> semaphore(0);
	std::binary_semaphore door(1);
	int inside = 0;
	auto work = [&] {
		door.acquire();
		assert(++inside == 1);
		inside--;
		door.release();
		semaphore.release();
	};

	std::jthread one(work), other(work);
	semaphore.acquire();
	assert(semaphore.try_acquire_for(100s));
	assert(!semaphore.try_acquire());
}

static void stops()
{
	std::mutex mutex;
	std::condition_variable_any condition;
	bool stopped = false;

	{
		std::jthread thread([&](std::stop_token token) {
			std::unique_lock lock(mutex);
			assert(!condition.wait(lock, token, [] { return false; }));
			stopped = true;
		});
	}
	assert(stopped);
}

int main()
{
	atomics();
	latches();
	semaphores();
	stops();
	return 0;
}
