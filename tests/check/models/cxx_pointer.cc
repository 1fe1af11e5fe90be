/*
 * check/models/cxx_pointer.cc - an exception that one thread throws and the last of others destroys.
 * check: options -std=c++20
 */
#include <cassert>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

int main()
{
	std::exception_ptr pointer;

	try {
		throw std::logic_error("shared");
	} catch (...) {
		pointer = std::current_exception();
	}
	auto look = [pointer] {
		try {
			std::rethrow_exception(pointer);
		} catch (const std::logic_error &error) {
			assert(std::string(error.what()) == "shared");
		}
	};
	std::thread one(look), other(std::move(look));
	pointer = nullptr;
	one.join();
	other.join();
	return 0;
}
