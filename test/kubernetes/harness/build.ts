import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Logger } from '../../../src/lib/logger.ts'

/** The version of Kubernetes in test/kubernetes/go/kubernetes/go.mod. */
export const KUBERNETES_VERSION = '1.36.3'
export const ETCD_VERSION = '3.6.8'

const SOURCE = join(import.meta.dirname, '../go')
const COMPONENTS = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kubectl',
  'client-go-probe',
]
const PROGRESS_MS = 10_000

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

export interface BuildOptions {
  /** `cacheFolder()`, or another. */
  cache: string
  /** Gets a progress line every 10 s. */
  logger: Logger
  /** Ends a running build. */
  signal?: AbortSignal
}

/**
 * Builds Kubernetes and etcd from their Go modules, or finds them in the cache. About 8 minutes on 2 cores
 * with cold caches, a second when warm. Runs at the same time wait for each other. Idempotent.
 */
export async function buildBinaries(options: BuildOptions): Promise<Binaries> {
  const { cache, logger, signal } = options
  const build = (
    module: string,
    version: string,
    output: string,
    extra: { flags?: string; package?: string } = {},
  ) => buildModule({ cache, logger, signal, module, version, output, ...extra })
  const etcd = await build('etcd', ETCD_VERSION, 'etcd')
  const kubernetes = await build('kubernetes', KUBERNETES_VERSION, 'kubernetes', {
    flags: versionFlags(KUBERNETES_VERSION),
  })
  const pause = await build('images', '1', 'pause', { package: './pause' })
  const web = await build('images', '1', 'web', { package: './web' })
  const links = join(kubernetes, '../bin')
  mkdirSync(links, { recursive: true })
  for (const component of COMPONENTS) {
    if (!existsSync(join(links, component))) symlinkSync('../kubernetes', join(links, component))
  }
  return { kubernetes: links, etcd, pause, web }
}

/** Without them the API server takes itself for v0.0.0 and does not start its feature gates properly. */
function versionFlags(version: string): string {
  const [major, minor] = version.split('.')
  return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
    .flatMap((path) => [
      `-X ${path}.gitVersion=v${version}`,
      `-X ${path}.gitMajor=${major}`,
      `-X ${path}.gitMinor=${minor}`,
    ])
    .join(' ')
}

interface ModuleBuild extends BuildOptions {
  module: string
  version: string
  output: string
  flags?: string
  package?: string
}

async function buildModule(build: ModuleBuild): Promise<string> {
  const source = join(SOURCE, build.module)
  const name = `${build.module}-${build.version}`
  const folder = join(build.cache, name, digestOf(source, build.flags ?? ''))
  const output = join(folder, build.output)
  if (existsSync(output)) return output
  mkdirSync(folder, { recursive: true })
  const started = Date.now()
  build.logger.info({ output }, `${build.output} ${build.version}: building`)
  let compiled = 0
  const timer = setInterval(() => {
    const seconds = Math.round((Date.now() - started) / 1000)
    build.logger.info({}, `${build.output}: ${compiled} packages compiled in ${seconds} s`)
  }, PROGRESS_MS)
  try {
    // -v names each package as it is compiled; the move makes the file appear whole or not at all.
    const script =
      'test -x "$0" || { nice -n 10 go build -v -trimpath -ldflags "$1" -o "$0.part" "$2" && mv "$0.part" "$0"; }'
    const args = [
      join(folder, 'lock'),
      'sh',
      '-c',
      script,
      output,
      `-s -w ${build.flags ?? ''}`,
      build.package ?? '.',
    ]
    await run('flock', args, { cwd: source, signal: build.signal, onLine: () => compiled++ })
  } finally {
    clearInterval(timer)
  }
  const seconds = Math.round((Date.now() - started) / 1000)
  build.logger.info({ seconds, packages: compiled }, `${build.output} ${build.version}: built`)
  return output
}

/** A change of the sources, the pinned modules or the flags is another build. */
function digestOf(folder: string, flags: string): string {
  const hash = createHash('sha256').update(flags)
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  for (const file of files.sort())
    hash.update(file.slice(folder.length)).update('\0').update(readFileSync(file))
  return hash.digest('hex').slice(0, 12)
}

interface RunOptions {
  cwd: string
  onLine: () => void
  signal?: AbortSignal
}

async function run(command: string, args: string[], options: RunOptions): Promise<void> {
  const { cwd, signal } = options
  const child = spawn(command, args, {
    cwd,
    detached: true, // a group of its own, so that the compilers end with it
    stdio: ['ignore', 'inherit', 'pipe'],
    env: { ...process.env, CGO_ENABLED: '0' },
  })
  const abort = () => child.pid && process.kill(-child.pid, 'SIGTERM')
  signal?.addEventListener('abort', abort)
  const last: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    options.onLine()
    last.push(line)
    if (last.length > 20) last.shift()
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  signal?.removeEventListener('abort', abort)
  if (code !== 0) throw new Error(`go build in ${cwd} failed (${code}):\n${last.join('\n')}`)
}
