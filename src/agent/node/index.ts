import type { V1Node, V1Pod } from '@kubernetes/client-node'
import type { KubeClient } from '../../kube/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Self } from '../../protocol/schemas/agent.ts'
import { type EventRecorder, STRATEGIC_MERGE } from '../context.ts'
import type { SelfWatch } from '../self/self-watch.ts'
import type { Writer } from '../writer/writer.ts'
import { nodeResources, type PodStanding } from './allocatable.ts'
import { createCloudDetector } from './cloud-controller.ts'
import { CONNECTED, nodeConditions } from './conditions.ts'
import { createNodeLease, HigherEpochError, LEASE_SECONDS, RENEW_EVERY_MS } from './lease.ts'
import { type NodeIdentity, reachStatus, staticStatus } from './node-object.ts'
import { createRegistration, hasTaint } from './register.ts'
import { nodeStatusPatch } from './status-patch.ts'

export interface NodeModuleOptions {
  user: KubeClient
  name: string
  instance: string
  self: Pick<SelfWatch, 'current' | 'connection'>
  writer: Pick<Writer, 'epoch' | 'standDown' | 'takeOver'>
  recorder: EventRecorder
  /** All but what the gateway says of the data plane. */
  identity: Pick<NodeIdentity, 'internalIp' | 'kubeletPort' | 'declaredFeatures' | 'labels' | 'taint'>
  /**
   * How long the Node stays Ready while the gateway is away, in milliseconds; Infinity for ever. When absent 15
   * minutes, and for ever where a cloud controller would delete the Node (rule 28).
   */
  staticPeriodMs: number | undefined
  /** The pods bound to the node, once they are known. */
  pods(): Iterable<V1Pod>
  standingOf(pod: V1Pod): PodStanding
  clock: Clock
  logger: Logger
  signal: AbortSignal
}

export interface NodeModule {
  /** The writer or the way to the gateway is another: everything is looked at soon. */
  touch(): void
  /** The pods have changed: the status follows soon, which costs nothing where it stays the same. */
  refresh(): void
  run(): Promise<void>
}

/** Changes within so long become one patch. */
const COALESCE_MS = 200
/** The static period where none is set. */
const STATIC_PERIOD_MS = 15 * 60_000
/** A replica that does not write looks so often whether the writer still does, while the gateway is away. */
const STAND_BY_EVERY_MS = 2_000
/** The writer has died when its Lease stood still for so long: nearly the Lease's own duration (takeover ≤ 40 s). */
const STOOD_STILL_MS = LEASE_SECONDS * 1000 - 2 * STAND_BY_EVERY_MS

