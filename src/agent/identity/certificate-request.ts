import 'reflect-metadata'
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** What a certificate request asks for: a node's name as the signers of Kubernetes want it, and for a server its names. */
export interface CertificateSubject {
  nodeName: string
  /** Addresses and DNS names; none for a client. */
  names: readonly string[]
}

/** A new P-256 key, PEM (PKCS#8). */
export function newKey(): string {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey
}

/** A short digest of what a request asks for: its key's public half and its names. */
export function requestDigest(key: string, { names }: CertificateSubject): string {
  const spki = createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'der' })
  const hash = createHash('sha256').update(spki)
  for (const name of names) hash.update(`\0${name}`)
  return hash.digest('hex').slice(0, 20)
}

/** The PKCS#10 request for `system:node:<name>` in `system:nodes`, PEM. */
export async function certificateRequest(key: string, subject: CertificateSubject): Promise<string> {
  x509.cryptoProvider.set(webcrypto as never) // the same thing by another type
  const der = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' })
  const privateKey = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign'])
  const spki = createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'der' })
  const publicKey = await webcrypto.subtle.importKey('spki', spki, ALGORITHM, true, ['verify'])
  const names = [...new Set(subject.names)].map((value) => ({
    type: isIP(value) ? ('ip' as const) : ('dns' as const),
    value,
  }))
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ O: ['system:nodes'] }, { CN: [`system:node:${subject.nodeName}`] }],
    keys: { privateKey, publicKey } as webcrypto.CryptoKeyPair as never,
    signingAlgorithm: ALGORITHM,
    extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [],
  })
  return request.toString('pem')
}
