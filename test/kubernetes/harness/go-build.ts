import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Logger } from '../../../src/lib/logger.ts'

const SOURCE = join(import.meta.dirname, '../go')
const PROGRESS_MS = 10_000

export interface BuildOptions {
  /** `cacheFolder()`, or another. */
  cache: string
  /** Gets a progress line every 10 s. */
  logger: Logger
  /** Ends a running build. */
  signal?: AbortSignal
}

export interface ModuleBuild extends BuildOptions {
  /** Folder under test/kubernetes/go. */
  module: string
  version: string
  /** Name of the program. */
  output: string
  /** For the linker. */
  flags?: string
  /** Package inside the module, or the path of one that the module requires; its root by default. */
  package?: string
  /** Builds the package's test binary instead of its program. */
  test?: boolean
}

/**
 * Builds one program, or finds it in the cache; runs at the same time wait for each other.
 * @returns its absolute path.
 */
export async function buildModule(build: ModuleBuild): Promise<string> {
  const source = join(SOURCE, build.module)
  const name = `${build.module.replace(/-.*/, '')}-${build.version}`
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
      'test -x "$0" || { nice -n 10 go $3 -v -trimpath -ldflags "$1" -o "$0.part" "$2" && mv "$0.part" "$0"; }'
    const args = [
      join(folder, 'lock'),
      'sh',
      '-c',
      script,
      output,
      `-s -w ${build.flags ?? ''}`,
      build.package ?? '.',
      build.test ? 'test -c -vet=off' : 'build',
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
