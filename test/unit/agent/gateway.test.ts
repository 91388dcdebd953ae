import { Readable } from 'node:stream'
import { createAccessToken } from '../../../src/agent/gateway/access-token.ts'
import { createGatewayClient } from '../../../src/agent/gateway/client.ts'
import { createSelfWatch, type SelfWatch } from '../../../src/agent/self/self-watch.ts'
import { createWriter } from '../../../src/agent/writer/writer.ts'
import { type KubeClient, KubeUnreachableError } from '../../../src/kube/index.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import type { Self } from '../../../src/protocol/schemas/agent.ts'
import { selfOf } from '../../support/agent-harness.ts'
import { eventually } from '../../support/eventually.ts'
import { apiError, type Loose } from '../../support/fake-cluster.ts'
import { createManualClock } from '../../support/manual-clock.ts'
import t, { type Test } from '../../support/tap.ts'

const answer = (status: number, body: unknown) => ({
  status,
  headers: {},
  body: Readable.from([Buffer.from(JSON.stringify(body))]),
})

t.test('a token is asked for once however many want it, and renewed before its end', async (t) => {
  const clock = createManualClock()
  const forms: string[] = []
  const token = createAccessToken({
    client: {
      async send(request) {
        forms.push(String(request.body))
        return answer(200, { access_token: `token-${forms.length}`, expires_in: 900 })
      },
    },
    clientId: 'id',
    clientSecret: async () => 's&cret',
    clock,
  })
  t.same(await Promise.all([token.get(), token.get(), token.get()]), ['token-1', 'token-1', 'token-1'])
  t.equal(forms[0], 'grant_type=client_credentials&client_id=id&client_secret=s%26cret')
  clock.advance(839_000)
  t.equal(await token.get(), 'token-1')
  clock.advance(2_000)
  t.equal(await token.get(), 'token-2', 'a minute before its end')
  token.refresh()
  t.equal(await token.get(), 'token-3', 'one that was refused is not used again')
})

t.test('a refused credential is told apart from a gateway that does not answer', async (t) => {
  const clock = createManualClock()
  const make = (send: () => Promise<Loose>) =>
    createAccessToken({ client: { send }, clientId: 'id', clientSecret: async () => 'x', clock })
  await t.rejects(make(async () => answer(401, { error: 'invalid_client' })).get(), {
    code: 'unauthenticated',
  })
  await t.rejects(make(async () => answer(503, {})).get(), { code: 'unavailable' })
  await t.rejects(
    make(() => Promise.reject(new KubeUnreachableError('reset', undefined))).get(),
    KubeUnreachableError,
  )
})

t.test('rule 27: every write to the gateway carries the epoch, and no read does', async (t) => {
  const sent: Loose[] = []
  const authenticated = {
    async json(request: Loose) {
      sent.push(request)
      return {}
    },
  } as unknown as KubeClient
  let epoch: number | undefined = 7
  const { kube } = createGatewayClient({ authenticated, anonymous: authenticated, epoch: () => epoch })
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
    await kube.json({ method, path: ['api'], headers: { accept: 'application/json' } })
  }
  t.same(
    sent.map(({ headers }) => headers['isthmus-writer-epoch']),
    [undefined, '7', '7', '7', '7'],
  )
  epoch = undefined
  await kube.json({ method: 'POST', path: ['api'] })
  t.notOk(sent.at(-1).headers?.['isthmus-writer-epoch'])
})

interface Watched {
  watch: SelfWatch
  clock: ReturnType<typeof createManualClock>
  refreshed(): number
}

function watching(
  t: Test,
  poll: (etag: string | undefined) => Promise<{ self: Self; etag: string } | undefined>,
): Watched {
  const clock = createManualClock()
  const stopping = new AbortController()
  let refreshed = 0
  const watch = createSelfWatch({
    gateway: { self: ({ etag }) => poll(etag) },
    clock,
    logger: silentLogger,
    signal: stopping.signal,
    refreshToken: () => {
      refreshed += 1
    },
    onChange() {},
  })
  const running = watch.run()
  t.teardown(async () => {
    stopping.abort(new Error('stop'))
    await running
  })
  return { watch, clock, refreshed: () => refreshed }
}

