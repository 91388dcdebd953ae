import { exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Sealer } from '../../lib/seal.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'

/** A signing key as it is stored; the private half is sealed. */
export interface StoredKey {
  kid: string
  publicJwk: JWK
  sealedPrivate: Uint8Array
  activeAtMs: number
  /** Set once a younger key signs; it verifies until every token that it signed has expired. */
  retiredAtMs: number | undefined
}

/** Where signing keys lie. Everything throws IsthmusError unavailable. */
export interface KeyStore {
  list(): Promise<StoredKey[]>
  /**
   * Adds the key unless another runner was faster: when a key that is younger than `notAfterMs` is there, nothing
   * happens. The keys before it are marked retired at its activation.
   */
  add(key: StoredKey, options: { unlessYoungerThanMs: number }): Promise<void>
  removeRetiredBefore(timeMs: number): Promise<void>
}

export type ImportedKey = Awaited<ReturnType<typeof importJWK>>

export interface Keyring {
  /** The key that signs now. @throws unavailable when there is none */
  signer(): { kid: string; key: ImportedKey }
  /** By kid alone, from memory: an unknown kid costs no look-up anywhere (D2). */
  verifier(kid: string): ImportedKey | undefined
  publicKeys(): JWK[]
  /** Reads the store again; called when the directory tells of a change. */
  reload(): Promise<void>
  /** Makes a new key that signs from `overlapMs` on; the old ones verify on. */
  rotate(): Promise<void>
  /** What is due: the first key, a new one after `rotateAfterMs`, removal of those long retired. */
  maintain(): Promise<void>
}

export interface KeyringOptions {
  store: KeyStore
  sealer: Sealer
  clock: Clock
  logger: Logger
  /** Age at which a key is replaced; 30 days by default. */
  rotateAfterMs?: number
}

/** Every replica reads the key set within seconds; a new key waits so long before it signs. */
const OVERLAP_MS = 30_000
/** Tokens live 15 minutes at most; their key stays for twice that. */
const KEEP_RETIRED_MS = 1_800_000
const DAY_MS = 86_400_000

/** EdDSA (Ed25519) signing keys, shared by all replicas through the store. @throws unavailable when the store can not be read */
export async function makeKeyring(options: KeyringOptions): Promise<Keyring> {
  const { store, sealer, clock, logger } = options
  const rotateAfterMs = options.rotateAfterMs ?? 30 * DAY_MS
  const keys = new Map<string, StoredKey & { verify: ImportedKey; sign: ImportedKey | undefined }>()

  async function reload(): Promise<void> {
    const stored = await store.list()
    const present = new Set(stored.map((key) => key.kid))
    for (const kid of keys.keys()) if (!present.has(kid)) keys.delete(kid)
    for (const key of stored) {
      const known = keys.get(key.kid)
      const verify = known?.verify ?? (await importJWK(key.publicJwk, 'EdDSA'))
      keys.set(key.kid, { ...key, verify, sign: known?.sign ?? (await openPrivate(key)) })
    }
  }

  async function openPrivate(key: StoredKey): Promise<ImportedKey | undefined> {
    try {
      return await importJWK(JSON.parse(sealer.open(key.sealedPrivate, purposeOf(key.kid))), 'EdDSA')
    } catch (error) {
      logger.error({ err: error, kid: key.kid }, 'a signing key can not be opened with the master keys')
      return undefined
    }
  }

  async function create(activeAtMs: number, unlessYoungerThanMs: number): Promise<void> {
    const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
    const publicJwk = await exportJWK(pair.publicKey)
    const kid = `k${activeAtMs.toString(36)}-${(publicJwk.x as string).slice(0, 8)}`
    const sealedPrivate = sealer.seal(JSON.stringify(await exportJWK(pair.privateKey)), purposeOf(kid))
    await store.add(
      { kid, publicJwk, sealedPrivate, activeAtMs, retiredAtMs: undefined },
      { unlessYoungerThanMs },
    )
    await reload()
  }

  await reload()
  const ring: Keyring = {
    signer() {
      const now = clock.now()
      const usable = [...keys.values()].filter((key) => key.sign && key.activeAtMs <= now)
      const newest = usable.sort((a, b) => b.activeAtMs - a.activeAtMs)[0]
      if (!newest?.sign) throw new IsthmusError('unavailable', 'There is no key to sign tokens with.')
      return { kid: newest.kid, key: newest.sign }
    },
    verifier: (kid) => keys.get(kid)?.verify,
    publicKeys: () =>
      [...keys.values()].map(({ kid, publicJwk }) => ({ ...publicJwk, kid, use: 'sig', alg: 'EdDSA' })),
    reload,
    rotate: () => create(clock.now() + OVERLAP_MS, clock.now()),
    async maintain() {
      const now = clock.now()
      const newest = Math.max(Number.NEGATIVE_INFINITY, ...[...keys.values()].map((key) => key.activeAtMs))
      if (keys.size === 0) await create(now, now - DAY_MS)
      else if (now - newest > rotateAfterMs) await create(now + OVERLAP_MS, now - rotateAfterMs)
      if ([...keys.values()].some((key) => (key.retiredAtMs ?? now) < now - KEEP_RETIRED_MS)) {
        await store.removeRetiredBefore(now - KEEP_RETIRED_MS)
      }
    },
  }
  await ring.maintain()
  return ring
}

const purposeOf = (kid: string) => `signing-key:${kid}`
