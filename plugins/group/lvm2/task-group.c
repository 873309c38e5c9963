/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tasks on groups: create, add and take off members, rename, remove, repair. */
#include <inttypes.h>
#include <stdlib.h>
#include "lvm2.h"

#define MIB	(UINT64_C(1) << 20)

/* The group a task works on, when it may be changed. */
struct vg *task_vg(struct evms_task *task, struct evms_object *o, int *error)
{
	struct evms_object *group = o;
	struct vg *vg;

	if (o && evms_get_kind(o) == EVMS_KIND_REGION)
		group = evms_get_parent(o);
	if (!group || evms_get_kind(group) != EVMS_KIND_GROUP || !evms_is_mine(group)) {
		*error = evms_task_fail(task, EINVAL, "lvm2.input", "the input is neither an LVM2 group nor "
					"a volume of one");
		return NULL;
	}
	vg = evms_get_private(group);
	if (!vg)
		*error = -EINVAL;
	else if (vg->frozen)
		*error = evms_task_fail(task, EROFS, vg->frozen_reason, "group %s cannot be changed: %s",
					vg->name, vg->frozen);
	else
		return vg;
	return NULL;
}

int lvm2_acceptable(struct evms_task *task, struct evms_object *in)
{
	const uint32_t kinds = EVMS_KIND_DISK | EVMS_KIND_PARTITION | EVMS_KIND_REGION |
			       EVMS_KIND_FEATURE;
	struct evms_object *first = evms_task_get_input(task, 0);
	struct evms_object *user = evms_get_consumer(in);
	uint32_t op = evms_task_get_op(task);

	if (evms_get_kind(in) == EVMS_KIND_GROUP) {
		if (first && first != in)
			return evms_task_fail(task, EINVAL, "lvm2.input", "only the first input can be a "
					      "group");
		return evms_is_mine(in) ? 0 : evms_task_fail(task, EINVAL, "lvm2.input", "%s is not an "
							     "LVM2 group", evms_get_name(in));
	}
	if (!(evms_get_kind(in) & kinds))
		return evms_task_fail(task, EINVAL, "lvm2.input", "%s cannot be a member of a group",
				      evms_get_name(in));
	if (op == EVMS_OP_SHRINK && first && first != in && user == first)
		return 0;		/* a member that is to be taken off */
	if (op != EVMS_OP_CREATE && op != EVMS_OP_EXPAND && evms_is_mine(in))
		return 0;		/* a volume that is worked on */
	if (op != EVMS_OP_CREATE && (!first || first == in) && evms_is_mine(in))
		return 0;
	if (user)
		return evms_task_fail(task, EBUSY, "lvm2.used", "%s is used by %s", evms_get_name(in),
				      evms_get_name(user));
	if (evms_get_kind(in) == EVMS_KIND_REGION && evms_is_mine(in))
		return evms_task_fail(task, EINVAL, "lvm2.stack", "%s is an LVM2 volume itself, which LVM2 "
				      "does not look into", evms_get_name(in));
	if (evms_get_state(in) & (EVMS_STATE_READ_ONLY | EVMS_STATE_INCOMPLETE | EVMS_STATE_UNSUPPORTED |
				  EVMS_STATE_INTERNAL))
		return evms_task_fail(task, EROFS, "lvm2.read-only", "%s cannot be written",
				      evms_get_name(in));
	if (evms_get_size(in) < 2 * MIB)
		return evms_task_fail(task, ENOSPC, "lvm2.small", "%s has less than 2 MiB",
				      evms_get_name(in));
	return 0;
}

static uint64_t round_up(uint64_t v, uint64_t step)
{
	return (v + step - 1) / step * step;
}

