import type { V1Pod } from '@kubernetes/client-node'
import type { AgentContext } from '../../src/agent/context.ts'
import { createRecorder } from '../../src/agent/events/recorder.ts'
import { createDependencies } from '../../src/agent/pods/dependencies.ts'
import { createPodsModule, type PodsModule } from '../../src/agent/pods/index.ts'
import { createNamespaces } from '../../src/agent/pods/namespaces.ts'
import { createCarriedObjects } from '../../src/agent/sync/carried-objects.ts'
import { createReferences } from '../../src/agent/sync/references.ts'
import { createServiceEnv } from '../../src/agent/sync/service-env.ts'
import { createTokens } from '../../src/agent/tokens/tokens.ts'
import type { ForgeFacts } from '../../src/kube/forge/to-data-plane.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { silentLogger } from '../../src/lib/logger.ts'
import type { Self } from '../../src/protocol/schemas/agent.ts'
import { createFakeCluster, type FakeCluster, type Loose } from './fake-cluster.ts'

export const NODE = 'virtual-1'

export function selfOf(change: Partial<Self> = {}): Self {
  return {
    protocolVersions: [1],
    tenant: { id: 't1', name: 'acme', suspended: false },
    node: { id: 'n1', name: NODE, capacity: { cpu: '8', memory: '16Gi', pods: '100' } },
    cluster: { network: 'flat', maintenance: false, reachable: true, kubernetesVersion: 'v1.36.3' },
    quota: [],
    writer: { epoch: 1 },
    ...change,
  }
}

export interface AgentHarness {
  user: FakeCluster
  gateway: FakeCluster
  pods: PodsModule
  context: AgentContext
  self: Self
  setWriter(writes: boolean): void
  stop(): Promise<void>
}

export interface HarnessOptions {
  user?: FakeCluster
  gateway?: FakeCluster
  clock?: Clock
  facts?: Partial<ForgeFacts>
}

/** The agent's pod side between two fake API servers, without node, kubelet and token. */
export function startHarness(options: HarnessOptions = {}): AgentHarness {
  const clock = options.clock ?? systemClock
  const user = options.user ?? createFakeCluster()
  const gateway = options.gateway ?? createFakeCluster()
  const stopping = new AbortController()
  let writes = true
  const harness = { self: selfOf() }
  const isWriter = () => writes
  const recorder = createRecorder({
    user,
    nodeName: NODE,
    clock,
    logger: silentLogger,
    isWriter,
  })
  const context: AgentContext = {
    user,
    gateway,
    nodeName: NODE,
    facts: { nodeName: NODE, hostIp: '192.0.2.10', ...options.facts },
    clock,
    logger: silentLogger,
    random: () => 0,
    signal: stopping.signal,
    isWriter,
    self: () => harness.self,
    isConnected: () => true,
    recorder,
  }
  const namespaces = createNamespaces(context)
  const objects = createCarriedObjects(context, namespaces)
  const references = createReferences(context, { objects, onChange: (uid) => pods.enqueue(uid) })
  const serviceEnv = createServiceEnv(context, {
    objects,
    apiServer: { host: 'api.user', port: 6443 },
    onSynced: () => pods.lookAtAll(),
  })
  const tokens = createTokens(context, objects)
  const elapsed = () => clock.elapsed()
  const pods = createPodsModule({
    context,
    namespaces,
    dependencies: createDependencies({ references, serviceEnv, tokens, elapsed }),
    onStanding() {},
    usesNamespace: (namespace) => references.uses(namespace),
    objects,
  })
  const loops = [serviceEnv.run(), pods.run()]
  return Object.assign(harness, {
    user,
    gateway,
    pods,
    context,
    setWriter(next: boolean) {
      writes = next
    },
    async stop() {
      stopping.abort(new Error('stop'))
      await Promise.all([...loops, objects.close(), tokens.close()])
      await Promise.all([user.close(), gateway.close()])
    },
  })
}

/** A pod bound to the node, as a user's API server would show it. */
export function userPod(name: string, change: (pod: Loose) => void = () => {}): V1Pod {
  const pod: Loose = {
    metadata: { name, namespace: 'default', generation: 1 },
    spec: {
      nodeName: NODE,
      serviceAccountName: 'default',
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      containers: [{ name: 'main', image: 'busybox:1' }],
    },
    status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] },
  }
  change(pod)
  return pod
}

/** What a data plane's kubelet writes when every container runs. */
export function running(pod: Loose): void {
  const now = new Date().toISOString()
  pod.status = {
    phase: 'Running',
    podIP: '10.1.0.5',
    podIPs: [{ ip: '10.1.0.5' }],
    startTime: now,
    conditions: ['Initialized', 'ContainersReady', 'Ready'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: now,
    })),
    containerStatuses: pod.spec.containers.map(({ name, image }: Loose) => ({
      name,
      image,
      imageID: '',
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: now } },
    })),
  }
}

/** What it writes when every container has ended. */
export function ended(pod: Loose, exitCode = 0): void {
  running(pod)
  const now = new Date().toISOString()
  pod.status.phase = exitCode === 0 ? 'Succeeded' : 'Failed'
  for (const status of pod.status.containerStatuses) {
    status.ready = false
    status.state = {
      terminated: { exitCode, finishedAt: now, reason: exitCode === 0 ? 'Completed' : 'Error' },
    }
  }
  for (const condition of pod.status.conditions)
    condition.status = condition.type === 'Initialized' ? 'True' : 'False'
}
