/*
 * fairlead/fairlead.h - all of Fairlead's public headers, and nothing of its own.
 *
 * Convenient for a program; a library that uses Fairlead does better with the headers of what it uses.
 */
#ifndef FAIRLEAD_FAIRLEAD_H
#define FAIRLEAD_FAIRLEAD_H

#include <fairlead/array.h>
#include <fairlead/attributes.h>
#include <fairlead/barrier.h>
#include <fairlead/check.h>
#include <fairlead/condition.h>
#include <fairlead/event.h>
#include <fairlead/executor.h>
#include <fairlead/explore.h>
#include <fairlead/fork.h>
#include <fairlead/frame.h>
#include <fairlead/frames.h>
#include <fairlead/future.h>
#include <fairlead/group.h>
#include <fairlead/guard.h>
#include <fairlead/local.h>
#include <fairlead/lock.h>
#include <fairlead/note.h>
#include <fairlead/once.h>
#include <fairlead/owner.h>
#include <fairlead/parallel.h>
#include <fairlead/pipe.h>
#include <fairlead/pool.h>
#include <fairlead/process.h>
#include <fairlead/processor.h>
#include <fairlead/queue.h>
#include <fairlead/report.h>
#include <fairlead/rlock.h>
#include <fairlead/rwlock.h>
#include <fairlead/segment.h>
#include <fairlead/semaphore.h>
#include <fairlead/shared_queue.h>
#include <fairlead/simple_queue.h>
#include <fairlead/state.h>
#include <fairlead/thread.h>
#include <fairlead/time.h>
#include <fairlead/timer.h>
#include <fairlead/value.h>
#include <fairlead/wait_any.h>

#endif
