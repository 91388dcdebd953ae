import {
  type KeyStore,
  makeJwts,
  makeKeyring,
  SESSION_TICKET,
  type StoredKey,
} from '../../../../src/gateway/tokens/index.ts'
import { ACCESS_TOKEN } from '../../../../src/gateway/tokens/jwt.ts'
import { silentLogger } from '../../../../src/lib/logger.ts'
import { makeSealer } from '../../../../src/lib/seal.ts'
import { createManualClock } from '../../../support/manual-clock.ts'
import t from '../../../support/tap.ts'

const DAY_MS = 86_400_000

function memoryStore(): KeyStore & { keys: StoredKey[] } {
  const keys: StoredKey[] = []
  return {
    keys,
    list: async () => keys.map((key) => ({ ...key })),
    async add(key, { unlessYoungerThanMs }) {
      if (keys.some((each) => each.activeAtMs > unlessYoungerThanMs)) return
      for (const each of keys) each.retiredAtMs ??= key.activeAtMs
      keys.push(key)
    },
    async removeRetiredBefore(timeMs) {
      const left = keys.filter((key) => !((key.retiredAtMs ?? timeMs) < timeMs))
      keys.splice(0, keys.length, ...left)
    },
  }
}
const setUp = async (store = memoryStore(), master = 1) => {
  const clock = createManualClock()
  const sealer = makeSealer([Buffer.alloc(32, master)])
  const keyring = await makeKeyring({ store, sealer, clock, logger: silentLogger })
  return { store, clock, keyring, jwts: makeJwts(keyring, clock) }
}
const claims = { sub: 's', jti: 'j' }

t.test('the first start makes the first key; the private half lies sealed', async (t) => {
  const { store, keyring } = await setUp()
  t.equal(store.keys.length, 1)
  t.equal(keyring.signer().kid, store.keys[0]?.kid)
  t.notMatch(JSON.stringify(keyring.publicKeys()), /"d"/)
})

t.test('two first starts at once end with one key to sign with', async (t) => {
  const store = memoryStore()
  await Promise.all([setUp(store), setUp(store)])
  t.equal(store.keys.length, 1)
})

t.test(
  'a key is replaced at its age, known before it signs, and kept until its last token has expired',
  async (t) => {
    const { store, clock, keyring, jwts } = await setUp()
    const first = keyring.signer().kid
    clock.advance(31 * DAY_MS)
    await keyring.maintain()
    t.equal(store.keys.length, 2)
    t.equal(keyring.signer().kid, first, 'the new one waits until every replica has it')
    const token = await jwts.sign(SESSION_TICKET, claims, 60)
    clock.advance(31_000)
    t.not(keyring.signer().kid, first)
    t.equal((await jwts.verify(SESSION_TICKET, token)).sub, 's', 'the old one verifies')
    clock.advance(3_600_000)
    await keyring.maintain()
    await keyring.reload()
    t.equal(keyring.verifier(first), undefined)
  },
)

t.test('a key that no master key opens signs nothing and verifies all the same', async (t) => {
  const { store } = await setUp()
  const { keyring } = await setUp(store, 2)
  t.throws(() => keyring.signer(), { code: 'unavailable' })
  t.ok(keyring.verifier(store.keys[0]!.kid))
})

t.test(
  'D10: expired by a millisecond is expired; a clock five seconds behind still takes it, ten not',
  async (t) => {
    const { clock, jwts } = await setUp()
    const token = await jwts.sign(SESSION_TICKET, claims, 20)
    clock.advance(19_999)
    await jwts.verify(SESSION_TICKET, token)
    clock.advance(1)
    await t.rejects(jwts.verify(SESSION_TICKET, token), { code: 'unauthenticated' })
    const fresh = await jwts.sign(SESSION_TICKET, claims, 20)
    clock.advance(-4_000)
    await jwts.verify(SESSION_TICKET, fresh)
    clock.advance(-6_000)
    await t.rejects(jwts.verify(SESSION_TICKET, fresh), { code: 'unauthenticated' })
  },
)

t.test(
  'D4: of our own signature, a token of another audience, issuer, type or time is nobody’s',
  async (t) => {
    const { clock, jwts } = await setUp()
    const refused = { code: 'unauthenticated' }
    await jwts.verify(ACCESS_TOKEN, await jwts.sign(ACCESS_TOKEN, claims, 60))
    for (const change of [
      { audience: 'isthmus:session' },
      { audience: 'https://kubernetes.default.svc' },
      { typ: 'JWT' },
      { typ: SESSION_TICKET.typ },
    ]) {
      const token = await jwts.sign({ ...ACCESS_TOKEN, ...change }, claims, 60)
      await t.rejects(jwts.verify(ACCESS_TOKEN, token), refused, JSON.stringify(change))
    }
    for (const claim of ['sub', 'jti']) {
      const token = await jwts.sign(ACCESS_TOKEN, { ...claims, [claim]: '' }, 60)
      await t.rejects(jwts.verify(ACCESS_TOKEN, token), refused, `no ${claim}`)
    }
    const expired = await jwts.sign(ACCESS_TOKEN, claims, 60)
    clock.advance(60_000)
    await t.rejects(jwts.verify(ACCESS_TOKEN, expired), refused, 'expired')
  },
)
