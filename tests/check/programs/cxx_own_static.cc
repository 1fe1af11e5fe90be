/*
 * cxx_own_static - says that the one instance is made, then makes it.
 *
 * Breaks: the other thread sees that it is made, and reads what is not there yet.
 * Mended: a local static, which the language initialises once.
 */
#include <atomic>
#include <cassert>
#include <thread>

struct Settings {
	std::atomic<int> size{0};

	void load() { size = 16; }
};

static Settings &settings()
{
#ifndef MENDED
	static Settings instance;
	static std::atomic<bool> loaded{false};
	if (!loaded.exchange(true))
		instance.load();
	return instance;
#else
	struct Loaded : Settings {
		Loaded() { load(); }
	};
	static Loaded instance;
	return instance;
#endif
}

static void use()
{
	int size = settings().size;
	assert(size == 16); /* here */
}

int main()
{
	std::thread one(use), other(use);
	one.join();
	other.join();
	return 0;
}
