/*
 * cli/check_json.c - the report of a check as JSON. It is the model for all other forms: what is not in it is not in
 * the text, the SARIF or the page either.
 */
#include "check_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME 200

static const char *const verdicts[CHECK_VERDICTS] = {
	[CHECK_NOTHING] = "none",
	[CHECK_ASSERTION] = "assertion",
	[CHECK_ABORT] = "abort",
	[CHECK_CRASH] = "crash",
	[CHECK_DEADLOCK] = "deadlock",
	[CHECK_LIVELOCK] = "livelock",
	[CHECK_HANG] = "hang",
	[CHECK_RACE] = "race",
	[CHECK_USE_AFTER_FREE] = "use-after-free",
	[CHECK_DOUBLE_FREE] = "double-free",
	[CHECK_MISUSE] = "misuse",
	[CHECK_EXIT] = "exit",
	[CHECK_OUTPUT] = "output",
};

static const char *const kinds[CHECK_KINDS] = {
	[CHECK_START] = "start",
	[CHECK_END] = "end",
	[CHECK_CREATE] = "create",
	[CHECK_JOIN] = "join",
	[CHECK_DETACH] = "detach",
	[CHECK_READ] = "read",
	[CHECK_WRITE] = "write",
	[CHECK_LOAD] = "load",
	[CHECK_STORE] = "store",
	[CHECK_RMW] = "rmw",
	[CHECK_CAS] = "cas",
	[CHECK_FENCE] = "fence",
	[CHECK_LOCK] = "lock",
	[CHECK_TRYLOCK] = "trylock",
	[CHECK_UNLOCK] = "unlock",
	[CHECK_RDLOCK] = "rdlock",
	[CHECK_WRLOCK] = "wrlock",
	[CHECK_SPINLOCK] = "spinlock",
	[CHECK_WAIT] = "wait",
	[CHECK_WOKEN] = "woken",
	[CHECK_SIGNAL] = "signal",
	[CHECK_BROADCAST] = "broadcast",
	[CHECK_SEM_WAIT] = "sem_wait",
	[CHECK_SEM_POST] = "sem_post",
	[CHECK_BARRIER] = "barrier",
	[CHECK_BARRIER_LEAVE] = "barrier_leave",
	[CHECK_ONCE] = "once",
	[CHECK_ONCE_DONE] = "once_done",
	[CHECK_FUTEX_WAIT] = "futex_wait",
	[CHECK_FUTEX_WOKEN] = "futex_woken",
	[CHECK_FUTEX_WAKE] = "futex_wake",
	[CHECK_YIELD] = "yield",
	[CHECK_SLEEP] = "sleep",
	[CHECK_PROCESS_EXIT] = "exit",
	[CHECK_CANCEL] = "cancel",
	[CHECK_DESTROY] = "destroy",
	[CHECK_INIT] = "init",
	[CHECK_DESCRIPTOR] = "descriptor",
	[CHECK_KILL] = "kill",
	[CHECK_CHOICE] = "choice",
};

static const char *const strategies[CHECK_STRATEGIES] = {
	[CHECK_PORTFOLIO] = "portfolio",
	[CHECK_RANDOM] = "random",
	[CHECK_POS] = "pos",
	[CHECK_PCT] = "pct",
	[CHECK_DIRECTED] = "directed",
	[CHECK_READS_FROM] = "reads-from",
	[CHECK_EXHAUSTIVE] = "exhaustive",
	[CHECK_REPLAY] = "replay",
	[CHECK_PLACES] = "places",
};

static const char *const engines[] = {"auto", "snapshot", "process", "kernel"};

static const char *pick(const char *const *names, size_t n, uint32_t i, const char *other)
{
	return i < n && names[i] ? names[i] : other;
}

const char *check_json_verdict(uint32_t verdict)
{
	return pick(verdicts, CHECK_VERDICTS, verdict, "none");
}

