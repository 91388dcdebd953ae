import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterHandle } from '../../kubernetes/harness/handle.ts'
import { openKubernetesWorld } from '../../kubernetes/harness/world.ts'
import { type HttpTarget, targetOfKubeconfig } from './http.ts'
import { startIsthmus, type TestProcess } from './process.ts'

/** A cluster as the end-to-end tests see it, sandbox or real. */
export interface TestCluster {
  name: string
  /** As its administrator. */
  admin: HttpTarget
  adminKubeconfig: string
  /** PEM file of the CA that signs client certificates. */
  caFile: string
  /** Address at which its API server reaches this machine: an agent's kubelet port. */
  nodeAddress: string
  /** Path of a kubeconfig whose certificate is `system:node:<name>` in `system:nodes`. */
  nodeKubeconfig(node: string): Promise<string>
  /** Files of a serving certificate that its API server trusts, where it verifies kubelets. */
  kubeletCertificate?(node: string): Promise<{ cert: string; key: string }>
  stop(): Promise<void>
}

interface SandboxReady {
  server: string
  caFile: string
  kubeconfig: string
  adminToken: string
  identities: Record<string, string>
}

/** Starts a sandbox; `nodes` are the names whose identities it can give. */
export async function startSandboxCluster(
  dir: string,
  name: string,
  role: 'data-plane' | 'user-cluster',
  nodes: readonly string[] = [],
): Promise<TestCluster> {
  const identities = nodes.flatMap((node) => [`system:node:${node}=system:nodes`]).join(',')
  const process: TestProcess<SandboxReady> = await startIsthmus(dir, name, [
    'sandbox',
    '--role',
    role,
    '--dir',
    join(dir, name),
    '--port',
    '0',
    ...(identities === '' ? [] : ['--identity', identities]),
  ])
  const { ready } = process
  return {
    name,
    admin: targetOfKubeconfig(ready.kubeconfig),
    adminKubeconfig: ready.kubeconfig,
    caFile: ready.caFile,
    nodeAddress: '127.0.0.1',
    async nodeKubeconfig(node) {
      const path = ready.identities[`system:node:${node}`]
      if (path === undefined) throw new Error(`${name} was not started with an identity for node ${node}`)
      return path
    },
    async stop() {
      await process.stop()
    },
  }
}

/** The clusters that `npm run test:kubernetes` started. */
export function realClusters(): { dataPlane: TestCluster; userClusters: TestCluster[] } {
  const world = openKubernetesWorld()
  return { dataPlane: fromHandle(world.dataPlane), userClusters: world.users.map(fromHandle) }
}

/** A running cluster of the harness. */
export function fromHandle(handle: ClusterHandle): TestCluster {
  return {
    name: handle.name,
    admin: targetOfKubeconfig(handle.adminKubeconfig),
    adminKubeconfig: handle.adminKubeconfig,
    caFile: join(handle.dir, 'pki', 'ca.crt'),
    nodeAddress: handle.nodeAddress,
    async nodeKubeconfig(node) {
      const pair = await handle.issueClientCertificate({
        commonName: `system:node:${node}`,
        organizations: ['system:nodes'],
      })
      return handle.writeKubeconfig(pair)
    },
    async kubeletCertificate(node) {
      const addresses = [handle.nodeAddress]
      const pair = await handle.issueServingCertificate({ commonName: `system:node:${node}`, addresses })
      const cert = join(handle.dir, `kubelet-${node}.crt`)
      const key = join(handle.dir, `kubelet-${node}.key`)
      writeFileSync(cert, pair.cert)
      writeFileSync(key, pair.key, { mode: 0o600 })
      return { cert, key }
    },
    stop: async () => {}, // it belongs to the run, not to this file
  }
}

/** PEM of a cluster's CA. */
export function caOf(cluster: TestCluster): string {
  return readFileSync(cluster.caFile, 'utf8')
}
