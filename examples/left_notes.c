/*
 * left_notes.c - how does a program find in memory what its last run has left there?
 *
 * The notes are in a segment: it has a name, and it stays when a process that used it ends. It is mapped somewhere else
 * in each process, so one note leads to the next by its offset. Memory for a note and the word that leads to it are one
 * step: a process that is killed has added a note, or has taken nothing.
 *
 * Three processes, one after the other, are three runs of a program. Prints what each finds and what it leaves.
 */
#include <fairlead/segment.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct note {
	uint64_t next; /* the offset of the next one; 0: there is none yet */
	char text[56];
};

static const fl_segment_type note_type = FL_SEGMENT_TYPE(struct note, 1);

static int run(const char *name, const char *text)
{
	fl_segment *segment;
	struct note *note;
	uint64_t *last;
	void *first;

	if (fl_segment_open(&segment, name, NULL) != 0 ||
	    fl_segment_object(segment, "first", &note_type, NULL, NULL, &first) < 0) {
		fprintf(stderr, "%s\n", fl_segment_why());
		return 1;
	}
	last = &((struct note *)first)->next;
	for (; (note = fl_segment_at(segment, *last, sizeof(*note))); last = &note->next)
		printf("finds: %s\n", note->text);
	if (fl_segment_alloc(segment, sizeof(*note), last) != 0)
		return 1;
	note = fl_segment_at(segment, *last, sizeof(*note));
	snprintf(note->text, sizeof(note->text), "%s", text);
	printf("leaves: %s\n", note->text);
	fl_segment_close(segment);
	return 0;
}

int main(void)
{
	static const char *const texts[] = {"buy milk", "water the plants", "call home"};
	char name[32];

	snprintf(name, sizeof(name), "notes-%d", (int)getpid());
	for (int i = 0; i < 3; i++) {
		if (fork() == 0)
			return run(name, texts[i]);
		wait(NULL);
	}
	return fl_segment_remove(name, NULL) != 0;
}
