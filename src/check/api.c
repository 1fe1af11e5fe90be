/*
 * check/api.c - the check of a function, from within a program: what fl_check asks for.
 *
 * The program is one that this library stands in: started by the command, or linked by `fairlead cc`. All executions
 * are made in processes of their own, so nothing that the function does, and no way in which it fails, reaches the
 * caller. When the function returns, its execution goes on until all of its threads have ended.
 */
#include "engine.h"
#include "explore.h"
#include "identity.h"

#include <errno.h>
#include <stdlib.h>

EXPORT int fairlead_check_function(void (*function)(void *), void *arg, struct check_memory *answer);

static struct {
	void (*function)(void *);
	void *arg;
} asked;
static bool made;

static int call(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	asked.function(asked.arg);
	return 0;
}

int fairlead_check_function(void (*function)(void *), void *arg, struct check_memory *answer)
{
	static char *nothing[] = {NULL, NULL};

	if (controlled())
		return -EDEADLK;
	if (answer->asked.version != CHECK_VERSION)
		return -EPROTO;
	memory = answer;
	asked.function = function;
	asked.arg = arg;
	if (!made)
		explore_begin();
	made = true;
	identity_keep();
	explore_renew();
	engine_begin(call, 0, nothing, nothing);
	engine_function();
	explore();
	return 0;
}
