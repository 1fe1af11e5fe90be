/*
 * cxx_call_once - initialises a plain variable in std::call_once, and reads it elsewhere without.
 *
 * Breaks: the reader does not go through call_once, and nothing orders its read after the write.
 * Mended: it does.
 */
#include <mutex>
#include <thread>

static std::once_flag once;
static int size;

static void initialise()
{
	std::call_once(once, [] { size = 16; }); /* here */
}

int main()
{
	int seen = 0;
	std::thread initialiser(initialise);
	std::thread reader([&seen] {
#ifdef MENDED
		initialise();
#endif
		seen = size;
	});
	initialiser.join();
	reader.join();
	return seen == 0 || seen == 16 ? 0 : 1;
}
