/*
 * check/entropy.c - random numbers that are the same in each execution: they come from the seed of the check.
 *
 * So a program that draws random numbers can be done again, and another seed shows it others. Covered are the calls of
 * the C library and of the kernel, and std::random_device, whose default is an instruction of the processor.
 * /dev/random and /dev/urandom give these numbers, too, to who reads them by read() (descriptor.c).
 */
#include "entropy.h"

#include "strategy.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/syscall.h>

/* Before main they are random. */
void entropy_fill(void *to, size_t n)
{
	char *at = to;

	if (!controlled()) {
		RAW(SYS_getrandom, to, n, 0);
		return;
	}
	if (run->random == 0)
		run->random = memory->asked.seed * 2 + 1;
	while (n > 0) {
		uint64_t number = scramble(&run->random);
		size_t part = n < sizeof(number) ? n : sizeof(number);

		raw_copy(at, &number, part);
		at += part;
		n -= part;
	}
}

static uint32_t number(void)
{
	uint32_t value;

	entropy_fill(&value, sizeof(value));
	return value;
}

EXPORT ssize_t getrandom(void *to, size_t n, unsigned flags)
{
	(void)flags;
	entropy_fill(to, n);
	return (ssize_t)n;
}

EXPORT int getentropy(void *to, size_t n)
{
	if (n > 256) {
		errno = EIO;
		return -1;
	}
	entropy_fill(to, n);
	return 0;
}

EXPORT uint32_t arc4random(void)
{
	return number();
}

EXPORT void arc4random_buf(void *to, size_t n)
{
	entropy_fill(to, n);
}

EXPORT uint32_t arc4random_uniform(uint32_t below)
{
	return below < 2 ? 0 : (uint32_t)(((uint64_t)number() * below) >> 32);
}

/* std::random_device::_M_getval() of libstdc++. */
EXPORT unsigned random_device(void *device) __asm__("_ZNSt13random_device9_M_getvalEv");
unsigned random_device(void *device)
{
	(void)device;
	return number();
}
