/*
 * bench/output.h - what the benchmarks print: a table for people with the aims beside it, or a JSON object a line.
 */
#ifndef FAIRLEAD_BENCH_OUTPUT_H
#define FAIRLEAD_BENCH_OUTPUT_H

#include "harness.h"

/* Prints a result in the form that bench_settings asks for. */
void bench_print_result(const struct bench_result *result);

/* Prints what is above the tables: the machine, and how to read them. Nothing with JSON. */
void bench_print_head(void);

/* Prints how many of the aims of all results so far were met, and which were not. Nothing with JSON. */
void bench_print_verdict(void);

/* Prints a remark where it disturbs nobody: beside the tables, or with JSON to standard error. */
void bench_print_note(const char *name, const char *note);

/* Prints a figure alone. */
void bench_print_figure(double figure);

#endif
