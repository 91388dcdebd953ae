import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../bin/isthmus.js', import.meta.url))
const READY_MS = 30_000
const STOP_MS = 10_000
const STEP_MS = 20

/** Whose end nobody has seen. */
const alive = new Set<ChildProcess>()

/** The last wall: whatever ends this process, nothing that it started goes on. They clean up by themselves. */
export function endWithThisProcess(): void {
  process.once('exit', () => {
    for (const child of alive) child.kill('SIGTERM')
  })
}

/** An `isthmus` process that the demo started. */
export interface Started<T> {
  /** What it wrote into its ready file: addresses and files. */
  ready: T
  /** SIGTERM, and SIGKILL when that does not end it. */
  stop(): Promise<void>
}

/**
 * Starts `isthmus <args>` as a process of its own and waits until it is ready. Its output goes to `<name>.log` in
 * `folder`. @throws when it ends, is not ready in time or the signal is aborted before; then it has ended
 */
export async function startProcess<T>(
  folder: string,
  name: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Started<T>> {
  const readyFile = join(folder, `${name}.ready.json`)
  const logFile = join(folder, `${name}.log`)
  const log = openSync(logFile, 'a', 0o600)
  // A group of its own: Ctrl-C in the terminal reaches the demo alone, which then stops each in order.
  const child = spawn(process.execPath, [PROGRAM, ...args, '--ready-file', readyFile], {
    stdio: ['ignore', log, log],
    detached: true,
  })
  closeSync(log)
  alive.add(child)
  child.once('exit', () => alive.delete(child))
  const stop = () => stopProcess(child)
  try {
    await untilReady(child, readyFile, signal)
  } catch (error) {
    await stop()
    const tail = readFileSync(logFile, 'utf8').split('\n').slice(-15).join('\n')
    throw new Error(`isthmus ${name} did not become ready: ${(error as Error).message}\n${tail}`)
  }
  return { ready: JSON.parse(readFileSync(readyFile, 'utf8')) as T, stop }
}

async function untilReady(child: ChildProcess, readyFile: string, signal: AbortSignal): Promise<void> {
  const end = Date.now() + READY_MS
  while (!existsSync(readyFile)) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`it ended with ${child.signalCode ?? `exit code ${child.exitCode}`}`)
    }
    if (signal.aborted) throw new Error('the demo was ended')
    if (Date.now() > end) throw new Error(`nothing within ${READY_MS / 1000} s`)
    await delay(STEP_MS)
  }
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await ended
  clearTimeout(late)
}
