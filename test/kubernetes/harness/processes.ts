import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'

export interface ProcessOptions {
  /** Short name, for messages. */
  name: string
  /** Absolute path of the program. */
  command: string
  args: string[]
  /** File that takes standard output and error; appended to, so that a restart keeps the first run's lines. */
  log: string
  env?: NodeJS.ProcessEnv
}

/** One process of a cluster. */
export interface ManagedProcess {
  readonly name: string
  readonly pid: number
  readonly log: string
  /** Rejects as soon as the process ends without having been told to; never resolves. */
  readonly failure: Promise<never>
  /** Sends SIGTERM, after `graceMs` SIGKILL, and waits for the end. Idempotent. */
  stop(graceMs?: number): Promise<void>
}

/**
 * Starts a process that cannot outlive this one: the kernel kills it when its parent dies in whatever way
 * (`PR_SET_PDEATHSIG`, through setpriv). It gets a session of its own, so that a Ctrl-C in the terminal
 * reaches only the runner, which then stops everything in order.
 */
export function startProcess(options: ProcessOptions): ManagedProcess {
  const log = openSync(options.log, 'a')
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', options.command, ...options.args], {
    detached: true,
    stdio: ['ignore', log, log],
    env: options.env ?? process.env,
  })
  closeSync(log)
  let stopping = false
  const ended = endOf(child)
  const failure = ended.then((how): never => {
    if (stopping) return new Promise<never>(() => {}) as never
    throw new Error(`${options.name} ended by itself (${how}):\n${tail(options.log)}`)
  })
  failure.catch(() => {}) // waited for by whoever waits for readiness; nobody may be at the moment
  return {
    name: options.name,
    pid: child.pid ?? -1,
    log: options.log,
    failure,
    async stop(graceMs = 5_000) {
      stopping = true
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await ended
      clearTimeout(timer)
    },
  }
}

async function endOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = await once(child, 'exit')
    return signal ?? `exit code ${code}`
  } catch (error) {
    return (error as Error).message // the program could not be started at all
  }
}

/** The last lines of a log file, for an error's text. */
export function tail(file: string, lines = 15): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  } catch {
    return '(no log)'
  }
}

/** Waits until `check` answers true; ends at once when one of the processes does. @throws after `deadlineMs`, with `what` and the last error. */
export async function waitFor(
  what: string,
  check: () => Promise<boolean>,
  processes: readonly ManagedProcess[] = [],
  deadlineMs = 60_000,
): Promise<void> {
  const end = Date.now() + deadlineMs
  let last: unknown
  const poll = async () => {
    while (Date.now() < end) {
      try {
        if (await check()) return
      } catch (error) {
        last = error
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const logs = processes.map((process) => `--- ${process.name}\n${tail(process.log, 5)}`).join('\n')
    throw new Error(`not within ${deadlineMs} ms: ${what}\n${logs}`, { cause: last })
  }
  await Promise.race([poll(), ...processes.map((process) => process.failure)])
}