const char *check_json_kind(uint32_t kind)
{
	return pick(kinds, CHECK_KINDS, kind, "step");
}

const char *check_json_strategy(uint32_t strategy)
{
	return pick(strategies, CHECK_STRATEGIES, strategy, "portfolio");
}

const char *check_json_engine(uint32_t engine)
{
	return pick(engines, sizeof(engines) / sizeof(engines[0]), engine, "auto");
}

/* Text that the program or a file gave: what is not UTF-8 in it is replaced. */
json_t *check_json_text(const char *text)
{
	json_t *whole = json_string(text);
	char *copy;

	if (whole)
		return whole;
	copy = strdup(text);
	for (char *at = copy; at && *at; at++)
		if ((*at & 0x80) != 0)
			*at = '?';
	whole = json_string(copy ? copy : "");
	free(copy);
	return whole;
}

static json_t *hex(uint64_t number)
{
	return json_sprintf("0x%llx", (unsigned long long)number);
}

static json_t *named(struct check_symbols *symbols, uint64_t address)
{
	char name[NAME];

	check_symbols_data(symbols, address, name, sizeof(name));
	return check_json_text(name);
}

static bool is_about_thread(uint8_t kind)
{
	return kind == CHECK_CREATE || kind == CHECK_JOIN || kind == CHECK_DETACH || kind == CHECK_CANCEL ||
	       kind == CHECK_KILL;
}

/* Whether a step's object is an address in the program. */
static bool has_object(uint8_t kind)
{
	return kind != CHECK_START && kind != CHECK_END && kind != CHECK_FENCE && kind != CHECK_YIELD &&
	       kind != CHECK_SLEEP && kind != CHECK_PROCESS_EXIT && kind != CHECK_CHOICE && kind != CHECK_DESCRIPTOR &&
	       !is_about_thread(kind);
}

/* Memory that a number lies in is shown as the number that it is to the program, as far as its size says that. */
static json_t *number(uint64_t value, uint8_t size)
{
	if (size == 1)
		return json_integer((int8_t)value);
	if (size == 2)
		return json_integer((int16_t)value);
	if (size == 4)
		return json_integer((int32_t)value);
	return json_integer((json_int_t)value);
}

static void put_values(json_t *json, const struct check_event *event)
{
	bool thread = is_about_thread(event->kind);

	json_object_set_new(json, "value",
			    (event->flags & CHECK_VALUE) && !thread ? number(event->value, event->size) : json_null());
	json_object_set_new(json, "old", event->flags & CHECK_OLD ? number(event->old, event->size) : json_null());
	json_object_set_new(json, "result",
			    event->flags & CHECK_FAILED ? json_integer((json_int_t)event->result) : json_null());
	json_object_set_new(json, "timed_out", json_boolean(event->flags & CHECK_TIMED_OUT));
}

static void put_object(json_t *json, struct check_symbols *symbols, uint8_t kind, uint64_t object, uint64_t value)
{
	if (is_about_thread(kind)) {
		json_object_set_new(json, "object", json_sprintf("T%llu", (unsigned long long)value));
		json_object_set_new(json, "address", json_null());
	} else if (has_object(kind) && object != 0) {
		json_object_set_new(json, "object", named(symbols, object));
		json_object_set_new(json, "address", hex(object));
	} else {
		json_object_set_new(json, "object", json_null());
		json_object_set_new(json, "address", json_null());
	}
}

static json_t *events_of(const struct check_memory *memory, struct check_symbols *symbols)
{
	json_t *events = json_array();

	for (uint32_t i = 0; i < memory->n_events && i < CHECK_TRACE_MAX; i++) {
		const struct check_event *event = &memory->events[i];
		json_t *json = json_object();

		json_object_set_new(json, "n", json_integer(i + 1));
		json_object_set_new(json, "thread", json_integer(event->thread));
		json_object_set_new(json, "op", json_string(check_json_kind(event->kind)));
		put_object(json, symbols, event->kind, event->object, event->value);
		put_values(json, event);
		json_object_set_new(json, "stack",
				    check_symbols_stack(symbols, &event->place, event->kind == CHECK_START));
		json_array_append_new(events, json);
	}
	return events;
}

