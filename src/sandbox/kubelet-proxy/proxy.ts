import type { Logger } from '../../lib/logger.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import {
  headerItems,
  isWebSocketUpgrade,
  PORT_FORWARD_TUNNEL_PROTOCOL,
  StreamError,
} from '../../protocol/streams/index.ts'
import type { PodBackend, PodRequest, PodUpgradeRequest } from '../ports.ts'
import { createKubeletClient, type KubeletTrust } from './kubelet.ts'
import { kubeletLogs } from './logs.ts'
import { passThrough } from './pass-through.ts'
import { translateCommand, translateForward } from './translate.ts'

/** By which a node says that its kubelet takes WebSocket v5 and the tunnel itself (Kubernetes 1.36, KEP-4006). */
const WEBSOCKET_FEATURE = 'ExtendWebSocketsToKubelet'

export interface KubeletProxyOptions {
  trust: KubeletTrust
  logger: Logger
}

export interface KubeletProxy extends PodBackend {
  close(): void
}

function checkNode({ pod, node }: PodRequest): void {
  if (node) return
  throw new IsthmusError('not_found', `nodes "${pod.spec?.nodeName}" not found`, {
    kind: 'nodes',
    name: pod.spec?.nodeName,
  })
}

/**
 * How the stream goes on (virtual-kubelet.md §3): WebSocket v5 and the tunnel become SPDY unless the node takes them
 * as they are; SPDY and the older WebSocket protocols are passed through.
 */
function chooseWay(request: PodUpgradeRequest) {
  if (!isWebSocketUpgrade(request.request)) return passThrough
  const declared = (request.node?.status as { declaredFeatures?: string[] } | undefined)?.declaredFeatures
  if (declared?.includes(WEBSOCKET_FEATURE)) return passThrough
  const offered = headerItems(request.request.headers['sec-websocket-protocol'])
  if (request.verb === 'portforward') {
    return offered.includes(PORT_FORWARD_TUNNEL_PROTOCOL) ? translateForward : passThrough
  }
  return offered.includes('v5.channel.k8s.io') ? translateCommand : passThrough
}

/** Logs, exec, attach and port-forward through the kubelet port of the pod's node, as an API server does it. */
export function createKubeletProxy({ trust, logger }: KubeletProxyOptions): KubeletProxy {
  const client = createKubeletClient(trust)
  return {
    async logs(request) {
      checkNode(request)
      return kubeletLogs(client, request)
    },
    async upgrade(request) {
      checkNode(request)
      try {
        await chooseWay(request)(client, request)
      } catch (error) {
        // the client has been answered, or has gone: nobody is left to be told
        if (!(error instanceof StreamError)) throw error
        logger.debug({ err: error, verb: request.verb }, 'a stream ended early')
      }
    },
    close: () => client.close(),
  }
}
