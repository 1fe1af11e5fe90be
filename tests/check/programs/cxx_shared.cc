/*
 * cxx_shared - one std::shared_ptr that a thread copies while another assigns it: its counts are atomic, it is not.
 *
 * Breaks: the copy reads the pointer that is being written.
 * Mended: both under a lock.
 */
#include <memory>
#include <mutex>
#include <thread>

static std::mutex lock;
static std::shared_ptr<int> current = std::make_shared<int>(1);

static std::shared_ptr<int> copy()
{
#ifdef MENDED
	std::lock_guard<std::mutex> guard(lock);
#endif
	return current;
}

int main()
{
	int seen = 0;
	std::thread reader([&seen] { seen = *copy(); });
	std::thread writer([] {
		auto next = std::make_shared<int>(2);
		std::lock_guard<std::mutex> guard(lock);
		current = next;
	});
	reader.join();
	writer.join();
	return seen == 1 || seen == 2 ? 0 : 1;
}
