// What the suites of this folder share: Isthmus on the real clusters, and kubectl 1.36 at both of its ends.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { type IPty, spawn as spawnPty } from '@lydell/node-pty'
import { eventually } from '../../../support/eventually.ts'
import { type PodOptions, podFor, untilNodeReady } from '../../../support/world/workloads.ts'
import { openWorld, type TestNode, type World, type WorldOptions } from '../../../support/world/world.ts'
import { writePrivate } from '../../harness/files.ts'
import type { ClusterHandle, KubectlOptions, KubectlResult } from '../../harness/handle.ts'
import { kubeconfig } from '../../harness/kubeconfig.ts'
import { openKubernetesWorld } from '../../harness/world.ts'

/** A kubectl that goes on until it is stopped or ends. */
export interface RunningKubectl {
  /** What it has printed so far. */
  stdout(): string
  stderr(): string
  stdin: NonNullable<ChildProcess['stdin']>
  /** Its exit code; null after a signal. */
  ended: Promise<number | null>
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>
}

/** Where kubectl is pointed at. */
export interface Face {
  name: string
  /** Runs to its end. @throws on a non-zero exit unless `allowFailure` */
  kubectl(args: string[], options?: KubectlOptions): Promise<KubectlResult>
  start(args: string[], env?: Record<string, string>): RunningKubectl
  /** `client-go-probe`, an unmodified client-go, in `namespace`: prints one JSON object a line. */
  probe(mode: 'typed' | 'informer', namespace: string): RunningKubectl
  /** On a terminal of that size. */
  terminal(args: string[], size: { cols: number; rows: number }, env?: Record<string, string>): IPty
}

export interface Stage {
  world: World
  node: TestNode
  /** The user's cluster, as its administrator. */
  user: Face
  cluster: ClusterHandle
  /** The gateway's Kubernetes face, with a client credential's token. */
  gateway: Face
  /** Both, for what has to hold at either. */
  faces: readonly [Face, Face]
  handles: ReturnType<typeof openKubernetesWorld>
  /** A pod for the virtual node. */
  pod(name: string, options: PodOptions): object
  /** Applies objects in the user's cluster. */
  apply(...objects: object[]): Promise<void>
  /** Waits until those pods of the user's cluster are Ready. */
  ready(...pods: string[]): Promise<void>
  /** Closes the world, and with it the stages of all its tenants. */
  close(): Promise<void>
}

/** kubectl over WebSockets and over SPDY. */
export const PROTOCOLS = ['true', 'false'].map((on) => ({
  name: on === 'true' ? 'WebSocket' : 'SPDY',
  env: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: on, KUBECTL_PORT_FORWARD_WEBSOCKETS: on },
}))

export interface TenantOptions {
  tenant: string
  quota?: Record<string, string>
  capacity?: Record<string, string>
  agentArgs?: string[]
}

/** Opens a world with one tenant, whose agent serves the node `east` in the first user cluster. */
export async function openStage(options: TenantOptions & Pick<WorldOptions, 'gatewayEnv'>): Promise<Stage> {
  const world = await openWorld({ gatewayEnv: options.gatewayEnv })
  try {
    return await enter(world, options, 0)
  } catch (error) {
    await world.close()
    throw error
  }
}

/** A second tenant on the same stage, with a node of the same name in the second user cluster. */
export function enterSecond({ world }: Stage, options: TenantOptions): Promise<Stage> {
  return enter(world, options, 1)
}

async function enter(world: World, options: TenantOptions, index: 0 | 1): Promise<Stage> {
  const { tenant, quota, capacity, agentArgs } = options
  const handles = openKubernetesWorld()
  const cluster = handles.users[index]
  const node = await world.addNode(tenant, 'east', { quota, capacity })
  await world.startAgent(node, world.userClusters[index]!, { args: agentArgs })
  await untilNodeReady(world.userClusters[index]!, 'east')
  const user = face('user cluster', cluster, cluster.adminKubeconfig)
  const gateway = await gatewayFace(world, node, cluster)
  return {
    world,
    node,
    user,
    cluster,
    gateway,
    faces: [user, gateway],
    handles,
    pod: (name, options) => podFor(world, 'east', name, options),
    apply: (...objects) => cluster.apply(objects),
    async ready(...pods) {
      const names = pods.map((name) => `pod/${name}`)
      await user.kubectl(['wait', '--for=condition=Ready', '--timeout=120s', ...names], {
        timeoutMs: 130_000,
      })
    },
    close: () => world.close(),
  }
}

/** kubectl at the gateway's Kubernetes face, as a new client credential of `node`. */
export async function gatewayFace(world: World, node: TestNode, handle: ClusterHandle): Promise<Face> {
  const { server, ca, token } = await world.clientOf(node)
  const content = kubeconfig({ server, ca, credential: { token: token ?? '' } })
  return face('gateway', handle, writePrivate(world.dir, `client-${node.tenant}-${node.name}`, content))
}

function face(name: string, handle: ClusterHandle, config: string): Face {
  const program = join(handle.binaries, 'kubectl')
  const environment = (env?: Record<string, string>) => ({
    ...process.env,
    KUBECONFIG: config,
    KUBECACHEDIR: join(handle.dir, 'kubectl-cache'),
    ...env,
  })
  return {
    name,
    kubectl: (args, options) => handle.kubectl(args, { ...options, kubeconfig: config }),
    start: (args, env) => running(spawn(program, args, { env: environment(env) })),
    probe: (mode, namespace) =>
      running(
        spawn(join(handle.binaries, 'client-go-probe'), [mode, '--namespace', namespace], {
          env: environment(),
        }),
      ),
    terminal: (args, size, env) => spawnPty(program, args, { ...size, env: environment(env) }),
  }
}

function running(child: ChildProcess): RunningKubectl {
  const printed = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk: Buffer) => (printed.stdout += chunk))
  child.stderr?.on('data', (chunk: Buffer) => (printed.stderr += chunk))
  child.stdin?.on('error', () => {}) // it may end before it has read everything
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return {
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
    stdin: child.stdin!,
    ended,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** Waits until a running kubectl has printed what fits; gives the match. */
export function printed(
  kubectl: RunningKubectl,
  pattern: RegExp,
  deadlineMs = 30_000,
): Promise<RegExpExecArray> {
  return eventually(
    `kubectl prints ${pattern}`,
    () => {
      const match = pattern.exec(kubectl.stdout())
      if (match) return match
      throw new Error(`so far: ${kubectl.stdout().slice(-2_000)}\n${kubectl.stderr().slice(-2_000)}`)
    },
    deadlineMs,
  )
}
