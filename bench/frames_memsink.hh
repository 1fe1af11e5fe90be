/*
 * bench/frames_memsink.hh - an image handed over as ustreamer's memory sink does it: flock, and polling.
 *
 * The program ustreamer has its sink inside, and no library of it is packaged. So this does the same steps: one slot
 * in POSIX shared memory, that is a number and the image. Producer and readers take the same exclusive flock before
 * they touch it, so readers keep out each other as well. Nobody sleeps until it is free: they try, sleep a
 * millisecond and try again, the producer for a second at most, after which it drops the image. A reader that finds
 * the number that it knows sleeps a millisecond too. The image is copied twice, by the producer into the slot and by
 * each reader out of it, and both copies happen under the lock.
 */
#ifndef FAIRLEAD_BENCH_FRAMES_MEMSINK_HH
#define FAIRLEAD_BENCH_FRAMES_MEMSINK_HH

#include "frames_ways.hh"

#include <sys/file.h>

struct memsink : way_of_processes {
	struct slot {
		uint64_t number;
		bool over;
		unsigned char image[image_size];
	};
	std::string name = "/fairlead-bench-" + std::to_string(getpid());
	std::vector<unsigned char> mine = std::vector<unsigned char>(image_size);
	int file = -1;
	slot *shared = nullptr;
	uint64_t last = 0;

	memsink()
	{
		int made = shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

		if (made < 0 || ftruncate(made, sizeof *shared) != 0)
			bench_fail("frames: POSIX shared memory");
		close(made);
	}
	~memsink()
	{
		munmap(shared, sizeof *shared);
		close(file);
	}

	/* Everybody opens it for himself: a lock belongs to what was opened, and forked children would share it. */
	void map()
	{
		file = shm_open(name.c_str(), O_RDWR | O_CLOEXEC, 0);
		if (file < 0)
			bench_fail("frames: POSIX shared memory");
		void *start = mmap(nullptr, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

		if (start == MAP_FAILED)
			bench_fail("frames: no memory");
		shared = static_cast<slot *>(start);
	}
	bool lock()
	{
		for (int64_t end = bench_now() + 1000000000; flock(file, LOCK_EX | LOCK_NB) != 0; usleep(1000))
			if (bench_now() > end)
				return false;
		return true;
	}
	void unlock() { flock(file, LOCK_UN); }

	void begin() { map(); }
	void *loan() { return mine.data(); }
	void publish()
	{
		if (!lock())
			return;
		shared->number++;
		memcpy(shared->image, mine.data(), image_size);
		unlock();
	}
	void end()
	{
		while (!lock())
			;
		shared->over = true;
		unlock();
		shm_unlink(name.c_str());
	}

	void open(unsigned) { map(); }
	const void *next()
	{
		for (;; usleep(1000)) {
			if (!lock())
				continue;
			bool is_new = shared->number != last, over = shared->over;

			if (is_new)
				memcpy(mine.data(), shared->image, image_size);
			last = shared->number;
			unlock();
			if (is_new)
				return mine.data();
			if (over)
				return nullptr;
		}
	}
};

#endif