const later = () => new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 5))

t.test('a short silence of the gateway is no outage; a long one is, and the answer ends it', async (t) => {
  let state: 'up' | 'down' = 'up'
  let failures = 0
  const { watch } = watching(t, async (etag) => {
    if (state === 'down') {
      failures += 1
      throw new KubeUnreachableError('refused', undefined)
    }
    await later()
    return etag ? undefined : { self: selfOf(), etag: '"1"' }
  })
  await eventually('connected', () => watch.connection().connected)
  state = 'down'
  await eventually('a few failures', () => failures >= 3)
  const early = watch.connection()
  await eventually('an outage', () => watch.connection().reason === 'GatewayUnreachable')
  t.ok(early.connected || failures >= 6, 'not at the first failure')
  t.ok(failures >= 6)
  state = 'up'
  await eventually('over', () => watch.connection().connected)
})

t.test(
  'a refused credential, a suspended tenant and a data plane that is down are told by their names',
  async (t) => {
    const refusing = watching(t, () => Promise.reject(apiError(401, 'Unauthorized')))
    await eventually('refused', () => refusing.watch.connection().reason === 'CredentialRefused')
    t.ok(refusing.refreshed() >= 1, 'with a new token first')
    const once = (self: Self) => (etag: string | undefined) =>
      etag ? later() : Promise.resolve({ self, etag: '"1"' })
    const suspended = watching(t, once(selfOf({ tenant: { id: 't', name: 'acme', suspended: true } })))
    await eventually('suspended', () => suspended.watch.connection().reason === 'TenantSuspended')
    const down = watching(
      t,
      once(selfOf({ cluster: { network: 'flat', maintenance: false, reachable: false } })),
    )
    await eventually('down', () => down.watch.connection().reason === 'DataPlaneDown')
    const strange = watching(t, once(selfOf({ protocolVersions: [99] })))
    await eventually('another protocol', () => /versions 99/.test(strange.watch.connection().message))
    t.notOk(strange.watch.current(), 'nothing of it is used')
    t.end()
  },
)

t.test(
  'rule 27: the writer goes on while the gateway is away, and stands down for another holder',
  async (t) => {
    const clock = createManualClock()
    const stopping = new AbortController()
    const changes: boolean[] = []
    let mode: 'grant' | 'away' | 'taken' = 'taken'
    const lease = { instance: 'one', epoch: 4, durationSeconds: 15, expiresAt: '' }
    const ask = async () => {
      await later()
      if (mode === 'away') throw new KubeUnreachableError('reset', undefined)
      if (mode === 'taken') throw apiError(409, 'Conflict')
      return lease
    }
    const released: number[] = []
    const writer = createWriter({
      gateway: {
        acquireLease: ask,
        renewLease: ask,
        async releaseLease(_instance, epoch) {
          released.push(epoch)
        },
      },
      instance: 'one',
      clock,
      logger: silentLogger,
      signal: stopping.signal,
      onChange: (writing) => changes.push(writing),
    })
    const running = writer.run()
    t.teardown(async () => {
      stopping.abort(new Error('stop'))
      await running
    })
    const asked = () => clock.slept.length
    await eventually('it waits', () => asked() > 2)
    t.equal(writer.epoch(), undefined)
    mode = 'grant'
    await eventually('it writes', () => writer.epoch() === 4)
    mode = 'away'
    const before = asked()
    await eventually('it has tried', () => asked() > before + 5)
    t.equal(writer.epoch(), 4, 'the last writer goes on')
    mode = 'taken'
    await eventually('it stands down', () => writer.epoch() === undefined)
    writer.takeOver(4)
    mode = 'away'
    t.equal(writer.epoch(), 4, 'an outage: it goes on where the dead writer left')
    mode = 'grant'
    const granting = asked()
    await eventually('granted', () => asked() > granting + 2)
    await writer.release()
    t.same(released, [4])
    t.same(changes.slice(0, 2), [true, false])
  },
)
