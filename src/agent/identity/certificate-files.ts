import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { type CertificateSubject, newKey } from './certificate-request.ts'

/** A certificate with its key, PEM, and its life. */
export interface IssuedCertificate {
  cert: string
  key: string
  /** Milliseconds since the epoch. */
  notBefore: number
  notAfter: number
}

/** Where one certificate of the agent is kept, as kubelets keep theirs: chain and key in one file, the key of a request that waits in another. */
export interface CertificateFiles {
  /** The last certificate; undefined when there is none, or none that can be read. */
  read(): Promise<IssuedCertificate | undefined>
  /** Keeps a new one and forgets the key of its request. */
  write(certificate: IssuedCertificate): Promise<void>
  /** The key of the request that waits, or a new one: a restart asks for the same thing again, not for more. */
  pendingKey(): Promise<string>
  /** Forgets that key: its request was refused. */
  dropPendingKey(): Promise<void>
}

/** Reads chain and key, with one line end after each. @throws when one of them is none, or they do not belong together */
export function parseCertificate(cert: string, key: string): IssuedCertificate {
  const leaf = new X509Certificate(cert)
  if (!leaf.checkPrivateKey(createPrivateKey(key))) throw new Error('the key is not the certificate’s')
  const line = (pem: string) => `${pem.trimEnd()}\n`
  return {
    cert: line(cert),
    key: line(key),
    notBefore: leaf.validFromDate.getTime(),
    notAfter: leaf.validToDate.getTime(),
  }
}

/** Whether it says what is asked for now: an address that has changed is in none that was issued before. */
export function isFor({ cert }: IssuedCertificate, { nodeName, names }: CertificateSubject): boolean {
  const leaf = new X509Certificate(cert)
  const subject = leaf.subject.split('\n')
  return (
    subject.includes(`CN=system:node:${nodeName}`) &&
    names.every((name) => (isIP(name) ? leaf.checkIP(name) : leaf.checkHost(name)) !== undefined)
  )
}

const BLOCK = /-----BEGIN ([A-Z ]+)-----[\s\S]+?-----END \1-----\n?/g

function split(text: string): { cert: string; key: string } {
  const blocks = [...text.matchAll(BLOCK)]
  const of = (wanted: (label: string) => boolean) =>
    blocks.flatMap(([block, label = '']) => (wanted(label) ? [block] : [])).join('')
  return {
    cert: of((label) => label === 'CERTIFICATE'),
    key: of((label) => label.endsWith('PRIVATE KEY')),
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The files `<name>-current.pem` and `<name>-pending.key` of a folder, which is made; readable by their owner alone. */
export function createCertificateFiles(directory: string, name: string): CertificateFiles {
  const current = join(directory, `${name}-current.pem`)
  const pending = join(directory, `${name}-pending.key`)

  /** Whole or not at all, also when the machine stops in the middle. */
  async function put(path: string, text: string): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeFile(`${path}.part`, text, { mode: 0o600, flush: true })
    await rename(`${path}.part`, path)
  }

  return {
    async read() {
      const text = await readIfThere(current)
      if (text === undefined) return undefined
      try {
        const { cert, key } = split(text)
        return parseCertificate(cert, key)
      } catch {
        return undefined // damaged: as good as none, a new one is asked for
      }
    },
    async write({ cert, key }) {
      await put(current, cert + key)
      await rm(pending, { force: true })
    },
    async pendingKey() {
      const kept = await readIfThere(pending)
      if (kept?.includes('PRIVATE KEY')) return kept
      const key = newKey()
      await put(pending, key)
      return key
    },
    async dropPendingKey() {
      await rm(pending, { force: true })
    },
  }
}
