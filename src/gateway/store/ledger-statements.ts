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

/** Reservation $1 holds the object with UID $2 and amounts $3 now: all of it is used, nothing reserved. Unknown: nothing happens. */
export const COMMIT = `
  with before as (
    select id, tenant_id, node_id, state, amounts from reservations where id = $1 for update),
  after as (
    update reservations r
       set state = 'committed', uid = $2, amounts = $3::jsonb,
           expires_at = case when b.state = 'reserved' then now() else r.expires_at end
      from before b where r.id = b.id),
  delta as (
    select resource, sum(used) as used, sum(reserved) as reserved
      from (select key as resource, value::numeric as used, 0::numeric as reserved from jsonb_each_text($3::jsonb)
            union all
            select a.key, case when b.state = 'committed' then -a.value::numeric else 0 end,
                   case when b.state = 'reserved' then -a.value::numeric else 0 end
              from before b cross join lateral jsonb_each_text(b.amounts) a) as parts
     group by resource),
  locked as materialized (
    select l.owner_kind, l.owner_id, l.resource, d.used, d.reserved
      from before b
      join ledger l on (l.owner_kind = 'tenant' and l.owner_id = b.tenant_id)
                    or (l.owner_kind = 'node' and l.owner_id = b.node_id)
      join delta d on d.resource = l.resource
     order by l.owner_kind, l.owner_id, l.resource
       for update of l)
  update ledger l
     set used = greatest(l.used + k.used, 0), reserved = greatest(l.reserved + k.reserved, 0)
    from locked k
   where ${LEDGER_KEY}`

/** Reservation $1 and all that it held is gone. Whoever comes second finds no row to delete. */
export const RELEASE = `
  with gone as (
    delete from reservations where id = $1 returning tenant_id, node_id, state, amounts),
  locked as materialized (
    select l.owner_kind, l.owner_id, l.resource, g.state, a.value::numeric as amount
      from gone g
     cross join lateral jsonb_each_text(g.amounts) a
      join ledger l on l.resource = a.key and
           ((l.owner_kind = 'tenant' and l.owner_id = g.tenant_id) or (l.owner_kind = 'node' and l.owner_id = g.node_id))
     order by l.owner_kind, l.owner_id, l.resource
       for update of l)
  update ledger l
     set used = case when k.state = 'committed' then greatest(l.used - k.amount, 0) else l.used end,
         reserved = case when k.state = 'reserved' then greatest(l.reserved - k.amount, 0) else l.reserved end
    from locked k
   where ${LEDGER_KEY}`