/* Threads. */

static json_t *waits_for(const struct check_memory *memory, const struct check_thread *thread,
			 struct check_symbols *symbols)
{
	json_t *json = json_object();
	bool held = thread->holder >= 0 && (uint32_t)thread->holder < memory->n_threads;

	json_object_set_new(json, "op", json_string(check_json_kind(thread->kind)));
	put_object(json, symbols, thread->kind, thread->object, (uint64_t)(held ? thread->holder : 0));
	json_object_set_new(json, "holder",
			    held && !is_about_thread(thread->kind) ? json_integer(thread->holder) : json_null());
	json_object_set_new(json, "held_at", check_symbols_stack(symbols, &thread->held_place, false));
	json_object_set_new(json, "timed", json_boolean(thread->timed));
	return json;
}

static json_t *lost_of(const struct check_thread *thread, struct check_symbols *symbols)
{
	json_t *json;

	if (!thread->waits || thread->lost == 0)
		return json_null();
	json = json_object();
	json_object_set_new(json, "count", json_integer(thread->lost));
	json_object_set_new(json, "thread", json_integer(thread->lost_thread));
	json_object_set_new(json, "at", check_symbols_stack(symbols, &thread->lost_place, false));
	return json;
}

/* The frame where it began: that of its function. The first thread begins in main. */
static json_t *start_of(uint32_t i, const struct check_thread *thread, struct check_symbols *symbols)
{
	json_t *frames, *frame;

	if (i == 0)
		return json_pack("{s:s,s:n,s:n,s:n,s:n,s:n,s:n}", "function", "main", "file", "line", "column",
				 "source", "module", "pc");
	frames = check_symbols_frames(symbols, thread->routine, true);
	frame = json_incref(json_array_get(frames, json_array_size(frames) - 1));
	json_decref(frames);
	return frame;
}

/* Where its creator made it; null if that is not known. */
static json_t *created_at(const struct check_memory *memory, uint32_t i, struct check_symbols *symbols)
{
	for (uint32_t n = 0; n < memory->n_events && n < CHECK_TRACE_MAX; n++)
		if (memory->events[n].kind == CHECK_CREATE && memory->events[n].value == i)
			return check_symbols_stack(symbols, &memory->events[n].place, false);
	return json_array();
}

static json_t *threads_of(const struct check_memory *memory, struct check_symbols *symbols)
{
	uint32_t verdict = memory->failure.verdict;
	json_t *threads = json_array();

	for (uint32_t i = 0; i < memory->n_threads && i < CHECK_THREADS; i++) {
		const struct check_thread *thread = &memory->threads[i];
		bool exact = i == memory->failure.thread && (verdict == CHECK_CRASH || verdict == CHECK_HANG);
		json_t *json = json_object();

		json_object_set_new(json, "id", json_integer(i));
		json_object_set_new(json, "start", start_of(i, thread, symbols));
		json_object_set_new(json, "creator", i > 0 ? json_integer(thread->creator) : json_null());
		json_object_set_new(json, "created_at", created_at(memory, i, symbols));
		json_object_set_new(json, "state",
				    json_string(thread->finished ? "finished"
						: thread->waits  ? "waits"
								 : "ready"));
		json_object_set_new(json, "waits_for",
				    thread->waits ? waits_for(memory, thread, symbols) : json_null());
		json_object_set_new(json, "lost", lost_of(thread, symbols));
		json_object_set_new(json, "stack",
				    thread->finished ? json_array()
						     : check_symbols_stack(symbols, &thread->place, exact));
		json_array_append_new(threads, json);
	}
	return threads;
}

/* Two accesses. */

