import { decodeProtectedHeader, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import type { Clock } from '../../lib/clock.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { Keyring } from './keyring.ts'

const ISSUER = 'isthmus'
/** Longer is refused before any parsing (D3). Ours have about 500 characters. */
const MAX_LENGTH = 8_192
/** Replicas' clocks may differ by this; `exp` is exact all the same. */
const SKEW_SECONDS = 5
const HEADER_KEYS = new Set(['alg', 'kid', 'typ'])

/** What sets the kinds of tokens apart, so that one is never taken for the other (D4). */
export interface TokenKind {
  typ: string
  audience: string
  maxAgeSeconds: number
}

/** RFC 9068 access tokens of the public faces. */
export const ACCESS_TOKEN: TokenKind = { typ: 'at+jwt', audience: 'isthmus:api', maxAgeSeconds: 900 }
/** Single-use tickets that open a session's stream. */
export const SESSION_TICKET: TokenKind = {
  typ: 'isthmus-ticket+jwt',
  audience: 'isthmus:session',
  maxAgeSeconds: 60,
}

export interface Jwts {
  /** @throws unavailable without a key */
  sign(
    kind: TokenKind,
    claims: JWTPayload & { sub: string; jti: string },
    lifetimeSeconds: number,
  ): Promise<string>
  /** @throws IsthmusError unauthenticated, with the same text whatever is wrong; the reason is its cause */
  verify(kind: TokenKind, token: string): Promise<JWTPayload & { sub: string; jti: string; exp: number }>
}

/** Signing and strict verification: EdDSA alone, our header members alone, times and audience always there. */
export function makeJwts(keyring: Keyring, clock: Clock): Jwts {
  return {
    async sign(kind, claims, lifetimeSeconds) {
      const { kid, key } = keyring.signer()
      const now = Math.floor(clock.now() / 1000)
      return new SignJWT(claims)
        .setProtectedHeader({ alg: 'EdDSA', kid, typ: kind.typ })
        .setIssuer(ISSUER)
        .setAudience(kind.audience)
        .setIssuedAt(now)
        .setExpirationTime(now + Math.min(lifetimeSeconds, kind.maxAgeSeconds))
        .sign(key)
    },

    async verify(kind, token) {
      try {
        const key = keyring.verifier(kidOf(token))
        if (!key) throw new Error('unknown kid')
        const { payload } = await jwtVerify(token, key, {
          algorithms: ['EdDSA'],
          typ: kind.typ,
          issuer: ISSUER,
          audience: kind.audience,
          requiredClaims: ['sub', 'jti', 'exp', 'iat'],
          maxTokenAge: kind.maxAgeSeconds,
          clockTolerance: SKEW_SECONDS,
          currentDate: new Date(clock.now()),
        })
        const { sub, jti, exp } = payload
        if (typeof sub !== 'string' || typeof jti !== 'string' || !sub || !jti)
          throw new Error('bad sub or jti')
        if (typeof exp !== 'number' || exp * 1000 <= clock.now()) throw new Error('expired')
        return { ...payload, sub, jti, exp }
      } catch (error) {
        throw unauthenticated(error)
      }
    },
  }
}

/** The one text for whatever is wrong with a token or a credential, so that nothing can be probed. */
export function unauthenticated(cause: unknown): IsthmusError {
  return new IsthmusError('unauthenticated', 'Unauthorized', { cause })
}

/** Shape and header, before any cryptography: three parts of base64url, `alg: EdDSA`, no `crit`, `b64`, `jwk` or `jku`. */
function kidOf(token: string): string {
  if (token.length > MAX_LENGTH) throw new Error('too long')
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) throw new Error('not a compact JWS')
  const header = decodeProtectedHeader(token)
  for (const key of Object.keys(header)) if (!HEADER_KEYS.has(key)) throw new Error('unknown header member')
  if (header.alg !== 'EdDSA' || typeof header.kid !== 'string') throw new Error('wrong algorithm or no kid')
  return header.kid
}
