/*
 * scenarios.h - the lists of scenarios, each in a file scenario_<thing>.c; each ends with one that has no name.
 */
#ifndef FL_MODEL_SCENARIOS_H
#define FL_MODEL_SCENARIOS_H

#include "model.h"

extern const struct model_scenario model_lock_scenarios[], model_condition_scenarios[], model_signal_scenarios[],
	model_round_scenarios[], model_rwlock_scenarios[], model_frame_scenarios[], model_queue_scenarios[],
	model_future_scenarios[], model_executor_scenarios[], model_parallel_scenarios[], model_group_scenarios[];

/* A scenario that must fail, and how what the model says about it begins. */
struct model_broken {
	struct model_scenario scenario;
	const char *finding;
};

extern const struct model_broken model_broken[];

#endif
