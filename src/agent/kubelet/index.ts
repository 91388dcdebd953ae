import type { V1ConfigMap, V1Pod } from '@kubernetes/client-node'
import type { KubeClient } from '../../kube/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { GatewayClient } from '../gateway/client.ts'
import type { Mirror } from '../mirror.ts'
import { createAuthenticate } from './authenticate.ts'
import { createAuthorize } from './authorize.ts'
import { selfSignedCertificate } from './certificate.ts'
import { createKubeletServer, type KubeletServer } from './server.ts'

export interface KubeletOptions {
  user: KubeClient
  gateway: GatewayClient
  nodeName: string
  /** In the self-signed certificate. */
  nodeIp: string
  /** PEM, where files give one. */
  certificate: { cert: string; key: string } | undefined
  /** PEM: who signs the certificates of callers; asked of the cluster when absent. */
  clientCa: string | undefined
  /** The cluster's CA, for want of anything better. */
  clusterCa: string | undefined
  users: Mirror<V1Pod>
  config: Record<string, unknown>
  clock: Clock
  logger: Logger
}

/**
 * The CA that signs API servers' client certificates, as the cluster publishes it. A node may not read it; then it
 * is the kubeconfig's CA, which on most clusters is the same one.
 */
async function findClientCa({ user, clusterCa, logger }: KubeletOptions): Promise<string | undefined> {
  try {
    const published = await user.json<V1ConfigMap>({
      method: 'GET',
      path: ['api', 'v1', 'namespaces', 'kube-system', 'configmaps', 'extension-apiserver-authentication'],
      timeoutMs: 10_000,
    })
    return published.data?.['client-ca-file'] ?? clusterCa
  } catch (error) {
    logger.debug({ err: error }, 'the cluster does not show its client CA, the kubeconfig’s is taken')
    return clusterCa
  }
}

/** Looks pods up by name; a scan, since requests of the port are few and pods per node some thousands at most. */
function lookup(users: Mirror<V1Pod>) {
  return {
    all: () => users.values(),
    find(namespace: string, name: string): V1Pod | undefined {
      for (const pod of users.values()) {
        if (pod.metadata?.name === name && pod.metadata.namespace === namespace) return pod
      }
      return undefined
    },
  }
}

/** Makes the kubelet port of the node; the caller binds it. */
export async function createKubelet(options: KubeletOptions): Promise<KubeletServer> {
  const { user, gateway, nodeName, clock, logger } = options
  const { cert, key } =
    options.certificate ?? (await selfSignedCertificate(nodeName, [options.nodeIp, nodeName]))
  return createKubeletServer({
    gateway,
    authenticate: createAuthenticate({ user, clock }),
    authorize: createAuthorize({ user, nodeName, clock }),
    pods: lookup(options.users),
    tls: { cert, key, clientCa: options.clientCa ?? (await findClientCa(options)) },
    config: options.config,
    logger,
  })
}