static json_t *access_of(const struct check_access *access, struct check_symbols *symbols)
{
	json_t *json = json_object();

	json_object_set_new(json, "thread", json_integer(access->thread));
	json_object_set_new(json, "write", json_boolean(access->write));
	json_object_set_new(json, "atomic", json_boolean(access->atomic));
	json_object_set_new(json, "freed", json_boolean(access->freed));
	json_object_set_new(json, "size", json_integer(access->size));
	json_object_set_new(json, "address", hex(access->address));
	json_object_set_new(json, "object", named(symbols, access->address));
	json_object_set_new(json, "stack", check_symbols_stack(symbols, &access->place, false));
	return json;
}

static json_t *race_of(const struct check_failure *failure, struct check_symbols *symbols)
{
	if (failure->access[0].epoch == 0)
		return json_null();
	return json_pack("{s:[o,o]}", "accesses", access_of(&failure->access[0], symbols),
			 access_of(&failure->access[1], symbols));
}

/* The block of the heap that it is about. */
static json_t *block_of(const struct check_memory *memory, struct check_symbols *symbols)
{
	const struct check_failure *failure = &memory->failure;
	const struct check_block *block = &memory->block;
	uint64_t address = failure->verdict == CHECK_DOUBLE_FREE ? failure->object : failure->access[1].address;
	json_t *json;

	if (!block->known)
		return json_null();
	json = json_object();
	json_object_set_new(json, "address", hex(block->address));
	json_object_set_new(json, "size", json_integer((json_int_t)block->size));
	json_object_set_new(json, "offset", json_integer((json_int_t)(address - block->address)));
	json_object_set_new(json, "thread", json_integer(block->thread));
	json_object_set_new(json, "stack", check_symbols_stack(symbols, &block->place, false));
	json_object_set_new(json, "freed_by", block->freed ? json_integer(block->freed_by) : json_null());
	json_object_set_new(json, "freed_at", check_symbols_stack(symbols, &block->freed_place, false));
	return json;
}

/* The check as a whole. */

static json_t *program_of(const struct check_target *target)
{
	json_t *words = json_array();

	for (char **word = target->argv; *word; word++)
		json_array_append_new(words, check_json_text(*word));
	return words;
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? check_json_text(text) : json_null();
}

static const char *verdict_of(const struct check_memory *memory)
{
	if (memory->failure.verdict == CHECK_NOTHING && memory->exhausted)
		return "verified";
	return check_json_verdict(memory->failure.verdict);
}

/* The program and its libraries whose accesses to memory are not seen. */
static json_t *unseen_of(const struct check_report *report)
{
	const struct check_memory *memory = report->found->job->memory;
	json_t *files = json_array();

	for (uint32_t i = 0; i < memory->n_modules && i < CHECK_MODULES; i++) {
		const struct check_module *module = &memory->modules[i];

		if (module->instrumented || check_symbols_is_systems(module->name))
			continue;
		json_array_append_new(files, check_json_text(module->name[0] ? module->name : report->target->file));
	}
	return files;
}

static void put_numbers(json_t *json, const struct check_report *report)
{
	const struct check_memory *memory = report->found->job->memory;
	const struct check_found *found = report->found;
	bool failed = memory->failure.verdict != CHECK_NOTHING;

	json_object_set_new(json, "seed", json_integer((json_int_t)memory->asked.seed));
	json_object_set_new(json, "run", failed ? json_integer((json_int_t)memory->failed_run) : json_null());
	json_object_set_new(json, "schedules", json_integer((json_int_t)found->runs));
	json_object_set_new(json, "to_failure", failed ? json_integer((json_int_t)memory->to_failure) : json_null());
	json_object_set_new(json, "steps", json_integer((json_int_t)found->steps));
	json_object_set_new(json, "seconds", json_real(found->seconds));
	json_object_set_new(json, "racy", json_integer((json_int_t)found->races));
	json_object_set_new(json, "cut_off", json_integer((json_int_t)found->cut_off));
	json_object_set_new(json, "blocked", json_integer((json_int_t)found->blocked));
	json_object_set_new(json, "unconfirmed", json_integer((json_int_t)memory->unconfirmed));
	json_object_set_new(json, "jobs", json_integer(found->n_jobs));
	json_object_set_new(json, "replays", json_integer((json_int_t)memory->replays));
	json_object_set_new(json, "switches_before", json_integer((json_int_t)memory->minimised_from));
	json_object_set_new(json, "learned", json_integer((json_int_t)memory->n_learned));
}

