/*
 * base/report.h - making reports. What users see of them is <fairlead/report.h>.
 */
#ifndef FL_BASE_REPORT_H
#define FL_BASE_REPORT_H

#include <fairlead/report.h>

/* Reports that something is wrong with the object of kind `object` at `address`; `what` is a printf format for one
 * sentence, `more` further lines (each ended by a newline) or NULL. Returns only if a hook does, or if the kind lets
 * the call go on. */
void fl_report_(enum fl_report_kind kind, const char *object, const void *address, const char *more, const char *what,
		...) __attribute__((format(printf, 5, 6), cold));

#define fl_misuse_(object, address, ...) fl_report_(FL_REPORT_MISUSE, object, address, NULL, __VA_ARGS__)

/* Writes "function+0x12 (file) [0x...]" for a code address. */
void fl_report_site_(const void *site, char *ret_text, size_t size);

/* Writes "thread 7 (4711 'worker')" for a thread's number. */
void fl_report_thread_(unsigned number, char *ret_text, size_t size);

#endif
