/*
 * check/models/cxx_terminate.cc - an exception that nobody catches is told with its type and what it says.
 * check: fails std::runtime_error: nobody catches me
 */
#include <stdexcept>
#include <thread>

int main()
{
	std::thread thread([] { throw std::runtime_error("nobody catches me"); });

	thread.join();
	return 0;
}
