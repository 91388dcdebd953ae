import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { platform } from 'node:os'
import path from 'node:path'
import type { Logger } from '../lib/logger.ts'
import { locateBinaries, type ServerUser, serverUser } from './binaries.ts'
import { prepareDataDir } from './data-dir.ts'

export interface EmbeddedPostgresOptions {
  /** Where the rows live; made when absent, kept on stop. It is given to `nobody` when this process is root. */
  dataDir: string
  logger: Logger
  /**
   * Whether commits wait for the disk. True by default; tests, whose rows nobody misses after a power cut,
   * turn it off.
   */
  durable?: boolean
  /** 100 by default. */
  maxConnections?: number
  /** On loopback; a free one by default. */
  port?: number
}

export interface EmbeddedPostgres {
  /** Superuser's connection string on loopback. */
  url: string
  port: number
  /** Fast shutdown: open transactions are rolled back, committed rows stay. Idempotent. */
  stop(): Promise<void>
  /** The server's process, so that tests can kill it. */
  process: ChildProcess
}

const USER = 'isthmus'
const READY_TIMEOUT_MS = 30_000

/**
 * Starts a real PostgreSQL from the packaged binaries on a free loopback port. Only this machine can reach it and
 * it trusts whoever does: for development, the demo and tests.
 * @throws Error with the server's own words when it does not come up
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const user = serverUser()
  const binaries = await locateBinaries(user)
  const dataDir = prepareDataDir(options.dataDir, user, options.logger)
  await takeOver(dataDir)
  if (!existsSync(path.join(dataDir, 'PG_VERSION'))) initialise(binaries.initdb, dataDir, user)

  const port = options.port ?? (await freePort())
  const durable =
    options.durable === false ? ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'] : []
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=', // none: it would be a file outside the data directory that a killed parent leaves
    `max_connections=${options.maxConnections ?? 100}`,
    'shared_buffers=64MB',
    ...durable,
  ]
  const child = spawn(
    binaries.postgres,
    ['-D', dataDir, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    { ...user, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const said: string[] = []
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.push(text)
    if (said.length > 50) said.shift()
    options.logger.debug({ postgres: text.trim() }, 'embedded postgres')
  })
  // A parent that ends without `stop` (an uncaught error, a test that timed out) leaves no server behind.
  const stopWithParent = () => child.kill('SIGINT')
  process.once('exit', stopWithParent)
  const exited = new Promise<void>((resolve) =>
    child.once('exit', () => {
      process.removeListener('exit', stopWithParent)
      resolve()
    }),
  )
  await ready(child, port, () => said.join(''))
  options.logger.info({ port, dataDir }, 'embedded Postgres is up')

  return {
    url: `postgres://${USER}@127.0.0.1:${port}/postgres`,
    port,
    process: child,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT')
      await exited
    },
  }
}

const TAKEOVER_TIMEOUT_MS = 10_000

/**
 * A server that outlived its parent (SIGKILL) still holds the data directory: it is told to end, and its rows are
 * ours again. One whose parent lives is somebody's.
 */
async function takeOver(dataDir: string): Promise<void> {
  const lock = path.join(dataDir, 'postmaster.pid')
  if (!existsSync(lock)) return
  const pid = Number(readFileSync(lock, 'utf8').split('\n')[0])
  if (!runsIn(pid, dataDir)) return // left behind by a crash: the server itself takes a stale one over
  if (parentOf(pid) !== 1) throw new Error(`Another Postgres (pid ${pid}) is using ${dataDir}.`)
  process.kill(pid, 'SIGINT')
  for (const end = Date.now() + TAKEOVER_TIMEOUT_MS; runsIn(pid, dataDir); ) {
    if (Date.now() > end) throw new Error(`The Postgres left in ${dataDir} (pid ${pid}) does not end.`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function runsIn(pid: number, dataDir: string): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const file = `/proc/${pid}/cmdline`
  return existsSync(file) ? readFileSync(file, 'utf8').includes(dataDir) : platform() !== 'linux'
}

/** 1 when the parent is gone; undefined where it can not be told. */
function parentOf(pid: number): number | undefined {
  const file = `/proc/${pid}/stat`
  if (!existsSync(file)) return undefined
  const afterName = readFileSync(file, 'utf8').split(') ').at(-1) ?? ''
  return Number(afterName.split(' ')[1])
}

function initialise(initdb: string, dataDir: string, user: ServerUser): void {
  const args = ['-D', dataDir, '-U', USER, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
  const result = spawnSync(initdb, [...args, '--no-instructions'], { ...user, cwd: '/', encoding: 'utf8' })
  if (result.status !== 0) {
    const hint = user.uid === undefined ? '' : ' (as user nobody: is every folder above it open to everyone?)'
    throw new Error(`initdb failed in ${dataDir}${hint}: ${result.stderr || result.error?.message}`)
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
      .once('error', reject)
      .listen(0, '127.0.0.1', () => {
        const address = server.address()
        server.close(() =>
          address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
        )
      })
  })
}

/** The postmaster listens before it can serve: asks by an SSL request, which it answers with one byte once it can. */
async function ready(child: ChildProcess, port: number, said: () => string): Promise<void> {
  const end = Date.now() + READY_TIMEOUT_MS
  let spawnError: Error | undefined
  child.once('error', (error) => {
    spawnError = error
  })
  for (;;) {
    if (spawnError) throw new Error('Postgres could not be started.', { cause: spawnError })
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`Postgres ended: ${said()}`)
    if (said().includes('ready to accept connections') && (await answers(port))) return
    if (Date.now() > end) {
      child.kill('SIGKILL')
      throw new Error(`Postgres was not ready in ${READY_TIMEOUT_MS} ms: ${said()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])))
    socket.once('data', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
}
