import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** A certificate with its key, both PEM. */
export interface IssuedCertificate {
  cert: string
  key: string
}

/** A certificate authority in memory. */
export interface CertificateAuthority {
  /** PEM. */
  readonly ca: string
  /** The authority's own key, PEM (PKCS#8): kept so that a restart trusts what was issued before. */
  readonly key: string
  /** For a server: its DNS names and addresses. */
  issueServer(names: readonly string[]): Promise<IssuedCertificate>
  /** For a client: user as CN, groups as O, as Kubernetes reads them. */
  issueClient(user: string, groups: readonly string[]): Promise<IssuedCertificate>
  /** Signs a PKCS#10 request, keeping its subject. @throws when its signature is wrong. */
  signRequest(pem: string, usages: readonly string[], seconds: number): Promise<string>
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 24 * 60 * 60 * 1000
const YEAR_MS = 365 * DAY_MS

/** A new authority, or the one of `existing`. */
export async function createAuthority(
  commonName: string,
  existing?: IssuedCertificate,
): Promise<CertificateAuthority> {
  const keys = existing ? await importKeys(existing) : await generateKeys()
  const certificate = existing ? new x509.X509Certificate(existing.cert) : await selfSigned(commonName, keys)
  const ca = certificate.toString('pem')

  const issue = async (
    subject: x509.JsonName,
    publicKey: x509.PublicKeyType,
    usage: x509.ExtendedKeyUsage[],
    names: readonly string[],
    milliseconds: number,
  ): Promise<string> => {
    const alternative: x509.JsonGeneralName[] = names.map((name) => ({
      type: isAddress(name) ? 'ip' : 'dns',
      value: name,
    }))
    const issued = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject,
      issuer: certificate.subject,
      notBefore: new Date(Date.now() - 5 * 60_000),
      notAfter: new Date(Date.now() + milliseconds),
      signingAlgorithm: ALGORITHM,
      publicKey,
      signingKey: keys.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment,
          true,
        ),
        new x509.ExtendedKeyUsageExtension(usage),
        ...(alternative.length > 0 ? [new x509.SubjectAlternativeNameExtension(alternative)] : []),
      ],
    })
    return issued.toString('pem')
  }

  const issueWithKey = async (
    subject: x509.JsonName,
    usage: x509.ExtendedKeyUsage,
    names: readonly string[],
  ) => {
    const pair = await generateKeys()
    const cert = await issue(subject, pair.publicKey, [usage], names, YEAR_MS)
    return { cert, key: await exportKey(pair.privateKey) }
  }

  return {
    ca,
    key: await exportKey(keys.privateKey),
    issueServer: (names) =>
      issueWithKey([{ CN: [names[0] ?? 'localhost'] }], x509.ExtendedKeyUsage.serverAuth, names),
    issueClient: (user, groups) =>
      issueWithKey(
        [...groups.map((group) => ({ O: [group] })), { CN: [user] }],
        x509.ExtendedKeyUsage.clientAuth,
        [],
      ),
    async signRequest(pem, usages, seconds) {
      const request = new x509.Pkcs10CertificateRequest(pem)
      if (!(await request.verify())) throw new Error('the signature of the certificate request is wrong')
      const extension = request.extensions.find(
        (each) => each instanceof x509.SubjectAlternativeNameExtension,
      )
      const names = extension?.names.toJSON().map(({ value }) => value) ?? []
      const known = {
        'client auth': x509.ExtendedKeyUsage.clientAuth,
        'server auth': x509.ExtendedKeyUsage.serverAuth,
      }
      const usage = usages.flatMap((each) => known[each as 'client auth'] ?? [])
      return issue(request.subjectName.toJSON(), request.publicKey, usage, names, seconds * 1000)
    },
  }
}

type Keys = webcrypto.CryptoKeyPair

const generateKeys = async (): Promise<Keys> =>
  (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as Keys

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
}

async function importKeys({ cert, key }: IssuedCertificate): Promise<Keys> {
  const raw = x509.PemConverter.decodeFirst(key)
  const privateKey = await webcrypto.subtle.importKey('pkcs8', raw, ALGORITHM, true, ['sign'])
  const publicKey = await new x509.X509Certificate(cert).publicKey.export()
  return { privateKey, publicKey } as Keys
}

function selfSigned(commonName: string, keys: Keys): Promise<x509.X509Certificate> {
  return x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: [{ CN: [commonName] }],
    notBefore: new Date(Date.now() - 5 * 60_000),
    notAfter: new Date(Date.now() + 10 * YEAR_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
    ],
  })
}

/** A positive serial of 16 bytes. */
function serial(): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x7f) | 0x01
  return bytes.toString('hex')
}

const isAddress = (name: string) => /^[\d.]+$/.test(name) || name.includes(':')