/* Where label, areas and data of a new physical volume lie. */
static int lay_out(struct evms_task *task, const struct vg *vg, struct evms_object *o, struct pv *pv)
{
	uint64_t align = evms_task_get_u64(task, "data-alignment"), size = evms_get_size(o) & ~511ull;
	uint64_t copies = evms_task_get_u64(task, "metadata-copies");
	uint64_t area = evms_task_get_u64(task, "metadata-size"), begin, end = size, count;

	if (align < LABEL_SPACE)
		align = MIB;
	if (align % LABEL_SPACE)
		return evms_task_fail(task, EINVAL, "lvm2.alignment", "data-alignment is a multiple of "
				      "4 KiB");
	if (area < MDA_MIN)
		area = MDA_MIN;
	area = round_up(area, LABEL_SPACE);
	if (area > size / 2)
		return evms_task_fail(task, ENOSPC, "lvm2.small", "%s has no room for %" PRIu64 " bytes of "
				      "metadata", evms_get_name(o), area);
	begin = round_up(LABEL_SPACE + area, align);
	pv->label.areas[0] = (struct pair) { LABEL_SPACE, begin - LABEL_SPACE };
	pv->label.area_count = 1;
	if (copies == 2 && size > begin) {
		/* As large as the first one, and aligned: LVM2 does the same. */
		uint64_t second = begin - LABEL_SPACE < size ? (size - (begin - LABEL_SPACE)) & ~(MIB - 1) :
				  0;

		if (second > begin) {
			pv->label.areas[1] = (struct pair) { second, size - second };
			pv->label.area_count = 2;
		}
		end = second;
	}
	count = end > begin ? (end - begin) / vg_extent(vg) : 0;
	if (!count)
		return evms_task_fail(task, ENOSPC, "lvm2.small", "%s is too small: its metadata and one "
				      "extent need %" PRIu64 " bytes, and it has %" PRIu64,
				      evms_get_name(o), begin + vg_extent(vg) + size - end, size);
	pv->pe_count = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
	pv->pe_start = begin / SECTOR;
	pv->dev_size = size / SECTOR;
	pv->label.sector = 1;
	pv->label.device_size = evms_get_size(o);
	pv->label.flags = LABEL_USED;
	pv->label.data = (struct pair) { begin, 0 };
	return 0;
}

static int name_pv(struct vg *vg, struct pv *pv, struct evms_object *o)
{
	const char *path = evms_get_path(o), *id;
	struct buf b = { NULL, 0, 0, false };
	int r;

	do {
		b.len = 0;
		buf_str(&b, "pv");
		buf_u64(&b, vg->next_pv++);
	} while (!b.failed && names_find(&vg->pv_names, b.data, b.len));
	pv->name.s = b.failed ? NULL : arena_copy(&vg->arena, b.data, b.len);
	pv->name.len = (uint32_t)b.len;
	buf_free(&b);
	r = uuid_new(&vg->random, pv->label.uuid);
	if (r < 0)
		return r;
	id = arena_copy(&vg->arena, pv->label.uuid, UUID_TEXT);
	if (!*path)
		path = evms_get_name(o);
	pv->hint_len = (uint32_t)strlen(path);
	pv->hint = arena_copy(&vg->arena, path, pv->hint_len);
	pv->id.s = id;
	pv->id.len = UUID_TEXT;
	return pv->name.s && pv->hint && id ? 0 : -ENOMEM;
}

/* A new physical volume, not yet in the group. It lives in the group's arena. */
int group_make_pv(struct evms_task *task, struct vg *vg, struct evms_object *o, struct pv **out)
{
	struct pv *pv = arena_alloc(&vg->arena, sizeof(*pv));
	uint32_t i;
	int r;

	if (!pv)
		return -ENOMEM;
	memset(pv, 0, sizeof(*pv));
	r = lvm2_acceptable(task, o);
	if (r == 0)
		r = lay_out(task, vg, o, pv);
	if (r == 0)
		r = name_pv(vg, pv, o);
	if (r == 0)
		r = print_pv(vg, pv);
	if (r < 0)
		return r;
	pv->mdas = calloc(pv->label.area_count, sizeof(*pv->mdas));
	if (!pv->mdas)
		return -ENOMEM;
	pv->mda_count = pv->label.area_count;
	for (i = 0; i < pv->mda_count; i++)
		pv->mdas[i] = (struct mda) { .offset = pv->label.areas[i].offset,
					     .size = pv->label.areas[i].size };
	pv->object = o;
	pv->fresh = true;
	pv->allocatable = true;
	r = free_put(&pv->free, 0, pv->pe_count);
	if (r < 0) {
		free(pv->mdas);
		return r;
	}
	*out = pv;
	return 0;
}

