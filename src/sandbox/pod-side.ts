import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { ServiceAccountTokens } from './api/auth/service-account-tokens.ts'
import type { Role } from './api/context.ts'
import { createKubeletProxy } from './kubelet-proxy/index.ts'
import type { IssuedCertificate } from './pki/authority.ts'
import type { PodBackend } from './ports.ts'
import { startRuntime } from './runtime/index.ts'
import { startNodeLifecycle, startScheduler } from './scheduler/index.ts'
import type { ResourceStore } from './store/types.ts'

/** Whoever runs the pods, and what is to be stopped with it. */
export interface PodSide {
  backend: PodBackend
  stop(): Promise<void>
}

export interface PodSideOptions {
  role: Role
  store: ResourceStore
  clock: Clock
  logger: Logger
  dir: string
  tokens: ServiceAccountTokens
  /** With what the API server shows itself to kubelets. */
  kubeletClient: IssuedCertificate
  apiServer: { host: string; port: number }
  path: string
}

/**
 * The scheduler and the node controllers; in a data plane the runtime of child processes, in a user cluster the way to
 * the kubelets of nodes that registered.
 */
export async function startPodSide(options: PodSideOptions): Promise<PodSide> {
  const { role, store, clock, logger, dir, tokens, apiServer, path } = options
  const ends = [startScheduler({ store, clock, logger }), startNodeLifecycle({ store, clock, logger })]
  const stopAll = () => {
    for (const end of ends) end()
  }
  if (role !== 'data-plane') {
    const proxy = createKubeletProxy({ trust: options.kubeletClient, logger })
    return {
      backend: proxy,
      async stop() {
        stopAll()
        proxy.close()
      },
    }
  }
  const runtime = await startRuntime({
    store,
    clock,
    logger,
    dir,
    apiServer,
    path,
    requestToken: async ({ namespace, serviceAccount, pod, audiences, expirationSeconds }) =>
      tokens.issue({
        namespace,
        serviceAccount,
        audiences,
        expirationSeconds,
        boundTo: { kind: 'Pod', ...pod },
      }),
  })
  return {
    backend: runtime.backend,
    stop() {
      stopAll()
      return runtime.stop()
    },
  }
}
