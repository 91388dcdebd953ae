import { IsthmusError } from '../../protocol/errors/index.ts'
import type { SessionRow, SessionStore, SessionTarget } from '../sessions/index.ts'
import type { Database, Queryable } from './database.ts'

/** Six missed heartbeats: the replica is gone, and its streams with it. */
const REPLICA_LOST_SECONDS = 30

export function postgresSessions(database: Database): SessionStore {
  async function insert(
    row: SessionRow,
    limit: number,
    state: { state: 'ticket' | 'open'; jti?: string; expiresAtMs?: number; replicaId?: string },
  ): Promise<void> {
    await database.forTenant(row.tenantId, async (tx) => {
      // Inserts of one node one after the other, so that the limit is exact; held until commit, milliseconds.
      await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 1))', [row.nodeId])
      const rows = await tx.query(
        `insert into sessions (id, tenant_id, node_id, credential_id, verb, namespace, pod, container, target,
                               token_expires_at, state, ticket_jti, ticket_expires_at, replica_id, opened_at)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10, $11, $12, $13, $14::uuid,
                case when $11 = 'open' then now() end
          where (select count(*) from sessions
                  where node_id = $3 and (state = 'open' or (state = 'ticket' and ticket_expires_at > now()))) < $15
         on conflict (id) do nothing
         returning id`,
        [
          row.id,
          row.tenantId,
          row.nodeId,
          row.credentialId,
          row.target.verb,
          row.target.namespace,
          row.target.pod,
          row.target.container ?? null,
          JSON.stringify(row.target),
          new Date(row.tokenExpiresAtMs),
          state.state,
          state.jti ?? null,
          state.expiresAtMs === undefined ? null : new Date(state.expiresAtMs),
          state.replicaId ?? null,
          limit,
        ],
      )
      if (rows.length === 0 && !(await exists(tx, row.id))) {
        throw new IsthmusError('too_many_requests', `The node has ${limit} open sessions.`, {
          retryAfterSeconds: 5,
        })
      }
    })
  }

  return {
    insertTicket: (row, { jti, expiresAtMs }, limit) =>
      insert(row, limit, { state: 'ticket', jti, expiresAtMs }),
    insertOpen: (row, replicaId, limit) => insert(row, limit, { state: 'open', replicaId }),

    async redeem(id, jti, replicaId) {
      // The row's lock decides: the second caller finds state <> 'ticket' when it is its turn.
      const [row] = await database.query<RedeemedRow>(
        `update sessions
            set state = 'open', replica_id = $3, opened_at = now()
          where id = $1 and ticket_jti = $2 and state = 'ticket' and ticket_expires_at > now() and killed_at is null
          returning id, tenant_id, node_id, credential_id, target, token_expires_at`,
        [id, jti, replicaId],
      )
      return (
        row && {
          id: row.id,
          tenantId: row.tenant_id,
          nodeId: row.node_id,
          credentialId: row.credential_id,
          target: row.target,
          tokenExpiresAtMs: row.token_expires_at.getTime(),
        }
      )
    },

    async addBytes(counts) {
      await database.query(
        `update sessions s
            set bytes_in = s.bytes_in + c.bytes_in, bytes_out = s.bytes_out + c.bytes_out
           from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as c (id, bytes_in, bytes_out)
          where s.id = c.id`,
        [counts.map((c) => c.id), counts.map((c) => c.bytesIn), counts.map((c) => c.bytesOut)],
      )
    },

    async end(id, outcome) {
      await database.query(
        `update sessions set state = 'ended', outcome = $2, ended_at = now() where id = $1 and state <> 'ended'`,
        [id, outcome],
      )
    },

    async heartbeat(replicaId) {
      const [before] = await database.query<{ recent: boolean }>(
        `with before as (select heartbeat_at from replicas where id = $1),
              beat as (insert into replicas (id) values ($1) on conflict (id) do update set heartbeat_at = now())
         select heartbeat_at > now() - make_interval(secs => $2) as recent from before`,
        [replicaId, REPLICA_LOST_SECONDS / 2],
      )
      // After an outage of Postgres everybody's heartbeat is old: they get one round before anyone judges.
      if (!before?.recent) return
      await database.query(
        `update sessions set state = 'ended', outcome = 'replica-lost', ended_at = now()
          where state = 'open' and replica_id not in
                (select id from replicas where heartbeat_at > now() - make_interval(secs => $1))`,
        [REPLICA_LOST_SECONDS],
      )
    },
  }
}

interface RedeemedRow {
  id: string
  tenant_id: string
  node_id: string
  credential_id: string
  target: SessionTarget
  token_expires_at: Date
}

async function exists(tx: Queryable, id: string): Promise<boolean> {
  return (await tx.query('select 1 from sessions where id = $1', [id])).length > 0
}
