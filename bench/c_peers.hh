/*
 * bench/c_peers.hh - nsync's C library and ConcurrencyKit, for C++ files.
 *
 * Debian has nsync twice: libnsync for C and libnsync_cpp, of which the header makes every C++ file a user. Fairlead
 * is a C library, so its peer is the first. The functions are given C linkage here; a function of C linkage has the
 * same symbol inside a namespace as outside, and the types are plain integers and pointers in both. The overloads of
 * nsync's calls for C++'s times cannot have C linkage; the macro that makes them is emptied.
 *
 * Three of ConcurrencyKit's spin locks (CLH, HCLH, MCS) are not valid C++. Their headers are skipped by their own
 * guards; TBB's queuing_mutex stands for the kind. Its rings are valid but for one `return false` of a function that
 * returns a pointer, which a literal 0 is as well.
 */
#ifndef FAIRLEAD_BENCH_C_PEERS_HH
#define FAIRLEAD_BENCH_C_PEERS_HH

#include <chrono>
#include <inttypes.h>
#include <nsync_time_internal.h>
#include <stdarg.h>
#include <time.h>

#undef NSYNC_CV_CPP_OVERLOAD_
#define NSYNC_CV_CPP_OVERLOAD_

#define CK_SPINLOCK_CLH_H
#define CK_SPINLOCK_HCLH_H
#define CK_SPINLOCK_MCS_H

extern "C" {
#include <ck_barrier.h>
#include <ck_rwlock.h>
#include <ck_spinlock.h>
#include <nsync_cv.h>
#include <nsync_mu.h>

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
#define false 0
#include <ck_ring.h>
#undef false
#ifdef __clang__
#pragma clang diagnostic pop
#endif
}

#endif
