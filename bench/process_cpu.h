/*
 * bench/process_cpu.h - the CPU time that a process and its descendants have used, as /proc tells it.
 *
 * /proc/PID/stat counts in clock ticks, of 10 ms mostly: over ten seconds that is a thousandth of a CPU.
 */
#ifndef FAIRLEAD_BENCH_PROCESS_CPU_H
#define FAIRLEAD_BENCH_PROCESS_CPU_H

#include <sys/types.h>

/* Returns seconds, of all threads, of all processes that descend from it and live, and of those that it waited for;
 * negative if there is no such process. */
double process_cpu(pid_t process);

#endif
