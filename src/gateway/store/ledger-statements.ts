/**
 * The ledger's statements on several rows. Each locks the ledger's rows in one CTE, in the order of the primary key
 * (so that no two deadlock), and changes them from there: a row that somebody else changed between the statement's
 * snapshot and the lock is read again with its latest values (READ COMMITTED), in the CTE and in the update alike.
 */

const LEDGER_KEY = 'l.owner_kind = k.owner_kind and l.owner_id = k.owner_id and l.resource = k.resource'

/** Rows of the tenant $1 and the node $2. */
const OWN = `((l.owner_kind = 'tenant' and l.owner_id = $1) or (l.owner_kind = 'node' and l.owner_id = $2))`

/**
 * The only place that compares with hard. Takes the amounts ($3 resources, $4 amounts) from tenant $1 and node $2, all
 * or nothing: every resource has a row of the tenant, those of $5 one of the node, and all of them have room.
 * $6: into used, else into reserved. Returns no row when it does not fit.
 */
export const TAKE = `
  with locked as materialized (
    select l.owner_kind, l.owner_id, l.resource, l.hard, l.unlimited, l.used, l.reserved, w.amount
      from ledger l join unnest($3::text[], $4::numeric[]) as w (resource, amount) on w.resource = l.resource
     where ${OWN}
     order by l.owner_kind, l.owner_id, l.resource
       for update of l),
  verdict as (
    select count(*) filter (where owner_kind = 'tenant') = cardinality($3::text[])
           and count(*) filter (where owner_kind = 'node' and resource = any($5::text[])) = cardinality($5::text[])
           and bool_and(unlimited or coalesce(used + reserved + amount <= hard, false)) as fits
      from locked)
  update ledger l
     set used = l.used + case when $6 then k.amount else 0 end,
         reserved = l.reserved + case when $6 then 0 else k.amount end
    from locked k, verdict v
   where v.fits and ${LEDGER_KEY}
  returning l.resource`

/** Sums what `delta (tenant_id, node_id, resource, used, reserved)` says by owner, and locks the owners' rows. */
const OWED = `
  owed as (
    select 'tenant' as owner_kind, tenant_id as owner_id, resource, sum(used) as used, sum(reserved) as reserved
      from delta group by tenant_id, resource
    union all
    select 'node', node_id, resource, sum(used), sum(reserved) from delta group by node_id, resource),
  locked as materialized (
    select l.owner_kind, l.owner_id, l.resource, k.used, k.reserved
      from owed k join ledger l on ${LEDGER_KEY}
     order by l.owner_kind, l.owner_id, l.resource
       for update of l)`

/**
 * Each reservation of $1 holds the object with the UID in $2 and the amounts in $3 now: all of it is used, nothing
 * reserved. Unknown ones: nothing happens. Each id stands there once.
 */
export const COMMIT = `
  with given as (
    select * from unnest($1::uuid[], $2::text[], $3::jsonb[]) as g (id, uid, amounts)),
  before as materialized (
    select id, tenant_id, node_id, state, amounts from reservations where id = any($1::uuid[]) order by id for update),
  after as (
    update reservations r
       set state = 'committed', uid = g.uid, amounts = g.amounts,
           expires_at = case when b.state = 'reserved' then now() else r.expires_at end
      from before b join given g on g.id = b.id where r.id = b.id),
  delta as (
    select b.tenant_id, b.node_id, a.key as resource, a.value::numeric as used, 0::numeric as reserved
      from before b join given g on g.id = b.id cross join lateral jsonb_each_text(g.amounts) a
    union all
    select b.tenant_id, b.node_id, a.key, case when b.state = 'committed' then -a.value::numeric else 0 end,
           case when b.state = 'reserved' then -a.value::numeric else 0 end
      from before b cross join lateral jsonb_each_text(b.amounts) a),
  ${OWED}
  update ledger l
     set used = greatest(l.used + k.used, 0), reserved = greatest(l.reserved + k.reserved, 0)
    from locked k
   where ${LEDGER_KEY}`

/** The reservations of $1 and all that they held are gone. Whoever comes second finds no row to delete. */
export const RELEASE = `
  with before as materialized (
    select id from reservations where id = any($1::uuid[]) order by id for update),
  gone as (
    delete from reservations r using before b where r.id = b.id
    returning r.tenant_id, r.node_id, r.state, r.amounts),
  delta as (
    select g.tenant_id, g.node_id, a.key as resource,
           case when g.state = 'committed' then -a.value::numeric else 0 end as used,
           case when g.state = 'reserved' then -a.value::numeric else 0 end as reserved
      from gone g cross join lateral jsonb_each_text(g.amounts) a),
  ${OWED}
  update ledger l
     set used = greatest(l.used + k.used, 0), reserved = greatest(l.reserved + k.reserved, 0)
    from locked k
   where ${LEDGER_KEY}`
