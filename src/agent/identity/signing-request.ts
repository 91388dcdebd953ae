import type { V1CertificateSigningRequest } from '@kubernetes/client-node'
import { isKubeApiError, type KubeClient } from '../../kube/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { type CertificateSubject, certificateRequest, requestDigest } from './certificate-request.ts'

/** The signers of Kubernetes itself that a kubelet asks. */
export type Signer = 'kubernetes.io/kube-apiserver-client-kubelet' | 'kubernetes.io/kubelet-serving'

export interface SigningRequest {
  signerName: Signer
  subject: CertificateSubject
  /** PEM. */
  key: string
}

export interface SigningDeps {
  client: Pick<KubeClient, 'json'>
  clock: Clock
  logger: Logger
  signal: AbortSignal
  /** Called once, when nobody has approved the request for a while; the name is what `kubectl certificate approve` takes. */
  onWaiting(name: string): void
}

/** The request was denied, or the signer could not sign it. */
export class CertificateRefusedError extends Error {
  constructor(name: string, condition: string, message: string | undefined) {
    super(`the certificate request ${name} is ${condition}${message ? `: ${message}` : ''}`)
    this.name = 'CertificateRefusedError'
  }
}

const PATH = ['apis', 'certificates.k8s.io', 'v1', 'certificatesigningrequests']
/** How often it is looked at: an approval by a controller takes a second or two, one by a person hours. */
const LOOK_FIRST_MS = 1_000
const LOOK_LATER_MS = 15_000
/** From then on a person has to be asked. */
const WAITING_AFTER_MS = 10_000
const RETRY_MS = 5_000

const usages: Record<Signer, string> = {
  'kubernetes.io/kube-apiserver-client-kubelet': 'client auth',
  'kubernetes.io/kubelet-serving': 'server auth',
}

/** Named by signer and key, so that a restart finds the request that waits. */
function nameOf({ signerName, subject, key }: SigningRequest): string {
  const kind = usages[signerName] === 'client auth' ? 'client' : 'serving'
  return `isthmus-${subject.nodeName.slice(0, 180)}-${kind}-${requestDigest(key, subject)}`
}

async function bodyOf(name: string, wanted: SigningRequest): Promise<V1CertificateSigningRequest> {
  const request = await certificateRequest(wanted.key, wanted.subject)
  return {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: {
      request: Buffer.from(request).toString('base64'),
      signerName: wanted.signerName,
      // An ECDSA key encrypts nothing: no `key encipherment` (the signers take both sets).
      usages: ['digital signature', usages[wanted.signerName]],
    },
  }
}

/**
 * Asks the cluster for a certificate by a CertificateSigningRequest and waits, for ever, until it is issued. A
 * request of the same key is used again; one that has vanished (they do, unapproved, after 24 h) is made anew.
 * @returns the chain, PEM. @throws CertificateRefusedError; KubeApiError 403 when it may not ask; the signal's reason
 */
export async function requestCertificate(wanted: SigningRequest, deps: SigningDeps): Promise<string> {
  const { client, clock, logger, signal } = deps
  const name = nameOf(wanted)
  const body = await bodyOf(name, wanted)
  const began = clock.elapsed()
  let told = false

  async function look(): Promise<V1CertificateSigningRequest> {
    try {
      return await client.json({ method: 'GET', path: [...PATH, name], timeoutMs: 10_000, signal })
    } catch (error) {
      if (!isKubeApiError(error, 404)) throw error
      return client.json({ method: 'POST', path: PATH, body, timeoutMs: 10_000, signal })
    }
  }

  for (;;) {
    signal.throwIfAborted()
    try {
      const { status } = await look()
      const refused = status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed')
      if (refused) throw new CertificateRefusedError(name, refused.type, refused.message)
      if (status?.certificate) return Buffer.from(status.certificate, 'base64').toString('utf8')
    } catch (error) {
      const mine = error instanceof CertificateRefusedError || isKubeApiError(error, 403)
      if (mine || signal.aborted || isKubeApiError(error, 401)) throw error
      logger.warn({ err: error, csr: name }, 'the certificate request could not be looked at')
      await clock.sleep(RETRY_MS, signal)
      continue
    }
    const waited = clock.elapsed() - began
    if (waited >= WAITING_AFTER_MS && !told) {
      told = true
      deps.onWaiting(name)
    }
    await clock.sleep(told ? LOOK_LATER_MS : LOOK_FIRST_MS, signal)
  }
}
