/*
 * check/seen.c - see seen.h.
 *
 * What was compiled with -fsanitize=thread needs functions whose names begin with __tsan_, which its table of symbols
 * says. Of the memory of the other modules nothing is seen, nor of their atomics. What they do is one step, up to their
 * next call of something that has a model.
 *
 * If the program itself is such a module, it may compute for long, and no access says that it is alive; or it may wait
 * for memory to change, in a loop that no other thread can come between. Which of the two it is cannot be told, so
 * after some seconds this is no failure but something that is not modelled.
 */
#include "seen.h"

#include "run.h"

#define LONG_CPU INT64_C(5000000000)

struct tables {
	const ElfW(Sym) * symbols;
	const char *names;
	uint32_t n; /* of those that it may need */
};

/* The loader has made addresses of what was offsets, but for modules that it may not write to. */
static uintptr_t address_of(const struct dl_phdr_info *info, const ElfW(Dyn) * entry)
{
	return entry->d_un.d_ptr < info->dlpi_addr ? info->dlpi_addr + entry->d_un.d_ptr : entry->d_un.d_ptr;
}

/* A table of hashes has as its second number with which symbol those begin that are found by it, and the needed ones
 * lie before these; or, an older kind, how many symbols there are. */
static void take_tables(const struct dl_phdr_info *info, const ElfW(Dyn) * entry, struct tables *ret_tables)
{
	for (; entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == DT_SYMTAB)
			ret_tables->symbols = (const ElfW(Sym) *)address_of(info, entry);
		if (entry->d_tag == DT_STRTAB)
			ret_tables->names = (const char *)address_of(info, entry);
		if (entry->d_tag == DT_GNU_HASH || (entry->d_tag == DT_HASH && ret_tables->n == 0))
			ret_tables->n = ((const uint32_t *)address_of(info, entry))[1];
	}
}

static bool begins(const char *text, const char *with)
{
	while (*with != 0 && *text == *with) {
		text++;
		with++;
	}
	return *with == 0;
}

bool seen_module(const struct dl_phdr_info *info)
{
	struct tables tables = {0};

	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			take_tables(info, (const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr), &tables);
	}
	if (tables.symbols == NULL || tables.names == NULL)
		return false;
	for (uint32_t i = 0; i < tables.n; i++) {
		if (begins(tables.names + tables.symbols[i].st_name, "__tsan_"))
			return true;
	}
	return false;
}

void seen_begin(void)
{
	if (UNLIKELY(!memory->instrumented))
		run_bound("what is not built with -fsanitize=thread is taken for independent between its calls");
}

void seen_hang(int64_t cpu)
{
	char text[CHECK_TEXT];

	if (memory->instrumented || cpu < LONG_CPU)
		return;
	raw_print(text, sizeof(text),
		  "T%u has run for %d s without a call that is seen, in a program that was not built with "
		  "-fsanitize=thread: it computes, or it waits for what another thread is to do with memory",
		  self()->id, (int)(LONG_CPU / 1000000000));
	not_modelled(text);
}
