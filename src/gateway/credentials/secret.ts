import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** Prefixes make a leaked secret recognisable to scanners. */
export const CREDENTIAL_PREFIX = 'isc_'
export const OPERATOR_PREFIX = 'iso_'

/** Stands in for the hash of a credential that is not there. */
export const DUMMY_HASH = hashSecret('')

/** A new secret: prefix and 32 random bytes. Shown once; only its hash is kept. */
export function drawSecret(prefix: string): { secret: string; hash: Buffer } {
  const secret = prefix + randomBytes(32).toString('base64url')
  return { secret, hash: hashSecret(secret) }
}

export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

/** In constant time. */
export function secretFits(secret: string, hash: Uint8Array): boolean {
  const own = hashSecret(secret)
  return own.length === hash.length && timingSafeEqual(own, hash)
}
