/*
 * bench/python.hh - Python's part of a benchmark, in a process of its own.
 */
#ifndef FAIRLEAD_BENCH_PYTHON_HH
#define FAIRLEAD_BENCH_PYTHON_HH

#include "harness.h"

#include <cstdio>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void python_need(bool fine, const char *what)
{
	if (!fine)
		bench_fail(what);
}

/* A script that gets `way` and the number of processors as arguments, reads how many times from each line, and prints
 * how many nanoseconds these took. It ends when its input does: then it ends its workers, which it would leave behind
 * if it were killed. */
struct interpreter {
	FILE *to = nullptr, *from = nullptr;
	pid_t child = 0;

	~interpreter()
	{
		if (!to)
			return;
		fclose(to);
		fclose(from);
		waitpid(child, nullptr, 0);
	}

	void start(const char *script, const char *way)
	{
		int in[2], out[2];
		char cpus[16];

		snprintf(cpus, sizeof cpus, "%u", bench_cpus());
		python_need(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "python: no pipes");
		child = fork();
		python_need(child >= 0, "python: cannot fork");
		if (child == 0) {
			dup2(in[0], STDIN_FILENO);
			dup2(out[1], STDOUT_FILENO);
			execlp("python3", "python3", "-c", script, way, cpus, nullptr);
			_exit(127);
		}
		close(in[0]);
		close(out[1]);
		to = fdopen(in[1], "w");
		from = fdopen(out[0], "r");
	}
	int64_t ask(uint64_t n)
	{
		long long took = 0;

		python_need(fprintf(to, "%llu\n", static_cast<unsigned long long>(n)) > 0 && fflush(to) == 0 &&
				    fscanf(from, "%lld", &took) == 1,
			    "python: python3 has failed");
		return took;
	}
};

#endif
