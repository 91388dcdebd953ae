import type { Readable, Writable } from 'node:stream'

export interface ExitState {
  /** As a shell and a container runtime count: 128 + the signal's number for a process that a signal ended. */
  code: number
}

/** A process of a container or an exec, leader of a process group of its own. */
export interface PodProcess {
  readonly pid: number
  /** Null unless asked for. With a tty, ending it sends EOT. */
  readonly stdin: Writable | null
  readonly stdout: Readable
  /** Null with a tty: there is one stream. */
  readonly stderr: Readable | null
  /** Resolves once the process has ended and all its output has been read; what else was in its group is killed. */
  readonly exited: Promise<ExitState>
  /** Sends a signal to the whole group. Does nothing once it has ended. */
  kill(signal: NodeJS.Signals): void
  /** Sets the terminal's size; nothing without a tty. */
  resize(size: { width: number; height: number }): void
}

export interface SpawnInput {
  /** The program's file, found already, and its arguments (`argv[0]` is the word as it was written). */
  file: string
  argv: readonly string[]
  cwd: string
  env: Record<string, string>
  stdin: boolean
  tty: boolean
}

/** Starts a process. @throws Error when it can not be started. */
export type SpawnProcess = (input: SpawnInput) => Promise<PodProcess>
