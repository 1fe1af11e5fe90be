/*
 * cli/check_names.c - addresses of data: "counter", "bank.account[3].balance", "stack of T1", "heap 0x20001230".
 *
 * The symbol table says which variable an address is in; the debugging information says of what type it is, and which
 * member or element lies there. Names that are the implementation's (__data, _M_mutex) say nothing to the program's
 * author, so a name ends where they begin: a std::mutex is called as it is declared.
 */
#define _GNU_SOURCE
#include "check_symbols.h"
#include "code.h"

#include <ctype.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

#define DEEPEST 16u

struct name {
	char *to;
	size_t size, length;
};

static void add(struct name *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct name *name, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(name->to + name->length, name->size - name->length, format, arguments);
	va_end(arguments);
	name->length += n > 0 ? (size_t)n : 0;
	if (name->length >= name->size)
		name->length = name->size - 1;
}

/* Types. */

static bool type_of(Dwarf_Die *die, Dwarf_Die *ret_type)
{
	Dwarf_Attribute attribute;

	return dwarf_attr_integrate(die, DW_AT_type, &attribute) && dwarf_formref_die(&attribute, ret_type) &&
	       dwarf_peel_type(ret_type, ret_type) == 0;
}

static Dwarf_Word offset_of(Dwarf_Die *member)
{
	Dwarf_Attribute attribute;
	Dwarf_Word offset = 0;

	if (dwarf_attr(member, DW_AT_data_member_location, &attribute))
		dwarf_formudata(&attribute, &offset);
	return offset;
}

/* Finds the member, or the base class, that an offset lies in. */
static bool member_at(Dwarf_Die *type, Dwarf_Word offset, Dwarf_Die *ret_member, Dwarf_Die *ret_type)
{
	Dwarf_Die child;
	Dwarf_Word size;

	if (dwarf_child(type, &child) != 0)
		return false;
	do {
		int tag = dwarf_tag(&child);

		if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) || !type_of(&child, ret_type) ||
		    dwarf_aggregate_size(ret_type, &size) != 0)
			continue;
		if (offset >= offset_of(&child) && offset < offset_of(&child) + size) {
			*ret_member = child;
			return true;
		}
	} while (dwarf_siblingof(&child, &child) == 0);
	return false;
}

static bool is_private(const char *name)
{
	return name && name[0] == '_' && (name[1] == '_' || isupper((unsigned char)name[1]));
}

/* Adds [i] for an element. Of an array with several dimensions it is the number in all. */
static bool add_element(struct name *name, Dwarf_Die *type, Dwarf_Word *offset, Dwarf_Die *ret_type)
{
	Dwarf_Word size;

	if (!type_of(type, ret_type) || dwarf_aggregate_size(ret_type, &size) != 0 || size == 0)
		return false;
	add(name, "[%llu]", (unsigned long long)(*offset / size));
	*offset %= size;
	return true;
}

static bool add_member(struct name *name, Dwarf_Die *type, Dwarf_Word *offset, Dwarf_Die *ret_type)
{
	Dwarf_Die member;
	const char *text;

	if (!member_at(type, *offset, &member, ret_type))
		return false;
	text = dwarf_diename(&member);
	if (is_private(text))
		return false;
	if (dwarf_tag(&member) == DW_TAG_member && text)
		add(name, ".%s", text);
	else if (is_private(dwarf_diename(ret_type)))
		return false;
	*offset -= offset_of(&member);
	return true;
}

/* Goes down to what lies at the offset. Returns what of the offset is left. */
static Dwarf_Word descend(struct name *name, Dwarf_Die type, Dwarf_Word offset)
{
	Dwarf_Die next;
	bool inside = true;

	for (unsigned depth = 0; depth < DEEPEST && inside; depth++) {
		switch (dwarf_tag(&type)) {
		case DW_TAG_array_type:
			inside = add_element(name, &type, &offset, &next);
			break;
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_union_type:
			inside = add_member(name, &type, &offset, &next);
			if (!inside)
				return 0; /* a part that is the implementation's */
			break;
		default:
			return offset;
		}
		type = next;
	}
	return offset;
}

/* Variables. */

static bool lies_at(Dwarf_Die *variable, Dwarf_Addr address)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *code;
	size_t n;

	return dwarf_attr(variable, DW_AT_location, &attribute) && dwarf_getlocation(&attribute, &code, &n) == 0 &&
	       n == 1 && code[0].atom == DW_OP_addr && code[0].number == address;
}

static bool find_below(Dwarf_Die *die, Dwarf_Addr address, Dwarf_Die *ret_variable)
{
	Dwarf_Die child;

	if (dwarf_child(die, &child) != 0)
		return false;
	do {
		switch (dwarf_tag(&child)) {
		case DW_TAG_variable:
			*ret_variable = child;
			if (lies_at(&child, address))
				return true;
			break;
		case DW_TAG_namespace:
		case DW_TAG_subprogram:
		case DW_TAG_lexical_block:
			if (find_below(&child, address, ret_variable))
				return true;
			break;
		default:
			break;
		}
	} while (dwarf_siblingof(&child, &child) == 0);
	return false;
}

static bool find_variable(Dwfl_Module *module, uint64_t address, Dwarf_Die *ret_variable)
{
	Dwarf_Die *cu = NULL;
	Dwarf_Addr bias;

	while ((cu = dwfl_module_nextcu(module, cu, &bias)))
		if (find_below(cu, address - bias, ret_variable))
			return true;
	return false;
}

static bool name_variable(Dwfl_Module *module, uint64_t address, struct name *name)
{
	GElf_Off offset = 0;
	GElf_Sym symbol;
	Dwarf_Die variable, type;
	Dwarf_Word left;
	const char *text = dwfl_module_addrinfo(module, address, &offset, &symbol, NULL, NULL, NULL);
	char *plain;

	if (!text || (symbol.st_size != 0 && offset >= symbol.st_size))
		return false;
	if (find_variable(module, address - offset, &variable) && type_of(&variable, &type)) {
		add(name, "%s", dwarf_diename(&variable) ? dwarf_diename(&variable) : text);
		left = descend(name, type, offset);
	} else {
		plain = code_plain(text);
		add(name, "%s", plain ? plain : text);
		free(plain);
		left = offset;
	}
	if (left > 0)
		add(name, "+%llu", (unsigned long long)left);
	return true;
}

static void name_other(const struct check_memory *memory, uint64_t address, struct name *name)
{
	for (uint32_t i = 0; i < memory->n_threads && i < CHECK_THREADS; i++) {
		const struct check_thread *thread = &memory->threads[i];

		if (address >= thread->stack_from && address < thread->stack_to) {
			add(name, "T%u's stack-0x%llx", i, (unsigned long long)(thread->stack_to - address));
			return;
		}
	}
	add(name, "%s0x%llx", address - CHECK_HEAP < CHECK_HEAP_SIZE ? "heap " : "", (unsigned long long)address);
}

void check_symbols_data(struct check_symbols *symbols, uint64_t address, char *to, size_t size)
{
	struct name name = {to, size, 0};
	Dwfl_Module *module;
	json_t *known;
	char key[24];

	snprintf(key, sizeof(key), "%llx", (unsigned long long)address);
	known = json_object_get(symbols->names, key);
	if (known) {
		snprintf(to, size, "%s", json_string_value(known));
		return;
	}
	*to = 0;
	module = check_symbols_load(symbols, address);
	if (!module || !name_variable(module, address, &name))
		name_other(symbols->memory, address, &name);
	json_object_set_new(symbols->names, key, json_string(to));
}
