/*
 * base/keep_errno.h - no call of Fairlead touches errno: what a function full of system calls begins with.
 *
 *     fl_keep_errno();
 *
 * It is a declaration; whatever way the function is left, errno is then what it was.
 */
#ifndef FL_BASE_KEEP_ERRNO_H
#define FL_BASE_KEEP_ERRNO_H

#include <errno.h>

static inline void fl_restore_errno(const int *saved)
{
	errno = *saved;
}

#define fl_keep_errno() const int saved_errno_ __attribute__((cleanup(fl_restore_errno), unused)) = errno

#endif
