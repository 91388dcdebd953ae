// npm run test:kubernetes [-- filter…]   every suite on real clusters; a filter is a part of a file's path
//   --kubernetes=1.31                     on the oldest version that a data plane may have
// npm run kubernetes                      only the clusters, until Ctrl-C, for developing a suite
import { spawn } from 'node:child_process'
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { buildBinaries, cacheFolder, KUBERNETES_VERSIONS, type KubernetesVersion } from './harness/build.ts'
import { type Cluster, startDataPlane, startUserCluster } from './harness/cluster.ts'
import { consoleLogger } from './harness/console-logger.ts'
import { sweepBridges } from './harness/network.ts'
import { missingRequirements } from './harness/requirements.ts'
import { WORLD_VARIABLE, type WorldDescription } from './harness/world.ts'

const ROOT = join(import.meta.dirname, '../..')
const SUITES = [
  'test/kubernetes/suites/**/*.test.ts',
  'test/contract/sandbox/**/*.test.ts',
  'test/e2e/**/*.test.ts',
]
/** Per file, in seconds: some suites follow logs for minutes on purpose. */
const FILE_TIMEOUT = 900

const keep = process.argv.includes('--keep')
const filters = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const kubernetes = chosenVersion()
const logger = consoleLogger()
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort(new Error(signal)))
}

const missing = missingRequirements()
if (missing.length > 0) {
  process.stdout.write(
    `A real Kubernetes cannot run here. Missing:\n${missing.map((line) => `  ${line}\n`).join('')}`,
  )
  finish('0 passed, 1 failed', 1)
} else {
  await main()
}

async function main(): Promise<void> {
  for (const name of sweepBridges()) logger.info({ name }, `removed what a killed run had left: ${name}`)
  const dir = mkdtempSync(join(tmpdir(), 'isthmus-kubernetes-'))
  const clusters: Cluster[] = []
  let closing = '0 passed, 1 failed'
  let code = 1
  try {
    const world = await startWorld(dir, clusters)
    const path = join(dir, 'world.json')
    writeFileSync(path, JSON.stringify(world, undefined, 2))
    if (keep) {
      await untilInterrupted(world, path)
      closing = ''
      code = 0
    } else {
      ;({ closing, code } = await runSuites(path))
    }
  } catch (error) {
    if (!interrupted.signal.aborted) logger.error({ error }, String((error as Error).stack ?? error))
  }
  const started = Date.now()
  await Promise.all(clusters.map((cluster) => cluster.stop()))
  rmSync(dir, { recursive: true, force: true })
  logger.info({}, `stopped in ${Date.now() - started} ms`)
  finish(closing, interrupted.signal.aborted && !keep ? 130 : code)
}

/** Starts everything at once; what has started is in `clusters` even when another one fails. */
async function startWorld(dir: string, clusters: Cluster[]): Promise<WorldDescription> {
  const started = Date.now()
  const { signal } = interrupted
  const binaries = await buildBinaries({ cache: cacheFolder(), logger, signal, kubernetes })
  const starting = [
    startDataPlane({ dir: join(dir, 'data-plane'), logger, binaries }),
    startUserCluster({ dir: join(dir, 'user-a'), name: 'user-a', logger, binaries, verifyKubelets: true }),
    startUserCluster({ dir: join(dir, 'user-b'), name: 'user-b', logger, binaries }),
  ]
  const settled = await Promise.allSettled(starting)
  for (const result of settled) if (result.status === 'fulfilled') clusters.push(result.value)
  for (const result of settled) if (result.status === 'rejected') throw result.reason
  signal.throwIfAborted()
  const [dataPlane, ...users] = clusters.map((cluster) => cluster.description)
  if (!dataPlane) throw new Error('no data plane')
  logger.info({}, `three clusters in ${Date.now() - started} ms`)
  return { dir, dataPlane, users }
}

function untilInterrupted(world: WorldDescription, path: string): Promise<void> {
  const kubeconfigs = [world.dataPlane, ...world.users]
    .map(({ name, adminKubeconfig }) => `  ${name.padEnd(10)} KUBECONFIG=${adminKubeconfig}\n`)
    .join('')
  process.stdout.write(
    `\nRunning until Ctrl-C (or kill ${process.pid}).\n${kubeconfigs}  kubectl    ${join(world.dataPlane.binaries, 'kubectl')}\n` +
      `  a suite    ${WORLD_VARIABLE}=${path} node test/kubernetes/suites/confinement.test.ts\n`,
  )
  const timer = setInterval(() => {}, 60_000)
  return new Promise((resolve) => {
    interrupted.signal.addEventListener('abort', () => {
      clearInterval(timer)
      resolve()
    })
  })
}

/** Runs tap over the suites and keeps its closing line back, so that it can be the last one printed. */
async function runSuites(world: string): Promise<{ closing: string; code: number }> {
  const files = globSync(SUITES, { cwd: ROOT })
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort()
  if (files.length === 0) throw new Error(`no suite matches ${filters.join(' ')}`)
  const options = ['-R', './test/support/reporter.mjs', '--jobs=1', `--timeout=${FILE_TIMEOUT}`]
  const child = spawn(join(ROOT, 'node_modules/.bin/tap'), ['run', ...options, ...files], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, [WORLD_VARIABLE]: world },
  })
  const stop = () => child.kill('SIGTERM')
  interrupted.signal.addEventListener('abort', stop)
  let closing = '0 passed, 1 failed'
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (/^\d+ passed, \d+ failed$/.test(line)) closing = line
    else process.stdout.write(`${line}\n`)
  })
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve(status ?? 1))
  })
  interrupted.signal.removeEventListener('abort', stop)
  return { closing, code: code === 0 && !closing.endsWith(' 0 failed') ? 1 : code }
}

function chosenVersion(): KubernetesVersion {
  const given = process.argv.find((argument) => argument.startsWith('--kubernetes='))?.split('=')[1] ?? '1.36'
  const known = Object.keys(KUBERNETES_VERSIONS)
  if (!known.includes(given)) throw new Error(`--kubernetes is one of ${known.join(', ')}, not ${given}`)
  return given as KubernetesVersion
}

function finish(closing: string, code: number): void {
  if (closing) process.stdout.write(`${closing}\n`)
  process.exitCode = code
}
