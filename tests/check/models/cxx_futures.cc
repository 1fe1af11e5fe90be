/*
 * check/models/cxx_futures.cc - futures, promises, async, packaged tasks; exceptions that go from thread to thread;
 * thread_local objects are destroyed in their threads.
 * check: options -std=c++20
 */
#include <cassert>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

static std::atomic<int> destroyed;

struct local {
	int value = 5;
	~local() { destroyed++; }
};

static thread_local local here;

static int fails()
{
	throw std::runtime_error("what it says");
}

int main()
{
	auto async = std::async(std::launch::async, [] { return here.value; });
	auto failing = std::async(std::launch::async, fails);
	auto lazy = std::async(std::launch::deferred, [] { return 6; });
	std::promise<std::string> promise;
	auto future = promise.get_future().share();
	std::packaged_task<int(int)> task([](int x) { return x + 1; });
	auto result = task.get_future();

	std::thread giver([&promise] { promise.set_value("given"); });
	std::thread taker([future] { assert(future.get() == "given"); });
	std::thread runner(std::move(task), 1);
	assert(async.get() == 5);
	try {
		failing.get();
		assert(false);
	} catch (const std::runtime_error &error) {
		assert(std::string(error.what()) == "what it says");
	}
	assert(lazy.get() == 6 && future.get() == "given" && result.get() == 2);
	giver.join();
	taker.join();
	runner.join();
	{
		std::promise<int> broken;
		result = broken.get_future();
	}
	try {
		result.get();
		assert(false);
	} catch (const std::future_error &error) {
		assert(error.code() == std::future_errc::broken_promise);
	}
	assert(destroyed == 1);
	return 0;
}
