import { mkdirSync, symlinkSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { type BuildOptions, buildModule } from './go-build.ts'

/** The versions that can be built: the current one, and the oldest that a data plane may have. Each has its module under test/kubernetes/go. */
export const KUBERNETES_VERSIONS = {
  '1.36': { module: 'kubernetes', version: '1.36.3' },
  '1.31': { module: 'kubernetes-1.31', version: '1.31.0' },
} as const
export type KubernetesVersion = keyof typeof KUBERNETES_VERSIONS
const CURRENT: KubernetesVersion = '1.36'
const ETCD_VERSION = '3.6.8'

const SERVERS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet']
/** Always the current ones, whatever the servers' version is. */
const CLIENTS = ['kubectl', 'client-go-probe']

/** Absolute paths of what was built. */
export interface Binaries {
  /** Folder with one link per component: kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kubectl, client-go-probe. */
  kubernetes: string
  etcd: string
  /** Static programs for images. */
  pause: string
  web: string
}

/** Where builds are kept: outside the checkout, since they are big and their sources are not ours. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return environment['ISTHMUS_CACHE'] || join(homedir(), '.cache/isthmus')
}

/**
 * Builds Kubernetes and etcd from their Go modules, or finds them in the cache. About 8 minutes on 2 cores
 * with cold caches, nothing when warm. Runs at the same time wait for each other. Idempotent.
 */
export async function buildBinaries(
  options: BuildOptions & { kubernetes?: KubernetesVersion },
): Promise<Binaries> {
  const { kubernetes: chosen = CURRENT, ...common } = options
  const kubernetes = (wanted: KubernetesVersion) => {
    const { module, version } = KUBERNETES_VERSIONS[wanted]
    return buildModule({ ...common, module, version, output: 'kubernetes', flags: versionFlags(version) })
  }
  const image = (output: string) =>
    buildModule({ ...common, module: 'images', version: '1', output, package: `./${output}` })
  const etcd = await buildModule({ ...common, module: 'etcd', version: ETCD_VERSION, output: 'etcd' })
  const clients = await kubernetes(CURRENT)
  const servers = await kubernetes(chosen)
  const links = join(dirname(servers), 'bin')
  mkdirSync(links, { recursive: true })
  for (const name of SERVERS) link(servers, join(links, name))
  for (const name of CLIENTS) link(clients, join(links, name))
  return { kubernetes: links, etcd, pause: await image('pause'), web: await image('web') }
}

function link(target: string, path: string): void {
  try {
    symlinkSync(target, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error // another run made it
  }
}

/** Without them the API server takes itself for v0.0.0 and does not start its feature gates properly. */
export function versionFlags(version: string): string {
  const [major, minor] = version.split('.')
  return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
    .flatMap((path) => [
      `-X ${path}.gitVersion=v${version}`,
      `-X ${path}.gitMajor=${major}`,
      `-X ${path}.gitMinor=${minor}`,
    ])
    .join(' ')
}
