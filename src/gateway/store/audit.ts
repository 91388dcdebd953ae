import type { AuditStore } from '../audit/index.ts'
import type { Database } from './database.ts'

export function postgresAudit(database: Database): AuditStore {
  return {
    async append(entries) {
      const column = <T>(pick: (entry: (typeof entries)[number]) => T) => entries.map(pick).map(storable)
      await database.query(
        `insert into audit (at, request_id, actor, tenant_id, node_id, verb, resource, namespace, name, outcome)
         select * from unnest($1::timestamptz[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::text[],
                              $7::text[], $8::text[], $9::text[], $10::text[])`,
        [
          column((entry) => new Date(entry.atMs)),
          column((entry) => entry.requestId),
          column((entry) => entry.actor),
          column((entry) => entry.tenantId ?? null),
          column((entry) => entry.nodeId ?? null),
          column((entry) => entry.verb),
          column((entry) => entry.resource),
          column((entry) => entry.namespace ?? null),
          column((entry) => entry.name ?? null),
          column((entry) => entry.outcome),
        ],
      )
    },
  }
}

/** Postgres' text has no NUL; a name of somebody's bad request may. */
function storable<T>(value: T): T {
  return typeof value === 'string' ? (value.replaceAll('\0', '\uFFFD') as T) : value
}
