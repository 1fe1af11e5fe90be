/*
 * cxx_thrown - locks, calls what may throw, unlocks.
 *
 * Breaks: there is nothing in stock yet, the exception leaves the function, and the lock stays locked.
 * Mended: a guard unlocks it on each way out.
 */
#include <mutex>
#include <stdexcept>
#include <thread>

static std::mutex lock;
static int stock;

static void take()
{
	if (stock == 0)
		throw std::runtime_error("nothing in stock");
	stock--;
}

static void buy()
{
#ifdef MENDED
	std::lock_guard<std::mutex> guard(lock);
	take();
#else
	lock.lock();
	take();
	lock.unlock();
#endif
}

static void deliver()
{
	std::lock_guard<std::mutex> guard(lock);
	stock++;
}

int main()
{
	std::thread supplier(deliver);
	std::thread buyer([] {
		try {
			buy();
		} catch (const std::runtime_error &) {
		}
	});
	buyer.join();
	supplier.join();
	return 0;
}
