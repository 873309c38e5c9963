/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every floor needs of an engine: its error record and its message, progress and cancel hooks. */
#ifndef BASE_CONTEXT_H
#define BASE_CONTEXT_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <evms/evms.h>

#define PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Fixed buffers, so that running out of memory can be reported too. */
struct evms_error {
	int error;			/* positive errno, 0 for none */
	char reason[64];
	char object[256];
	char plugin[64];
	char detail[768];
	char message[1280];
};

/* One per engine; lower floors get a pointer to it and know nothing else of the engine. */
struct context {
	struct evms_error error;
	bool keep_error;		/* the first cause wins until context_clear_error() */
	evms_message_fn message;
	void *message_user;
	evms_progress_fn progress;
	void *progress_user;
	evms_question_fn question;
	void *question_user;
	atomic_bool cancelled;
	bool unstoppable;		/* what goes on must come to its end: nobody can cancel it */
};

void context_init(struct context *ctx);

/* Start of a public call: forget the last error. */
void context_clear_error(struct context *ctx);

/*
 * Record an error, unless one is recorded already, and return -error. object and plugin may be NULL or "".
 * Reasons are stable tokens "noun.what".
 */
int context_fail(struct context *ctx, int error, const char *object, const char *plugin,
		 const char *reason, const char *fmt, ...) PRINTF(6, 7);
int context_vfail(struct context *ctx, int error, const char *object, const char *plugin,
		  const char *reason, const char *fmt, va_list args);

/* A step failed that does not fail the call: send the recorded error as a message and forget it. */
void context_demote_error(struct context *ctx, int severity);

void context_message(struct context *ctx, int severity, const char *fmt, ...) PRINTF(3, 4);

/* Tell how far we are. 0, or -ECANCELED (recorded) when the user gave up or evms_engine_cancel() was called. */
int context_progress(struct context *ctx, const char *what, uint64_t done, uint64_t total);

/* Ask the user; the index of the answer, safe when nobody answers or the answer does not exist. */
int context_ask(struct context *ctx, const char *question, const char *const *answers, int count, int safe);

#endif
