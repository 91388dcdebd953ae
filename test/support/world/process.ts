import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from '../eventually.ts'

const PROGRAM = fileURLToPath(new URL('../../../bin/isthmus.js', import.meta.url))
/** Half of a process's start is reading its modules: the ten or so of a file, and all files, share what V8 made of them. */
const COMPILE_CACHE = fileURLToPath(new URL('../../../node_modules/.cache/isthmus-tests', import.meta.url))
const READY_MS = 60_000
const STOP_MS = 15_000

/** An `isthmus` process under test. */
export interface TestProcess<T> {
  name: string
  /** What its ready file says. */
  ready: T
  pid: number
  /** Everything it has logged so far. */
  log(): string
  /** Sends the signal and waits for the end; gives the exit code, null after a signal. SIGKILL follows after 15 s. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Starts `isthmus <args> --ready-file …` and waits until it is ready. @throws with the end of its log */
export async function startIsthmus<T>(
  dir: string,
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<TestProcess<T>> {
  const readyFile = join(dir, `${name}.ready.json`)
  const logFile = join(dir, `${name}.log`)
  rmSync(readyFile, { force: true })
  const fd = openSync(logFile, 'a')
  const child = spawn(process.execPath, [PROGRAM, ...args, '--ready-file', readyFile], {
    stdio: ['ignore', fd, fd],
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env, ...env },
  })
  closeSync(fd)
  const log = () => readFileSync(logFile, 'utf8')
  const stop = (signal: NodeJS.Signals = 'SIGTERM') => end(child, signal)
  try {
    await eventually(
      `isthmus ${name} is ready`,
      () => {
        if (child.exitCode === null && child.signalCode === null) return existsSync(readyFile)
        return 'ended'
      },
      READY_MS,
    )
    if (!existsSync(readyFile)) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`)
  } catch (error) {
    await stop('SIGKILL')
    throw new Error(
      `isthmus ${args.join(' ')}: ${(error as Error).message}\n${log().split('\n').slice(-20).join('\n')}`,
    )
  }
  const ready = JSON.parse(readFileSync(readyFile, 'utf8')) as T
  return { name, ready, pid: child.pid ?? 0, log, stop }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill(signal)
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await ended
  clearTimeout(late)
  return child.exitCode
}

/** Runs a command that ends by itself. */
export async function runIsthmus(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const printed = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (printed.stdout += chunk))
  child.stderr.on('data', (chunk) => (printed.stderr += chunk))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, ...printed }
}
