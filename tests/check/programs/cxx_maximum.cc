/*
 * cxx_maximum - keeps the largest of the values that threads bring, by a std::atomic.
 *
 * Breaks: a thread compares with 0, another stores 9, the first stores its 5 over it.
 * Mended: compare_exchange, again and again while the maximum is lower.
 */
#include <atomic>
#include <cassert>
#include <thread>

static std::atomic<int> maximum{0};

static void bring(int value)
{
#ifndef MENDED
	if (maximum < value)
		maximum = value;
#else
	int seen = maximum;
	while (seen < value && !maximum.compare_exchange_weak(seen, value)) {
	}
#endif
}

int main()
{
	std::thread small(bring, 5), large(bring, 9);
	small.join();
	large.join();
	assert(maximum == 9); /* here */
	return 0;
}
