/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The error record of an engine, and its messages, progress and cancelling. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/context.h"
#include "util/text.h"

void context_init(struct context *ctx)
{
	memset(ctx, 0, sizeof(*ctx));
	atomic_init(&ctx->cancelled, false);
}

void context_clear_error(struct context *ctx)
{
	ctx->error.error = 0;
	ctx->error.reason[0] = '\0';
	ctx->error.object[0] = '\0';
	ctx->error.plugin[0] = '\0';
	ctx->error.detail[0] = '\0';
	ctx->error.message[0] = '\0';
	ctx->keep_error = false;
}

/* "object: plug-in: detail: errno text", without what is not known. */
static void compose_message(struct evms_error *e)
{
	char buf[128];
	const char *text = strerror_r(e->error, buf, sizeof(buf));

	snprintf(e->message, sizeof(e->message), "%s%s%s%s%s%s%s", e->object,
		 e->object[0] ? ": " : "", e->plugin, e->plugin[0] ? ": " : "", e->detail,
		 e->detail[0] ? ": " : "", text);
}

int context_vfail(struct context *ctx, int error, const char *object, const char *plugin,
		  const char *reason, const char *fmt, va_list args)
{
	struct evms_error *e = &ctx->error;
	char detail[sizeof(e->detail)];

	if (error < 0)
		error = error == INT32_MIN ? EIO : -error;
	if (!error)
		error = EIO;
	if (ctx->keep_error)
		return -error;
	ctx->keep_error = true;
	e->error = error;
	/* Names come from disks, and texts from plug-ins that put names into them. */
	text_copy_safe(e->reason, sizeof(e->reason), reason ? reason : "");
	text_copy_safe(e->object, sizeof(e->object), object ? object : "");
	text_copy_safe(e->plugin, sizeof(e->plugin), plugin ? plugin : "");
	if (!fmt || vsnprintf(detail, sizeof(detail), fmt, args) < 0)
		detail[0] = '\0';
	text_copy_safe(e->detail, sizeof(e->detail), detail);
	compose_message(e);
	return -error;
}

int context_fail(struct context *ctx, int error, const char *object, const char *plugin,
		 const char *reason, const char *fmt, ...)
{
	va_list args;
	int r;

	va_start(args, fmt);
	r = context_vfail(ctx, error, object, plugin, reason, fmt, args);
	va_end(args);
	return r;
}

/* EVMS_DEBUG is for whoever looks into a program that shows no messages. */
static void deliver(struct context *ctx, int severity, const char *text)
{
	const char *debug = secure_getenv("EVMS_DEBUG");

	if (debug && *debug && strcmp(debug, "0"))
		fprintf(stderr, "libevms <%d> %s\n", severity, text);
	if (ctx->message)
		ctx->message(ctx->message_user, severity, text);
}

void context_demote_error(struct context *ctx, int severity)
{
	if (!ctx->error.error)
		return;
	deliver(ctx, severity, ctx->error.message);
	ctx->error.error = 0;
	ctx->error.reason[0] = '\0';
	ctx->error.object[0] = '\0';
	ctx->error.plugin[0] = '\0';
	ctx->error.detail[0] = '\0';
	ctx->error.message[0] = '\0';
	ctx->keep_error = false;
}

void context_message(struct context *ctx, int severity, const char *fmt, ...)
{
	char text[sizeof(ctx->error.message)], safe[sizeof(ctx->error.message)];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n < 0)
		return;
	text_copy_safe(safe, sizeof(safe), text);
	deliver(ctx, severity, safe);
}

int context_progress(struct context *ctx, const char *what, uint64_t done, uint64_t total)
{
	bool stop = atomic_load(&ctx->cancelled);

	if (!stop && ctx->progress)
		stop = ctx->progress(ctx->progress_user, what, done, total) != 0;
	if (!stop || ctx->unstoppable)
		return 0;
	/* Sticks until the next public call (engine.c): everything that still goes on is to stop. */
	atomic_store(&ctx->cancelled, true);
	return context_fail(ctx, ECANCELED, NULL, NULL, "cancelled", "%s was cancelled", what);
}

int context_ask(struct context *ctx, const char *question, const char *const *answers, int count, int safe)
{
	int answer = ctx->question ? ctx->question(ctx->question_user, question, answers, count, safe) : safe;

	return answer >= 0 && answer < count ? answer : safe;
}
