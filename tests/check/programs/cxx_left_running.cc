/*
 * cxx_left_running - returns early, by which a std::thread that was not joined is destroyed, and std::terminate called.
 *
 * Breaks: the thread has raised the flag before main looks.
 * Mended: joins on both ways out.
 */
#include <atomic>
#include <thread>

static std::atomic<bool> failed{false};

static int run()
{
	std::thread worker([] { failed = true; });
	if (failed) {
#ifdef MENDED
		worker.join();
#endif
		return 0;
	}
	worker.join();
	return 0;
}

int main()
{
	return run();
}
