/*
 * fairlead/attributes.h - what the other public headers are written with.
 *
 * Nothing here is an interface of its own: these macros mark declarations. A user needs three of them,
 * FL_GUARDED_BY, FL_PT_GUARDED_BY and FL_REQUIRES, to let the compiler check that data is only touched under its lock:
 *
 *     struct account { fl_lock lock; long balance FL_GUARDED_BY(&lock); };
 *
 * With clang 22 or newer and -Wthread-safety -Wthread-safety-beta, reading `balance` without holding `lock` is a
 * warning. With any other compiler they vanish.
 */
#ifndef FAIRLEAD_ATTRIBUTES_H
#define FAIRLEAD_ATTRIBUTES_H

#ifdef __cplusplus
#define FL_BEGIN_DECLS \
	extern "C" { \
	_Pragma("GCC visibility push(default)")
#define FL_END_DECLS \
	_Pragma("GCC visibility pop") \
	}
#else
#define FL_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#define FL_END_DECLS _Pragma("GCC visibility pop")
#endif

#define FL_NONNULL(...) __attribute__((nonnull(__VA_ARGS__)))
#define FL_ALL_NONNULL __attribute__((nonnull))
#define FL_MUST_CHECK __attribute__((warn_unused_result))

#if defined(__clang__) && !defined(__cplusplus)
#if __clang_major__ >= 22
#define FL_TSA(x) __attribute__((x))
#endif
#endif
#ifndef FL_TSA
#define FL_TSA(x)
#endif

/* On a type: it is a lock of this kind. */
#define FL_CAPABILITY(kind) FL_TSA(capability(kind))
/* ... and its holder may acquire it again. */
#define FL_REENTRANT FL_TSA(reentrant_capability)
/* On a member or a variable: touched only while the lock is held; _PT_ is for what a pointer points to. */
#define FL_GUARDED_BY(lock) FL_TSA(guarded_by(lock))
#define FL_PT_GUARDED_BY(lock) FL_TSA(pt_guarded_by(lock))
/* On a function: the caller holds the lock, or holds it for reading, or must not hold it. */
#define FL_REQUIRES(...) FL_TSA(requires_capability(__VA_ARGS__))
#define FL_REQUIRES_SHARED(...) FL_TSA(requires_shared_capability(__VA_ARGS__))
#define FL_EXCLUDES(...) FL_TSA(locks_excluded(__VA_ARGS__))
/* On a function that acquires or releases. */
#define FL_ACQUIRE(...) FL_TSA(acquire_capability(__VA_ARGS__))
#define FL_ACQUIRE_SHARED(...) FL_TSA(acquire_shared_capability(__VA_ARGS__))
#define FL_TRY_ACQUIRE(...) FL_TSA(try_acquire_capability(__VA_ARGS__))
#define FL_TRY_ACQUIRE_SHARED(...) FL_TSA(try_acquire_shared_capability(__VA_ARGS__))
#define FL_RELEASE(...) FL_TSA(release_capability(__VA_ARGS__))
#define FL_RELEASE_SHARED(...) FL_TSA(release_shared_capability(__VA_ARGS__))
/* On a function whose locking the compiler cannot follow. */
#define FL_NO_THREAD_SAFETY_ANALYSIS FL_TSA(no_thread_safety_analysis)

#endif
