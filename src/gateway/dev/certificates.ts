import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import path from 'node:path'
import * as x509 from '@peculiar/x509'

export interface DevCertificates {
  /** PEM of the CA, for clients. */
  caFile: string
  certFile: string
  keyFile: string
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const YEAR_MS = 365 * 86_400_000
/** Clocks of other machines may be behind. */
const BACKDATE_MS = 300_000

/**
 * The CA of `--dev`, made once and kept, and a certificate of it for these names, made at each start: kubectl sends
 * no credentials over plain HTTP (kubernetes-face.md 4).
 */
export async function devCertificates(folder: string, names: readonly string[]): Promise<DevCertificates> {
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  const file = (name: string) => path.join(folder, name)
  const files = { caFile: file('ca.crt'), certFile: file('tls.crt'), keyFile: file('tls.key') }
  const { certificate, privateKey } = await authority(files.caFile, file('ca.key'))

  const keys = await generateKeys()
  const issued = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: 'CN=isthmus-gateway',
    issuer: certificate.subject,
    notBefore: new Date(Date.now() - BACKDATE_MS),
    notAfter: new Date(Date.now() + YEAR_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        [...new Set(names)].map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value })),
      ),
    ],
  })
  writeFileSync(files.keyFile, await pemOf(keys.privateKey), { mode: 0o600 })
  writeFileSync(files.certFile, issued.toString('pem'))
  return files
}

async function authority(caFile: string, keyFile: string) {
  if (existsSync(caFile) && existsSync(keyFile)) {
    const raw = x509.PemConverter.decodeFirst(readFileSync(keyFile, 'utf8'))
    const privateKey = await webcrypto.subtle.importKey('pkcs8', raw, ALGORITHM, true, ['sign'])
    return { certificate: new x509.X509Certificate(readFileSync(caFile, 'utf8')), privateKey }
  }
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'CN=isthmus-dev-ca',
    notBefore: new Date(Date.now() - BACKDATE_MS),
    notAfter: new Date(Date.now() + 10 * YEAR_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  })
  writeFileSync(keyFile, await pemOf(keys.privateKey), { mode: 0o600 })
  writeFileSync(caFile, certificate.toString('pem'))
  return { certificate, privateKey: keys.privateKey }
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
}

/** Positive, 16 bytes. */
function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes.readUInt8(0) & 0x7f) | 1
  return bytes.toString('hex')
}
