import 'reflect-metadata'
import type { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A certificate and its key, PEM. */
export interface CertificatePair {
  cert: string
  key: string
}

/** A certificate authority for one test. */
export interface TestCa {
  /** PEM. */
  ca: string
  /** A certificate for these names and addresses, for server and client use. */
  issue(options?: {
    commonName?: string
    dns?: string[]
    ip?: string[]
    notAfter?: Date
  }): Promise<CertificatePair>
}

async function keyPair(): Promise<{ keys: webcrypto.CryptoKeyPair; key: string }> {
  const keys = (await crypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair
  const der = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { keys, key: x509.PemConverter.encode(der, 'PRIVATE KEY') }
}

/** Makes a CA; its certificates are good for a day, for `localhost` and 127.0.0.1 unless told otherwise. */
export async function createTestCa(): Promise<TestCa> {
  const { keys } = await keyPair()
  const day = 24 * 3600 * 1000
  const notBefore = new Date(Date.now() - day)
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test-ca',
    keys,
    signingAlgorithm: algorithm,
    notBefore,
    notAfter: new Date(Date.now() + day),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature),
    ],
  })
  return {
    ca: root.toString('pem'),
    async issue({ commonName = 'localhost', dns = ['localhost'], ip = ['127.0.0.1'], notAfter } = {}) {
      const own = await keyPair()
      const cert = await x509.X509CertificateGenerator.create({
        subject: `CN=${commonName}`,
        issuer: root.subject,
        publicKey: own.keys.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        notBefore,
        notAfter: notAfter ?? new Date(Date.now() + day),
        extensions: [
          new x509.SubjectAlternativeNameExtension([
            ...dns.map((value) => ({ type: 'dns' as const, value })),
            ...ip.map((value) => ({ type: 'ip' as const, value })),
          ]),
          new x509.ExtendedKeyUsageExtension([
            x509.ExtendedKeyUsage.serverAuth,
            x509.ExtendedKeyUsage.clientAuth,
          ]),
        ],
      })
      return { cert: cert.toString('pem'), key: own.key }
    },
  }
}
