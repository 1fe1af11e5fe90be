/*
 * cxx_promise - a std::promise that is kept by the thread, unless it has been told to stop.
 *
 * Breaks: the thread stops, the promise is destroyed unkept, and the future throws what nobody catches.
 * Mended: a stop is a result, too.
 */
#include <atomic>
#include <future>
#include <thread>

static std::atomic<bool> stop{false};

static void compute(std::promise<int> promise)
{
	if (!stop)
		promise.set_value(42);
#ifdef MENDED
	else
		promise.set_value(0);
#endif
}

int main()
{
	std::promise<int> promise;
	auto result = promise.get_future();
	std::thread worker(compute, std::move(promise));
	stop = true;
	int got = result.get();
	worker.join();
	return got == 42 || got == 0 ? 0 : 1;
}
