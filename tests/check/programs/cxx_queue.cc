/*
 * cxx_queue - a queue of std::mutex and std::condition_variable; closing it notifies one of the two who wait.
 *
 * Breaks: both consumers wait when it is closed, and one of them is never told.
 * Mended: notifies all.
 */
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

class Queue
{
      public:
	void put(int item)
	{
		std::lock_guard<std::mutex> guard(lock);
		items.push_back(item);
		changed.notify_one();
	}

	void close()
	{
		std::lock_guard<std::mutex> guard(lock);
		closed = true;
#ifndef MENDED
		changed.notify_one();
#else
		changed.notify_all();
#endif
	}

	bool get(int &ret_item)
	{
		std::unique_lock<std::mutex> guard(lock);
		changed.wait(guard, [this] { return closed || !items.empty(); });
		if (items.empty())
			return false;
		ret_item = items.front();
		items.pop_front();
		return true;
	}

      private:
	std::mutex lock;
	std::condition_variable changed;
	std::deque<int> items;
	bool closed = false;
};

int main()
{
	Queue queue;
	auto consume = [&queue] {
		for (int item; queue.get(item);) {
		}
	};
	std::thread one(consume), other(consume);
	queue.put(1);
	queue.close();
	one.join();
	other.join();
	return 0;
}
