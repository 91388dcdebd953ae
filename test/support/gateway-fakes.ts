import { randomBytes, randomUUID } from 'node:crypto'
import type { AuditEntry, AuditLog } from '../../src/gateway/audit/index.ts'
import type { CutOff, Directory, NamespaceRecord, NodeRecord } from '../../src/gateway/directory/index.ts'
import { type LimitSettings, type Limits, makeLimits } from '../../src/gateway/limits/index.ts'
import type { Amounts, QuotaLedger, ReservationRequest } from '../../src/gateway/quota/index.ts'
import type { OpenSession, SessionRegistry, SessionTarget } from '../../src/gateway/sessions/index.ts'
import type { NamespaceRegistry } from '../../src/gateway/tenants/index.ts'
import type { Principal, TokenService } from '../../src/gateway/tokens/principal.ts'
import { IsthmusError } from '../../src/protocol/errors/index.ts'

/** The gateway's ports in memory, for tests of what stands on them. */
export interface GatewayFakes {
  directory: Directory
  namespaces: NamespaceRegistry
  tokens: Pick<TokenService, 'verify'>
  quota: QuotaLedger
  sessions: SessionRegistry
  audit: AuditLog
  /** None, unless a test puts others in its place. */
  limits: Limits
  entries: AuditEntry[]
  ledger: Map<string, FakeReservation>
  openSessions: FakeSession[]
  /** Adds a tenant with one virtual node and a token for it. */
  addNode(options?: Partial<Principal> & { network?: 'flat' | 'isolated' }): {
    token: string
    principal: Principal
  }
  /** A namespace as though it had been made. */
  addNamespace(nodeId: string, name: string, physicalName?: string): NamespaceRecord
  setWriterEpoch(nodeId: string, epoch: number): void
  cutOff(cutOff: CutOff): void
  /** Postgres is away: writes fail, the copy is stale. */
  setAway(away: boolean): void
  /** The replica shuts down. */
  drain(): void
  /** Room of the tenant's quota by resource; unlimited where nothing is said. */
  hard: Map<string, bigint>
}

export interface FakeReservation {
  request: ReservationRequest
  state: 'reserved' | 'committed' | 'released'
  uid?: string
  amounts: Amounts
}