static void drop_pv(struct pv *pv)
{
	free(pv->mdas);
	free_clear(&pv->free);
	pv->mdas = NULL;
}

/* New members for inputs from number first on, all or none. */
static int add_pvs(struct evms_task *task, struct vg *vg, uint32_t first)
{
	uint32_t count = evms_task_get_input_count(task), i, k;
	const size_t before = vg->pv_count;
	uint64_t extents = 0;
	struct pv *pv;
	int r = 0;

	for (i = first; i < count && r == 0; i++) {
		struct evms_object *o = evms_task_get_input(task, i);

		for (k = first; k < i && r == 0; k++)
			if (evms_task_get_input(task, k) == o)
				r = evms_task_fail(task, EINVAL, "lvm2.input", "%s is given twice",
						   evms_get_name(o));
		if (r == 0)
			r = group_make_pv(task, vg, o, &pv);
		if (r == 0) {
			r = vg_add_pv(vg, pv);
			if (r < 0)
				drop_pv(pv);
		}
	}
	for (i = 0; i < vg->pv_count; i++)
		extents += vg->pvs[i]->pe_count;
	if (r == 0 && extents > UINT32_MAX)
		r = evms_task_fail(task, ERANGE, "lvm2.extents", "the group would have more than 2^32 extents: "
				   "choose a larger extent-size");
	if (r == 0 && vg->max_pv && vg->pv_count > vg->max_pv)
		r = evms_task_fail(task, ENOSPC, "lvm2.max-pv", "the group is limited to %" PRIu32
				   " members", vg->max_pv);
	while (r < 0 && vg->pv_count > before) {
		pv = vg->pvs[--vg->pv_count];
		names_remove(&vg->pv_names, &pv->name);
		names_remove(&vg->pv_ids, &pv->id);
		drop_pv(pv);
	}
	vg_place(vg);
	return r;
}

static int add_text(struct vg *vg, struct buf *b, uint32_t what)
{
	struct vg_item it = { NULL, 0, what };

	if (b && !b->failed) {
		it.text = arena_copy(&vg->arena, b->data, b->len);
		it.len = (uint32_t)b->len;
	}
	if (b && !it.text)
		return -ENOMEM;
	if (!grow(&vg->items, vg->item_count, &vg->item_capacity, sizeof(*vg->items)))
		return -ENOMEM;
	vg->items[vg->item_count++] = it;
	return 0;
}

static int new_items(struct vg *vg)
{
	struct buf b = { NULL, 0, 0, false };
	int r;

	buf_str(&b, "id = ");
	buf_quoted(&b, vg->id, UUID_TEXT);
	r = add_text(vg, &b, VG_RAW);
	if (r == 0)
		r = add_text(vg, NULL, VG_SEQNO);
	b.len = 0;
	buf_str(&b, "format = \"lvm2\"\nstatus = [\"RESIZEABLE\", \"READ\", \"WRITE\"]\nflags = []\n");
	buf_key_u64(&b, "extent_size", vg->extent_size);
	buf_str(&b, "max_lv = 0\nmax_pv = 0\nmetadata_copies = 0");
	if (r == 0)
		r = add_text(vg, &b, VG_RAW);
	if (r == 0)
		r = add_text(vg, NULL, VG_PVS);
	if (r == 0)
		r = add_text(vg, NULL, VG_LVS);
	buf_free(&b);
	return r;
}

static int new_group(struct evms_task *task, struct vg *vg)
{
	const char *name = evms_task_get_str(task, "name");
	uint64_t extent = evms_task_get_u64(task, "extent-size");
	int r;

	if (!name || !name_valid(name, strlen(name)))
		return evms_task_fail(task, EINVAL, "lvm2.name", "a group needs a name of at most 127 letters, "
				      "digits and . _ + -, which does not begin with a hyphen");
	if (extent < 1024 || (extent & (extent - 1) && extent % 131072) ||
	    extent / SECTOR > UINT32_MAX)
		return evms_task_fail(task, EINVAL, "lvm2.extent-size", "the extent size is a power of two of "
				      "at least 1 KiB, or a multiple of 128 KiB");
	vg->extent_size = (uint32_t)(extent / SECTOR);
	vg->resizeable = true;
	vg->name = arena_copy(&vg->arena, name, strlen(name));
	if (!vg->name)
		return -ENOMEM;
	r = task_uuid(task, vg, vg->id);
	vg_stamp(vg);
	if (r == 0)
		r = new_items(vg);
	return r < 0 ? r : add_pvs(task, vg, 0);
}

