import { createPrivateKey, X509Certificate } from 'node:crypto'
import { fieldFault } from './document.ts'

/** A base64 field of a kubeconfig as the PEM in it. @throws IsthmusError invalid */
export function decodePem(base64: string, field: string): string {
  const compact = base64.replace(/\s+/g, '')
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(compact)) throw fieldFault(field, 'must be base64')
  return Buffer.from(compact, 'base64').toString('utf8')
}

/** Checks that this is one certificate or several. @throws IsthmusError invalid */
export function checkCertificates(pem: string, field: string): string {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g)
  if (!blocks) throw fieldFault(field, 'must hold a PEM certificate')
  try {
    for (const block of blocks) new X509Certificate(block)
  } catch (error) {
    throw fieldFault(field, 'holds a certificate that can not be read', error)
  }
  return pem
}

/** Checks that the key is the certificate's. @throws IsthmusError invalid */
export function checkPair(cert: string, key: string, field: string): { cert: string; key: string } {
  let fits: boolean
  try {
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))
  } catch (error) {
    throw fieldFault(field, 'holds a private key that can not be read', error)
  }
  if (!fits) throw fieldFault(field, 'is not the key of the client certificate')
  return { cert, key }
}
