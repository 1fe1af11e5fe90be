/*
 * bench/peers.cc - puts peers into the state in which they are fastest.
 *
 * Abseil searches every acquisition for deadlocks unless it was compiled with NDEBUG, and a distribution's package
 * may not have been. That search has a counterpart in Fairlead that is off in these benchmarks, so it is switched off
 * here too.
 */
#include "harness.h"

#include <absl/synchronization/mutex.h>

void bench_prepare_peers(void)
{
	absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
	absl::EnableMutexInvariantDebugging(false);
}