/* The option "uuid", or a random one that stays the task's should it be run again. */
int task_uuid(struct evms_task *task, struct vg *vg, char *text)
{
	const char *given = evms_task_get_str(task, "uuid");
	int r;

	if (!given) {
		r = uuid_new(&vg->random, text);
		return r < 0 ? r : evms_task_set_str(task, "uuid", text);
	}
	if (!uuid_valid(given, strlen(given)))
		return evms_task_fail(task, EINVAL, "lvm2.uuid", "%s is no uuid of LVM2's form", given);
	memcpy(text, given, UUID_TEXT + 1);
	return 0;
}

static int group_create(struct evms_task *task)
{
	struct vg *vg = calloc(1, sizeof(*vg));
	size_t i;
	int r;

	if (!vg)
		return -ENOMEM;
	r = new_group(task, vg);
	if (r == 0)
		r = evms_produce(vg->pvs[0]->object, vg->name, vg_size(vg), &vg->object);
	if (r == 0 && strcmp(evms_get_name(vg->object), vg->name))
		r = evms_task_fail(task, EEXIST, "lvm2.exists", "there is a group named %s already",
				   vg->name);
	if (r == 0)
		r = evms_set_private(vg->object, vg);
	if (r < 0) {
		vg_free(vg);
		return r;
	}
	for (i = 1; i < vg->pv_count && r == 0; i++)
		r = evms_consume(vg->object, vg->pvs[i]->object);
	if (r == 0)
		r = group_describe(vg);
	return r < 0 ? r : vg_touch(vg);
}

int lvm2_create(struct evms_task *task)
{
	struct evms_object *first = evms_task_get_input(task, 0);
	struct vg *vg;
	int r = -EINVAL;

	if (!first)
		return evms_task_fail(task, EINVAL, "lvm2.input", "give the objects that become a group, or the "
				      "group that a volume is to be made in");
	if (evms_get_kind(first) != EVMS_KIND_GROUP)
		return group_create(task);
	if (evms_task_get_input_count(task) > 1)
		return evms_task_fail(task, EINVAL, "lvm2.input", "a volume is made in one group");
	vg = task_vg(task, first, &r);
	return vg ? region_create(task, vg) : r;
}

static int group_expand(struct evms_task *task, struct evms_object *o)
{
	struct vg *vg;
	size_t before;
	int r = -EINVAL;

	vg = task_vg(task, o, &r);
	if (!vg)
		return r;
	if (evms_task_get_input_count(task) < 2)
		return evms_task_fail(task, EINVAL, "lvm2.input", "name the objects that the group is to be "
				      "expanded by");
	if (!vg->resizeable)
		return evms_task_fail(task, EROFS, "lvm2.resizeable", "the group is not resizeable (vgchange -x "
				      "y allows it)");
	before = vg->pv_count;
	r = add_pvs(task, vg, 1);
	if (r == 0)
		r = evms_set_size(o, vg_size(vg));
	for (; before < vg->pv_count && r == 0; before++)
		r = evms_consume(o, vg->pvs[before]->object);
	return r < 0 ? r : vg_touch(vg);
}

int lvm2_expand(struct evms_task *task)
{
	struct evms_object *o = evms_task_get_input(task, 0);

	if (o && evms_get_kind(o) == EVMS_KIND_REGION)
		return region_resize(task, o, true);
	return group_expand(task, o);
}

