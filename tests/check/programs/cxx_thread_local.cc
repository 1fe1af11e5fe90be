/*
 * cxx_thread_local - a thread_local object that signs off from a registry when its thread ends.
 *
 * Breaks: main waits until the thread has done its work, and deletes the registry; the destructor runs after that.
 * Mended: main joins the thread, whose destructors have run then.
 */
#include <atomic>
#include <mutex>
#include <thread>

struct Registry {
	std::mutex lock;
	int members = 0;

	void change(int by)
	{
		std::lock_guard<std::mutex> guard(lock);
		members += by;
	}
};

static Registry *registry;
static std::atomic<bool> worked{false};

struct Member {
	Member() { registry->change(1); }
	~Member() { registry->change(-1); }
	int calls = 0;
};

static thread_local Member member;

int main()
{
	registry = new Registry;
	std::thread worker([] {
		member.calls++;
		worked = true;
	});
#ifndef MENDED
	worker.detach();
	while (!worked)
		std::this_thread::yield();
#else
	worker.join();
#endif
	delete registry;
	return 0;
}