static void put_ways(json_t *json, const struct check_report *report)
{
	const struct check_memory *memory = report->found->job->memory;
	const struct check_asked *asked = &report->wish->asked;
	bool replays = asked->strategy == CHECK_REPLAY;
	uint32_t strategy =
		memory->failure.verdict != CHECK_NOTHING && !replays ? memory->failed_strategy : asked->strategy;

	json_object_set_new(json, "strategy", json_string(check_json_strategy(strategy)));
	json_object_set_new(json, "engine", json_string(check_json_engine(memory->engine)));
	json_object_set_new(json, "unsafe", text_or_null(memory->unsafe));
	json_object_set_new(json, "model", json_string(asked->weak ? "c11" : "sc"));
	json_object_set_new(json, "timeouts", json_string(asked->timeouts == CHECK_QUIESCENT ? "quiescent" : "any"));
	json_object_set_new(json, "spurious", json_boolean(asked->spurious));
	json_object_set_new(json, "races",
			    json_string(asked->races == CHECK_RACES_FAIL   ? "fail"
					: asked->races == CHECK_RACES_NOTE ? "note"
									   : "off"));
	json_object_set_new(json, "preemptions",
			    asked->strategy == CHECK_EXHAUSTIVE && asked->preemptions != UINT32_MAX
				    ? json_integer(asked->preemptions)
				    : json_null());
	json_object_set_new(json, "steps_most", json_integer((json_int_t)asked->steps));
	json_object_set_new(json, "late", json_boolean(report->found->job->late));
	json_object_set_new(json, "interrupted", json_boolean(report->found->interrupted));
	json_object_set_new(json, "instrumented", json_boolean(memory->instrumented));
	json_object_set_new(json, "unseen", unseen_of(report));
	json_object_set_new(json, "fairlead_unseen", json_boolean(report->target->has_fairlead));
	json_object_set_new(json, "unmodelled", text_or_null(memory->said));
	json_object_set_new(json, "bounds", text_or_null(memory->bounds));
	json_object_set_new(json, "replay",
			    report->replay ? json_sprintf("fairlead replay %s", report->replay) : json_null());
}

json_t *check_json(const struct check_report *report)
{
	const struct check_memory *memory = report->found->job->memory;
	struct check_symbols *symbols = check_symbols_open(memory, report->target->file);
	json_t *json = json_object();
	char output[CHECK_DIFFERENCE];

	if (!symbols)
		return json;
	json_object_set_new(json, "version", json_integer(1));
	json_object_set_new(json, "verdict", json_string(verdict_of(memory)));
	json_object_set_new(json, "text", check_json_text(memory->failure.text));
	if (memory->failure.verdict == CHECK_OUTPUT && check_difference(report, output))
		json_object_set_new(json, "text", check_json_text(output));
	json_object_set_new(json, "thread", json_integer(memory->failure.thread));
	json_object_set_new(json, "program", program_of(report->target));
	put_numbers(json, report);
	put_ways(json, report);
	json_object_set_new(json, "threads", threads_of(memory, symbols));
	json_object_set_new(json, "events", events_of(memory, symbols));
	json_object_set_new(json, "race", race_of(&memory->failure, symbols));
	json_object_set_new(json, "block", block_of(memory, symbols));
	check_symbols_close(symbols);
	return json;
}
