import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Binaries } from './build.ts'
import { issueClientCertificate, issueServingCertificate } from './certificates.ts'
import { createCgroups } from './cgroups.ts'
import type { ControlPlane } from './control-plane.ts'
import { writeKeyPair, writePrivate } from './files.ts'
import { PAUSE_IMAGE, testImages } from './images.ts'
import { kubeconfig } from './kubeconfig.ts'
import { type Bridge, freePort } from './network.ts'
import { cniConfig, containerdConfig, kubeletConfig, startScript } from './node-config.ts'
import { type ManagedProcess, startProcess } from './processes.ts'
import { requireCommand } from './requirements.ts'

export interface NodeOptions {
  binaries: Binaries
  /** Folder for state, configuration and logs. */
  dir: string
  name: string
  bridge: Bridge
  controlPlane: ControlPlane
}

/** A running node. */
export interface Node {
  process: ManagedProcess
  name: string
  /** Imports a docker-save archive into the node's containerd. */
  importImage(archive: string): void
}

/**
 * Starts containerd and a kubelet whose pods really run, in a mount and a process namespace of their own:
 * they use the usual paths (/run, /var/lib, /var/log) without touching the machine's, and when the
 * namespace's first process is killed the kernel ends kubelet, containerd, shims and containers with it and
 * drops every mount. Nothing needs to be looked for afterwards but the cgroup.
 */
export async function startNode(options: NodeOptions): Promise<Node> {
  const { dir, bridge, controlPlane, binaries, name } = options
  mkdirSync(dir, { recursive: true })
  for (const folder of ['lib', 'log', 'images', 'cni']) mkdirSync(join(dir, folder), { recursive: true })
  createCgroups(bridge.name)
  const file = (path: string, content: string) => writePrivate(dir, path, content)
  writeFileSync(join(dir, 'cni', '10-bridge.conflist'), cniConfig(bridge))
  file('containerd.toml', containerdConfig({ dir, pauseImage: PAUSE_IMAGE, runc: requireCommand('runc') }))
  file('resolv.conf', `nameserver ${bridge.address}\n`)
  const serving = writeKeyPair(
    dir,
    'serving',
    await issueServingCertificate(controlPlane.ca, {
      commonName: `system:node:${name}`,
      addresses: [bridge.address],
      names: [name],
    }),
  )
  const certificate = await issueClientCertificate(controlPlane.ca, {
    commonName: `system:node:${name}`,
    organizations: ['system:nodes'],
  })
  const { server, ca } = controlPlane
  file('kubeconfig', kubeconfig({ server, ca: ca.cert, credential: { certificate } }))
  const port = await freePort(bridge.address)
  const caFile = file('ca.crt', ca.cert)
  file('kubelet.yaml', kubeletConfig({ dir, bridge, port, caFile, serving }))
  const archives = testImages(binaries).map(({ archive }, index) => {
    const path = join(dir, 'images', `${index}.tar`)
    writeFileSync(path, archive)
    return path
  })
  const script = startScript({ dir, name, bridge, archives, kubelet: join(binaries.kubernetes, 'kubelet') })
  const process = startProcess({
    name: 'node',
    command: requireCommand('unshare'),
    args: [
      ...['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'],
      ...['sh', '-eu', file('start.sh', script)],
    ],
    log: join(dir, '../node.log'),
  })
  return {
    process,
    name,
    importImage(archive) {
      const inside = ['-t', String(childOf(process.pid)), '--mount', '--pid']
      execFileSync('nsenter', [...inside, 'ctr', '-n', 'k8s.io', 'image', 'import', archive])
    },
  }
}

/** unshare stays outside and forks: its child is the namespace's first process. */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0])
}
