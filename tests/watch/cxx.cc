/*
 * tests/watch/cxx.cc - the mutexes of C++, whose functions are in headers, and whose destructors do nothing: one circle
 * that is to be found (by the names of the functions, not those in the headers), and programs that are correct.
 */
#include "cases.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <new>
#include <shared_mutex>
#include <thread>

static std::mutex a, b;
static std::shared_mutex shared;

static void guard_a_then_b()
{
	std::lock_guard<std::mutex> first(a), second(b);
}

static void guard_b_then_a()
{
	std::lock_guard<std::mutex> first(b);
	std::unique_lock<std::mutex> second(a);
}

static void guards()
{
	in_turns(guard_a_then_b, guard_b_then_a);
}

static void scoped_up()
{
	std::scoped_lock both(a, b);
}

static void scoped_down()
{
	std::scoped_lock both(b, a);
}

static void scoped()
{
	in_turns(scoped_up, scoped_down);
}

/* Objects that are made where others were have locks of their own. */
struct account {
	std::mutex mutex;
	long balance[8];
};

static account *pool[2];

static void make_and_transfer()
{
	pool[0] = new account, pool[1] = new account;
	{
		std::lock_guard<std::mutex> first(pool[0]->mutex), second(pool[1]->mutex);
	}
	account *old[2] = {pool[0], pool[1]};
	delete pool[0];
	delete pool[1];
	pool[0] = new account, pool[1] = new account;
	if (pool[0] != old[0] && pool[0] != old[1])
		puts("the allocator gave other memory: nothing is tested");
}

static void transfer_back()
{
	account *first = pool[0] < pool[1] ? pool[0] : pool[1], *second = first == pool[0] ? pool[1] : pool[0];
	std::lock_guard<std::mutex> one(second->mutex), other(first->mutex);
}

static void transfer_forth()
{
	std::swap(pool[0], pool[1]);
	delete pool[0];
	delete pool[1];
	pool[0] = new account, pool[1] = new account;
	account *first = pool[0] < pool[1] ? pool[0] : pool[1], *second = first == pool[0] ? pool[1] : pool[0];
	std::lock_guard<std::mutex> one(first->mutex), other(second->mutex);
}

static void reborn()
{
	in_turns(make_and_transfer, transfer_back, transfer_forth);
}

static void read_then_guard()
{
	std::shared_lock<std::shared_mutex> read(shared);
	guard_a_then_b();
}

static void write_then_guard()
{
	std::unique_lock<std::shared_mutex> write(shared);
	guard_b_then_a();
}

static void shared_gate()
{
	in_turns(read_then_guard, write_then_guard);
}

static void threads()
{
	std::condition_variable condition;
	std::mutex mutex;
	bool ready = false;
	std::thread other([&] {
		std::lock_guard<std::mutex> guard(mutex);
		ready = true;
		condition.notify_one();
	});
	std::unique_lock<std::mutex> guard(mutex);
	condition.wait(guard, [&] { return ready; });
	guard.unlock();
	other.join();
	guard_a_then_b();
	std::thread(guard_b_then_a).join();
}

static const watch_case cases[] = {
	{"guards", guards},           {"scoped", scoped},   {"reborn", reborn},
	{"shared-gate", shared_gate}, {"threads", threads}, {nullptr, nullptr},
};

int main(int argc, char **argv)
{
	return run_case(cases, argc, argv);
}
