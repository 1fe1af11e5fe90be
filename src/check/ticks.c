/*
 * check/ticks.c - see ticks.h.
 *
 * A program that reads the counter by its instruction (rdtsc, rdtscp) would see a time that differs from run to run,
 * and that passes while its other clocks stand. The kernel can forbid the instruction; the fault is answered here with
 * virtual time, a tick a nanosecond, as seen by clock_gettime(CLOCK_MONOTONIC). Reading it is no step.
 *
 * The kernel's own code in the process (the vdso) reads the counter, too, to interpolate: with another value it would
 * come to nonsense. It gets the real one. Who calls that code gets real time: the C library inside of itself, for names
 * of temporary files and the like, and no program that does not look for it.
 *
 * Where the kernel cannot forbid it, the counter is what it is. In a debugger each time is a SIGSEGV to go on from: the
 * replay would not be the same otherwise.
 */
#include "ticks.h"

#include "clock.h"

#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#define VDSO_SIZE 65536u
#define GENERAL_PROTECTION 128 /* SI_KERNEL: a fault without an address */

static uintptr_t vdso;

void ticks_begin(void)
{
	vdso = getauxval(AT_SYSINFO_EHDR);
	RAW(SYS_prctl, PR_SET_TSC, PR_TSC_SIGSEGV);
}

/* Returns the length of the instruction, or 0 if it is another one. */
static unsigned length_of(const uint8_t *code)
{
	if (code[0] != 0x0f)
		return 0;
	if (code[1] == 0x31)
		return 2;
	return code[1] == 0x01 && code[2] == 0xf9 ? 3 : 0;
}

static uint64_t real_ticks(void)
{
	uint64_t ticks;

	RAW(SYS_prctl, PR_SET_TSC, PR_TSC_ENABLE);
	ticks = __builtin_ia32_rdtsc();
	RAW(SYS_prctl, PR_SET_TSC, PR_TSC_SIGSEGV);
	return ticks;
}

static uint64_t read_ticks(uintptr_t pc)
{
	if (vdso != 0 && pc - vdso < VDSO_SIZE)
		return real_ticks();
	return controlled() ? (uint64_t)clock_look(CLOCK_MONOTONIC) : (uint64_t)raw_now();
}

bool ticks_fault(const siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
	uintptr_t pc = (uintptr_t)r[REG_RIP];
	unsigned length;
	uint64_t ticks;

	if (info->si_signo != SIGSEGV || info->si_code != GENERAL_PROTECTION || pc >> 47 != 0)
		return false;
	length = length_of((const uint8_t *)pc);
	if (length == 0)
		return false;
	ticks = read_ticks(pc);
	r[REG_RAX] = (greg_t)(ticks & UINT32_MAX);
	r[REG_RDX] = (greg_t)(ticks >> 32);
	if (length == 3)
		r[REG_RCX] = 0; /* which processor it is */
	r[REG_RIP] += length;
	return true;
}
