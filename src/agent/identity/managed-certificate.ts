import { isKubeApiError, type KubeClient } from '../../kube/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import {
  type CertificateFiles,
  type IssuedCertificate,
  isFor,
  parseCertificate,
} from './certificate-files.ts'
import type { CertificateSubject } from './certificate-request.ts'
import { CertificateRefusedError, requestCertificate, type Signer } from './signing-request.ts'

export interface ManagedCertificateOptions {
  signerName: Signer
  subject: CertificateSubject
  files: CertificateFiles
  /** Who asks; looked up for each request, since it may be the certificate itself. */
  client(): Pick<KubeClient, 'json'>
  /** Another certificate is the present one. */
  onChange(certificate: IssuedCertificate): void
  /** Nobody has approved the request `name` so far. */
  onWaiting(name: string): void
  clock: Clock
  logger: Logger
  /** 0 ≤ x < 1. */
  random(): number
  signal: AbortSignal
}

/** A certificate that the cluster issues, kept on disk and renewed in time. */
export interface ManagedCertificate {
  /** The present one, while it is good. */
  current(): IssuedCertificate | undefined
  /** Loads it from disk, or asks for the first one and waits. */
  ensure(): Promise<IssuedCertificate>
  /** Loads it from disk only. */
  load(): Promise<IssuedCertificate | undefined>
  /** Renews it, for ever; asks for the first one where there is none. */
  run(): Promise<void>
}

/** As kubelets: at a random point from 70 to 90 % of its life, so that a fleet does not ask at once. */
export function renewalTime(certificate: IssuedCertificate, random: () => number): number {
  const { notBefore, notAfter } = certificate
  return notBefore + (notAfter - notBefore) * (0.7 + 0.2 * random())
}

/** After a refusal: a person has said no, or may not be asked. */
const REFUSED_RETRY_MS = 10 * 60_000
/** A sleep at most, so that a clock that was set is noticed, and no timer overflows. */
const NAP_MS = 10 * 60_000

/** Makes the keeper of one certificate; `run()` starts it. */
export function createManagedCertificate(options: ManagedCertificateOptions): ManagedCertificate {
  const { signerName, subject, files, clock, logger, signal } = options
  let present: IssuedCertificate | undefined
  let renewAt = 0

  const isGood = (certificate: IssuedCertificate | undefined) =>
    certificate !== undefined && clock.now() < certificate.notAfter

  function take(certificate: IssuedCertificate): IssuedCertificate {
    present = certificate
    renewAt = renewalTime(certificate, options.random)
    options.onChange(certificate)
    return certificate
  }

  async function load(): Promise<IssuedCertificate | undefined> {
    if (isGood(present)) return present
    const kept = await files.read()
    return kept && isGood(kept) && isFor(kept, subject) ? take(kept) : undefined
  }

  /** Asks for a new one until it is there. */
  async function renew(): Promise<IssuedCertificate> {
    for (;;) {
      const key = await files.pendingKey()
      try {
        const deps = { client: options.client(), clock, logger, signal, onWaiting: options.onWaiting }
        const chain = await requestCertificate({ signerName, subject, key }, deps)
        const certificate = parseCertificate(chain, key)
        await files.write(certificate)
        logger.info({ signerName, until: new Date(certificate.notAfter) }, 'the cluster issued a certificate')
        return take(certificate)
      } catch (error) {
        if (signal.aborted) throw error
        logger.warn({ err: error, signerName }, 'the cluster issued no certificate; it is asked again')
        // Another key makes another request: a denied one stays denied.
        if (error instanceof CertificateRefusedError) await files.dropPendingKey()
        const final = error instanceof CertificateRefusedError || isKubeApiError(error, 403)
        await clock.sleep(final ? REFUSED_RETRY_MS : 30_000, signal)
      }
    }
  }

  return {
    current: () => (isGood(present) ? present : undefined),
    load,
    async ensure() {
      return (await load()) ?? (await renew())
    },
    async run() {
      if (!(await load())) await renew()
      while (!signal.aborted) {
        const left = renewAt - clock.now()
        if (left <= 0) await renew()
        else await clock.sleep(Math.min(left, NAP_MS), signal).catch(() => {})
      }
    },
  }
}
