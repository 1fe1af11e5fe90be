/*
 * base/quick.h - a release without an atomic instruction, and the barrier that makes it safe.
 *
 * Releasing a lock means "if nobody waits, store 0". Done with plain instructions that is a race with a thread that
 * begins to wait between the look and the store; an atomic instruction closes it, and costs as much as all the rest
 * of the lock. Here the look and the store form a restartable sequence (rseq(2), Linux 4.18): if the thread is
 * preempted, interrupted or migrated between the two, the kernel sends it to the atomic way instead. And the thread
 * that begins to wait calls fl_quick_barrier_(), which is membarrier(2) PRIVATE_EXPEDITED_RSEQ (Linux 5.10): when it
 * returns, every other thread of the process that was between look and store has been sent there too. So all of the
 * cost is with those who are going to wait anyway.
 *
 *   [Q1] After a thread has set *guard to non-zero and fl_quick_barrier_() has returned, no fl_quick_store_ that
 *        looked at *guard before is still to store: it has stored, or will return false.
 *
 * fl_quick_works_ is false where the kernel, the C library (glibc 2.35 registers rseq) or the architecture does not
 * have it, and under ThreadSanitizer, which could not see it; then fl_quick_store_ must not be called, and everything
 * is released by atomic instructions. On x86-64 a free lock costs three quarters as much with it as without.
 */
#ifndef FL_BASE_QUICK_H
#define FL_BASE_QUICK_H

#include "base/atomic.h"

#if defined(__SANITIZE_THREAD__)
#define FL_NO_QUICK
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FL_NO_QUICK
#endif
#endif
#if !defined(FL_NO_QUICK) && !defined(FL_MODEL) && defined(__x86_64__) && defined(__has_include)
#if __has_include(<sys/rseq.h>)
#define FL_HAVE_QUICK
#include <sys/rseq.h>
#endif
#endif

/* Set before main, and in a forked child. */
extern bool fl_quick_works_;

/* Finds out whether it works here. */
void fl_quick_begin_(void);

/* See [Q1]. Costs an interrupt of each processor that runs this process: about a microsecond. */
void fl_quick_barrier_(void);

#ifdef FL_MODEL
bool fl_quick_store_(uint32_t *word, const uint8_t *guard);
#elif defined(FL_HAVE_QUICK)
/* If *guard is 0, stores 0 to *word, with release order, and returns true; otherwise, or if disturbed, does nothing
 * and returns false. */
static inline bool fl_quick_store_(uint32_t *word, const uint8_t *guard)
{
	__asm__ goto volatile(
		/* The descriptor of the sequence: version, flags, start, length, where to go when disturbed. */
		".pushsection __rseq_cs, \"aw\"\n\t"
		".balign 32\n\t"
		"771: .long 0, 0\n\t"
		".quad 772f, 773f - 772f, 774f\n\t"
		".popsection\n\t"
		"leaq 771b(%%rip), %%rax\n\t"
		"movq %%rax, %%fs:8(%[area])\n\t"
		"772: cmpb $0, %[guard]\n\t"
		"jne 775f\n\t"
		"movl $0, %[word]\n\t"
		"773: movq $0, %%fs:8(%[area])\n\t"
		/* The kernel goes only to an address that is preceded by the signature. */
		".pushsection __rseq_abort, \"ax\"\n\t"
		".byte 0x0f, 0xb9, 0x3d\n\t"
		".long %c[signature]\n\t"
		"774: jmp %l[disturbed]\n\t"
		"775: movq $0, %%fs:8(%[area])\n\t"
		"jmp %l[disturbed]\n\t"
		".popsection\n\t"
		:
		: [area] "r"(__rseq_offset), [guard] "m"(*guard), [word] "m"(*word), [signature] "i"(RSEQ_SIG)
		: "memory", "cc", "rax"
		: disturbed);
	return true;
disturbed:
	return false;
}
#else
static inline bool fl_quick_store_(uint32_t *word, const uint8_t *guard)
{
	(void)word;
	(void)guard;
	return false;
}
#endif

#endif