/* Take the marks of a physical volume off its device. */
static int wipe_pv(const struct pv *pv)
{
	uint8_t sectors[LABEL_SECTORS * SECTOR];
	uint32_t i;
	int r;

	if (pv->fresh)
		return 0;		/* nothing was written yet */
	r = evms_read(pv->object, sectors, sizeof(sectors), 0);
	for (i = 0; i < LABEL_SECTORS && r == 0; i++)
		if (!memcmp(sectors + (size_t)i * SECTOR, "LABELONE", 8))
			r = evms_zero(pv->object, (uint64_t)i * SECTOR, SECTOR, EVMS_PHASE_WIPE);
	for (i = 0; i < pv->mda_count && r == 0; i++)
		if (!pv->mdas[i].unusable)
			r = evms_zero(pv->object, pv->mdas[i].offset, MDA_HEADER, EVMS_PHASE_WIPE);
	return r;
}

static struct pv *pv_of(const struct vg *vg, const struct evms_object *o)
{
	size_t i;

	for (i = 0; i < vg->pv_count; i++)
		if (vg->pvs[i]->object == o)
			return vg->pvs[i];
	return NULL;
}

/* Mark (picked) the members that the task takes off, and see that the group can do without them. */
static int pick_leaving(struct evms_task *task, const struct vg *vg)
{
	uint32_t count = evms_task_get_input_count(task), i, k, areas = 0, stay = 0;

	for (i = 0; i < vg->pv_count; i++)
		vg->pvs[i]->picked = false;
	for (i = 1; i < count; i++) {
		struct evms_object *o = evms_task_get_input(task, i);
		struct pv *pv = pv_of(vg, o);

		if (!pv)
			return evms_task_fail(task, EINVAL, "lvm2.input", "%s is not a member of group %s",
					      evms_get_name(o), vg->name);
		if (pv->free.total != pv->pe_count)
			return evms_task_fail(task, EBUSY, "lvm2.in-use", "%" PRIu64 " extents of %s are in use: "
					      "remove or shrink the volumes on it first",
					      pv->pe_count - pv->free.total, evms_get_name(o));
		pv->picked = true;
	}
	for (i = 0; i < vg->pv_count; i++) {
		const struct pv *pv = vg->pvs[i];

		stay += !pv->picked;
		for (k = 0; k < pv->mda_count && !pv->picked; k++)
			areas += !pv->mdas[k].unusable && !pv->mdas[k].ignored;
	}
	if (count < 2 || !stay)
		return evms_task_fail(task, EINVAL, "lvm2.input", "name the members to take off; one stays, or "
				      "delete the group");
	if (!areas)
		return evms_task_fail(task, EBUSY, "lvm2.area", "no member that stays has a metadata area in "
				      "use (pvchange --metadataignore n turns one on)");
	return 0;
}

static int for_all_lvs(struct vg *vg, int (*fn)(struct vg *vg, struct lv *lv))
{
	struct lv *lv;
	int r = 0;

	for (lv = vg->first; lv && r == 0; lv = lv->next)
		if (lv->object && !lv->damage)
			r = fn(vg, lv);
	return r;
}

static int group_shrink(struct evms_task *task, struct evms_object *o)
{
	struct vg *vg;
	size_t i, kept = 0;
	int r = -EINVAL;

	vg = task_vg(task, o, &r);
	if (!vg)
		return r;
	if (!vg->resizeable)
		return evms_task_fail(task, EROFS, "lvm2.resizeable", "the group is not resizeable (vgchange -x "
				      "y allows it)");
	r = pick_leaving(task, vg);
	for (i = 0; i < vg->pv_count && r == 0; i++)
		if (vg->pvs[i]->picked)
			r = wipe_pv(vg->pvs[i]);
	if (r == 0)
		r = for_all_lvs(vg, region_release);	/* what comes behind moves up */
	if (r < 0)
		return r;
	for (i = 0; i < vg->pv_count; i++) {
		struct pv *pv = vg->pvs[i];

		if (!pv->picked) {
			vg->pvs[kept++] = pv;
			continue;
		}
		names_remove(&vg->pv_names, &pv->name);
		names_remove(&vg->pv_ids, &pv->id);
		r = evms_give_up(o, pv->object);
		drop_pv(pv);
		if (r < 0)
			return r;
	}
	vg->pv_count = kept;
	vg_place(vg);
	r = evms_set_size(o, vg_size(vg));
	if (r == 0)
		r = for_all_lvs(vg, region_allocate);
	return r < 0 ? r : vg_touch(vg);
}

