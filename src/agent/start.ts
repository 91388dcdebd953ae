import { createHttp2Pool, createKubeClient, type KubeClient, type KubeTarget } from '../kube/index.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Self } from '../protocol/schemas/agent.ts'
import type { AgentContext } from './context.ts'
import { createEventCopy } from './events/copy.ts'
import { createRecorder } from './events/recorder.ts'
import { createAccessToken } from './gateway/access-token.ts'
import { createGatewayClient } from './gateway/client.ts'
import { createKubelet } from './kubelet/index.ts'
import type { KubeletServer } from './kubelet/server.ts'
import { createServingCertificate } from './kubelet/serving-certificate.ts'
import { type AgentModule, noReferences, withoutTokens, writes } from './modules.ts'
import { createNodeModule } from './node/index.ts'
import { carriedUid } from './pods/decide.ts'
import { createDependencies } from './pods/dependencies.ts'
import { createPodsModule } from './pods/index.ts'
import { createNamespaces } from './pods/namespaces.ts'
import { createSelfWatch } from './self/self-watch.ts'
import { createCarriedObjects } from './sync/carried-objects.ts'
import { createReferences } from './sync/references.ts'
import { createServiceEnv } from './sync/service-env.ts'
import { createTokens } from './tokens/tokens.ts'
import { AGENT_VERSION } from './version.ts'
import { createWriter } from './writer/writer.ts'

export interface AgentOptions {
  /** Name of the Node. */
  nodeName: string
  /** Unique per process. */
  instance: string
  /** InternalIP of the Node. */
  nodeIp: string
  /** The user's API server and the identity there. */
  user: KubeTarget
  gateway: { url: string; ca: string | undefined; clientId: string; clientSecret(): Promise<string> }
  kubelet: {
    host: string
    port: number
    /** PEM; self-signed when absent. */
    certificate: { cert: string; key: string } | undefined
    /** Where one that the cluster issues is kept; none is asked for when absent. */
    certificateDir?: string
    /** PEM; see `--kubelet-client-ca`. */
    clientCa: string | undefined
  }
  /** Milliseconds; Infinity for ever; absent: by what the cluster is. */
  staticPeriodMs: number | undefined
  clusterDns: { servers: string[]; domain: string } | undefined
  podApiServer: { host: string; port: number } | undefined
  declaredFeatures: readonly string[]
  nodeLabels: Record<string, string>
  /** What this process does; see `--modules`. */
  modules: ReadonlySet<AgentModule>
  /** Whether the Node is registered with the virtual-node taint. */
  taint: boolean
}

export interface AgentDeps {
  clock: Clock
  logger: Logger
  /** 0 ≤ x < 1. */
  random(): number
}

export interface Agent {
  /** Port of the kubelet API. */
  kubeletPort: number
  /** Another serving certificate for it, PEM. */
  setCertificate(cert: string, key: string): void
  /** Stops: gives the writer lease back and ends the streams. Never deletes the Node (PodGC would take its pods). */
  stop(): Promise<void>
}

/** How long the lease is held at most for requests that have not ended when the agent is told to stop. */
const HAND_OVER_MS = 1_500