export interface FakeSession {
  target: SessionTarget
  principal: Principal
  outcome: string | undefined
  bytesIn: number
  bytesOut: number
  kill(reason: Error): void
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

/** `t-` and 26 characters of base32, as the store draws them. */
export function drawPhysicalName(): string {
  return `t-${Array.from(randomBytes(26), (byte) => ALPHABET[byte % 32]).join('')}`
}

/** Every limit off. */
export const noLimits: LimitSettings = {
  tokenPerSource: 0,
  tokenPerCredential: 0,
  selfPolls: 0,
  sessionsPerNode: 0,
  kubePerTenant: 0,
  kubeOpenPerTenant: 0,
}

export function createGatewayFakes(): GatewayFakes {
  const nodes = new Map<string, NodeRecord>()
  const networks = new Map<string, 'flat' | 'isolated'>()
  const principals = new Map<string, Principal>()
  const records: NamespaceRecord[] = []
  const listeners = new Set<(cutOff: CutOff) => void>()
  const entries: AuditEntry[] = []
  const ledger = new Map<string, FakeReservation>()
  const openSessions: FakeSession[] = []
  const hard = new Map<string, bigint>()
  let away = false
  const draining = new AbortController()
  const needsPostgres = () => {
    if (away) throw new IsthmusError('unavailable', 'Postgres is away')
  }

  const directory: Directory = {
    tenant: (id) => ({ id, name: id, suspended: false }),
    cluster: (id) => ({ id, name: id, network: networks.get(id) ?? 'isolated', maintenance: false }),
    node: (id) => nodes.get(id),
    credential: () => undefined,
    namespace: (nodeId, name) => records.find((one) => one.nodeId === nodeId && one.name === name),
    namespaceByPhysicalName: (physicalName) => records.find((one) => one.physicalName === physicalName),
    namespacesOf: (nodeId) => records.filter((one) => one.nodeId === nodeId),
    isPhysicalName: (candidate) => records.some((one) => one.physicalName === candidate),
    async refresh() {
      needsPostgres()
    },
    staleSinceMs: () => (away ? 1 : undefined),
    onCutOff(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }

  const addNamespace = (nodeId: string, name: string, physicalName = drawPhysicalName()) => {
    const record = { nodeId, name, physicalName }
    records.push(record)
    return record
  }

  const namespaces: NamespaceRegistry = {
    async ensure(nodeId, name) {
      needsPostgres()
      return directory.namespace(nodeId, name) ?? addNamespace(nodeId, name)
    },
    async drop(nodeId, physicalName) {
      const at = records.findIndex((one) => one.nodeId === nodeId && one.physicalName === physicalName)
      if (at >= 0) records.splice(at, 1)
    },
  }

  const held = (resource: string) =>
    [...ledger.values()]
      .filter((one) => one.state !== 'released')
      .reduce((sum, one) => sum + (one.amounts.get(resource) ?? 0n), 0n)
  const quota: QuotaLedger = {
    async reserve(request) {
      needsPostgres()
      if (ledger.has(request.id)) return
      for (const [resource, amount] of request.amounts) {
        const limit = hard.get(resource)
        if (limit !== undefined && held(resource) + amount > limit) {
          throw new IsthmusError('quota_exceeded', `exceeded quota: ${resource}`, {
            causes: [{ field: resource, reason: 'FieldValueForbidden', message: 'requested, used, hard' }],
          })
        }
      }
      ledger.set(request.id, { request, state: 'reserved', amounts: request.amounts })
    },
    async commit(id, { uid, amounts }) {
      needsPostgres()
      const one = ledger.get(id)
      if (one !== undefined) ledger.set(id, { ...one, state: 'committed', uid, amounts })
    },
    async release(id) {
      needsPostgres()
      const one = ledger.get(id)
      if (one !== undefined) ledger.set(id, { ...one, state: 'released' })
    },
    async grow(id, amounts) {
      needsPostgres()
      const one = ledger.get(id)
      if (one === undefined) throw new IsthmusError('unavailable', 'not charged yet')
      const grown = new Map(one.amounts)
      for (const [resource, amount] of amounts) {
        const limit = hard.get(resource)
        const before = one.amounts.get(resource) ?? 0n
        if (limit !== undefined && amount > before && held(resource) - before + amount > limit) {
          throw new IsthmusError('quota_exceeded', `exceeded quota: ${resource}`)
        }
        if (amount > before) grown.set(resource, amount)
      }
      const now = { ...one, amounts: grown }
      ledger.set(id, now)
      return async () => {
        if (ledger.get(id) === now) ledger.set(id, one)
      }
    },
  }

  const sessions: SessionRegistry = {
    draining: draining.signal,
    async createTicket() {
      throw new IsthmusError('not_implemented', 'no tickets here')
    },
    async redeem() {
      throw new IsthmusError('not_found', 'no tickets here')
    },
    async open(principal, target) {
      if (target.verb !== 'log') needsPostgres()
      const controller = new AbortController()
      const entry: FakeSession = {
        target,
        principal,
        outcome: undefined,
        bytesIn: 0,
        bytesOut: 0,
        kill: (reason) => controller.abort(reason),
      }
      openSessions.push(entry)
      const session: OpenSession = {
        id: randomUUID(),
        principal,
        target,
        signal: controller.signal,
        touch(bytesIn, bytesOut) {
          entry.bytesIn += bytesIn
          entry.bytesOut += bytesOut
        },
        async end(outcome) {
          entry.outcome ??= outcome
        },
      }
      return session
    },
  }

  return {
    directory,
    namespaces,
    quota,
    sessions,
    limits: makeLimits({ settings: noLimits, clock: { elapsed: () => 0 } }),
    audit: { record: (entry) => entries.push(entry) },
    entries,
    ledger,
    openSessions,
    hard,
    tokens: {
      async verify(token) {
        const principal = principals.get(token)
        if (principal === undefined) throw new IsthmusError('unauthenticated', 'Unauthorized')
        return principal
      },
    },
    addNode({ network, ...options } = {}) {
      const principal: Principal = {
        tenantId: randomUUID(),
        tenantName: 'acme',
        nodeId: randomUUID(),
        nodeName: 'virtual',
        clusterId: 'data-plane',
        credentialId: randomUUID(),
        credentialKind: 'client',
        access: 'edit',
        expiresAtMs: Number.MAX_SAFE_INTEGER,
        ...options,
      }
      const { nodeId: id, nodeName: name, tenantId, clusterId } = principal
      if (!nodes.has(id)) nodes.set(id, { id, name, tenantId, clusterId, writerEpoch: 0 })
      if (network !== undefined) networks.set(clusterId, network)
      const token = randomUUID()
      principals.set(token, principal)
      return { token, principal }
    },
    addNamespace,
    setWriterEpoch(nodeId, writerEpoch) {
      const node = nodes.get(nodeId)
      if (node !== undefined) nodes.set(nodeId, { ...node, writerEpoch })
    },
    cutOff(cutOff) {
      for (const listener of [...listeners]) listener(cutOff)
    },
    drain() {
      draining.abort(
        new IsthmusError('unavailable', 'This replica is shutting down.', { retryAfterSeconds: 1 }),
      )
    },
    setAway(next) {
      away = next
    },
  }
}
