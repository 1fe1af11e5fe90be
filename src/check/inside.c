/*
 * check/inside.c - see inside.h.
 *
 * A stream (FILE) over a pipe reads and writes by calls that the C library makes itself, past the functions that this
 * library stands in front of; so do dprintf, and libraries that bring their own. A thread that waited there would hold
 * up all others for good. Neither may a thread wait for a lock of the C library's own, which another thread holds that
 * waits in the middle of such a call: both want the same stream, say.
 *
 * So a filter (seccomp) catches these: reading, writing, closing, by which who waits at the other end goes on, and the
 * futex. What has a model is then made as the program's own call of that kind would be, on the stack of the thread
 * (detour.c); reports show it with the function of the program that it came from. Nothing is compared for races, for
 * what the library moves is its own memory. All else is made as it is.
 *
 * The snapshot engine has a filter of its own (snapshot.c), of which this one is a part.
 */
#include "inside.h"

#include "descriptor.h"
#include "detour.h"
#include "entropy.h"
#include "futex.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define FIELD(name) (uint32_t) offsetof(struct seccomp_data, name)
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, field)
#define IF(value, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise)
#define END(action) BPF_STMT(BPF_RET | BPF_K, action)
#define CATCH(call) IF(SYS_##call, 0, 1), END(SECCOMP_RET_TRAP)
/* Calls by one instruction of ours are let through. */
#define LET(low, high) \
	LOAD(FIELD(instruction_pointer)), IF(low, 0, 3), LOAD(FIELD(instruction_pointer) + 4), IF(high, 0, 1), \
		END(SECCOMP_RET_ALLOW)

void inside_begin(void)
{
	uint64_t own = (uint64_t)(uintptr_t)raw_call_end, programs = (uint64_t)(uintptr_t)raw_watched_end;
	struct sock_filter code[] = {
		LET((uint32_t)own, (uint32_t)(own >> 32)),
		LET((uint32_t)programs, (uint32_t)(programs >> 32)),
		LOAD(FIELD(nr)),
		CATCH(read),
		CATCH(write),
		CATCH(readv),
		CATCH(writev),
		CATCH(close),
		CATCH(futex),
		END(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	RAW(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	RAW(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program);
}

static void take_arguments(const ucontext_t *at, long number, long ret_call[7])
{
	const greg_t *r = at->uc_mcontext.gregs;
	const long call[] = {number, r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8], r[REG_R9]};

	raw_copy(ret_call, call, sizeof(call));
}

/* On the thread's own stack. */
static void make(struct detour *detour)
{
	ucontext_t *at = (ucontext_t *)(void *)detour->context;
	uintptr_t pc = (uintptr_t)at->uc_mcontext.gregs[REG_RIP];
	int error = errno;
	long call[7];

	take_arguments(at, detour->info.si_syscall, call);
	at->uc_mcontext.gregs[REG_RAX] = call[0] == SYS_futex ? futex_call(call + 1, pc) : descriptor_inside(call, pc);
	errno = error;
}

static bool has_model(const long *call)
{
	switch (call[0]) {
	case SYS_futex:
		return controlled();
	case SYS_read:
	case SYS_write:
	case SYS_readv:
	case SYS_writev:
	case SYS_close:
		return !descriptor_passes((int)call[1]);
	default:
		return false;
	}
}

/* Whether it may be made as it is: in the snapshot engine, only if it leaves nothing behind. */
static bool is_harmless(const long *call)
{
	bool writes = call[0] == SYS_write || call[0] == SYS_writev;

	return !controlled() || memory->engine != CHECK_SNAPSHOT || (writes && (call[1] == 1 || call[1] == 2));
}

static long make_plainly(const long *call)
{
	if (call[0] == SYS_close)
		descriptor_forget((int)call[1]);
	if (call[0] != SYS_read || !descriptor_is_random((int)call[1]))
		return raw_call(call[0], call[1], call[2], call[3], call[4], call[5], call[6]);
	entropy_fill((void *)call[2], (size_t)call[3]);
	return call[3];
}

bool inside_call(const siginfo_t *info, void *context)
{
	long call[7];

	take_arguments(context, info->si_syscall, call);
	if (has_model(call))
		detour(context, info, detour_room(context), make);
	else if (is_harmless(call))
		((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = make_plainly(call);
	else
		return false;
	return true;
}
