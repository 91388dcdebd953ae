import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

x509.cryptoProvider.set(crypto)

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000

/** A certificate with its key, both PEM. */
export interface KeyPair {
  cert: string
  key: string
}

export interface ClientCertificateOptions {
  /** The user's name for the API server. */
  commonName: string
  /** The user's groups. */
  organizations?: string[]
  /** Validity from now; a day by default. */
  validMs?: number
}

export interface ServingCertificateOptions {
  commonName: string
  /** IP addresses and DNS names. */
  addresses?: string[]
  names?: string[]
}

/** Makes a self-signed certificate authority. */
export async function createAuthority(commonName: string): Promise<KeyPair> {
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: ALGORITHM,
    ...validity(DAY_MS * 7),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { cert: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) }
}

/** A certificate that a user or a component proves its name and groups with. */
export function issueClientCertificate(ca: KeyPair, options: ClientCertificateOptions): Promise<KeyPair> {
  const subject = [{ CN: [options.commonName] }, ...(options.organizations ?? []).map((O) => ({ O: [O] }))]
  return issue(ca, subject, x509.ExtendedKeyUsage.clientAuth, [], options.validMs)
}

/** A certificate for an API server, etcd or a kubelet. etcd's serves as a client's too: its gateway dials itself with it. */
export function issueServingCertificate(ca: KeyPair, options: ServingCertificateOptions): Promise<KeyPair> {
  const alternatives = new x509.SubjectAlternativeNameExtension([
    ...(options.addresses ?? []).map((value) => ({ type: 'ip', value }) as const),
    ...(options.names ?? []).map((value) => ({ type: 'dns', value }) as const),
  ])
  const subject = [{ CN: [options.commonName] }]
  return issue(ca, subject, x509.ExtendedKeyUsage.serverAuth, [alternatives])
}

/** The keys of ServiceAccount tokens (ES256), PEM. The API server wants the public one in a file of its own. */
export async function createSigningKeys(): Promise<{ publicKey: string; privateKey: string }> {
  const { publicKey, privateKey } = await generateKeys()
  const der = await webcrypto.subtle.exportKey('spki', publicKey)
  return {
    publicKey: `${x509.PemConverter.encode(der, 'PUBLIC KEY')}\n`,
    privateKey: await exportKey(privateKey),
  }
}

async function issue(
  ca: KeyPair,
  subject: x509.JsonName,
  usage: x509.ExtendedKeyUsage,
  extensions: x509.Extension[],
  validMs = DAY_MS,
): Promise<KeyPair> {
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: new x509.X509Certificate(ca.cert).subject,
    publicKey: keys.publicKey,
    signingKey: await importKey(ca.key),
    signingAlgorithm: ALGORITHM,
    ...validity(validMs),
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage, x509.ExtendedKeyUsage.clientAuth].filter(unique)),
      ...extensions,
    ],
  })
  return { cert: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) }
}

const unique = <T>(value: T, index: number, all: T[]) => all.indexOf(value) === index

/** From five minutes ago, as Kubernetes' own signer does, for clocks that differ. */
function validity(ms: number) {
  return { notBefore: new Date(Date.now() - 300_000), notAfter: new Date(Date.now() + ms) }
}

function generateKeys() {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key)
  return `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n`
}

function importKey(pem: string) {
  const der = x509.PemConverter.decode(pem)[0]
  if (!der) throw new Error('no key in this PEM text')
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign'])
}
