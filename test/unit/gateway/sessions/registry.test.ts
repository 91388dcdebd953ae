import type { CutOff, Directory } from '../../../../src/gateway/directory/index.ts'
import {
  makeSessionRegistry,
  type SessionRow,
  type SessionStore,
} from '../../../../src/gateway/sessions/index.ts'
import type { Jwts } from '../../../../src/gateway/tokens/index.ts'
import type { Principal } from '../../../../src/gateway/tokens/principal.ts'
import { silentLogger } from '../../../../src/lib/logger.ts'
import { IsthmusError, isIsthmusError } from '../../../../src/protocol/errors/index.ts'
import { eventually } from '../../../support/eventually.ts'
import { createManualClock } from '../../../support/manual-clock.ts'
import t, { type Test } from '../../../support/tap.ts'

const principal: Principal = {
  tenantId: 'tenant',
  tenantName: 'acme',
  nodeId: 'node',
  nodeName: 'east',
  clusterId: 'cluster',
  credentialId: 'credential',
  credentialKind: 'agent',
  access: 'edit',
  expiresAtMs: Number.MAX_SAFE_INTEGER,
}
const exec = { verb: 'exec' as const, namespace: 'default', pod: 'p', command: ['true'] }
const log = { verb: 'log' as const, namespace: 'default', pod: 'p' }

function setUp(t: Test, limits: { idleMs?: number; longestMs?: number } = {}) {
  let away = false
  const rows = new Map<string, SessionRow & { outcome?: string; bytes: number }>()
  const answer = async <T>(value: () => T): Promise<T> => {
    if (away) throw new IsthmusError('unavailable', 'Postgres is away')
    return value()
  }
  const store: SessionStore = {
    insertTicket: () => answer(() => undefined),
    insertOpen: (row) => answer(() => void rows.set(row.id, { ...row, bytes: 0 })),
    redeem: (id) => answer(() => rows.get(id)),
    addBytes: (counts) =>
      answer(() => {
        for (const { id, bytesIn, bytesOut } of counts) rows.get(id)!.bytes += bytesIn + bytesOut
      }),
    end: (id, outcome) => answer(() => void Object.assign(rows.get(id) ?? {}, { outcome })),
    heartbeat: () => answer(() => undefined),
  }
  const listeners = new Set<(cutOff: CutOff) => void>()
  const state = { suspended: false, revoked: false }
  const directory = {
    tenant: () => ({ id: 'tenant', name: 'acme', suspended: state.suspended }),
    node: () => ({ id: 'node', name: 'east', tenantId: 'tenant', clusterId: 'cluster', writerEpoch: 0 }),
    credential: () => ({
      id: 'credential',
      nodeId: 'node',
      kind: 'agent',
      access: 'edit',
      revoked: state.revoked,
    }),
    onCutOff(listener: (cutOff: CutOff) => void) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  } as unknown as Directory
  const clock = createManualClock()
  // Its own loop sleeps by the wall, so that the hand alone moves this clock.
  const registry = makeSessionRegistry({
    replicaId: 'replica',
    store,
    directory,
    // A ticket is the id of its session.
    jwts: {
      verify: async (_kind: unknown, ticket: string) => ({ sub: ticket, jti: 'j', exp: 0 }),
    } as unknown as Jwts,
    clock: { ...clock, sleep: () => new Promise((resolve) => setTimeout(resolve, 5)) },
    logger: silentLogger,
    limits,
  })
  t.teardown(() => registry.close())
  return {
    registry,
    rows,
    clock,
    state,
    setAway: (value: boolean) => {
      away = value
    },
    cut: (cutOff: CutOff) => {
      for (const listener of listeners) listener(cutOff)
    },
  }
}

t.test('a session without a byte for its idle time is cut, one that moves is not', async (t) => {
  const { registry, clock, rows } = setUp(t, { idleMs: 1_000 })
  const still = await registry.open(principal, exec)
  const busy = await registry.open(principal, exec)
  clock.advance(900)
  busy.touch(1, 0)
  clock.advance(200)
  await eventually('cut', () => still.signal.aborted)
  t.ok(isIsthmusError(still.signal.reason, 'timeout'))
  t.equal(busy.signal.aborted, false)
  await still.end('client-gone')
  t.equal(rows.get(still.id)?.outcome, 'expired', 'the cut, not what followed from it')
})

t.test('no session lives longer than the longest', async (t) => {
  const { registry, clock } = setUp(t, { longestMs: 1_000, idleMs: 10_000 })
  const session = await registry.open(principal, exec)
  clock.advance(900)
  session.touch(1, 1)
  t.equal(session.signal.aborted, false)
  clock.advance(200)
  await eventually('cut', () => session.signal.aborted)
})

t.test('a cut-off of another tenant, node, credential or session does not touch it', async (t) => {
  const { registry, cut } = setUp(t)
  const session = await registry.open(principal, exec)
  for (const scope of ['tenant', 'node', 'credential', 'session'] as const)
    cut({ scope, id: 'other', reason: 'deleted' })
  t.equal(session.signal.aborted, false)
  cut({ scope: 'session', id: session.id, reason: 'killed' })
  t.equal(session.signal.aborted, true)
})

t.test('who was cut off between the check of its token and the opening is cut at once', async (t) => {
  const { registry, state } = setUp(t)
  state.revoked = true
  const session = await registry.open(principal, exec)
  t.ok(isIsthmusError(session.signal.reason, 'unauthenticated'))
})

t.test(
  'without Postgres a log follow opens and is registered afterwards, with its bytes; exec does not',
  async (t) => {
    const { registry, rows, setAway } = setUp(t)
    setAway(true)
    await t.rejects(registry.open(principal, exec), { code: 'unavailable' })
    const follow = await registry.open(principal, log)
    const short = await registry.open(principal, log)
    follow.touch(0, 7)
    await short.end('completed')
    t.equal(rows.size, 0)
    setAway(false)
    await eventually('registered', () => rows.get(follow.id)?.bytes === 7)
    t.equal(follow.signal.aborted, false)
  },
)

t.test('draining: nothing new opens, what is open is told, and ends within the grace', async (t) => {
  const { registry, rows } = setUp(t)
  const polite = await registry.open(principal, exec)
  const deaf = await registry.open(principal, exec)
  polite.signal.addEventListener('abort', () => void polite.end('told'))
  const drained = registry.drain(50)
  await t.rejects(registry.open(principal, exec), { code: 'unavailable' })
  await t.rejects(registry.createTicket(principal, exec), { code: 'unavailable' })
  // The grace is measured by the clock that stands still: the polite one has ended, the deaf one is ended for it.
  await eventually('the polite one', () => rows.get(polite.id)?.outcome === 'shut-down')
  await deaf.end('late')
  await drained
  t.equal(registry.count(), 0)
})

t.test('C9: a ticket whose credential was revoked leaves no session behind', async (t) => {
  const { registry, rows, state } = setUp(t)
  const id = '7f0e9ad4-3cf5-4b39-9a3c-0d8f6f3a1b11'
  const { tenantId, nodeId, credentialId } = principal
  rows.set(id, { id, tenantId, nodeId, credentialId, target: exec, tokenExpiresAtMs: 0, bytes: 0 })
  state.revoked = true
  await t.rejects(registry.redeem(id, id), { code: 'unauthenticated' })
  t.equal(registry.count(), 0)
  t.equal(rows.get(id)?.outcome, 'revoked')
})
