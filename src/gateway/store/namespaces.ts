import { randomBytes } from 'node:crypto'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { Directory, NamespaceRecord } from '../directory/index.ts'
import type { NamespaceRegistry } from '../tenants/index.ts'
import type { Database } from './database.ts'

/** A node needs as many as its user cluster uses; more is a loop gone wrong. */
const NAMESPACES_MAX = 1_000

export function postgresNamespaces(database: Database, directory: Directory): NamespaceRegistry {
  return {
    async ensure(nodeId, name) {
      const known = directory.namespace(nodeId, name)
      if (known) return known
      const tenantId = directory.node(nodeId)?.tenantId
      if (!tenantId) throw new IsthmusError('not_found', 'The node is not there any more.')
      await database.forTenant(tenantId, async (tx) => {
        await tx.query(
          `insert into namespaces (node_id, tenant_id, name, physical_name)
           select $1, $2, $3, $4 where (select count(*) from namespaces where node_id = $1) < $5
           on conflict (node_id, name) do nothing`,
          [nodeId, tenantId, name, drawPhysicalName(), NAMESPACES_MAX],
        )
      })
      // Committed: what the directory reads now has it, ours or the one of whoever was faster.
      await directory.refresh()
      const made: NamespaceRecord | undefined = directory.namespace(nodeId, name)
      if (!made) {
        throw new IsthmusError('too_many_requests', `A node may have ${NAMESPACES_MAX} namespaces at most.`)
      }
      return made
    },

    async drop(nodeId, physicalName) {
      const tenantId = directory.node(nodeId)?.tenantId
      if (!tenantId) return
      await database.forTenant(tenantId, async (tx) => {
        await tx.query('delete from namespaces where node_id = $1 and physical_name = $2', [
          nodeId,
          physicalName,
        ])
      })
      await directory.refresh()
    },
  }
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

/** `t-` and 26 characters of base32: the 128 bits of a UUID (design.md §3). */
export function drawPhysicalName(): string {
  let bits = BigInt(`0x${randomBytes(16).toString('hex')}`)
  let text = ''
  for (let index = 0; index < 26; index++) {
    text += ALPHABET[Number(bits & 31n)]
    bits >>= 5n
  }
  return `t-${text}`
}
