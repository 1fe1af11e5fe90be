/*
 * boost.cc - Boost.Interprocess: mutex, condition, message_queue.
 *
 * They are put into the harness's memory, or opened before it forks, as any program would. None of them has a word for
 * the death of a process.
 */
#include "kill.h"

#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/interprocess/sync/interprocess_condition.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <memory>
#include <new>
#include <string>
#include <unistd.h>

namespace ipc = boost::interprocess;

namespace
{

struct locked {
	ipc::interprocess_mutex mutex;
	kill_guarded guarded;
};

int make_locked(void *memory)
{
	new (&static_cast<locked *>(memory)->mutex) ipc::interprocess_mutex;
	return 0;
}

void acquire(void *memory, kill_worker *)
{
	static_cast<locked *>(memory)->mutex.lock();
}

void release(void *memory, kill_worker *)
{
	static_cast<locked *>(memory)->mutex.unlock();
}

void use_locked(void *memory, kill_worker *worker)
{
	acquire(memory, worker);
	kill_guarded_use(&static_cast<locked *>(memory)->guarded, worker);
	release(memory, worker);
	kill_dwell(worker);
}

void check_locked(const void *memory, kill_verdict *verdict)
{
	kill_guarded_check(&static_cast<const locked *>(memory)->guarded, verdict);
}

/* ---- condition: a box for one item ---- */

struct box {
	ipc::interprocess_mutex mutex;
	ipc::interprocess_condition changed;
	uint64_t item;
	kill_ledger ledger;
};

int make_box(void *memory)
{
	auto it = static_cast<box *>(memory);

	new (&it->mutex) ipc::interprocess_mutex;
	new (&it->changed) ipc::interprocess_condition;
	return 0;
}

void put(box *it, kill_worker *worker)
{
	uint64_t item = kill_item_next(&it->ledger, worker);
	{
		ipc::scoped_lock<ipc::interprocess_mutex> lock(it->mutex);

		while (it->item)
			it->changed.wait(lock);
		it->item = item;
		it->changed.notify_all();
	}
	kill_item_put(&it->ledger, worker);
}

void take(box *it)
{
	uint64_t item;
	{
		ipc::scoped_lock<ipc::interprocess_mutex> lock(it->mutex);

		while (!it->item)
			it->changed.wait(lock);
		item = it->item;
		it->item = 0;
		it->changed.notify_all();
	}
	kill_item_got(&it->ledger, item);
}

void use_box(void *memory, kill_worker *worker)
{
	if (worker->role == 0)
		put(static_cast<box *>(memory), worker);
	else
		take(static_cast<box *>(memory));
	kill_dwell(worker);
}

void check_box(const void *memory, kill_verdict *verdict)
{
	kill_ledger_check(&static_cast<const box *>(memory)->ledger, 1, 0, verdict);
}

void leave_empty(void *, kill_worker *)
{
}

/* ---- message_queue ---- */

std::unique_ptr<ipc::message_queue> queue;

std::string queue_name()
{
	return "fairlead-kill-" + std::to_string(getpid());
}

int make_queue(void *)
{
	ipc::message_queue::remove(queue_name().c_str());
	queue = std::make_unique<ipc::message_queue>(ipc::create_only, queue_name().c_str(), 64, sizeof(uint64_t));
	return 0;
}

void remove_queue(void *)
{
	queue.reset();
	ipc::message_queue::remove(queue_name().c_str());
}

void use_queue(void *memory, kill_worker *worker)
{
	auto ledger = static_cast<kill_ledger *>(memory);
	ipc::message_queue::size_type size;
	unsigned priority;
	uint64_t item;

	if (worker->role == 0) {
		item = kill_item_next(ledger, worker);
		queue->send(&item, sizeof(item), 0);
		kill_item_put(ledger, worker);
	} else {
		queue->receive(&item, sizeof(item), size, priority);
		kill_item_got(ledger, item);
	}
	kill_dwell(worker);
}

void check_queue(const void *memory, kill_verdict *verdict)
{
	kill_ledger_check(static_cast<const kill_ledger *>(memory), 1, 0, verdict);
}

} /* namespace */

extern "C" const kill_object kill_boost[] = {
	{.name = "boost-mutex",
	 .what = "Boost.Interprocess mutex",
	 .size = sizeof(locked),
	 .init = make_locked,
	 .operate = use_locked,
	 .check = check_locked,
	 .situations = {{.name = "free"},
			{.name = "held", .before = acquire, .meanwhile = release},
			{.name = "wanted", .queues = true}}},
	{.name = "boost-condition",
	 .what = "Boost.Interprocess condition",
	 .size = sizeof(box),
	 .roles = 2,
	 .drains = true,
	 .init = make_box,
	 .operate = use_box,
	 .check = check_box,
	 .situations = {{.name = "notify", .waits = true},
			{.name = "wait", .role = 1, .before = leave_empty, .meanwhile = use_box}}},
	{.name = "boost-queue",
	 .what = "Boost.Interprocess message_queue",
	 .size = sizeof(kill_ledger),
	 .roles = 2,
	 .drains = true,
	 .init = make_queue,
	 .fini = remove_queue,
	 .operate = use_queue,
	 .check = check_queue,
	 .situations = {{.name = "put", .waits = true},
			{.name = "get", .role = 1, .before = use_queue},
			{.name = "wait", .role = 1, .before = leave_empty, .meanwhile = use_queue}}},
	{},
};
