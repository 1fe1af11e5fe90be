/*
 * check/start.c - how the checker gets into the program: in front of main.
 *
 * The C library calls main through __libc_start_main, which this library stands in front of. By then the program's
 * constructors have run, once, with one thread and without control. Without the variable that the command sets, the
 * program runs as it would: that is how a program that was linked with this library behaves by itself.
 */
#include "start.h"

#include "engine.h"
#include "explore.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

typedef int main_function(int, char **, char **);
typedef int start_function(main_function *, int, char **, int (*)(int, char **, char **), void (*)(void),
			   void (*)(void), void *);

static main_function *program_main;

static int descriptor(void)
{
	const char *text = getenv(CHECK_VARIABLE);
	int number = 0;

	if (text == NULL)
		return -1;
	for (; *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (*text - '0');
	return number;
}

bool start_is_program(void)
{
	return descriptor() >= 0;
}

static int controlled_main(int argc, char **argv, char **envp)
{
	uintptr_t at = (uintptr_t)RAW(SYS_mmap, NULL, CHECK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor(), 0);

	if (at > (uintptr_t)-4096)
		raw_die("%s is not the memory of a check", CHECK_VARIABLE);
	memory = (struct check_memory *)at;
	if (memory->asked.version != CHECK_VERSION)
		raw_die("the command and the library are of different versions");
	RAW(SYS_close, descriptor());
	raw_last_words = memory->died;
	if (memory->asked.quiet)
		RAW(SYS_dup2, 1, 2);
	unsetenv(CHECK_VARIABLE);
	unsetenv("LD_PRELOAD");
	unsetenv("LD_BIND_NOW");
	explore_begin();
	engine_begin(program_main, argc, argv, envp);
	explore();
	for (;;)
		RAW(SYS_exit_group, 0);
}

EXPORT int __libc_start_main(main_function *main, int argc, char **argv, int (*init)(int, char **, char **),
			     void (*fini)(void), void (*end)(void), void *stack);
int __libc_start_main(main_function *main, int argc, char **argv, int (*init)(int, char **, char **),
		      void (*fini)(void), void (*end)(void), void *stack)
{
	start_function *real = (start_function *)dlsym(RTLD_NEXT, "__libc_start_main");

	program_main = main;
	return real(descriptor() < 0 ? main : controlled_main, argc, argv, init, fini, end, stack);
}
