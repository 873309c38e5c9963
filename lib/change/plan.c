/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan in words and in JSON: tasks, the byte ranges behind them by phase, and the tools that follow. */
#include <errno.h>
#include <inttypes.h>
#include "change/change.h"

static const char *const phase_names[EVMS_PHASE_COUNT] = { "new", "secondary", "primary", "finish", "wipe" };

static int add_step(struct evms_plan *plan, struct text *line)
{
	char *s = text_take(line);

	return s && vec_push(&plan->steps, s) ? 0 : (free(s), -ENOMEM);
}

static void add_string(struct text *json, const char *s)
{
	text_add(json, "\"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			text_add(json, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			text_add(json, "\\u%04x", (unsigned)*s);
		else
			text_add_bytes(json, s, 1);
	}
	text_add(json, "\"");
}

static int add_tasks(struct change *c, struct evms_plan *plan)
{
	size_t i;

	text_add(&plan->json, "\"tasks\":[");
	for (i = 0; i < c->log.count; i++) {
		const struct evms_task *t = c->log.at[i];
		struct text line = { .at = NULL };

		text_add(&line, "%s", t->words ? t->words : op_name(t->op));
		text_add(&plan->json, "%s{\"op\":\"%s\",\"plugin\":", i ? "," : "", op_name(t->op));
		add_string(&plan->json, t->plugin ? t->plugin->name : "");
		text_add(&plan->json, ",\"words\":");
		add_string(&plan->json, line.at ? line.at : "");
		text_add(&plan->json, "}");
		if (add_step(plan, &line) < 0)
			return -ENOMEM;
	}
	text_add(&plan->json, "]");
	return 0;
}

static void add_extents(struct change *c, struct evms_plan *plan)
{
	const char *comma = "";
	size_t i, k;

	text_add(&plan->json, ",\"writes\":[");
	for (i = 0; i < c->devices.count; i++) {
		struct device *d = c->devices.at[i];

		for (k = 0; k < device_extent_count(d); k++) {
			struct device_extent e = device_extent(d, k);

			text_add(&plan->json, "%s{\"device\":", comma);
			add_string(&plan->json, device_path(d));
			text_add(&plan->json, ",\"phase\":\"%s\",\"offset\":%" PRIu64 ",\"size\":%" PRIu64
				 ",\"zeros\":%s}", phase_names[e.phase], e.offset, e.size,
				 e.bytes ? "false" : "true");
			comma = ",";
		}
	}
	text_add(&plan->json, "],\"ranges\":[");
	for (i = 0; i < c->model->writes.count; i++) {
		const struct staged *w = &c->model->writes.at[i];

		text_add(&plan->json, "%s{\"object\":%" PRIu64 ",\"name\":", i ? "," : "", w->object->id);
		add_string(&plan->json, w->object->name);
		text_add(&plan->json, ",\"device\":");
		add_string(&plan->json, device_path(w->device));
		text_add(&plan->json, ",\"phase\":\"%s\",\"offset\":%" PRIu64 ",\"size\":%" PRIu64 "}",
			 phase_names[w->phase], w->offset, w->size);
	}
	text_add(&plan->json, "]");
}

/* One line a device: how much is written of what, in the order of writing. */
static int add_device_step(struct evms_plan *plan, struct device *d)
{
	static const char *const what[EVMS_PHASE_COUNT] = {
		"new structures", "second copies", "main copies", "last marks", "wiping",
	};
	uint64_t bytes[EVMS_PHASE_COUNT] = { 0 }, sum = 0;
	struct text line = { .at = NULL };
	const char *joint = ": ";
	char size[TEXT_SIZE];
	size_t i;

	for (i = 0; i < device_extent_count(d); i++) {
		struct device_extent e = device_extent(d, i);

		bytes[e.phase] += e.size;
		sum += e.size;
	}
	text_add(&line, "write %s to %s", text_size(sum, size, sizeof(size)), device_path(d));
	for (i = 0; i < EVMS_PHASE_COUNT; i++) {
		if (!bytes[i])
			continue;
		text_add(&line, "%s%s %s", joint, what[i], text_size(bytes[i], size, sizeof(size)));
		joint = ", then ";
	}
	return add_step(plan, &line);
}

static int add_tool_steps(struct change *c, struct evms_plan *plan, bool before)
{
	size_t i;

	for (i = 0; i < c->tools.count; i++) {
		const struct evms_task *t = c->tools.at[i].task;
		struct text line = { .at = NULL };

		if (c->tools.at[i].before != before)
			continue;
		text_add(&line, "%s run the tools of %s on volume %s (%s)", before ? "first" : "then",
			 t->plugin->name, t->inputs.at[0]->name, op_name(t->op));
		if (add_step(plan, &line) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void add_tools(struct change *c, struct evms_plan *plan)
{
	size_t i;

	text_add(&plan->json, ",\"tools\":[");
	for (i = 0; i < c->tools.count; i++) {
		const struct evms_task *t = c->tools.at[i].task;

		text_add(&plan->json, "%s{\"op\":\"%s\",\"plugin\":\"%s\",\"volume\":", i ? "," : "",
			 op_name(t->op), t->plugin->name);
		add_string(&plan->json, t->inputs.at[0]->name);
		text_add(&plan->json, ",\"when\":\"%s\"}", c->tools.at[i].before ? "before" : "after");
	}
	text_add(&plan->json, "]");
}

static int fill(struct change *c, struct evms_plan *plan)
{
	size_t i;
	int r;

	text_add(&plan->json, "{\"schema\":\"evms.plan/1\",");
	r = add_tasks(c, plan);
	add_extents(c, plan);
	add_tools(c, plan);
	if (r == 0)
		r = add_tool_steps(c, plan, true);
	for (i = 0; i < c->devices.count && r == 0; i++)
		if (device_is_staged(c->devices.at[i]))
			r = add_device_step(plan, c->devices.at[i]);
	if (r == 0)
		r = add_tool_steps(c, plan, false);
	text_add(&plan->json, "}");
	return r == 0 && plan->json.failed ? -ENOMEM : r;
}

int change_plan(struct change *c, struct evms_plan **out)
{
	struct evms_plan *plan;
	int r = change_stage(c);

	if (r == 0)
		r = change_verify(c);
	plan = r == 0 ? calloc(1, sizeof(*plan)) : NULL;
	if (plan && fill(c, plan) == 0)
		*out = plan;
	else if (r == 0)
		r = context_fail(c->ctx, ENOMEM, "", "", "memory", "out of memory");
	if (r < 0)
		evms_plan_unref(plan);
	change_unstage(c);
	return r;
}
