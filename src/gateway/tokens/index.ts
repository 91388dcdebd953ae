export { type Jwts, makeJwts, SESSION_TICKET, unauthenticated } from './jwt.ts'
export { type Keyring, type KeyringOptions, type KeyStore, makeKeyring, type StoredKey } from './keyring.ts'
export type { IssuedToken, Principal, TokenService } from './principal.ts'
export { type CredentialSecrets, makeTokenService, type TokenServiceOptions } from './service.ts'
