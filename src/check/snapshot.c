/*
 * check/snapshot.c - see snapshot.h.
 *
 * What an execution can change: the writable segments of the program and its libraries, the heap, the first thread's
 * thread_local data, its arguments and environment, and what the kernel keeps for the process.
 *
 * Segments, and the part of the heap that was in use before main, are write-protected. The first write to a page keeps
 * a copy and lifts the protection for good; after each execution all pages with a copy are put back. So an execution
 * pays for the pages that the program writes at all, some five, and not for those of all libraries.
 *
 * What the kernel keeps cannot be put back. A filter (seccomp) lets those system calls through that leave nothing
 * behind and do not write to protected pages, which would fail, since the kernel does not raise a fault for them. It
 * catches all others: those that only look are made in another way (look.c), locks of the C library are modelled
 * (inside.c), for the rest the process engine takes over. This needs no list of wrappers, and no run to find out.
 *
 * Rejected: comparing or copying all writable memory (libc and libstdc++ have some 200 KiB of it, which is more than
 * all else that an execution costs); soft-dirty bits, which cost a walk through the page tables.
 */
#include "snapshot.h"

#include "fiber.h"
#include "heap.h"
#include "run.h"
#include "seen.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define PAGE UINT64_C(4096)
#define RANGES 256u
#define PAGES 65536u

struct range {
	uintptr_t from, to;
};

static struct range range[RANGES];
static unsigned n_ranges;
static struct {
	uintptr_t address;
	char *copy;
} page[PAGES];
static unsigned n_pages;
static char *copies, *copies_end;
static char *main_data, *main_copy;
static size_t main_size;
static char *words, *words_copy;
static size_t words_size;
static bool kept;

static void add_range(uintptr_t from, uintptr_t to)
{
	from &= ~(PAGE - 1);
	to = (to + PAGE - 1) & ~(PAGE - 1);
	if (from < to && n_ranges < RANGES)
		range[n_ranges++] = (struct range){from, to};
}

static void add_segment(const struct dl_phdr_info *info, const ElfW(Phdr) * segment)
{
	uintptr_t from = info->dlpi_addr + segment->p_vaddr;
	uintptr_t to = from + segment->p_memsz;

	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *relro = &info->dlpi_phdr[i];
		uintptr_t end = info->dlpi_addr + relro->p_vaddr + relro->p_memsz;

		if (relro->p_type == PT_GNU_RELRO && info->dlpi_addr + relro->p_vaddr <= from && end > from)
			from = end & ~(PAGE - 1);
	}
	add_range(from, to);
}

static bool is_own(const struct dl_phdr_info *info)
{
	uintptr_t here = (uintptr_t)&n_ranges;

	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && here - info->dlpi_addr - segment->p_vaddr < segment->p_memsz)
			return true;
	}
	return false;
}

static void note_module(const struct dl_phdr_info *info, uintptr_t from, uintptr_t to)
{
	struct check_module *module = &memory->modules[memory->n_modules];

	if (memory->n_modules == CHECK_MODULES)
		return;
	memory->n_modules++;
	module->base = info->dlpi_addr;
	module->from = from;
	module->to = to;
	module->instrumented = seen_module(info);
	raw_print(module->name, sizeof(module->name), "%s", info->dlpi_name);
}

static int look_at_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t from = UINTPTR_MAX, to = 0;

	(void)size;
	(void)arg;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + segment->p_vaddr;

		if (segment->p_type != PT_LOAD)
			continue;
		from = start < from ? start : from;
		to = start + segment->p_memsz > to ? start + segment->p_memsz : to;
		if ((segment->p_flags & PF_W) != 0 && !is_own(info))
			add_segment(info, segment);
	}
	note_module(info, from, to);
	return 0;
}

/* The arguments, the environment and their texts lie one behind the other. */
static void find_words(char **argv)
{
	char **at = argv;
	char *last = (char *)argv;

	while (*at != NULL)
		last = *at++;
	for (at++; *at != NULL; at++)
		last = *at > last ? *at : last;
	words = (char *)argv;
	words_size = argv[0] != NULL ? (size_t)(last + raw_length(last) + 1 - words) : 0;
}

