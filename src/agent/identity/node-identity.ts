import { createKubeClient, type KubeTarget } from '../../kube/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { createCertificateFiles } from './certificate-files.ts'
import { createManagedCertificate } from './managed-certificate.ts'

export interface NodeIdentityOptions {
  /** Where its certificate is kept; of this process alone. */
  directory: string
  nodeName: string
  /** The user's cluster with the credential to ask by: a bootstrap token, a ServiceAccount, a node's certificate. */
  bootstrap: KubeTarget
  userAgent: string
  clock: Clock
  logger: Logger
  random(): number
  signal: AbortSignal
}

/** The agent as a node: `system:node:<name>` by a client certificate of the cluster's, renewed for as long as it runs. */
export interface ClientIdentity {
  /** The cluster, with whichever certificate is the present one. */
  target: KubeTarget
  /** Renews, for ever. */
  run(): Promise<void>
  close(): Promise<void>
}

/**
 * Gets the identity as a kubelet does: the certificate on disk while it is good, else one asked for by CSR with the
 * bootstrap credential, which waits until it is approved. It is renewed with itself; the bootstrap credential is
 * used again only when it has run out, after a long sleep for instance.
 */
export async function openClientIdentity(options: NodeIdentityOptions): Promise<ClientIdentity> {
  const { bootstrap, nodeName, userAgent, logger } = options
  const { server, ca, tlsServerName } = bootstrap
  const certificate = () => {
    const { cert = '', key = '' } = managed.current() ?? last ?? {}
    return { cert, key }
  }
  const target: KubeTarget = { server, ca, tlsServerName, currentCertificate: certificate }
  let last: { cert: string; key: string } | undefined
  const asBootstrap = createKubeClient(bootstrap, { userAgent })
  let asNode: ReturnType<typeof createKubeClient> | undefined

  const managed = createManagedCertificate({
    ...options,
    signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
    subject: { nodeName, names: [] },
    files: createCertificateFiles(options.directory, 'kubelet-client'),
    client: () => (managed.current() && asNode ? asNode : asBootstrap),
    onChange({ cert, key }) {
      last = { cert, key }
    },
    onWaiting(csr) {
      logger.warn(
        { csr, approve: `kubectl certificate approve ${csr}` },
        'the node’s client certificate waits for an approval',
      )
    },
  })
  await managed.ensure()
  asNode = createKubeClient(target, { userAgent })
  return {
    target,
    run: () => managed.run(),
    async close() {
      await Promise.all([asBootstrap.close(), asNode?.close()])
    },
  }
}