int lvm2_shrink(struct evms_task *task)
{
	struct evms_object *o = evms_task_get_input(task, 0);

	if (o && evms_get_kind(o) == EVMS_KIND_REGION)
		return region_resize(task, o, false);
	return group_shrink(task, o);
}

int lvm2_remove(struct evms_task *task)
{
	struct evms_object *o = evms_task_get_input(task, 0);
	struct vg *vg;
	size_t i;
	int r = -EINVAL;

	if (o && evms_get_kind(o) == EVMS_KIND_REGION)
		return region_remove(task, o);
	vg = task_vg(task, o, &r);
	if (!vg)
		return r;
	if (vg->lv_count)
		return evms_task_fail(task, EBUSY, "lvm2.in-use", "group %s still has %zu volumes: delete them "
				      "first", vg->name, vg->lv_count);
	r = 0;
	for (i = 0; i < vg->pv_count && r == 0; i++)
		r = wipe_pv(vg->pvs[i]);
	return r < 0 ? r : evms_remove(o);
}

/* What was cut from the group is named after it. */
static int rename_part(struct evms_object *o, size_t prefix)
{
	char name[300];
	const char *has = evms_get_name(o);

	if (strlen(has) <= prefix + 1 || strlen(has) - prefix - 1 >= sizeof(name))
		return 0;
	memcpy(name, has + prefix + 1, strlen(has) - prefix);
	return evms_set_name(o, name);
}

static int rename_parts(const struct vg *vg, size_t prefix)
{
	uint32_t count = evms_get_space_count(vg->object), i;
	struct evms_space space;
	struct lv *lv;
	int r = 0;

	for (lv = vg->first; lv && r == 0; lv = lv->next)
		if (lv->object)
			r = rename_part(lv->object, prefix);
	for (i = 0; i < count && r == 0; i++)
		if (evms_get_space(vg->object, i, &space) == 0 && space.object &&
		    space.kind & (EVMS_KIND_FREE | EVMS_KIND_METADATA))
			r = rename_part(space.object, prefix);
	return r;
}

int lvm2_rename(struct evms_task *task)
{
	struct evms_object *o = evms_task_get_input(task, 0);
	const char *name = evms_task_get_str(task, "name");
	struct vg *vg;
	char *copy;
	int r = -EINVAL;

	if (o && evms_get_kind(o) == EVMS_KIND_REGION)
		return region_rename(task, o);
	vg = task_vg(task, o, &r);
	if (!vg)
		return r;
	if (!name || !name_valid(name, strlen(name)))
		return evms_task_fail(task, EINVAL, "lvm2.name", "a group's name has at most 127 letters, digits "
				      "and . _ + -, and does not begin with a hyphen");
	copy = arena_copy(&vg->arena, name, strlen(name));
	if (!copy)
		return -ENOMEM;
	r = evms_set_name(o, name);
	if (r == 0 && strcmp(evms_get_name(o), name)) {
		evms_set_name(o, vg->name);
		return evms_task_fail(task, EEXIST, "lvm2.exists", "there is a group named %s already",
				      name);
	}
	if (r == 0)
		r = evms_set_label(o, name);
	if (r == 0)
		r = rename_parts(vg, strlen(vg->name));
	if (r < 0)
		return r;
	vg->name = copy;
	return vg_touch(vg);
}

/* Bring stale and damaged metadata areas up to date: the ordinary commit does that. */
int lvm2_repair(struct evms_task *task)
{
	struct evms_object *o = evms_task_get_input(task, 0);
	struct vg *vg;
	int r = -EINVAL;

	vg = task_vg(task, o, &r);
	return vg ? vg_touch(vg) : r;
}

int lvm2_get_limits(struct evms_object *o, struct evms_limits *out)
{
	if (evms_get_kind(o) == EVMS_KIND_REGION)
		return region_limits(o, out);
	out->min_size = out->max_size = evms_get_size(o);	/* members decide */
	out->step = 1;
	return 0;
}
