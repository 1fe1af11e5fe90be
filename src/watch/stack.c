/*
 * watch/stack.c - where a thread is, and in which file of the program that place is.
 *
 * The stack is unwound with the tables that every program has for exceptions; it takes some microseconds, and is done
 * once for each new chain. Names and lines are the command's affair: what is noted here are addresses, and which file
 * is mapped where, which is asked of the loader (_dl_find_object needs neither a lock nor memory) when an address is
 * in none of the modules that are known.
 *
 * A module that is unloaded stays in the list, and addresses in what is loaded at the same place later are taken for
 * its: to be told of that would need a look at the loader for each frame.
 */
#define _GNU_SOURCE
#include "stack.h"

#include "atomic.h"
#include "memory.h"
#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <unwind.h>

struct walk {
	uintptr_t *frames;
	unsigned n, most;
	uintptr_t site;
};

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *argument)
{
	struct walk *walk = argument;
	uintptr_t address = _Unwind_GetIP(context);

	if (walk->n == 0 && address != walk->site) /* a frame of this library */
		return _URC_NO_REASON;
	if (address == 0)
		return _URC_END_OF_STACK;
	walk->frames[walk->n++] = address;
	return walk->n < walk->most ? _URC_NO_REASON : _URC_END_OF_STACK;
}

uint8_t watch_stack_(uintptr_t *ret_frames, unsigned most, uintptr_t site)
{
	struct walk walk = {.frames = ret_frames, .most = most, .site = site};

	_Unwind_Backtrace(visit, &walk);
	if (walk.n == 0)
		walk.frames[walk.n++] = walk.site;
	for (unsigned i = 0; i < walk.n; i++)
		watch_module_(walk.frames[i]);
	return (uint8_t)walk.n;
}

static bool noted(uintptr_t address)
{
	const struct watch_module *module = watch_notes_->modules;
	uint32_t n = fl_load_relaxed(&watch_notes_->n_modules);

	for (uint32_t i = 0; i < n && i < WATCH_MODULES; i++)
		/* [module.1] acquire; pairs with [module.2] */
		if (fl_load_acquire(&module[i].ready) && address >= module[i].start && address < module[i].end)
			return true;
	return false;
}

void watch_module_(uintptr_t address)
{
	struct watch_module *module;
	struct dl_find_object object;
	uint32_t place;

	if (noted(address) || _dl_find_object((void *)address, &object) != 0)
		return;
	place = watch_take_(&watch_notes_->n_modules, WATCH_MODULES);
	if (place == UINT32_MAX)
		return;
	module = &watch_notes_->modules[place];
	module->start = (uintptr_t)object.dlfo_map_start;
	module->end = (uintptr_t)object.dlfo_map_end;
	module->bias = object.dlfo_link_map->l_addr;
	snprintf(module->path, sizeof(module->path), "%s", object.dlfo_link_map->l_name);
	/* [module.2] release; pairs with [module.1] */
	fl_store_release(&module->ready, 1);
}
