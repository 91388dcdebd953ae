import { isUuid } from '../../lib/uuid.ts'
import type { AuditItem, SessionInfo } from '../../protocol/schemas/operator.ts'
import type { ActivityStore } from '../usage/index.ts'
import type { Database } from './database.ts'
import { fetchSize, toPage, within } from './listing.ts'

interface SessionRow {
  cursor: string
  id: string
  tenant: string
  node: string
  credential_id: string
  verb: string
  namespace: string
  pod: string
  container: string | null
  state: 'ticket' | 'open' | 'ended'
  bytes_in: string
  bytes_out: string
  outcome: string | null
  created_at: Date
  opened_at: Date | null
  ended_at: Date | null
}

const SESSIONS = `
  select s.created_at::text || ' ' || s.id as cursor, s.id, t.name as tenant, n.name as node, s.credential_id, s.verb,
         s.namespace, s.pod, s.container, s.state, s.bytes_in, s.bytes_out, s.outcome, s.created_at, s.opened_at,
         s.ended_at
    from sessions s join tenants t on t.id = s.tenant_id join nodes n on n.id = s.node_id`

const toSession = (row: SessionRow): SessionInfo => ({
  id: row.id,
  tenant: row.tenant,
  node: row.node,
  credentialId: row.credential_id,
  verb: row.verb,
  namespace: row.namespace,
  pod: row.pod,
  container: row.container ?? undefined,
  state: row.state,
  bytesIn: Number(row.bytes_in),
  bytesOut: Number(row.bytes_out),
  outcome: row.outcome ?? undefined,
  createdAt: row.created_at.toISOString(),
  openedAt: row.opened_at?.toISOString(),
  endedAt: row.ended_at?.toISOString(),
})

interface AuditRow {
  cursor: string
  at: Date
  request_id: string
  actor: string
  tenant: string | null
  node: string | null
  verb: string
  resource: string
  namespace: string | null
  name: string | null
  outcome: string
}

const toAudit = (row: AuditRow): AuditItem => ({
  id: row.cursor,
  at: row.at.toISOString(),
  requestId: row.request_id,
  actor: row.actor,
  tenant: row.tenant ?? undefined,
  node: row.node ?? undefined,
  verb: row.verb,
  resource: row.resource,
  namespace: row.namespace ?? undefined,
  name: row.name ?? undefined,
  outcome: row.outcome,
})

export function postgresActivity(database: Database): ActivityStore {
  return {
    async sessions(page, filter) {
      const rows = await within(database, filter.scope).query<SessionRow>(
        `${SESSIONS}
          where ($1::text is null or s.created_at::text || ' ' || s.id > $1)
            and ($2::uuid is null or s.tenant_id = $2) and ($3::uuid is null or s.node_id = $3)
            and ($6::uuid is null or s.tenant_id = $6)
            and ($4 or s.state = 'open' or (s.state = 'ticket' and s.ticket_expires_at > now()))
          order by s.created_at::text || ' ' || s.id limit $5`,
        [
          page.after ?? null,
          filter.tenantId ?? null,
          filter.nodeId ?? null,
          filter.ended,
          fetchSize(page),
          filter.scope ?? null,
        ],
      )
      return toPage(rows, page, toSession)
    },

    async session(id, scope) {
      if (!isUuid(id)) return undefined
      const rows = await within(database, scope).query<SessionRow>(
        `${SESSIONS} where s.id = $1 and ($2::uuid is null or s.tenant_id = $2)`,
        [id, scope ?? null],
      )
      return rows.map(toSession)[0]
    },

    async killSession(id, scope) {
      if (!isUuid(id)) return false
      const rows = await within(database, scope).query(
        `update sessions
            set killed_at = coalesce(killed_at, now()),
                state = case when state = 'ticket' then 'ended' else state end,
                outcome = case when state = 'ticket' then 'killed' else outcome end,
                ended_at = case when state = 'ticket' then now() else ended_at end
          where id = $1 and ($2::uuid is null or tenant_id = $2) returning id`,
        [id, scope ?? null],
      )
      return rows.length > 0
    },

    async audit(page, filter) {
      const rows = await within(database, filter.scope).query<AuditRow>(
        `select a.id::text as cursor, a.at, a.request_id, a.actor, t.name as tenant, n.name as node, a.verb, a.resource,
                a.namespace, a.name, a.outcome
           from audit a left join tenants t on t.id = a.tenant_id left join nodes n on n.id = a.node_id
          where ($1::text is null or a.id < $1::bigint) and ($2::uuid is null or a.tenant_id = $2)
            and ($4::uuid is null or a.tenant_id = $4)
          order by a.id desc limit $3`,
        [
          page.after !== undefined && /^\d{1,18}$/.test(page.after) ? page.after : null,
          filter.tenantId ?? null,
          fetchSize(page),
          filter.scope ?? null,
        ],
      )
      return toPage(rows, page, toAudit)
    },
  }
}
