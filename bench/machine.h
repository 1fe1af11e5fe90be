/*
 * bench/machine.h - the machine under the benchmarks: clocks, calibrated work, CPUs, a bare futex.
 *
 * What every contestant's loop is made of beside the calls that it measures. The clock is CLOCK_MONOTONIC; where a
 * loop has to look at the time at every step (the longest wait for a contended lock) it reads the processor's counter
 * instead, which costs less and no function call. Busy work is one function that is never inlined, so that the work
 * that was calibrated and the work that is done are the same instructions.
 */
#ifndef FAIRLEAD_BENCH_MACHINE_H
#define FAIRLEAD_BENCH_MACHINE_H

#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_CACHE_LINE 64
#define BENCH_MOST_CPUS 1024

static inline int64_t bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The processor's counter where there is one that runs evenly; see bench_ns_per_tick. */
static inline uint64_t bench_ticks(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#else
	return (uint64_t)bench_now();
#endif
}

/* Tells the processor that this is a loop that waits. */
static inline void bench_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* The compiler may not move memory accesses across this, nor merge what stands on its two sides. */
static inline void bench_fence(void)
{
	__asm__ volatile("" ::: "memory");
}

/* Spins for `turns` turns, without a look at the clock. */
void bench_busy(uint32_t turns);

/* Spins, looking at the clock, until `ns` nanoseconds are over. */
void bench_spin_ns(int64_t ns);

/* Measures, now, how many turns of bench_busy last as long as `ns` nanoseconds less one bench_ticks. */
uint32_t bench_busy_turns(int64_t ns);

/* How long a tick of bench_ticks is. Measured once, at the first call, which takes 20 ms. */
double bench_ns_per_tick(void);

/* How many CPUs the process may use, and the i-th of them (modulo how many there are). As at the first call. */
unsigned bench_cpus(void);
unsigned bench_cpu(unsigned i);

/* Pins the calling thread to the i-th usable CPU. */
void bench_pin(unsigned i);

/* Gives all threads of the process, and those they start, the first usable CPU only; and takes that back. */
void bench_one_cpu_begin(void);
void bench_one_cpu_end(void);

/* One line that says what machine this is; no host name. */
void bench_describe_machine(FILE *file);

/* Writes the message and ends the program with status 1: a benchmark that went wrong has no figures. */
void bench_fail(const char *what) __attribute__((noreturn, cold));
static inline void bench_need(bool fine, const char *what)
{
	if (!fine)
		bench_fail(what);
}

/* The bare futex: what there is beneath every object that parks its threads. */
static inline void bench_futex_wait(uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static inline void bench_futex_wake(uint32_t *word, int most)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, most, NULL, NULL, 0);
}

#ifdef __cplusplus
}
#endif

#endif