/** Keeps the Node object, its status and its Lease. */
export function createNodeModule(options: NodeModuleOptions): NodeModule {
  const { user, name, self, writer, clock, logger, signal, recorder } = options
  const registration = createRegistration({ user, recorder })
  const lease = createNodeLease({ user, nodeName: name, instance: options.instance, clock })
  const cloud = createCloudDetector({ user, clock })
  let node: V1Node | undefined
  let wake: () => void = () => {}
  /** What changed since the last round began. */
  let touched: 'no' | 'status' | 'all' = 'no'
  let stillSince: { renewTimeMs: number; elapsed: number } | undefined

  function identityFrom(current: Self | undefined): NodeIdentity | undefined {
    if (!current) return undefined
    return {
      name,
      ...options.identity,
      kubeletVersion: current.cluster.kubernetesVersion ?? 'v1.36.0',
      operatingSystem: current.cluster.operatingSystem ?? 'linux',
      architecture: current.cluster.architecture ?? 'amd64',
    }
  }

  /** During an outage the Node is what it was; one that was not there yet has to wait for the gateway. */
  async function load(): Promise<V1Node | undefined> {
    if (self.current()) return registration.ensure(() => identityFrom(self.current()))
    return user.json<V1Node>({ method: 'GET', path: ['api', 'v1', 'nodes', name], timeoutMs: 10_000 })
  }

  /** Whether the outage lasts longer than the static period; its start survives a restart in the condition. */
  async function lapsed(): Promise<boolean> {
    if (self.connection().connected) return false
    const condition = node?.status?.conditions?.find(({ type }) => type === CONNECTED)
    if (condition?.status !== 'False' || !condition.lastTransitionTime) return false
    const awayMs = clock.now() - new Date(condition.lastTransitionTime).getTime()
    if (awayMs <= (options.staticPeriodMs ?? STATIC_PERIOD_MS)) return false
    return options.staticPeriodMs !== undefined || !(await isKeptForEver())
  }

  /** Asked for only once the Node would lapse: where clouds delete such Nodes it does not. */
  async function isKeptForEver(): Promise<boolean> {
    if (!node) return true
    const sign = await cloud.detect(node)
    if (sign !== undefined) {
      recorder.event(
        { kind: 'Node', name, uid: name },
        'Warning',
        'StaticPeriodExtended',
        `The gateway is away, and the Node stays Ready for ever since a cloud controller would delete it (${sign}). To choose: --static-period`,
      )
    }
    return sign !== undefined
  }

  async function writeStatus(): Promise<void> {
    const connection = self.connection()
    if (!node || connection.reason === 'NotYet') return
    const current = self.current()
    const identity = identityFrom(current)
    const conditions = nodeConditions(node.status?.conditions ?? [], {
      connection,
      maintenance: current?.cluster.maintenance ?? false,
      taintMissing: options.identity.taint && !hasTaint(node),
      now: new Date(clock.now()),
    })
    const patch = nodeStatusPatch(node, {
      conditions,
      ...(identity ? staticStatus(identity) : reachStatus(options.identity)),
      ...(current && connection.connected ? nodeResources(current, options.pods(), options.standingOf) : {}),
    })
    if (!patch) return
    node = await user.json<V1Node>({
      method: 'PATCH',
      path: ['api', 'v1', 'nodes', name, 'status'],
      headers: STRATEGIC_MERGE,
      body: patch,
    })
  }

  /** One round of the writer: the Node, its Lease, its status; between two of them the status alone. */
  async function write(epoch: number, whole: boolean): Promise<void> {
    if (whole || !node) node = (await load()) ?? node
    if (!node || (await lapsed())) return
    if (whole) await lease.renew(node, epoch)
    await writeStatus()
  }

  /**
   * One round of a replica that does not write: it may have to, when the gateway can not say who does. The Lease is
   * looked at all the time, so that a writer that dies together with the gateway is missed from its last renewal on.
   */
  async function standBy(): Promise<void> {
    const holder = await lease.read()
    if (!holder) return
    const now = clock.elapsed()
    if (stillSince?.renewTimeMs !== holder.renewTimeMs) {
      stillSince = { renewTimeMs: holder.renewTimeMs, elapsed: now }
      return
    }
    const { connected, reason } = self.connection()
    if (connected || reason === 'NotYet' || now - stillSince.elapsed < STOOD_STILL_MS) return
    writer.takeOver(holder.epoch)
  }

  async function round(whole: boolean): Promise<void> {
    const epoch = writer.epoch()
    try {
      if (epoch !== undefined) await write(epoch, whole)
      else if (whole) await standBy()
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof HigherEpochError) writer.standDown(error.message)
      else logger.warn({ err: error }, 'the Node could not be brought up to date')
    }
  }

  /** Waits for the next whole round at `dueMs`, or for a touch. */
  async function rest(dueMs: number): Promise<void> {
    if (touched === 'no') {
      const next = new AbortController()
      wake = () => next.abort()
      const until = AbortSignal.any([signal, next.signal])
      await clock.sleep(Math.max(0, dueMs - clock.elapsed()), until).catch(() => {})
    }
    if (!signal.aborted && touched !== 'no') await clock.sleep(COALESCE_MS, signal).catch(() => {})
  }

  return {
    touch() {
      touched = 'all'
      wake()
    },
    refresh() {
      if (touched === 'no') touched = 'status'
      wake()
    },
    async run() {
      let dueMs = clock.elapsed()
      while (!signal.aborted) {
        const started = clock.elapsed()
        const whole = touched === 'all' || started >= dueMs
        touched = 'no'
        await round(whole)
        const every = writer.epoch() === undefined ? STAND_BY_EVERY_MS : RENEW_EVERY_MS
        if (whole) dueMs = started + every
        await rest(dueMs)
      }
    },
  }
}
