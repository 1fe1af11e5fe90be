/*
 * process_module.c - a module that test_process_starts.c loads by dlopen; built twice, and each build is another one.
 */
#include <stddef.h>

int process_module_function(void *arg, size_t size);

/* Somewhere else in each build. */
#if NUMBER == 2
int process_module_more[500] = {1};
#endif

int process_module_function(void *arg, size_t size)
{
	(void)arg;
	(void)size;
	return 40 + NUMBER;
}
