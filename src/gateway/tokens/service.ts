import { createHash, randomUUID } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import { isUuid } from '../../lib/uuid.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import { DUMMY_HASH, secretFits } from '../credentials/index.ts'
import type { Directory } from '../directory/index.ts'
import { ACCESS_TOKEN, type Jwts, unauthenticated } from './jwt.ts'
import type { Keyring } from './keyring.ts'
import { type Principal, principalFrom, type TokenService } from './principal.ts'

/** Seconds; the most that is allowed is 900 (jwt.ts). */
const LIFETIME_SECONDS = 900
/** Verified signatures kept; a directory look-up still follows for each request, so that revocation works at once. */
const CACHE_MAX = 10_000

/** What the service needs of the stored credentials. */
export interface CredentialSecrets {
  /** @throws unavailable */
  find(id: string): Promise<{ secretHash: Uint8Array; revoked: boolean } | undefined>
  /** Notes the use; at most once a minute per credential, failures are of no consequence. */
  touch(id: string): void
}

export interface TokenServiceOptions {
  directory: Directory
  keyring: Keyring
  jwts: Jwts
  credentials: CredentialSecrets
  clock: Clock
}

/** Issues and verifies access tokens. Verification needs no database; whom a token speaks for is read from the directory. */
export function makeTokenService(options: TokenServiceOptions): TokenService {
  const { directory, keyring, jwts, credentials, clock } = options
  const verified = new Map<string, { credentialId: string; expiresAtMs: number }>()

  function principalOf(credentialId: string, expiresAtMs: number): Principal {
    const credential = directory.credential(credentialId)
    const node = credential && directory.node(credential.nodeId)
    const tenant = node && directory.tenant(node.tenantId)
    if (!credential || !node || !tenant) throw missing(credentialId)
    if (credential.revoked) throw unauthenticated(new Error('revoked'))
    if (tenant.suspended) throw new IsthmusError('suspended', 'The tenant is suspended.')
    return principalFrom({ credential, node, tenant }, expiresAtMs)
  }
  /** A replica that is behind must not tell a good credential that it is bad. */
  function missing(credentialId: string): IsthmusError {
    return directory.staleSinceMs() === undefined
      ? unauthenticated(new Error(`no credential ${credentialId}`))
      : new IsthmusError('unavailable', 'The gateway can not check this now.', { retryAfterSeconds: 1 })
  }

  return {
    async issue(clientId, clientSecret) {
      const stored = isUuid(clientId) ? await credentials.find(clientId) : undefined
      // Compared also when there is none, so that the time tells nothing.
      const fits = secretFits(clientSecret, stored?.secretHash ?? DUMMY_HASH)
      if (!stored || !fits || stored.revoked)
        throw unauthenticated(new Error('unknown client or wrong secret'))
      if (!directory.credential(clientId)) await directory.refresh()
      principalOf(clientId, clock.now())
      credentials.touch(clientId)
      const accessToken = await jwts.sign(
        ACCESS_TOKEN,
        { sub: clientId, jti: randomUUID() },
        LIFETIME_SECONDS,
      )
      return { accessToken, expiresIn: LIFETIME_SECONDS }
    },

    async verify(token) {
      const key = createHash('sha256').update(token).digest('base64')
      const hit = verified.get(key)
      if (hit && hit.expiresAtMs > clock.now()) return principalOf(hit.credentialId, hit.expiresAtMs)
      verified.delete(key)
      const claims = await jwts.verify(ACCESS_TOKEN, token)
      const entry = { credentialId: claims.sub, expiresAtMs: claims.exp * 1000 }
      // A token may arrive at a replica before the credential's row has: read up to now once.
      if (!directory.credential(entry.credentialId)) await directory.refresh()
      const principal = principalOf(entry.credentialId, entry.expiresAtMs)
      // Only good tokens are kept (an attacker's could push them out); oldest first when full.
      if (verified.size >= CACHE_MAX) verified.delete(verified.keys().next().value as string)
      verified.set(key, entry)
      return principal
    },

    jwks: () => ({ keys: keyring.publicKeys() as Record<string, unknown>[] }),
  }
}