/** The composition root of the agent: wires the modules, binds the kubelet port and starts every loop. */
export async function startAgent(options: AgentOptions, deps: AgentDeps): Promise<Agent> {
  const { nodeName, instance, nodeIp, modules } = options
  const { clock, logger, random } = deps
  const stopping = new AbortController()
  const signal = stopping.signal
  const userAgent = `isthmus-agent/${AGENT_VERSION}`

  const user: KubeClient = createKubeClient(options.user, { userAgent })
  // A watch per Secret and ConfigMap: a socket each over HTTP/1 (rule 33).
  const watches = createHttp2Pool(options.user, { userAgent, fallback: user })
  const target = { server: options.gateway.url, ca: options.gateway.ca }
  const anonymous = createKubeClient(target, { userAgent })
  const token = createAccessToken({ client: anonymous, clock, ...options.gateway })
  const authenticated = createKubeClient({ ...target, token: () => token.get() }, { userAgent })
  const gateway = createGatewayClient({ authenticated, anonymous, epoch: () => writer.epoch() })

  const isWriter = () => writer.epoch() !== undefined
  const recorder = createRecorder({ user, nodeName, clock, logger, isWriter })
  const context: AgentContext = {
    user,
    gateway: gateway.kube,
    nodeName,
    facts: { nodeName, hostIp: nodeIp, clusterDns: options.clusterDns },
    clock,
    logger,
    random,
    signal,
    isWriter,
    self: () => self.current(),
    isConnected: () => self.connection().connected,
    recorder,
  }

  const writer = createWriter({
    gateway,
    instance,
    clock,
    logger,
    signal,
    onChange(writing) {
      node.touch()
      if (writing) pods.lookAtAll()
    },
  })
  let known: Self | undefined
  const self = createSelfWatch({
    gateway,
    clock,
    logger,
    signal,
    refreshToken: () => token.refresh(),
    onChange() {
      node.touch()
      // Any change: whether room was made can not be told from two answers, one in between may be missing.
      if (self.current() !== known) pods.quotaFreed()
      known = self.current()
    },
  })

  const namespaces = createNamespaces(context)
  const objects = createCarriedObjects(context, namespaces)
  const references = modules.has('sync')
    ? createReferences({ ...context, user: watches }, { objects, onChange: (uid) => pods.enqueue(uid) })
    : noReferences
  const serviceEnv = createServiceEnv(context, {
    objects,
    apiServer: options.podApiServer,
    onSynced: () => pods.lookAtAll(),
  })
  const tokens = createTokens(context, objects)
  const elapsed = () => clock.elapsed()
  const dependencies = createDependencies({ references, serviceEnv, tokens, elapsed })
  const pods = createPodsModule({
    // Without it pods are watched all the same: the port and the Node's room need to know them.
    context: { ...context, isWriter: () => modules.has('pods') && isWriter() },
    namespaces,
    dependencies: modules.has('tokens') ? dependencies : withoutTokens(dependencies),
    onStanding: () => node.refresh(),
    usesNamespace: (namespace) => references.uses(namespace),
    objects,
  })
  const events = createEventCopy(context, { carriers: pods.carriers, users: pods.users, uidOf: carriedUid })

  let kubelet: KubeletServer | undefined
  const serving = createServingCertificate({
    directory:
      modules.has('kubelet') && !options.kubelet.certificate ? options.kubelet.certificateDir : undefined,
    nodeName,
    nodeIp,
    user,
    recorder,
    clock,
    logger,
    random,
    signal,
    onChange: (cert, key) => kubelet?.setCertificate(cert, key),
  })
  const issued = await serving.load()
  kubelet = await createKubelet({
    user,
    gateway,
    nodeName,
    nodeIp,
    certificate: options.kubelet.certificate ?? issued,
    clientCa: options.kubelet.clientCa,
    clusterCa: options.user.ca,
    users: pods.users,
    config: { kind: 'KubeletConfiguration', apiVersion: 'kubelet.config.k8s.io/v1beta1', nodeName },
    clock,
    logger,
  })
  // Without a port of its own the Node points at the one that another process serves.
  const kubeletPort = modules.has('kubelet')
    ? await kubelet.listen(options.kubelet.host, options.kubelet.port)
    : options.kubelet.port

  const node = createNodeModule({
    user,
    name: nodeName,
    instance,
    self,
    writer,
    recorder,
    identity: {
      internalIp: nodeIp,
      kubeletPort,
      declaredFeatures: options.declaredFeatures,
      labels: options.nodeLabels,
      taint: options.taint,
    },
    staticPeriodMs: options.staticPeriodMs,
    pods: () => pods.users.values(),
    standingOf: (pod) => pods.standingOf(pod),
    clock,
    logger,
    signal,
  })

  const running = [
    self,
    serviceEnv,
    pods,
    serving,
    ...(writes(modules) ? [writer] : []),
    ...(modules.has('node') ? [node] : []),
    ...(modules.has('events') ? [events] : []),
  ]
  const loops = running.map((module) =>
    module.run().catch((error) => {
      if (!signal.aborted) logger.error({ err: error }, 'a loop of the agent ended')
    }),
  )

  return {
    kubeletPort,
    setCertificate: (cert, key) => kubelet?.setCertificate(cert, key),
    async stop() {
      stopping.abort(new Error('the agent stops'))
      const ended = Promise.all([...loops, objects.close(), tokens.close()])
      // No write of ours is to meet the next writer's; one that hangs is fenced by the epoch.
      await Promise.race([ended, clock.sleep(HAND_OVER_MS, undefined, { ref: false })])
      await writer.release()
      await Promise.all([ended, kubelet?.close()])
      await Promise.all([watches.close(), user.close(), authenticated.close(), anonymous.close()])
    },
  }
}