void snapshot_begin(char **argv)
{
	memory->n_modules = 0;
	n_ranges = 0;
	dl_iterate_phdr(look_at_module, NULL);
	memory->instrumented = memory->modules[0].instrumented; /* the program comes first */
	find_words(argv);
}

#define ALLOW(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define FIELD(name) (uint32_t) offsetof(struct seccomp_data, name)
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, field)

/* Calls with a descriptor as their first argument are let through for standard output and standard error. */
#define ALLOW_OUTPUT(call) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 5), LOAD(FIELD(args[0])), \
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 1, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), LOAD(FIELD(nr))

static const char *filter(void)
{
	uint64_t own = (uint64_t)(uintptr_t)raw_call_end;
	struct sock_filter code[] = {
		LOAD(FIELD(instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)own, 0, 3),
		LOAD(FIELD(instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(own >> 32), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		LOAD(FIELD(nr)),
		ALLOW(rt_sigreturn),
		ALLOW(getpid),
		ALLOW(gettid),
		ALLOW(getppid),
		ALLOW(getuid),
		ALLOW(geteuid),
		ALLOW(sched_getaffinity),
		ALLOW(sched_get_priority_max),
		ALLOW(sched_get_priority_min),
		ALLOW(rt_sigprocmask),
		ALLOW_OUTPUT(write),
		ALLOW_OUTPUT(writev),
		ALLOW_OUTPUT(fstat),
		ALLOW_OUTPUT(newfstatat),
		ALLOW_OUTPUT(ioctl),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	if (RAW(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    RAW(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		return "seccomp filters";
	return NULL;
}

static char *copy_of(const void *from, size_t size)
{
	char *copy = raw_map(NULL, size + 1, false);

	raw_copy(copy, from, size);
	return copy;
}

const char *snapshot_keep(void)
{
	char *from, *to;

	heap_kept(&from, &to);
	add_range((uintptr_t)from, (uintptr_t)to);
	fiber_main_data(&main_data, &main_size);
	main_copy = copy_of(main_data, main_size);
	words_copy = copy_of(words, words_size);
	copies = raw_map(NULL, PAGES * PAGE, false);
	copies_end = copies + PAGES * PAGE;
	for (unsigned i = 0; i < n_ranges; i++) {
		if (RAW(SYS_mprotect, range[i].from, range[i].to - range[i].from, PROT_READ) != 0)
			return "memory that can be protected";
	}
	kept = true;
	return filter();
}

void snapshot_restore(void)
{
	for (unsigned i = 0; i < n_pages; i++)
		raw_copy((void *)page[i].address, page[i].copy, PAGE);
	raw_copy(main_data, main_copy, main_size);
	raw_copy(words, words_copy, words_size);
	heap_restore();
}

bool snapshot_fault(uintptr_t address)
{
	address &= ~(PAGE - 1);
	for (unsigned i = 0; kept && i < n_ranges; i++) {
		if (address < range[i].from || address >= range[i].to)
			continue;
		for (unsigned j = 0; j < n_pages; j++) {
			if (page[j].address == address)
				return false;
		}
		if (n_pages == PAGES)
			return false;
		page[n_pages].address = address;
		page[n_pages].copy = copies + n_pages * PAGE;
		raw_copy(page[n_pages].copy, (void *)address, PAGE);
		n_pages++;
		return RAW(SYS_mprotect, address, PAGE, PROT_READ | PROT_WRITE) == 0;
	}
	return false;
}

NO_RETURN void snapshot_call(long number, const long *arguments)
{
	if (number == SYS_exit_group || number == SYS_exit) {
		run->exit_code = (int)(arguments[0] & 255);
		run_end();
	}
	if ((number == SYS_tgkill && arguments[2] == SIGABRT) || (number == SYS_kill && arguments[1] == SIGABRT))
		fail(CHECK_ABORT, 0, "abort()");
	raw_print(memory->unsafe, sizeof(memory->unsafe), "system call %ld", number);
	for (;;)
		RAW(SYS_exit_group, SNAPSHOT_UNSAFE);
}
