import { IsthmusError } from '../../protocol/errors/index.ts'
import { WRITER_LEASE_SECONDS, type WriterLeaseState, type WriterLeases } from '../nodes/index.ts'
import type { Database } from './database.ts'

interface Row {
  holder: string
  epoch: string
  expires_at: Date
}

const toState = (row: Row): WriterLeaseState => ({
  instance: row.holder,
  epoch: Number(row.epoch),
  expiresAtMs: row.expires_at.getTime(),
})

export function postgresWriterLeases(database: Database): WriterLeases {
  return {
    acquire: (principal, instance) =>
      database.forTenant(principal.tenantId, async (tx) => {
        // The node's row is the lock: contenders come one after the other, and it holds the epoch.
        const [node] = await tx.query<{ id: string }>('select id from nodes where id = $1 for update', [
          principal.nodeId,
        ])
        if (!node) throw new IsthmusError('not_found', 'The node is not there any more.')
        const [held] = await tx.query<Row & { valid: boolean }>(
          `select holder, epoch, expires_at, expires_at > now() as valid from writer_leases where node_id = $1`,
          [principal.nodeId],
        )
        if (held?.valid && held.holder !== instance) {
          throw new IsthmusError('in_use', `Instance ${held.holder} holds the writer lease.`, {
            retryAfterSeconds: WRITER_LEASE_SECONDS,
          })
        }
        // The same instance in time keeps its epoch; anyone else, or after a lapse, fences the one before.
        const keep = held?.valid === true
        const [row] = keep
          ? await tx.query<Row>(
              `update writer_leases set expires_at = now() + make_interval(secs => $2), credential_id = $3
                where node_id = $1 returning holder, epoch, expires_at`,
              [principal.nodeId, WRITER_LEASE_SECONDS, principal.credentialId],
            )
          : await tx.query<Row>(
              `with next as (update nodes set writer_epoch = writer_epoch + 1 where id = $1 returning writer_epoch)
               insert into writer_leases (node_id, tenant_id, credential_id, holder, epoch, expires_at)
               select $1, $2, $3, $4, writer_epoch, now() + make_interval(secs => $5) from next
               on conflict (node_id) do update set credential_id = excluded.credential_id,
                 holder = excluded.holder, epoch = excluded.epoch, expires_at = excluded.expires_at
               returning holder, epoch, expires_at`,
              [principal.nodeId, principal.tenantId, principal.credentialId, instance, WRITER_LEASE_SECONDS],
            )
        return toState(row as Row)
      }),

    renew: (principal, instance, epoch) =>
      database.forTenant(principal.tenantId, async (tx) => {
        // Also after it has lapsed, as long as nobody took it: its epoch is still the highest.
        const [row] = await tx.query<Row>(
          `update writer_leases set expires_at = now() + make_interval(secs => $4)
            where node_id = $1 and holder = $2 and epoch = $3
            returning holder, epoch, expires_at`,
          [principal.nodeId, instance, epoch, WRITER_LEASE_SECONDS],
        )
        if (!row) throw new IsthmusError('stale_epoch', 'Another instance has taken the writer lease over.')
        return toState(row)
      }),

    release: (principal, instance, epoch) =>
      database.forTenant(principal.tenantId, async (tx) => {
        await tx.query('delete from writer_leases where node_id = $1 and holder = $2 and epoch = $3', [
          principal.nodeId,
          instance,
          epoch,
        ])
      }),

    holder: (tenantId, nodeId) =>
      database.forTenant(tenantId, async (tx) => {
        const [row] = await tx.query<Row>(
          'select holder, epoch, expires_at from writer_leases where node_id = $1 and expires_at > now()',
          [nodeId],
        )
        return row && toState(row)
      }),
  }
}
