import type { KubeClient } from '../../kube/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { EventRecorder } from '../context.ts'
import { createCertificateFiles } from '../identity/certificate-files.ts'
import { createManagedCertificate } from '../identity/managed-certificate.ts'

export interface ServingCertificateOptions {
  /** Where it is kept; without one no certificate is asked for. */
  directory: string | undefined
  nodeName: string
  /** What API servers dial. */
  nodeIp: string
  user: Pick<KubeClient, 'json'>
  recorder: EventRecorder
  clock: Clock
  logger: Logger
  random(): number
  signal: AbortSignal
  /** The kubelet port takes it from here on. */
  onChange(cert: string, key: string): void
}

/** The kubelet port's certificate by the user's cluster, and its renewals. */
export interface ServingCertificate {
  /** One of an earlier run that is still good for this node and address. */
  load(): Promise<{ cert: string; key: string } | undefined>
  run(): Promise<void>
}

/**
 * Asks for a certificate of `kubernetes.io/kubelet-serving`. No cluster approves these by itself (rule 31): until
 * somebody does, the port goes on with the self-signed one, and the log and an Event of the Node say how.
 */
export function createServingCertificate(options: ServingCertificateOptions): ServingCertificate {
  const { directory, nodeName, nodeIp, logger } = options
  if (directory === undefined) return { load: async () => undefined, run: async () => {} }
  return createManagedCertificate({
    ...options,
    signerName: 'kubernetes.io/kubelet-serving',
    subject: { nodeName, names: [nodeIp] },
    files: createCertificateFiles(directory, 'kubelet-server'),
    client: () => options.user,
    onChange: ({ cert, key }) => options.onChange(cert, key),
    onWaiting(csr) {
      const approve = `kubectl certificate approve ${csr}`
      logger.warn({ csr, approve }, 'the kubelet port’s certificate waits for an approval')
      options.recorder.event(
        { kind: 'Node', name: nodeName, uid: nodeName },
        'Normal',
        'ServingCertificatePending',
        `The kubelet port serves an older or self-signed certificate until its request is approved: ${approve}`,
      )
    },
  })
}
