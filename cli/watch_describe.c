/*
 * cli/watch_describe.c - locks, threads and uses of locks, as objects of JSON.
 */
#define _GNU_SOURCE
#include "watch.h"

#include <stdio.h>
#include <string.h>

static const char *kind_of(const struct watch_lock *lock)
{
	static const char *const kinds[] = {[WATCH_MUTEX] = "mutex",
					    [WATCH_RWLOCK] = "rwlock",
					    [WATCH_SPIN] = "spin lock",
					    [WATCH_SEMAPHORE] = "semaphore"};

	return lock->kind >= WATCH_MUTEX && lock->kind <= WATCH_SEMAPHORE ? kinds[lock->kind] : "lock";
}

static json_t *address_of(uintptr_t address)
{
	return json_sprintf("0x%lx", (unsigned long)address);
}

json_t *watch_text(const char *text)
{
	json_t *said = json_string(text);

	return said ? said : json_string("?");
}

json_t *watch_describe_lock(struct watch_process *process, const struct watch_lock *lock)
{
	json_t *name = watch_variable(process, lock->address), *said;

	said = json_pack("{ss so}", "kind", kind_of(lock), "address", address_of(lock->address));
	if (name)
		json_object_set_new(said, "name", name);
	json_object_set_new(said, lock->initialised ? "initialised" : "first_used",
			    watch_stack(process, lock->born, watch_least(lock->n_born, WATCH_BORN)));
	return said;
}

/* The name that it has now, if it still lives; threads are often named after they have begun. */
static void name_of(const struct watch_process *process, const struct watch_life *life, char ret_name[WATCH_NAME])
{
	char path[64];
	FILE *file;

	snprintf(ret_name, WATCH_NAME, "%.*s", (int)sizeof(life->name) - 1, life->name);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", (int)process->pid, (int)life->tid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(ret_name, WATCH_NAME, file))
		ret_name[strcspn(ret_name, "\n")] = 0;
	fclose(file);
}

json_t *watch_describe_thread(struct watch_process *process, uint32_t life)
{
	const struct watch_life *about = &process->notes->lives[watch_least(life, WATCH_LIVES - 1)];
	char name[WATCH_NAME];
	json_t *said;

	name_of(process, about, name);
	said = json_pack("{si si so}", "number", (int)life, "tid", (int)about->tid, "name", watch_text(name));
	if (about->start != 0)
		json_object_set_new(said, "function", watch_function(process, about->start));
	return said;
}

json_t *watch_describe_use(struct watch_process *process, const struct watch_chain *chain)
{
	const struct watch_lock *lock = watch_lock_at(process, chain->lock);
	const char *side = chain->mode & WATCH_READ ? "read" : "write";

	return json_pack("{so ss* so}", "lock", lock ? watch_describe_lock(process, lock) : json_object(), "side",
			 lock && lock->kind == WATCH_RWLOCK ? side : NULL, "stack",
			 watch_stack(process, chain->frames, watch_least(chain->n_frames, WATCH_FRAMES)));
}

json_t *watch_describe_process(const struct watch_process *process)
{
	char program[WATCH_PATH];

	memcpy(program, process->notes->program, sizeof(program));
	program[sizeof(program) - 1] = 0;
	return json_pack("{si so}", "pid", (int)process->pid, "program", watch_text(program));
}
