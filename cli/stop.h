/*
 * stop.h - Ctrl-C as a note: SIGINT and SIGTERM end the waits of a command instead of the process.
 */
#ifndef FAIRLEAD_CLI_STOP_H
#define FAIRLEAD_CLI_STOP_H

#include <fairlead/note.h>

/* Makes those signals cancel the note. A second one ends the process. To be called once, before any other thread is
 * started. Returns 0; -EAGAIN, -ENOMEM: there can be no more threads. */
int stop_on_signals(fl_note *note);

#endif
