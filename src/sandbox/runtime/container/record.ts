import type { LogWriter } from '../logs/writer.ts'
import type { PodProcess, SpawnProcess } from '../process/types.ts'
import type { ContainerKind, ContainerSpec, TerminatedState, WaitingState } from '../types.ts'
import type { StopHandle } from './stop.ts'
import type { Tap } from './tap.ts'

/** One run of a container. */
export interface Instance {
  /** `sandbox://<64 hex digits>`, as a container runtime names it. */
  id: string
  /** The definition it was started with. */
  spec: ContainerSpec
  startedAt: string
  startedMs: number
  process: PodProcess
  stdout: Tap
  /** Null with a tty. */
  stderr: Tap | null
  log: LogWriter
  /** Where it started, and its environment: an exec gets the same. */
  cwd: string
  env: Record<string, string>
  /** Starts processes for it. */
  spawn: SpawnProcess
  /** Commands run in it: they end with it. */
  execs: Set<PodProcess>
  /** The postStart hook has returned, and the startup probe has succeeded. */
  started: boolean
  /** As the readiness probe says. */
  ready: boolean
  /** Ends the probes. */
  probes: AbortController
  stop?: StopHandle
  terminated?: TerminatedState
  /** Resolves when `terminated` is known. */
  readonly ended: Promise<void>
}

/** What the runtime knows of one container of a pod, over all its runs. */
export interface ContainerRecord {
  readonly name: string
  readonly kind: ContainerKind
  /** How many runs there have been: restartCount is one less. */
  attempts: number
  /** The current run, or the last. */
  instance?: Instance
  /** How the run before `instance` ended. */
  previous?: TerminatedState
  /** The log of the run before. */
  previousLog?: string
  /** Why there is no run now. */
  waiting?: WaitingState
  /** A start is under way. */
  starting?: Promise<void>
  /** Runs that ended since the back-off began. */
  crashes: number
  /** Not before this time (ms since the epoch). */
  retryAt: number
  /** The count of pokes (see PodWorker) with which the last start was refused. */
  triedPoke?: number
  /** The image with which a start was refused; only another one is tried. */
  refusedImage?: string
}

export function newRecord(name: string, kind: ContainerKind): ContainerRecord {
  return { name, kind, attempts: 0, crashes: 0, retryAt: 0 }
}

/** Whether a process of this container is there, or about to be. */
export function isActive(record: ContainerRecord): boolean {
  return record.starting !== undefined || isRunning(record)
}

export function isRunning(record: ContainerRecord): boolean {
  return record.instance !== undefined && record.instance.terminated === undefined
}
